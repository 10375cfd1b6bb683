"""Who is in the cohort, and what they may be asked: stays, a prediction time, a protocol.

causal (default): adult, still in the unit and alive at hour H. Membership looks at nothing after H; events count when
they became available. paper (arXiv 2604.18753, appendix A.1.1): age 18-89, hospital stay of 12-720 h, with a lab
result, a note or a picture; events count by the time they describe, over the whole stay or, with an hour, up to it. The
printed text asks for an anchor at 12 h and features that span the stay, which exclude each other: without an hour the
features span the stay, with `at_h=12` the anchor holds.

A stay whose `end` is not known cannot be said to be in the unit at any hour, nor to be over: no task asks it, but at
hours up to its `in_unit_until`, where the database vouches for that (Challenge 2012: every stay lasts 48 h or more, as
published; who was left out of it is no choice of ours).
Label-free pretraining looks at no outcome and takes it, in the causal protocol at every hour and in the paper's over
the whole stay, where there is nothing to cut and its prediction time is null; at an hour of the paper's, which asks for
stays that are still in the unit, it is left out. To predict without labels is another matter: patients who lie in the
unit now have no end yet, and in the causal protocol they are who is asked.

A task of the next visit (`Task.next_visit`) is asked at discharge from hospital, in either protocol, whatever its hour:
of the last unit stay of each hospital stay that ended alive, so once a hospital stay. Its prediction time is the end of
the minute of discharge, counted from unit admission as events are, so that what is known at discharge (the billed
codes) counts. Whether there is a next visit is the future's: to predict, all who were discharged are asked.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl
from jaxtyping import Float

from wardround.errors import DataError, UsageError
from wardround.events import HOUR_US, IMAGES, MINUTE_US, TEXTS
from wardround.tasks.task import MAX_LOS_H, Task, hours_between

Protocol = Literal["causal", "paper"]
PROTOCOLS: Final = ("causal", "paper")
DEFAULT_H: Final = 24.0
PAPER_LOS_H: Final = (12.0, 720.0)
END_UNKNOWN: Final = "end of the unit stay unknown"
RECORD_OVER: Final = "the record of the stay ends before the prediction time"
"""Where a database vouches for a stay up to an hour, and publishes nothing later (Challenge 2012: 48 h)."""
LEFT: Final = "left the unit by the prediction time"
DISCHARGE_UNKNOWN: Final = "discharge from hospital unknown"
DIED: Final = "died in hospital, or nobody knows"
NOT_LAST: Final = "another unit stay of the same hospital stay is its last"
PAPER_NEEDS: Final = ("lab", *TEXTS, *IMAGES)
"""The paper takes a stay of eICU that has a lab result, and one of MIMIC-IV that has any of its modalities: ours is one
rule for both, since eICU has no note and no picture."""
NOTHING_OF_THE_STAY: Final = "no lab result, note or picture"


@dataclass(frozen=True)
class Window:
    """Which part of a stay may be seen.

    Attributes:
        protocol: "causal" counts an event when it became available, "paper" at the time it describes.
        at_h: hours from unit admission to the prediction; None is the end of the stay, in the paper protocol alone.

    Raises:
        UsageError: at construction, where the two do not go together.
    """

    protocol: Protocol = "causal"
    at_h: float | None = DEFAULT_H

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise UsageError(f"no protocol {self.protocol!r}. There are: causal, paper.")
        if self.protocol == "causal" and self.at_h is None:
            raise UsageError(
                "the causal protocol needs a prediction hour: --at-h H. The end of the stay is the outcome."
            )
        if self.at_h is not None and not 0 <= self.at_h <= 24 * 366:
            raise UsageError(f"--at-h {self.at_h:g} is not an hour of a stay: give 0 or more.")

    @property
    def clock(self) -> Literal["available_time", "time"]:
        """The event column that orders a stay and is held against the prediction time."""
        return "available_time" if self.protocol == "causal" else "time"

    def prediction_time(self) -> pl.Expr:
        """The prediction time over `stays.parquet`; null where it is the end of a stay whose end is not known."""
        if self.at_h is None:
            return pl.col("end")
        return pl.col("start") + pl.duration(microseconds=round(self.at_h * HOUR_US))


@dataclass(frozen=True)
class Cohort:
    """Stays that can be asked.

    Attributes:
        frame: `subject_id, stay_id, start, prediction_time, label` (float64, hours or 0/1, an array of them for several
            answers; null without a task) and `passed_h`, what of a duration that is asked had passed (0 for any other
            label), by stay id. A prediction time is null in whole-stay pretraining alone, where the end of a stay is
            not known.
        excluded: reason -> stays left out.
        window: what they may see.
        began: whether a duration is asked that began before it is asked: of it what is left is learned.
    """

    frame: pl.DataFrame
    excluded: dict[str, int]
    window: Window
    began: bool = False

    @property
    def passed_h(self) -> Float[np.ndarray, "stay"]:
        """Hours of what is asked that had passed at the prediction time: nobody has to learn them."""
        return self.frame["passed_h"].to_numpy()

    @property
    def learned(self) -> Float[np.ndarray, "stay *label"]:
        """The labels that models learn: of a duration that began before it is asked what is left, at least 0 h."""
        label = self.frame["label"].to_numpy()
        return np.maximum(label - self.passed_h, 0) if self.began else label

    def whole(self, left: Float[np.ndarray, "stay *label"]) -> Float[np.ndarray, "stay *label"]:
        """What is said of the whole duration where `left` is said of the hours that are left."""
        return whole_h(left, self.passed_h) if self.began else left


def whole_h(left_h: np.ndarray, passed_h: np.ndarray) -> np.ndarray:
    """A duration of which so many hours have passed and so many are left; no longer than a label can be."""
    return np.minimum(left_h + passed_h, MAX_LOS_H)


def cohort(stays: pl.DataFrame, window: Window, task: Task | None = None, labelled: bool = True) -> Cohort:
    """Apply the cohort rule of a protocol.

    Args:
        stays: `stays.parquet`.
        window: protocol and prediction hour.
        task: what is predicted; None for label-free pretraining, which takes every stay of the causal protocol, its end
            known or not.
        labelled: leave out stays without a label; False to predict for them too, and in the causal protocol for stays
            without an end.

    Returns:
        The cohort, every stay either in it or counted under one reason.

    Raises:
        DataError: where nobody is left.
        UsageError: where the length of a unit stay is asked at its end, which is the answer.
    """
    if task is not None and task.began == "start" and window.at_h is None:
        raise UsageError(f"{task.name} is over when it is asked at the end of the unit stay: give an hour by --at-h H.")
    at = _discharge() if task is not None and task.next_visit else window.prediction_time()
    frame = stays.with_columns(prediction_time=at, reason=pl.lit(None, pl.String))
    for unusable, reason in _rules(window, task, labelled):
        wrong = pl.col("reason").is_null() & unusable.fill_null(True)
        frame = frame.with_columns(reason=pl.when(wrong).then(pl.lit(reason)).otherwise("reason"))
    label = pl.lit(None, pl.Float64) if task is None else _label(task, window)
    frame = frame.with_columns(label=label)
    if task is not None and labelled:
        missing = pl.col("reason").is_null() & pl.col("label").is_null()
        frame = frame.with_columns(reason=pl.when(missing).then(pl.lit("no label")).otherwise("reason"))
    counts = frame["reason"].drop_nulls().value_counts()
    excluded = dict(counts.sort("count", "reason", descending=[True, False]).iter_rows())
    kept = frame.filter(pl.col("reason").is_null()).sort("stay_id")
    if kept.is_empty():
        reasons = ", ".join(f"{reason}: {count}" for reason, count in excluded.items()) or "it is empty"
        raise DataError(f"no stay is in the cohort ({reasons}). Choose another hour, task or data.")
    columns = ("subject_id", "stay_id", "start", "prediction_time", "label")
    began = task is not None and bool(task.began)
    return Cohort(kept.select(*columns, passed_h=_passed_h(task)), excluded, window, began)


def _passed_h(task: Task | None) -> pl.Expr:
    """A hospital stay whose admission is not known began with the unit stay at the latest."""
    if task is None or not task.began:
        return pl.lit(0.0)
    began = pl.coalesce(task.began, "start")
    return hours_between(pl.col("prediction_time"), began).clip(0).fill_null(0.0)


def _rules(window: Window, task: Task | None, labelled: bool) -> list[tuple[pl.Expr, str]]:
    """(who cannot be asked, why), in the order in which a stay is counted."""
    end, at = pl.col("end"), pl.col("prediction_time")
    left = (end <= at) | (pl.col("hospital_end") <= at).fill_null(False)  # some unit discharges are written late
    vouched = (at <= pl.col("in_unit_until")).fill_null(False)  # whatever a hospital stay in whole days says
    unknown, left = end.is_null() & ~vouched, left.fill_null(False) & ~vouched
    over = end.is_null() & (at > pl.col("in_unit_until")).fill_null(False)
    in_unit = [(over, RECORD_OVER), (unknown, END_UNKNOWN), (left, LEFT)]
    if task is not None and task.next_visit:
        in_unit = _discharged()
    if window.protocol == "paper":
        shortest, longest = PAPER_LOS_H
        rules = [
            (~pl.col("age").is_between(18, 89), "age unknown or not 18-89"),
            (
                ~pl.col("los_h").is_between(shortest, longest),
                f"hospital stay unknown or not {shortest:g}-{longest:g} h",
            ),
            (~pl.any_horizontal(pl.col("modalities").list.contains(name) for name in PAPER_NEEDS), NOTHING_OF_THE_STAY),
        ]
        if window.at_h is not None or (task is not None and task.next_visit):
            return rules + in_unit
        return rules if task is None else [*rules, (end.is_null(), END_UNKNOWN)]
    if task is None:
        return []
    still_here = in_unit if labelled or task.next_visit else [(left, LEFT)]
    return [(~(pl.col("age") >= 18), "age unknown or under 18"), *still_here]


def _discharged() -> list[tuple[pl.Expr, str]]:
    """The rules of who is asked at discharge from hospital."""
    known = pl.col("hospital_start").is_not_null() & (pl.col("hospital_end") > pl.col("start"))
    latest = pl.col("start") == pl.col("start").max().over(visit_of())
    last = pl.when(latest).then("stay_id").max().over(visit_of())
    return [
        (~known, DISCHARGE_UNKNOWN),
        (pl.col("died_in_hospital"), DIED),
        (pl.col("stay_id") != last, NOT_LAST),
    ]


def discharged() -> pl.Expr:
    """When a hospital stay was over: its end, or that of the unit stay where this was written down later, which what is
    billed waits for too (`sources/mimic/placing.py`). Null where the former is not known."""
    return pl.when(pl.col("hospital_end").is_not_null()).then(pl.max_horizontal("hospital_end", "end"))


def _discharge() -> pl.Expr:
    """The same in whole minutes from unit admission, the begun one whole."""
    lasted_us = (discharged() - pl.col("start")).dt.total_microseconds()
    return pl.col("start") + pl.duration(microseconds=-(-lasted_us // MINUTE_US) * MINUTE_US)


def visit_of() -> list[str]:
    """The columns that say of which hospital stay a unit stay is."""
    return ["subject_id", "hospital_start"]


def hour_asked(task: Task | None, window: Window) -> float | None:
    """The prediction hour, None where each stay has its own: its end, or its discharge."""
    return None if task is not None and task.next_visit else window.at_h


def _label(task: Task, window: Window) -> pl.Expr:
    label = task.label(pl.col("prediction_time"))
    if task.kind == "hours":
        longest = MAX_LOS_H if window.protocol == "causal" else None
        return label.clip(0, longest)
    return label


def elapsed_h() -> pl.Expr:
    """Hours in hospital at the prediction time: all that the elapsed-hours baseline knows; 0 where admission is
    unknown."""
    return hours_between(pl.col("prediction_time"), pl.col("hospital_start")).fill_null(0.0)
