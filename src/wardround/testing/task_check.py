"""Does a task fit? `check_task(TASK)` asks what cohorts, training and evaluation count on."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from wardround.concepts.known import find_concept
from wardround.events import HOUR_US, STAY_COLUMNS
from wardround.tasks.cohort import Cohort, Window, cohort
from wardround.tasks.task import Task
from wardround.testing.data_folder import stays_on_disk
from wardround.testing.random_timelines import random_timelines
from wardround.testing.requirement import Findings, Requirement, hold_all

ABOUT_EVENTS: Final = ("n_events", "modalities")
"""Stay columns that say what was recorded, before and after any prediction time."""
BEGINNINGS: Final = ("start", "hospital_start")
"""Stay columns that are known while the stay lasts."""
WINDOWS: Final = (Window(), Window(at_h=6), Window("paper", 12))


@dataclass(frozen=True)
class TaskTrial:
    """A task, and made-up stays."""

    task: Task

    @cached_property
    def stays(self) -> pl.DataFrame:
        """A `stays.parquet`: some left early, some are children, some die; with the columns of a concept that the label
        is made of."""
        stays, rng = stays_on_disk(random_timelines(5, 300)), np.random.default_rng(5)
        return stays.with_columns(pl.Series(name, rng.random(stays.height) < 0.3) for name in self.derived)

    @property
    def derived(self) -> list[str]:
        """The columns of that concept."""
        if not self.task.derived:
            return []
        return [name for name in find_concept(self.task.derived).columns if name != "stay_id"]

    def label(self, stays: pl.DataFrame, at_h: float = 24) -> pl.Series:
        """The label of each stay at an hour."""
        at = pl.col("start") + pl.duration(microseconds=round(at_h * HOUR_US))
        return stays.with_columns(prediction_time=at).select(label=self.task.label(pl.col("prediction_time")))["label"]

    def cohort(self, window: Window) -> Cohort:
        """Who is asked."""
        return cohort(self.stays, window, self.task)


def _described(trial: TaskTrial) -> Findings:
    task, found = trial.task, list[str]()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", task.name):
        found.append(f"the name {task.name!r} is not lower-case letters, digits and _")
    if task.kind not in ("binary", "hours"):
        found.append(f"the kind is {task.kind!r}")
    if len(set(task.labels)) != len(task.labels) or (task.labels and task.kind != "binary"):
        found.append("labels are names of yes/no answers, each once")
    if not task.summary or "\n" in task.summary:
        found.append("the summary is not one line")
    return found


def _own_columns(trial: TaskTrial) -> Findings:
    read = set(trial.task.label(pl.col("prediction_time")).meta.root_names())
    unknown = sorted(read - STAY_COLUMNS.keys() - {"prediction_time", *trial.derived})
    recorded = sorted(read & set(ABOUT_EVENTS))
    found = [f"it reads {', '.join(unknown)}, which stays.parquet does not have"] if unknown else []
    if recorded:
        found.append(f"it reads {', '.join(recorded)}, which move with events after the prediction time")
    return found


def _values(trial: TaskTrial) -> Findings:
    label = trial.label(trial.stays)
    if len(label) != trial.stays.height:
        return [f"{len(label)} labels for {trial.stays.height} stays"]
    kind = pl.Array(pl.Float64, len(trial.task.labels)) if trial.task.labels else pl.Float64()
    if label.dtype != kind:
        return [f"labels are {label.dtype}, expected {kind}"]
    known = label.drop_nulls()
    known = known.explode() if trial.task.labels else known
    if len(known) == 0:
        return ["every label is null"]
    if not known.is_finite().all():
        return ["some labels are NaN or infinite; null is for no label"]
    if trial.task.kind == "binary" and not known.is_in([0.0, 1.0]).all():
        return ["labels of a yes/no task are not all 0 or 1"]
    return ["every stay has the same label"] if known.n_unique() < 2 else []


def _each_its_own(trial: TaskTrial) -> Findings:
    whole, some = trial.label(trial.stays), list(range(0, trial.stays.height, 17))
    found: Findings = []
    if not _alike(trial.label(trial.stays.reverse()).reverse(), whole):
        found.append("labels move with the order of the stays")
    if not _alike(pl.concat([trial.label(trial.stays[place : place + 1]) for place in some]), whole.gather(some)):
        found.append("a stay alone has another label than among others")
    return found


def _alike(one: pl.Series, other: pl.Series) -> bool:
    """Whether labels are the same but for the last bits, which polars computes otherwise in a column of one row."""
    return bool(np.allclose(one.to_numpy(), other.to_numpy(), rtol=1e-12, atol=1e-9, equal_nan=True))


def _counts(trial: TaskTrial) -> Findings:
    found: Findings = []
    for window in WINDOWS:
        made = trial.cohort(window)
        counted = made.frame.height + sum(made.excluded.values())
        if counted != trial.stays.height:
            found.append(f"{window.protocol}, {window.at_h} h: {counted} of {trial.stays.height} stays accounted for")
        if made.frame["label"].null_count():
            found.append(f"{window.protocol}, {window.at_h} h: a labelled cohort holds stays without a label")
    return found


def _at_risk(trial: TaskTrial) -> Findings:
    ends = trial.stays.select("stay_id", "end", "hospital_end")
    made = trial.cohort(Window()).frame.join(ends, on="stay_id")
    if trial.task.next_visit:
        early = made.filter(pl.col("prediction_time") < pl.col("hospital_end")).height
        return [f"{early} stays are asked before their discharge"] if early else []
    over = made.filter(pl.col("end") <= pl.col("prediction_time")).height
    return [f"{over} stays are asked when they are over"] if over else []


def _falls(trial: TaskTrial) -> Findings:
    if not trial.task.falls:
        return []
    if trial.task.kind == "binary":
        return ["a yes/no label cannot fall by an hour with each hour"]
    drop = trial.label(trial.stays, 6).to_numpy() - trial.label(trial.stays, 8).to_numpy()
    known = drop[np.isfinite(drop)]
    wrong = int((np.abs(known - 2) > 1e-6).sum())
    return [f"in {wrong} of {len(known)} stays it does not fall by 2 h in 2 h"] if wrong else []


def _began(trial: TaskTrial) -> Findings:
    task = trial.task
    if not task.began:
        return []
    found = [] if task.began in BEGINNINGS else [f"began is {task.began!r}, none of {', '.join(BEGINNINGS)}"]
    if task.kind == "binary":
        return [*found, "a yes/no label does not begin: hours would be added to a probability"]
    if task.falls:
        return [*found, "it falls: what had passed is no part of it"]
    early, late = (trial.label(trial.stays, hour).to_numpy() for hour in (6, 8))
    moved = int((np.abs(early - late) > 1e-6).sum())
    return [*found, f"in {moved} of {len(early)} stays it moves with the hour"] if moved else found


def _published(trial: TaskTrial) -> Findings:
    if not trial.task.published_risk:
        return []
    died = trial.stays["died_in_hospital"].cast(pl.Float64)
    same = trial.task.kind == "binary" and trial.label(trial.stays).equals(died)
    return [] if same else ["published_risk is said, but the label is not death in hospital"]


REQUIREMENTS: Final[tuple[Requirement[TaskTrial], ...]] = (
    Requirement(
        "described",
        "name, kind and one line that says what it is and what it is not",
        "see the built-in tasks in wardround.tasks.task",
        _described,
    ),
    Requirement(
        "stays alone",
        "the label is an expression over stays.parquet and the prediction time, not over what was recorded",
        "use the columns of wardround.events.STAY_COLUMNS but n_events and modalities",
        _own_columns,
    ),
    Requirement(
        "values",
        "a Float64 a stay: 0 or 1, or hours; null where it has none; not all the same",
        "cast to pl.Float64 in the expression, and give null instead of NaN",
        _values,
    ),
    Requirement(
        "each its own",
        "the label of a stay does not depend on other stays",
        "no mean, rank, shift or quantile over the column: write a fixed threshold",
        _each_its_own,
    ),
    Requirement(
        "counts",
        "every stay is in the cohort or counted under one reason",
        "leave the choice of stays to the cohort rule, and give null for a stay that has no label",
        _counts,
    ),
    Requirement(
        "at risk",
        "nobody is asked whose unit stay is over, or of the next visit before discharge",
        "leave the choice of stays to the cohort rule",
        _at_risk,
    ),
    Requirement(
        "falls",
        "falls=True means hours that shrink by one with each hour that passes",
        "set falls=False, or measure from the prediction time",
        _falls,
    ),
    Requirement(
        "began",
        "began names when hours that stay what they are began: start or hospital_start",
        "leave began out where the label is a yes or no, or what is left at the prediction time",
        _began,
    ),
    Requirement(
        "published risk",
        "published_risk=True means death in hospital, which the published equations predict",
        "leave published_risk out",
        _published,
    ),
)


def check_task(task: Task) -> None:
    """Whether a task can be trained and evaluated.

    Args:
        task: what the package offers as `wardround.tasks`.

    Raises:
        CheckFailed: an `AssertionError` naming the first requirement that does not hold, and how to mend it.
    """
    hold_all(f"task {task.name!r}", REQUIREMENTS, TaskTrial(task))
