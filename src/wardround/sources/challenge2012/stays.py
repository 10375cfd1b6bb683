"""Challenge 2012: a record as a stay, on the synthetic calendar.

The Challenge names no patients: a record is its own subject, marked as a stay without a patient id (`orphan`). It has
no dates: every stay begins on the first day of the calendar. `stay_id` is the RecordID, which no two sets share.

`end` is not published. Stays under 48 h were excluded from the Challenge, so `in_unit_until` is 48 h after admission:
the cohort at hours up to 48, the 48th included, holds every adult record, and no task asks a later hour.

`Length_of_stay` counts whole days from unit admission to the end of hospitalisation, rounded in a way that is not
published: `hospital_end` is that many days after admission, right to about a day, and labels of `los_remaining` with
it. A stay of 0 or 1 days cannot be, and -1 stands for none: both are null and counted. When the hospital stay began is
not published, so `hospital_start` and `los_h` (hospital admission to discharge) are null.
"""

from collections.abc import Iterator
from typing import Final

import polars as pl

from wardround.events import HOUR_US, TIME, calendar_start
from wardround.sources.challenge2012.columns import OUTCOMES
from wardround.sources.conversion import CANDIDATE, with_reason
from wardround.sources.side_table import Doubt, SideTable
from wardround.sources.subjects import subject_number

RECORD_H: Final = 48
"""Hours of each stay that its record holds."""
SHORTEST_DAYS: Final = 2
MISSING: Final = -1

_DAYS: Final = pl.col("Length_of_stay")
_DIED: Final = pl.col("In-hospital_death")
OUTCOME_TABLE: Final = SideTable(
    OUTCOMES,
    (
        Doubt("Length_of_stay", _DAYS == MISSING, "no length of stay (-1)"),
        Doubt("Length_of_stay", ~_DAYS.is_between(SHORTEST_DAYS, 3660), "impossible length of stay"),
        Doubt("In-hospital_death", ~_DIED.is_in([0, 1]), "in-hospital death not 0 or 1"),
    ),
)


def record_stays(frame: pl.DataFrame) -> pl.DataFrame:
    """Record rows with `stay_id`, `subject_id`, and the reason why a row is no stay.

    Args:
        frame: the typed records with `row` and `reason`.
    """
    frame = frame.with_columns(stay_id=pl.col("RecordID"))
    for unusable, reason in _rules():
        frame = with_reason(frame, unusable, reason)
    numbers = [subject_number(f"challenge2012 record:{record}") for record in frame["RecordID"]]
    return frame.with_columns(subject_id=pl.Series(numbers, dtype=pl.Int64))


def _rules() -> Iterator[tuple[pl.Expr, str]]:
    """(which records are no stay, why), in the order in which a record is counted."""
    free = pl.col("reason").is_null()
    yield pl.col("StatedID").is_null(), "record states no RecordID"
    yield pl.col("StatedID") != pl.col("RecordID"), "file name and RecordID differ"
    yield free & (free.sum().over("RecordID") > 1), "RecordID used for several files"


def stays(rows: pl.DataFrame) -> pl.DataFrame:
    """Stays from the rows of `record_stays` that have no reason against them, with their outcomes.

    Returns:
        A row a stay with the `STAY_COLUMNS` that the Challenge knows, sorted by subject.
    """
    rows = rows.filter(pl.col("reason").is_null())
    unknown = {name: pl.lit(None) for name in ("end", "hospital_start", "hospital_id", "year", "died_in_unit", "los_h")}
    start = pl.lit(calendar_start(0), TIME)
    return rows.select(
        "subject_id",
        "stay_id",
        start=start,
        hospital_end=start + _hours(24 * _DAYS),
        in_unit_until=start + _hours(pl.lit(RECORD_H)),
        age=pl.when(pl.col("Age").is_between(0, 120)).then("Age").cast(pl.Float32),
        sex=pl.col("Gender").replace_strict({0.0: "Female", 1.0: "Male"}, default=None, return_dtype=pl.String),
        orphan=pl.lit(True),
        died_in_hospital=_DIED == 1,
        **unknown,
    ).sort("subject_id", "stay_id")


def _hours(hours: pl.Expr) -> pl.Expr:
    return (hours.cast(pl.Int64) * HOUR_US).cast(pl.Duration("us"))


def no_admission_events(_rows: pl.DataFrame, _paper: bool) -> pl.DataFrame:
    """None: what is known at admission stands in the lines of a record, and each line is accounted for there."""
    return pl.DataFrame(schema=CANDIDATE)
