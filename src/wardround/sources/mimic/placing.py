"""MIMIC: in whose unit stay a row lies, and when on its clock.

Tables of the unit name the stay. Those of the hospital name a patient and a time: a row belongs to the unit stay in
whose time it lies, which begins with the hospital stay (the emergency department before it too) or where the stay
before it ended, and lasts until the next one, or the end of the hospital stay. What is coded for a hospital stay as a
whole belongs to each unit stay in it.
"""

from collections.abc import Callable
from typing import Final

import polars as pl

from wardround.sources.conversion import with_reason
from wardround.sources.raw_table import RawTable
from wardround.sources.stay_clock import on_stay_clock, stay_windows

EMERGENCY_H: Final = 24.0
"""Hours before the hospital stay that belong to it: the emergency department."""

OTHERS_STAY: Final = "stay of another subject"
NO_SUBJECT: Final = "no subject id"
OUTSIDE: Final = "outside every unit stay and what leads to it"
NO_STAY: Final = "subject without a stay"
NO_UNIT_STAY: Final = "hospital stay without a unit stay"
NO_END: Final = "known at discharge, which is not known"

Place = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]


def by_stay(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Rows with the `start` of the stay that each names, or the reason why there is none.

    Args:
        rows: typed rows with `subject_id`, `stay_id` and `reason`.
        stays: `stay_id, subject_id, start` and more.
    """
    of_stay = stays.select("stay_id", "start", _subject="subject_id")
    rows = rows.join(of_stay, on="stay_id", how="left", maintain_order="left")
    rows = with_reason(rows, pl.col("stay_id").is_null(), "blank stay id")
    rows = with_reason(rows, pl.col("_subject").is_null(), "no such stay")
    return with_reason(rows, pl.col("_subject") != pl.col("subject_id"), OTHERS_STAY).drop("_subject")


def by_time(*columns: str) -> Place:
    """A rule that gives rows the stay in which the first of `columns` that a row has lies."""

    def place(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
        rows = with_reason(rows, pl.col("subject_id").is_null(), NO_SUBJECT)
        rows = with_reason(rows, ~pl.col("subject_id").is_in(stays["subject_id"].implode()), NO_STAY)
        rows = rows.with_columns(_time=pl.coalesce(columns)).with_row_index("_place")
        in_order = _is_in_order(rows)
        rows = rows if in_order else rows.sort("_time")
        rows = with_reason(rows, pl.col("_time").is_null(), "no time")
        rows = rows.join_asof(
            stay_windows(stays, EMERGENCY_H).sort("opens"),
            left_on="_time",
            right_on="opens",
            by="subject_id",
            strategy="backward",
            check_sortedness=False,
        )
        rows = rows if in_order else rows.sort("_place")
        inside = (pl.col("_time") <= pl.col("closes")).fill_null(True)
        rows = rows.with_columns(stay_id=pl.when(inside & pl.col("reason").is_null()).then("stay_id"))
        rows = with_reason(rows, pl.col("stay_id").is_null(), OUTSIDE)
        rows = rows.join(stays.select("stay_id", "start"), on="stay_id", how="left", maintain_order="left")
        return rows.drop("_time", "_place", "opens", "closes")

    return place


def _is_in_order(rows: pl.DataFrame) -> bool:
    """Whether rows lie by patient and then by time, as those of a release do; rows without either do not."""
    subject, time = pl.col("subject_id"), pl.col("_time")
    later = (subject > subject.shift(1)) | ((subject == subject.shift(1)) & (time >= time.shift(1)))
    known = subject.is_not_null() & time.is_not_null()
    return bool(rows.select(known.all() & later.slice(1).fill_null(False).all()).item())


def by_admission(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Rows with `stays`, a list of `stay_id, start, discharged` of the hospital stay that each names."""
    over = pl.when(pl.col("hospital_end").is_not_null()).then(pl.max_horizontal("hospital_end", "end"))
    each = stays.with_columns(discharged=over).select(
        "hadm_id", "subject_id", stays=pl.struct("stay_id", "start", "discharged")
    )
    of_admission = each.sort(pl.col("stays").struct.field("stay_id")).group_by("hadm_id", "subject_id").agg("stays")
    rows = rows.join(of_admission, on=["hadm_id", "subject_id"], how="left", maintain_order="left")
    unknown = pl.col("stays").list.eval(pl.element().struct.field("discharged").is_null()).list.any()
    return with_reason(with_reason(rows, pl.col("stays").is_null(), NO_UNIT_STAY), unknown, NO_END)


def midnight_after(table: RawTable, column: str) -> pl.Expr:
    """The end of the day at which `column` is declared to be known."""
    return pl.col(table.day_of(column)).dt.truncate("1d") + pl.duration(days=1)


def clocked(frame: pl.DataFrame, table: RawTable, column: str, delay_min: int | pl.Expr = 0) -> pl.DataFrame:
    """Placed rows with when they happened and when `column` was known, on the clock of their stay.

    Args:
        frame: rows with `start`.
        table: what is declared of them; `table.offset` is when they happened.
        column: known at the latest of the times that it waits for.
        delay_min: minutes after it happened, where no such time is stored: the stated delay.
    """
    if table.offset is None:
        raise ValueError(f"{table.name} does not say in which column a row happened")
    happened = pl.col(table.offset)
    stored = [name for name in table.known_at(column) if name != table.offset]
    delay = pl.lit(delay_min) if isinstance(delay_min, int) else delay_min
    late = happened + pl.duration(minutes=delay)
    known = (
        late
        if not stored
        else pl.when(pl.max_horizontal(stored).is_null()).then(late).otherwise(pl.max_horizontal(table.offset, *stored))
    )
    frame = with_reason(frame.with_columns(time=happened, known=known), happened.is_null(), "no time")
    return on_stay_clock(frame)
