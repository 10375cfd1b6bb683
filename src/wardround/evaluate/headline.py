"""The head of a report: what was asked, the numbers that matter most, and what must be known before reading them."""

from collections.abc import Iterator
from typing import Any

from wardround.evaluate.evidence import Evidence
from wardround.evaluate.kinship import DOUBTFUL, Kinship
from wardround.evaluate.other_hour import ADVICE, trained_words
from wardround.evaluate.page import Block, Callout, Section, Tile, Tiles
from wardround.evaluate.protocol_warning import protocol_warning
from wardround.evaluate.small_cells import MINIMUM, SMALL, count_text, is_small
from wardround.evaluate.tables import FEW_EVENTS, WIDE_INTERVAL
from wardround.evaluate.wording import TASK_TITLES, hour_words, interval, method_words, number, outcome_words, sentence

SIDE_WORDS: dict[str, str] = {
    "test": "test side",
    "val": "validation side",
    "train": "training side",
    "all": "all stays of the cohort rule",
}


def title(evidence: Evidence) -> str:
    """What was predicted, and by what."""
    task = evidence.metrics["task"]
    if task is None:
        return "Alignment of modalities"
    return f"{TASK_TITLES.get(task, task)}, predicted by {method_words(evidence.metrics['method'], evidence.settings)}"


def lead(evidence: Evidence) -> str:
    """The task in one sentence: what it is, and what it is not."""
    if evidence.is_alignment:
        return "Do the encoders of different kinds of records agree on the same stay? Nothing is predicted here."
    when = _when(evidence)
    return f"{sentence(evidence.task.summary)}. Predicted {when}." if evidence.task else f"Predicted {when}."


def _when(evidence: Evidence) -> str:
    return hour_words(evidence.metrics["at_h"], evidence.task is not None and evidence.task.next_visit)


def chips(evidence: Evidence) -> list[tuple[str, bool]]:
    """Protocol, hour, side, and whatever makes this evaluation unlike the usual one."""
    metrics = evidence.metrics
    found: list[tuple[str, bool]] = [
        (f"{metrics['protocol']} protocol", metrics["protocol"] != "causal"),
        (_when(evidence), False),
        (str(SIDE_WORDS.get(metrics["split"], metrics["split"])), metrics["split"] == "train"),
        (evidence.kinship.value, evidence.kinship in DOUBTFUL),
    ]
    return found + [(f"without {name}", True) for name in metrics.get("without", [])]


def headline_section(evidence: Evidence) -> Section:
    """Warnings first, then the numbers."""
    if evidence.is_alignment:
        tiles = _alignment_tiles(evidence)
    elif "auroc" in evidence.metrics["metrics"]:
        tiles = _probability_tiles(evidence)
    else:
        tiles = _hours_tiles(evidence)
    return Section("headline", "", [*_warnings(evidence), Tiles(tiles)])


def decimals(evidence: Evidence) -> int:
    """How many decimals the data can carry: two where the rarer outcome has fewer than 50 stays."""
    if evidence.metrics.get("by_label"):
        return 2 if evidence.metrics.get("note") else 3
    return 2 if evidence.answers is not None and evidence.answers.rarer < FEW_EVENTS else 3


def _warnings(evidence: Evidence) -> Iterator[Block]:
    metrics = evidence.metrics
    yield from protocol_warning(metrics["protocol"], metrics.get("sees_past_prediction", []))
    other = {one["at_h"]: one["trained_at_h"] for one in (*evidence.by_hour.values(), metrics) if "trained_at_h" in one}
    if other:
        yield Callout("warn", trained_words(next(iter(other.values())), *other), ADVICE)
    if evidence.kinship == Kinship.MAY_SHARE:
        yield Callout(
            "warn",
            "Not external: may share patients",
            "The run learned from another database of the same patients, who have other numbers there. Nobody can tell "
            "which of these stays are theirs. The numbers below may be too good.",
        )
    seen = metrics.get("n_seen_in_training", 0)
    if seen and metrics["split"] != "train":
        yield Callout(
            "warn",
            f"{count_text(seen)} stays are of patients whom the model was trained on",
            "The numbers below are too good.",
        )
    reasons = list(_doubts(evidence))
    if reasons:
        yield Callout(
            "warn",
            "Interval too wide to conclude",
            f"{sentence(' and '.join(reasons))}. Take the numbers as a sign that everything runs, not as evidence.",
        )


