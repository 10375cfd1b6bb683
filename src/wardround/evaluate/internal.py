"""A run on other data than its own: what it reaches there beside what it reached at home."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from wardround import files
from wardround.errors import RunError, UsageError
from wardround.evaluate.evidence import Evidence
from wardround.evaluate.headline import SIDE_WORDS
from wardround.evaluate.kinship import Kinship
from wardround.evaluate.metric_tables import hidden_measures
from wardround.evaluate.page import Section, Table
from wardround.evaluate.small_cells import MINIMUM, NOT_SHOWN, SMALL, count_text, is_small
from wardround.evaluate.threshold_counts import NEEDS
from wardround.evaluate.wording import in_order, interval, metric_words, number, outcome_words

VALIDATION_WORDS: Final = (
    "On its own data these are the validation stays, by which training was stopped and the threshold chosen, so they "
    "flatter the model; where it has a test side, wardround evaluate --beside DIR puts that here."
)


def internal_figures(evaluation: Path, run_hash: str, data_hash: str, without: Sequence[str]) -> dict[str, Any]:
    """The figures of a run on its own data, from a finished evaluation of it.

    Args:
        evaluation: its folder.
        run_hash, data_hash: of the run, and of the data that it was made with.
        without: the modalities that are left out elsewhere.

    Returns:
        The `hash` of the evaluation and its `metrics`.

    Raises:
        RunError: where the folder is no finished evaluation, or was changed.
        UsageError: where it is of another run or of other data, or other modalities were left out.
    """
    manifest = files.verify_folder(evaluation, "evaluation", RunError)
    if manifest["inputs"].get("run") != run_hash or manifest["inputs"].get("data") != data_hash:
        raise UsageError(f"--beside {evaluation}: not an evaluation of this run on the data that it was made with.")
    metrics = files.read_json(evaluation / "metrics.json", RunError)
    if set(metrics["without"]) != set(without):
        there, here = (", ".join(sorted(names)) or "nothing" for names in (metrics["without"], without))
        raise UsageError(
            f"--beside {evaluation}: {there} was left out of it, and {here} of this one. Give both the same --without."
        )
    return {"hash": manifest["hash"], "metrics": metrics}


def internal_section(evidence: Evidence) -> Section | None:
    """Figures at home and on other data side by side; None where the data is the run's own, or nothing is predicted."""
    if not evidence.is_elsewhere or evidence.is_alignment:
        return None
    home, away = evidence.internal, evidence.metrics
    here = "external" if evidence.kinship == Kinship.EXTERNAL else "elsewhere"
    columns = ["measure", f"internal: {_words(home)}", f"{here}: {_words(away)}"]
    hidden = (_hidden(home["metrics"], home["n_stays"], home["prevalence"]), hidden_measures(evidence))
    names = [name for name, _ in in_order(away["metrics"]) if name in home["metrics"]]
    lines: list[tuple[str, ...]] = [("stays", count_text(home["n_stays"]), count_text(away["n_stays"]))]
    if home["prevalence"] is not None and away["prevalence"] is not None:
        lines.append((outcome_words(away["task"]).events, _share(home), _share(away)))
    for name in names:
        cells = (_cell(found["metrics"][name], name in gone) for found, gone in zip((home, away), hidden, strict=True))
        lines.append((metric_words(name).name, *cells))
    rows = [dict(zip(columns, line, strict=True)) for line in lines]
    caption = (
        f"In brackets 95 % intervals over patients. {NOT_SHOWN} stands for a share that would give away a count of "
        f"fewer than {MINIMUM} stays. {VALIDATION_WORDS if home['split'] == 'val' else ''}"
    )
    if home.get("n_seen_in_training"):
        seen = count_text(home["n_seen_in_training"])
        caption += f" Internal figures are too good: {seen} of the stays are of patients whom the model was trained on."
    return Section("elsewhere", "At home and elsewhere", [Table(columns, rows, caption=caption)], _unknown(evidence))


def _words(metrics: Mapping[str, Any]) -> str:
    side = str(SIDE_WORDS.get(metrics["split"], metrics["split"]))
    left_out = f", without {', '.join(metrics['without'])}" if metrics.get("without") else ""
    return f"{side}{left_out}" if metrics["at_h"] is None else f"{side}, {metrics['at_h']:g} h{left_out}"


def _share(metrics: Mapping[str, Any]) -> str:
    events = round(metrics["prevalence"] * metrics["n_stays"])
    if is_small(events):
        return SMALL
    return NOT_SHOWN if is_small(metrics["n_stays"] - events) else f"{events:,} ({metrics['prevalence']:.1%})"


def _cell(entry: Mapping[str, Any], hidden: bool) -> str:
    return NOT_SHOWN if hidden or entry["value"] is None else f"{number(entry['value'], 2)} ({interval(entry, 2)})"


def _hidden(metrics: Mapping[str, Any], n_stays: int, prevalence: float | None) -> tuple[str, ...]:
    """The measures at the threshold of an evaluation whose stays are not at hand: all of them where a count that they
    follow from is small."""
    if prevalence is None:
        return ()
    events = round(prevalence * n_stays)
    found, spared = (metrics[name]["value"] for name in ("sensitivity", "specificity"))
    right, left_alone = round((found or 0.0) * events), round((spared or 0.0) * (n_stays - events))
    counts = (right, events - right, left_alone, n_stays - events - left_alone)
    return tuple(NEEDS) if any(map(is_small, counts)) else ()


def _unknown(evidence: Evidence) -> str:
    """How much of what was recorded there the run could not read."""
    unknown, items = evidence.metrics.get("unknown_items"), evidence.metrics.get("n_items")
    if unknown is None or not items:
        return "The same model on the data it was made with and on this one."
    return (
        f"The same model on the data it was made with and on this one. Of {items:,} events known here by the "
        f"prediction, {unknown:,} ({unknown / items:.1%}) have a code that the run does not know; it ignores them."
    )
