"""The section about how a model came to be: training, what it says about itself, settings, hashes, the raw rows."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from wardround.evaluate import course_charts
from wardround.evaluate.evidence import Evidence
from wardround.evaluate.page import Block, Figure, Figures, Section, Table
from wardround.evaluate.small_cells import MINIMUM, NOT_SHOWN, count_text
from wardround.evaluate.wording import metric_words, number
from wardround.json_kinds import is_list, is_object

SHARES_OF_STAYS: Final = frozenset({"low_sensitivity", "calibration"})
"""Checks whose value is a share of a run's validation stays: of few of them it would tell how many."""


def making_section(evidence: Evidence) -> Section:
    """Training history, diagnostics, split balance, settings and hashes, the ledger."""
    blocks: list[Block] = []
    figures = _history(evidence)
    if figures:
        blocks.append(Figures(figures))
    if evidence.diagnostics:
        blocks.append(_diagnostics(evidence.diagnostics))
    blocks += [
        _balance(entry["value"])
        for entry in evidence.diagnostics
        if entry["check"] == "split_balance" and entry["value"]
    ]
    blocks += [_settings(evidence), _hashes(evidence), ledger_table(evidence.ledger)]
    return Section("making", "How it was made", blocks)


def _history(evidence: Evidence) -> list[Figure]:
    history = evidence.history
    figures: list[Figure] = []
    if "label" in history.columns:  # one row a label, of models that were fitted one by one
        return figures
    best = next((entry["value"] for entry in evidence.diagnostics if entry["check"] == "best_epoch"), None)
    losses = {"training": "train_loss", "validation": "val_loss"}
    rows = _lines(history, losses)
    if rows:
        text = (
            "What training makes small. Where the validation line turns up while the other falls, the model begins "
            "to learn by heart."
        )
        kept = " Dashed: the epoch whose weights were kept." if best is not None else ""
        figures.append(Figure(course_charts.history(rows, _names(rows), "loss", best), "Loss", text + kept))
    watched = [name for name in history.columns if name.startswith("val_") and name != "val_loss"]
    for name in watched[:1]:
        measure = metric_words(name.removeprefix("val_")).name
        rows = _lines(history, {"validation": name})
        if rows:
            text = "On validation patients, after every epoch. Dashed: the epoch whose weights were kept."
            figures.append(Figure(course_charts.history(rows, _names(rows), measure, best), measure, text))
    return figures


def _lines(history: pl.DataFrame, columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """`epoch, name, value` of the columns that are there, nulls left out."""
    return [
        {"epoch": int(row["epoch"]), "name": name, "value": row[column]}
        for row in history.iter_rows(named=True)
        for name, column in columns.items()
        if row.get(column) is not None
    ]


def _names(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["name"] for row in rows))


def _diagnostics(diagnostics: list[dict[str, Any]]) -> Table:
    rows = [
        {
            "check": entry["check"].replace("_", " "),
            "verdict": entry["verdict"],
            "value": NOT_SHOWN if entry["check"] in SHARES_OF_STAYS else _value_text(entry["value"]),
            "advice": entry["advice"],
        }
        for entry in diagnostics
    ]
    told = any(row["value"] == NOT_SHOWN for row in rows)
    return Table(
        ["check", "verdict", "value", "advice"],
        rows,
        title="What training says about itself",
        caption=f"{NOT_SHOWN} stands for a share of validation stays, which could give away a few of them."
        if told
        else "",
        words=("check", "verdict", "value", "advice"),
    )


def _value_text(value: Any) -> str:
    """A number, a word or several; of what is nested nothing."""
    if isinstance(value, float):
        return number(value)
    if is_list(value):
        return ", ".join(name for name in value if isinstance(name, str))
    return str(value) if isinstance(value, (str, int)) else ""


def _balance(strata: list[dict[str, Any]]) -> Table:
    """Patients of each combination of modalities and their share on each side; no share of fewer than 11 patients."""
    rows: list[dict[str, Any]] = []
    for stratum in strata:
        patients = stratum["patients"]
        on_side = {side: stratum[side] * patients for side in ("train", "val", "test")}
        shown = all(count == 0 or count >= MINIMUM for count in on_side.values())
        shares = {side: f"{stratum[side]:.0%}" if shown else NOT_SHOWN for side in on_side}
        rows.append(
            {"first stay has": stratum["stratum"].replace("+", ", "), "patients": count_text(patients), **shares}
        )
    caption = (
        "Patients go to a side by hash, so shares come out near 70/15/15 (those of folds, and where nobody tests, "
        "near their own), and are forced only by `--strata exact`. By hospital or time there are no such shares. "
        f"Sides of fewer than {MINIMUM} patients are hidden."
    )
    return Table(
        ["first stay has", "patients", "train", "val", "test"], rows, "How even the split is", caption, folded=True
    )


def _settings(evidence: Evidence) -> Table:
    rows = [{"setting": name, "value": value} for name, value in _flat(evidence.settings)]
    return Table(["setting", "value"], rows, title="Settings", folded=True, words=("setting", "value"))


def _flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Dotted name -> text of every setting."""
    lines: list[tuple[str, str]] = []
    for name, value in settings.items():
        if is_object(value):
            lines += _flat(value, f"{prefix}{name}.")
        else:
            text = ", ".join(map(str, value)) if is_list(value) else str(value)
            lines.append((f"{prefix}{name}", text or "–"))
    return lines


def _hashes(evidence: Evidence) -> Table:
    run, data = evidence.run_manifest, evidence.data_manifest
    facts = {
        "run": run["hash"],
        "made with wardround": run["version"],
        **{f"run made from: {name}": digest for name, digest in run["inputs"].items()},
        "data evaluated": data["hash"],
        "data prepared with wardround": data["version"],
    }
    unknown = evidence.metrics.get("unknown_items")
    if unknown is not None:
        facts["events whose code the run does not know"] = f"{unknown:,}"
    rows = [{"what": name, "SHA-256 or version": value} for name, value in facts.items()]
    return Table(
        ["what", "SHA-256 or version"],
        rows,
        title="Where it comes from",
        folded=True,
        words=("what", "SHA-256 or version"),
    )


def ledger_table(ledger: Mapping[str, Any], folded: bool = True) -> Table:
    """The account of every raw table. Counts are rows of files, not people, and exact."""
    rows: list[dict[str, Any]] = []
    for name, account in ledger["tables"].items():
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in account["set_aside"].items()) or "nothing"
        values = "; ".join(f"{count:,} {reason}" for reason, count in account.get("values_set_aside", {}).items())
        reasons += f" (single values of rows that stay: {values})" if values else ""
        cells = {"rows in": f"{account['rows_in']:,}", "rows out": f"{account['rows_out']:,}"}
        rows.append({"table": name, "set aside": reasons, **cells})
    absent = ledger.get("absent", [])
    missing = f" Not there: {', '.join(absent)}." if absent else ""
    caption = (
        f"Rows in = rows out + rows set aside, for every raw table. Counts are rows of files, not people.{missing}"
    )
    columns = ["table", "rows in", "rows out", "set aside"]
    return Table(columns, rows, "The ledger: no row vanishes", caption, folded, words=("table", "set aside"))
