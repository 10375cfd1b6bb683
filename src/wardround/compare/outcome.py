"""What a comparison found, as plain values: the table of each task, on which page, CSV and JSON rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wardround.compare.measures import FLAGS, HEADLINE, HOURS, PROBABILITIES
from wardround.compare.pooled import Asked, Judged, holm, judge, unfit
from wardround.metrics.bootstrap import Metric
from wardround.metrics.macro import macro
from wardround.tasks.task import find_task


@dataclass(frozen=True)
class Line:
    """One row of one task's table.

    Attributes:
        name: of the row.
        facts: what a reader should know of it: method, encoders, settings, cells, budget.
        judged: its numbers; None where it has none.
        failed: why it has none, by cell; by its name and task where it cannot be judged as a whole.
        reports: (what, address of a full report, relative to the folder of the comparison).
    """

    name: str
    facts: Mapping[str, Any]
    judged: Judged | None = None
    failed: Mapping[str, str] = field(default_factory=dict[str, str])
    reports: Sequence[tuple[str, str]] = ()

    @property
    def sees_past(self) -> list[str]:
        """Modalities that see past the prediction time: the stamp of the paper protocol."""
        return list(self.facts.get("sees_past_prediction", ()))


@dataclass(frozen=True)
class TaskTable:
    """The table of one task.

    Attributes:
        task: its name.
        against: the row that the others are paired with.
        lines: in order.
    """

    task: str
    against: str
    lines: Sequence[Line]

    @property
    def headline(self) -> str:
        """The measure that is tested."""
        return HEADLINE[find_task(self.task).kind]


@dataclass(frozen=True)
class Outcome:
    """A comparison.

    Attributes:
        about: protocol, hour, who was asked, splits, seeds, draws: what holds for every table.
        tables: one a task.
        notes: sentences that must not be missed.
        search: what was searched; None where nothing was.
    """

    about: Mapping[str, Any]
    tables: Sequence[TaskTable]
    notes: Sequence[str] = ()
    search: Mapping[str, Any] | None = None

    @property
    def failures(self) -> dict[str, str]:
        """Cell, or row and task -> reason, over all tables."""
        return {cell: why for table in self.tables for line in table.lines for cell, why in line.failed.items()}

    @property
    def sees_past(self) -> dict[str, list[str]]:
        """Row -> the modalities that see past the prediction time in it, of any task; rows with none are not there."""
        found: dict[str, list[str]] = {}
        for line in (line for table in self.tables for line in table.lines if line.sees_past):
            found[line.name] = list(dict.fromkeys([*found.get(line.name, []), *line.sees_past]))
        return found

    def adjusted(self) -> dict[tuple[str, str], float | None]:
        """(task, row) -> Holm's p of the headline difference: over every row of every task, so all that is tested."""
        tested = [(table, line, line.judged) for table in self.tables for line in table.lines if line.judged]
        found = {
            (table.task, line.name): judged.differences[table.headline].p
            for table, line, judged in tested
            if judged.differences
        }
        return dict(zip(found, holm(list(found.values())), strict=True))

    def n_described(self) -> int:
        """How many differences are shown beside those that are tested."""
        return sum(max(0, len(j.differences) - 1) for t in self.tables for line in t.lines if (j := line.judged))


def measures_of(task: str) -> dict[str, tuple[str, Metric]]:
    """Measure -> the column that it judges, and the metric: of several answers the mean over labels."""
    asked = find_task(task)
    if asked.kind == "hours":
        return {name: ("predicted", metric) for name, metric in HOURS.items()}
    flags = {name: ("flagged", _at_half(metric)) for name, metric in FLAGS.items()}
    measures = {name: ("predicted", metric) for name, metric in PROBABILITIES.items()} | flags
    if not asked.labels:
        return measures
    return {name: (column, macro(metric)) for name, (column, metric) in measures.items()}


def _at_half(metric: Metric) -> Metric:
    """A metric at a threshold, of flags that are 0 or 1 already."""

    def of_flags(*arrays: Any, weights: Any = None) -> Any:
        return metric(*arrays, threshold=0.5, weights=weights)

    return of_flags


def table_of(
    task: str, against: str, rows: Mapping[str, Asked], lines: Sequence[Line], draws: int, seed: int
) -> TaskTable:
    """Judge the rows of a task that have all their predictions; one that cannot be judged has failed.

    Without the reference there are no differences.
    """
    measures = measures_of(task)
    why = unfit(rows, measures, against)
    rows = {name: asked for name, asked in rows.items() if name not in why}
    judged = judge(rows, measures, against if against in rows else None, draws, seed) if rows else {}
    with_numbers = [
        replace(
            line,
            judged=judged.get(line.name),
            failed={**line.failed, **({f"{line.name}, {task}": why[line.name]} if line.name in why else {})},
        )
        for line in lines
    ]
    return TaskTable(task, against, with_numbers)
