"""The page of the demo: every row side by side with its interval, each paired with what it has to beat, links to the
full reports, and on synthetic data the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from wardround import files
from wardround.evaluate.charts import forest
from wardround.evaluate.markup import Markup, link
from wardround.evaluate.page import Block, Callout, Figure, Figures, Page, Section, Table, write_page
from wardround.evaluate.paired import Paired, paired
from wardround.evaluate.small_cells import count_text
from wardround.evaluate.wording import sentence
from wardround.metrics.bootstrap import Interval, bootstrap_intervals
from wardround.metrics.calibration import calibration_slope
from wardround.metrics.discrimination import auprc, auroc
from wardround.metrics.regression import mae, pearson
from wardround.tables import interval, number

MORTALITY: Final = {"AUROC": "auroc", "AUPRC": "auprc", "calibration slope": "calibration_slope"}
HOURS: Final = {"mean absolute error, h": "mae_h", "Spearman": "spearman"}
BEST: Final = "true risk: the best possible"
TO_BEAT: Final = {"mortality": "score", "los_remaining": "elapsed"}
"""Task -> the method that the others are paired with."""
PAIRED: Final = {"mortality": {"AUROC": auroc, "AUPRC": auprc}, "los_remaining": {"mean absolute error, h": mae}}


def write_summary(path: Path, finished: Sequence[tuple[str, Path]], truth: Path | None, seed: int = 0) -> Path:
    """Write the page.

    Args:
        path: the HTML file.
        finished: (name, evaluation folder) in the order of the rows.
        truth: `truth/stays.parquet` of a synthetic database; None for real data.
        seed: of the draws of every interval that is made here.

    Returns:
        `path`.

    Raises:
        DataError, RunError: where an evaluation is unfinished.
        StorageError: if the disk refuses.
    """
    read = [(name, folder, files.read_json(folder / "metrics.json")) for name, folder in finished]
    sections = [_mortality(path, read, truth, seed), _hours(path, read, seed), _alignment(path, read)]
    kind = "a synthetic database whose true risks are known" if truth is not None else "your database"
    page = Page(
        eyebrow="wardround demo",
        title="What each method believes at hour 24",
        lead=f"Raw tables to audited predictions on {kind}: every row trained on the same patients and judged on "
        "the same held-out ones (APACHE on those that have its score), with nothing known after the prediction time.",
        chips=[("causal protocol", False), ("synthetic data" if truth is not None else "real data", False)],
        sections=[section for section in sections if section is not None],
    )
    write_page(path, page)
    return path


Row = tuple[str, Path, dict[str, Any]]


def _mortality(path: Path, read: Sequence[Row], truth: Path | None, seed: int) -> Section | None:
    rows = [row for row in read if row[2]["task"] == "mortality"]
    if not rows:
        return None
    cells = [_cells(path, row, MORTALITY) for row in rows]
    blocks: list[Block] = []
    notes = {row[2]["note"] for row in rows if row[2].get("note")}
    if notes:
        blocks.append(Callout("warn", "Few deaths", "; ".join(sorted(notes))))
    drawn = [_drawn(row, "auroc") for row in rows]
    if truth is not None:
        widest = max(rows, key=lambda row: row[2]["n_stays"])  # APACHE's row covers the stays that have a score alone
        best, n_stays = _best(widest, truth, seed)
        values = {title: interval(best[key]) for title, key in MORTALITY.items()}
        cells.append({"method": BEST, "stays": count_text(n_stays), **values})
        drawn.append(_point("true risk", best["auroc"], compared=True))
    pairs = _pairs(rows, seed)
    blocks.append(Figures(_forests("AUROC", drawn, pairs, "APACHE")))
    blocks.append(Table(("method", "stays", *MORTALITY), cells, caption="Value and 95 % interval over patients."))
    if pairs:
        blocks.append(_paired_table(pairs, "APACHE", "Beside APACHE, on the stays that have its score"))
    if truth is not None:
        agreement = [_agreement(row, truth, seed) for row in rows]
        columns = ("method", "correlation with true risk", "mean absolute difference")
        caption = "Each row on the held-out stays that it predicts: APACHE's on those alone that have its score."
        blocks.append(Table(columns, agreement, title="Predicted against true risk", caption=caption))
    lead = "Death before hospital discharge, asked at hour 24 of the unit stay. APACHE covers the stays that have one."
    return Section("mortality", "Death in hospital", blocks, lead)


def _hours(path: Path, read: Sequence[Row], seed: int) -> Section | None:
    rows = [row for row in read if row[2]["task"] == "los_remaining"]
    if not rows:
        return None
    table = Table(
        ("method", "stays", *HOURS),
        [_cells(path, row, HOURS) for row in rows],
        caption="Value and 95 % interval over patients.",
    )
    pairs = _pairs(rows, seed)
    drawn = [_drawn(row, "mae_h") for row in rows]
    blocks: list[Block] = [Figures(_forests("mean absolute error, h", drawn, pairs, "elapsed hours")), table]
    if pairs:
        blocks.append(_paired_table(pairs, "elapsed hours", "Beside elapsed hours, on the same stays"))
    lead = "Hours from hour 24 to hospital discharge. The elapsed row knows only the hours spent in hospital so far."
    return Section("los", "Remaining stay", blocks, lead)


def _alignment(path: Path, read: Sequence[Row]) -> Section | None:
    rows = [row for row in read if row[2]["method"] == "alignment"]
    if not rows:
        return None
    _, folder, metrics = rows[0]
    mean, found = metrics["retrieval"]["mean"], metrics["retrieval"].get("intervals", {})
    cells = [
        {
            "look among the first": str(k),
            "found": interval(found[f"recall@{k}"]) if found else number(mean[f"recall@{k}"]),
            "by chance": number(mean[f"baseline@{k}"]),
            "times better": interval(found[f"improvement@{k}"]) if found else number(mean[f"improvement@{k}"]),
        }
        for k in (1, 5, 10)
    ]
    lead = (
        "Given one modality of a held-out stay, does the latent space find another modality of the same stay? "
        f"Silhouette by modality: {number(metrics['silhouette']['overall'])} (0 is well mixed)."
    )
    table = Table(tuple(cells[0]), cells, caption=_link(path, folder, "full report"))
    return Section("alignment", "Alignment of the modalities", [table], lead)


def _pairs(rows: Sequence[Row], seed: int) -> dict[str, Paired]:
    """Row name -> it beside the row to beat; empty where that is not there."""
    to_beat = next((row for row in rows if row[2]["method"] == TO_BEAT[row[2]["task"]]), None)
    if to_beat is None:
        return {}
    _, reference, metrics = to_beat
    found = {
        name: paired(reference, folder, metrics["task"], PAIRED[metrics["task"]], seed)
        for name, folder, _ in rows
        if folder != reference
    }
    return {name: pair for name, pair in found.items() if pair is not None}


def _paired_table(pairs: Mapping[str, Paired], reference: str, title: str) -> Table:
    rows: list[dict[str, Any]] = []
    for name, pair in pairs.items():
        cells: dict[str, Any] = {"method": name, "stays": count_text(pair.n_stays)}
        for metric, difference in pair.difference.items():
            cells[metric] = number(pair.other[metric]["value"])
            cells[f"{metric} of {reference}"] = number(pair.reference[metric]["value"])
            cells[f"{metric}: difference"] = interval(difference)
        rows.append(cells)
    caption = "Both on the same stays and the same draws of patients; in brackets the 95 % interval of the difference."
    return Table(tuple(rows[0]), rows, title=title, caption=caption)


def _drawn(row: Row, key: str) -> dict[str, Any]:
    name, _, metrics = row
    return _point(_short(name), metrics["metrics"][key], compared=metrics["method"] in TO_BEAT.values())


def _short(name: str) -> str:
    """A row's name without its task: `mlp-aligned` of `mortality-mlp-aligned`."""
    return name.split("-", 1)[-1]


