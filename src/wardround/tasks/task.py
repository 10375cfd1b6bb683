"""The tasks: what is predicted, in which unit, and what it is not.

A label is an expression over `stays.parquet` and the prediction time; nothing else reads the outcome columns. One of
several yes/no answers reads the table of a concept beside it (`train/derived_labels.py`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

import polars as pl

from wardround.concepts.phenotypes import PHENOTYPES
from wardround.errors import UsageError
from wardround.extensions import Registry

MAX_LOS_H: Final = 720.0
"""Length-of-stay targets are clipped here in the causal protocol; the paper drops longer stays, which looks at the
outcome. So no prediction is longer either."""

DAYS_30_H: Final = 24.0 * 30
"""How soon after admission a death is one of `mortality_30d`."""


@dataclass(frozen=True)
class Task:
    """One thing to predict.

    Attributes:
        name: as on the command line.
        kind: "binary" (a probability) or "hours" (a duration; models learn log(1 + hours)).
        label: prediction-time expression -> label expression over the stay columns; null where a stay has none. Of
            several answers an array.
        falls: whether the label shrinks by an hour with each hour that passes.
        began: the stay column that says when a duration of which a part has passed began; empty for any other label.
        summary: what it is, and what it is not.
        published_risk: whether death in hospital, which the published equations predict, is what is asked.
        labels: names of several yes/no answers that are asked at once, "binary" each; empty where there is one answer.
        derived: the concept whose columns `label` reads beside those of the stays; empty for none.
        hides: modalities that no model of this task is given, in any protocol: the label is made of them.
        next_visit: whether it is asked at discharge from hospital, of the patient's next hospital stay: the columns of
            `derived` are then those of that stay (`cohort.py` says who is asked and when).
    """

    name: str
    kind: Literal["binary", "hours"]
    label: Callable[[pl.Expr], pl.Expr]
    falls: bool
    summary: str
    published_risk: bool = False
    labels: tuple[str, ...] = ()
    derived: str = ""
    hides: tuple[str, ...] = ()
    next_visit: bool = False
    began: str = ""

    @property
    def learned(self) -> "Task":
        """The task as a model learns it: of a duration that began before it is asked, the hours that are left."""
        return replace(self, falls=True) if self.began else self

    def hidden_of(self, modalities: Iterable[str]) -> tuple[str, ...]:
        """Those of some modalities that no model of this task is given."""
        return tuple(name for name in modalities if name in self.hides)

    def shown_of(self, modalities: Iterable[str]) -> tuple[str, ...]:
        """Those of some modalities that a model may be given."""
        return tuple(name for name in modalities if name not in self.hides)


def hours_between(later: pl.Expr, earlier: pl.Expr) -> pl.Expr:
    """Hours from `earlier` to `later`, from integer minutes."""
    return (later - earlier).dt.total_minutes() / 60


def _died_within_30_days(at: pl.Expr) -> pl.Expr:
    """Whether a hospital stay ended in death in time; where its admission is not known, from that to the unit. Null
    where it ended in death and nobody knows when, and where the 30 days are over when it is asked."""
    admitted = pl.coalesce("hospital_start", "start")
    open_ = hours_between(at, admitted) < DAYS_30_H
    in_time = hours_between(pl.col("hospital_end"), admitted) <= DAYS_30_H
    died = pl.col("died_in_hospital")
    return pl.when(open_ & ~died).then(False).when(open_ & died).then(in_time).cast(pl.Float64)


def _answers(columns: Iterable[str]) -> pl.Expr:
    """Columns of true and false as an array a stay; null where one of them is."""
    known = pl.all_horizontal(pl.col(name).is_not_null() for name in columns)
    return pl.when(known).then(pl.concat_arr(pl.col(name).cast(pl.Float64) for name in columns))


TASKS: Final[dict[str, Task]] = {
    task.name: task
    for task in (
        Task(
            "mortality",
            "binary",
            lambda _: pl.col("died_in_hospital").cast(pl.Float64),
            False,
            "death before hospital discharge, in any unit; not death in this unit, not death after discharge",
            published_risk=True,
        ),
        Task(
            "mortality_icu",
            "binary",
            lambda _: pl.col("died_in_unit").cast(pl.Float64),
            False,
            "death in this unit stay; not death in the hospital after it",
        ),
        Task(
            "mortality_30d",
            "binary",
            _died_within_30_days,
            False,
            "death in hospital within 30 days of hospital admission (arXiv 2506.04924); not later, not after discharge",
        ),
        Task(
            "los_remaining",
            "hours",
            lambda at: hours_between(pl.col("hospital_end"), at),
            True,
            "hours from the prediction time to hospital discharge or death in hospital; not the time left in this unit",
        ),
        Task(
            "los",
            "hours",
            lambda _: pl.col("los_h").cast(pl.Float64),
            False,
            "hours from hospital admission to discharge (the paper's); part of it has passed at the prediction time",
            began="hospital_start",
        ),
        Task(
            "los_icu",
            "hours",
            lambda _: hours_between(pl.col("end"), pl.col("start")),
            False,
            "hours from unit admission to unit discharge; not the hospital stay",
            began="start",
        ),
        Task(
            "phenotyping",
            "binary",
            lambda _: _answers(PHENOTYPES),
            False,
            "which of 25 acute care conditions the hospital stay is billed with; not since when, not of a later stay",
            labels=tuple(PHENOTYPES),
            derived="phenotypes",
            hides=("diagnosis",),
        ),
        Task(
            "next_visit_phenotyping",
            "binary",
            lambda _: _answers(PHENOTYPES),
            False,
            "at discharge: which of 25 conditions the patient's next hospital stay in the data is billed with "
            "(arXiv 2506.15118); not this stay's, not whether there is a next",
            labels=tuple(PHENOTYPES),
            derived="phenotypes",
            next_visit=True,
        ),
    )
}

KNOWN_TASKS: Final[Registry[Task]] = Registry("tasks", "task", TASKS, (Task,))
"""And those of installed packages."""


def refuse_hour(name: str | None, said: bool) -> None:
    """A task that is asked at discharge has no hour.

    Args:
        name: of the task, if there is one.
        said: whether an hour was asked for.

    Raises:
        UsageError: where both do not go together.
    """
    if said and name is not None and find_task(name).next_visit:
        raise UsageError(f"{name} is asked at discharge from hospital: leave --at-h out.")


def find_task(name: str) -> Task:
    """The task of that name. Raises `UsageError` listing those that exist, `ExtensionError` for a broken package."""
    return KNOWN_TASKS.find(name)
