"""`table.csv` and `comparison.json`: one line a task, row and measure, and the same as nested values."""

import csv
import io
from typing import Any, Final

from wardround.compare.outcome import Line, Outcome, TaskTable
from wardround.metrics.bootstrap import Interval

COLUMNS: Final[tuple[str, ...]] = (
    "task", "row", "method", "encoders", "measure", "value", "low", "high", "against", "difference", "difference_low",
    "difference_high", "p", "p_holm", "n_stays", "n_subjects", "n_events", "n_stays_paired", "cells",
    "trials", "failed", "protocol", "sees_past_prediction",
)  # fmt: skip


def as_csv(outcome: Outcome) -> str:
    """The table; a row without numbers has one line, with the reason."""
    stream = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    adjusted = outcome.adjusted()
    for table in outcome.tables:
        for line in table.lines:
            stamp = {"protocol": outcome.about["protocol"], "sees_past_prediction": " ".join(line.sees_past)}
            writer.writerows(stamp | row for row in _csv_rows(table, line, adjusted.get((table.task, line.name))))
    return stream.getvalue()


def _csv_rows(table: TaskTable, line: Line, p_holm: float | None) -> list[dict[str, Any]]:
    facts = {name: line.facts.get(name) for name in ("method", "encoders", "cells", "trials")}
    row = {"task": table.task, "row": line.name, "against": table.against, **facts}
    judged = line.judged
    if judged is None:
        return [row | {"failed": "; ".join(f"{cell}: {why}" for cell, why in line.failed.items())}]
    row |= {"n_stays": judged.n_stays, "n_subjects": judged.n_subjects, "n_events": judged.n_events}
    rows: list[dict[str, Any]] = []
    for measure, entry in judged.values.items():
        cells = row | {"measure": measure, **{key: entry[key] for key in ("value", "low", "high")}}
        difference = judged.differences.get(measure)
        if difference is not None:
            ends = {f"difference_{key}": difference.interval[key] for key in ("low", "high")}
            cells |= {"difference": difference.interval["value"], **ends, "n_stays_paired": difference.n_stays}
        if difference is not None and measure == table.headline:
            cells |= {"p": difference.p, "p_holm": p_holm}
        rows.append(cells)
    return rows


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Everything, nested: about, tables, notes, search. Tables and rows are lists, for a JSON file has keys by the
    alphabet."""
    adjusted = outcome.adjusted()
    return {
        "about": dict(outcome.about),
        "notes": list(outcome.notes),
        "search": None if outcome.search is None else dict(outcome.search),
        "multiple_comparisons": {
            "tested": len(adjusted),
            "measures": {table.task: table.headline for table in outcome.tables},
            "adjustment": "Holm",
            "described": outcome.n_described(),
        },
        "tables": [
            {
                "task": table.task,
                "against": table.against,
                "rows": [_line(table, line, adjusted) for line in table.lines],
            }
            for table in outcome.tables
        ],
    }


def _line(table: TaskTable, line: Line, adjusted: dict[tuple[str, str], float | None]) -> dict[str, Any]:
    judged = line.judged
    found: dict[str, Any] = {"row": line.name, "facts": dict(line.facts), "failed": dict(line.failed)}
    if judged is None:
        return found
    found |= {"n_stays": judged.n_stays, "n_subjects": judged.n_subjects, "n_events": judged.n_events}
    found["metrics"] = {name: _plain(entry) for name, entry in judged.values.items()}
    found["differences"] = {
        name: {**_plain(one.interval), "n_stays": one.n_stays}
        | ({"p": one.p, "p_holm": adjusted[table.task, line.name]} if name == table.headline else {})
        for name, one in judged.differences.items()
    }
    return found


def _plain(entry: Interval) -> dict[str, Any]:
    return {key: entry[key] for key in ("value", "low", "high", "dropped")}