def _point(name: str, entry: Mapping[str, Any] | Interval, compared: bool = False) -> dict[str, Any]:
    return {"name": name, "compared": compared} | {key: entry[key] for key in ("value", "low", "high")}


def _forests(
    title: str, rows: Sequence[Mapping[str, Any]], pairs: Mapping[str, Paired], reference: str
) -> list[Figure]:
    """Each method's value, and what it gains on the row to beat."""
    drawn = [row for row in rows if row["value"] is not None]
    gains = [_point(_short(name), pair.difference[title]) for name, pair in pairs.items()]
    gains = [row for row in gains if row["value"] is not None]
    figures: list[Figure] = []
    if drawn:
        text = "Points are values, lines 95 % intervals over patients. Diamonds are what the models are held against."
        figures.append(Figure(forest(drawn, title), f"{sentence(title.split(',')[0])} by method", text))
    if gains:
        better = "right" if title == "AUROC" else "left"
        text = (
            f"Model less {reference} on the stays that both predict, with the 95 % interval of the paired difference; "
            f"to the {better} of the dashed line the model is better. An interval that holds 0 leaves it open."
        )
        figures.append(Figure(forest(gains, f"difference in {title}", 0.0), f"Against {reference}", text))
    return figures


def _cells(path: Path, row: Row, names: dict[str, str]) -> dict[str, Any]:
    name, folder, metrics = row
    values = {title: interval(metrics["metrics"][key]) for title, key in names.items()}
    return {"method": _link(path, folder, name), "stays": count_text(metrics["n_stays"]), **values}


def _link(path: Path, folder: Path, text: str) -> Markup:
    target = (folder / "report.html").relative_to(path.parent).as_posix()
    return link(target, text)


def _with_truth(row: Row, truth: Path) -> pl.DataFrame:
    predictions = files.read_table(row[1] / "predictions.parquet")
    risks = files.read_table(truth, columns=["stay_id", "true_risk_at_24h"]).drop_nulls()
    return predictions.join(risks, on="stay_id", how="inner", maintain_order="left")


def _best(row: Row, truth: Path, seed: int) -> tuple[dict[str, Interval], int]:
    """The true risk as a method, on the same stays, and how many they are."""
    both = _with_truth(row, truth)
    metrics = {"auroc": auroc, "auprc": auprc, "calibration_slope": calibration_slope}
    label, risk = both["boolean_value"].cast(pl.Int64).to_numpy(), both["true_risk_at_24h"].to_numpy()
    return bootstrap_intervals(metrics, both["subject_id"].to_numpy(), label, risk, seed=seed), both.height


def _agreement(row: Row, truth: Path, seed: int) -> dict[str, Any]:
    both = _with_truth(row, truth)
    predicted, risk = both["predicted_boolean_probability"].to_numpy(), both["true_risk_at_24h"].to_numpy()
    subject = both["subject_id"].to_numpy()
    found = bootstrap_intervals({"correlation": pearson, "difference": mae}, subject, risk, predicted, seed=seed)
    return {
        "method": row[0],
        "correlation with true risk": interval(found["correlation"]),
        "mean absolute difference": interval(found["difference"]),
    }