def _doubts(evidence: Evidence) -> Iterator[str]:
    """Why the data cannot tell: a wide interval of AUROC, or few of the rarer outcome."""
    area = evidence.metrics.get("metrics", {}).get("auroc")
    if area is None:
        return
    if area["low"] is None or area["high"] is None:
        yield "there is only one outcome among these stays, so nothing can be ranked"
    elif area["high"] - area["low"] > WIDE_INTERVAL:
        yield f"the 95 % interval of AUROC is {area['high'] - area['low']:.2f} wide (more than {WIDE_INTERVAL})"
    if evidence.metrics.get("by_label") and evidence.metrics.get("note"):
        yield f"there are {evidence.metrics['note']}"
    answers = evidence.answers
    if answers is not None and answers.rarer < FEW_EVENTS:
        words = outcome_words(evidence.metrics["task"])
        what = words.events if answers.n_events == answers.rarer else f"stays that {words.no_event}"
        few = (
            "no"
            if answers.rarer == 0
            else f"fewer than {MINIMUM}"
            if is_small(answers.rarer)
            else f"only {answers.rarer}"
        )
        yield f"there are {few} {what} (fewer than {FEW_EVENTS})"


def _stays_tile(evidence: Evidence) -> Tile:
    return Tile(
        "Stays", count_text(evidence.metrics["n_stays"]), (f"of {count_text(evidence.metrics['n_subjects'])} patients",)
    )


def _metric_tile(
    label: str, entry: dict[str, Any], places: int, detail: str = "", scale: tuple[float, float] | None = None
) -> Tile:
    bar = None
    if scale and None not in (entry["value"], entry["low"], entry["high"]):
        bar = (entry["value"], entry["low"], entry["high"], *scale)
    return Tile(
        label, number(entry["value"], places), tuple(filter(None, (f"95 %: {interval(entry, places)}", detail))), bar
    )


def _probability_tiles(evidence: Evidence) -> list[Tile]:
    metrics, places = evidence.metrics["metrics"], decimals(evidence)
    tiles = [
        _metric_tile("AUROC", metrics["auroc"], places, scale=(0.5, 1.0)),
        _metric_tile("AUPRC", metrics["auprc"], places, scale=(0.0, 1.0)),
        _metric_tile("Calibration slope", metrics["calibration_slope"], 2, "ideal 1"),
        _stays_tile(evidence),
    ]
    answers = evidence.answers
    if answers is not None:
        words = outcome_words(evidence.metrics["task"])
        tiles.append(Tile(words.events.capitalize(), count_text(answers.n_events), (prevalence_words(evidence),)))
    return tiles


def prevalence_words(evidence: Evidence) -> str:
    """The share with the event, unless it would give away a small count."""
    answers = evidence.answers
    if answers is None or len(answers.label) == 0:
        return ""
    share = answers.n_events / len(answers.label)
    if is_small(answers.rarer):
        below = MINIMUM / len(answers.label)
        return (
            f"less than {below:.0%} of stays"
            if answers.n_events == answers.rarer
            else f"all but {SMALL} of these stays"
        )
    return f"{share:.1%} of stays"


def _hours_tiles(evidence: Evidence) -> list[Tile]:
    metrics = evidence.metrics["metrics"]
    baseline: dict[str, Any] = evidence.metrics.get("elapsed_baseline") or {}
    elapsed = baseline.get("mae_h")
    beside = "" if elapsed is None else f"{number(elapsed['value'])} h from elapsed hours alone"
    tiles = [
        _metric_tile("Mean absolute error, h", metrics["mae_h"], 1, beside),
        _metric_tile("Pearson's r", metrics["pearson"], 2, scale=(0.0, 1.0)),
        _metric_tile("Spearman's ρ", metrics["spearman"], 2, scale=(0.0, 1.0)),
        _stays_tile(evidence),
    ]
    asked = evidence.asked
    if asked is not None:
        died = int(asked["died_in_hospital"].sum() or 0)
        tiles.append(Tile("Deaths in hospital", count_text(died), ("their stay ends at death",)))
    return tiles


def _alignment_tiles(evidence: Evidence) -> list[Tile]:
    retrieval, silhouette = evidence.metrics["retrieval"], evidence.metrics["silhouette"]
    tiles = []
    for k in (1, 10):
        recall = retrieval_entry(retrieval, f"recall@{k}")["value"]
        times = _times(retrieval_entry(retrieval, f"improvement@{k}"))
        tiles.append(Tile(f"Recall@{k}", "–" if recall is None else f"{recall:.1%}", (times,)))
    tiles.append(Tile("Silhouette by modality", number(silhouette["overall"]), ("0: well mixed, 1: apart",)))
    return [*tiles, _stays_tile(evidence)]


def _times(factor: dict[str, Any]) -> str:
    if factor["value"] is None:
        return ""
    between = "" if factor["low"] is None else f" ({interval(factor, 1)})"
    return f"{factor['value']:.1f}{between} times better than chance"


def retrieval_entry(retrieval: dict[str, Any], name: str) -> dict[str, Any]:
    """A mean of the retrieval metrics, with its interval where the evaluation has one."""
    bare = {"value": retrieval["mean"].get(name), "low": None, "high": None}
    return retrieval.get("intervals", {}).get(name, bare)
