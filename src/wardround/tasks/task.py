"""The tasks: what is predicted, in which unit, and what it is not.

A label is an expression over `stays.parquet` and the prediction time; nothing else reads the outcome columns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from wardround.extensions import Registry

MAX_LOS_H: Final = 720.0
"""Length-of-stay targets are clipped here in the causal protocol; the paper drops longer stays, which looks at the
outcome."""


@dataclass(frozen=True)
class Task:
    """One thing to predict.

    Attributes:
        name: as on the command line.
        kind: "binary" (a probability) or "hours" (a duration; models learn log(1 + hours)).
        label: prediction-time expression -> label expression over the stay columns; null where a stay has none.
        falls: whether the label shrinks by an hour with each hour that passes.
        summary: what it is, and what it is not.
        published_risk: whether death in hospital, which the published equations predict, is what is asked.
    """

    name: str
    kind: Literal["binary", "hours"]
    label: Callable[[pl.Expr], pl.Expr]
    falls: bool
    summary: str
    published_risk: bool = False


def hours_between(later: pl.Expr, earlier: pl.Expr) -> pl.Expr:
    """Hours from `earlier` to `later`, from integer minutes."""
    return (later - earlier).dt.total_minutes() / 60


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
        ),
        Task(
            "los_icu",
            "hours",
            lambda _: hours_between(pl.col("end"), pl.col("start")),
            False,
            "hours from unit admission to unit discharge; not the hospital stay",
        ),
    )
}

KNOWN_TASKS: Final[Registry[Task]] = Registry("tasks", "task", TASKS, (Task,))
"""And those of installed packages."""


def find_task(name: str) -> Task:
    """The task of that name. Raises `UsageError` listing those that exist, `ExtensionError` for a broken package."""
    return KNOWN_TASKS.find(name)
