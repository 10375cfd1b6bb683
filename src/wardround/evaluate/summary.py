"""The page of the demo: every row side by side with its interval, links to the full reports, and on synthetic data the
truth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from markupsafe import Markup

from wardround import files
from wardround.evaluate.page import Block, Callout, Page, Section, Table, write_page
from wardround.metrics.bootstrap import bootstrap_intervals
from wardround.metrics.calibration import calibration_slope
from wardround.metrics.discrimination import auprc, auroc
from wardround.metrics.regression import mae, pearson
from wardround.tables import interval, number

MORTALITY: Final = {"AUROC": "auroc", "AUPRC": "auprc", "calibration slope": "calibration_slope"}
HOURS: Final = {"mean absolute error, h": "mae_h", "Spearman": "spearman"}
BEST: Final = "true risk: the best possible"


def write_summary(path: Path, finished: Sequence[tuple[str, Path]], truth: Path | None) -> Path:
    """Write the page.

    Args:
        path: the HTML file.
        finished: (name, evaluation folder) in the order of the rows.
        truth: `truth/stays.parquet` of a synthetic database; None for real data.

    Returns:
        `path`.

    Raises:
        DataError: where an evaluation is unfinished.
        StorageError: if the disk refuses.
    """
    read = [(name, folder, files.read_json(folder / "metrics.json")) for name, folder in finished]
    sections = [_mortality(path, read, truth), _hours(path, read), _alignment(path, read)]
    kind = "a synthetic database whose true risks are known" if truth is not None else "your database"
    page = Page(
        eyebrow="wardround demo",
        title="What each method believes at hour 24",
        lead=f"Raw tables to audited predictions on {kind}: every row trained on the same patients and judged on "
        "the same held-out ones, with nothing known after the prediction time.",
        chips=[("causal protocol", False), ("synthetic data" if truth is not None else "real data", False)],
        sections=[section for section in sections if section is not None],
    )
    write_page(path, page)
    return path


Row = tuple[str, Path, dict[str, Any]]


def _mortality(path: Path, read: Sequence[Row], truth: Path | None) -> Section | None:
    rows = [row for row in read if row[2]["task"] == "mortality"]
    if not rows:
        return None
    cells = [_cells(path, row, MORTALITY) for row in rows]
    blocks: list[Block] = []
    notes = {row[2]["note"] for row in rows if row[2].get("note")}
    if notes:
        blocks.append(Callout("warn", "Few deaths", "; ".join(sorted(notes))))
    if truth is not None:
        widest = max(rows, key=lambda row: row[2]["n_stays"])  # APACHE's row covers the stays that have a score alone
        cells.append(_best(widest, truth))
    blocks.append(Table(("method", "stays", *MORTALITY), cells, caption="Value and 95 % interval over patients."))
    if truth is not None:
        agreement = [_agreement(row, truth) for row in rows]
        columns = ("method", "correlation with true risk", "mean absolute difference")
        blocks.append(
            Table(columns, agreement, title="Predicted against true risk", caption="Over the same held-out stays.")
        )
    lead = "Death before hospital discharge, asked at hour 24 of the unit stay. APACHE covers the stays that have one."
    return Section("mortality", "Death in hospital", blocks, lead)


def _hours(path: Path, read: Sequence[Row]) -> Section | None:
    rows = [row for row in read if row[2]["task"] == "los_remaining"]
    if not rows:
        return None
    table = Table(
        ("method", "stays", *HOURS),
        [_cells(path, row, HOURS) for row in rows],
        caption="Value and 95 % interval over patients.",
    )
    lead = "Hours from hour 24 to hospital discharge. The elapsed row knows only the hours spent in hospital so far."
    return Section("los", "Remaining stay", [table], lead)


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


def _cells(path: Path, row: Row, names: dict[str, str]) -> dict[str, Any]:
    name, folder, metrics = row
    values = {title: interval(metrics["metrics"][key]) for title, key in names.items()}
    return {"method": _link(path, folder, name), "stays": f"{metrics['n_stays']:,}", **values}


def _link(path: Path, folder: Path, text: str) -> Markup:
    target = (folder / "report.html").relative_to(path.parent).as_posix()
    return Markup('<a href="{}">{}</a>').format(target, text)


def _with_truth(row: Row, truth: Path) -> pl.DataFrame:
    predictions = files.read_table(row[1] / "predictions.parquet")
    risks = files.read_table(truth, columns=["stay_id", "true_risk_at_24h"]).drop_nulls()
    return predictions.join(risks, on="stay_id", how="inner", maintain_order="left")


def _best(row: Row, truth: Path) -> dict[str, Any]:
    """The true risk as a method, on the same stays."""
    both = _with_truth(row, truth)
    metrics = {"auroc": auroc, "auprc": auprc, "calibration_slope": calibration_slope}
    label, risk = both["boolean_value"].cast(pl.Int64).to_numpy(), both["true_risk_at_24h"].to_numpy()
    found = bootstrap_intervals(metrics, both["subject_id"].to_numpy(), label, risk)
    values = {title: interval(found[key]) for title, key in MORTALITY.items()}  # type: ignore[arg-type]
    return {"method": BEST, "stays": f"{both.height:,}", **values}


def _agreement(row: Row, truth: Path) -> dict[str, Any]:
    both = _with_truth(row, truth)
    predicted, risk = both["predicted_boolean_probability"].to_numpy(), both["true_risk_at_24h"].to_numpy()
    subject = both["subject_id"].to_numpy()
    found = bootstrap_intervals({"correlation": pearson, "difference": mae}, subject, risk, predicted)
    return {
        "method": row[0],
        "correlation with true risk": interval(found["correlation"]),  # type: ignore[arg-type]
        "mean absolute difference": interval(found["difference"]),  # type: ignore[arg-type]
    }
