"""What concepts read and write: measured values in, rows of a long table out.

A concept is a table of rows (`stay_id, name, time_h, available_time, value`), one for each stay, name and time. A row
is known when the last of the values that it is made of is: a result of 14:20 that comes at 17:00 makes the row of its
hour known at 17:00. What is known by a time is then made of what was known by that time alone.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from wardround.events import EVENT_COLUMNS, HOUR_US, TIME

INPUT_COLUMNS: Final = ("stay_id", "time", "available_time", "modality", "code", "numeric_value", "text_value")
"""Of the events that a concept is given."""

ROW_COLUMNS: Final[dict[str, pl.DataType]] = {
    "stay_id": pl.Int64(),
    "name": pl.String(),
    "time_h": pl.Float64(),
    "available_time": TIME,
    "value": pl.Float64(),
}

_DIGITS: Final = 6
"""Of an input. Events hold 32 bits, in which 1.2 is above 1.2 and would fall on the other side of an edge."""
_DIGITS_OUT: Final = 12


def no_events() -> pl.DataFrame:
    """Events of the `INPUT_COLUMNS`, none."""
    return pl.DataFrame(schema={name: EVENT_COLUMNS[name] for name in INPUT_COLUMNS})


def measured(events: pl.DataFrame, names: Mapping[str, str], modality: str | None = None) -> pl.DataFrame:
    """The numbers of some codes.

    Args:
        events: with the `INPUT_COLUMNS`.
        names: code -> what it is called here.
        modality: of which alone: a potassium of the `lab` is of serum, one of the `blood_gas` of whole blood.

    Returns:
        `stay_id, time, available_time, name, value, text_value`; events without a stay, time or finite number left out.
    """
    number = pl.col("numeric_value").cast(pl.Float64)
    found = events.filter(pl.col("code").is_in(list(names)), number.is_finite())
    found = found if modality is None else found.filter(pl.col("modality") == modality)
    return found.drop_nulls(["stay_id", "time", "available_time"]).select(
        "stay_id",
        "time",
        "available_time",
        "text_value",
        name=pl.col("code").replace_strict(dict(names), return_dtype=pl.String),
        value=number.round_sig_figs(_DIGITS),
    )


def worded(events: pl.DataFrame, codes: Sequence[str]) -> pl.DataFrame:
    """`stay_id, time, available_time, code, text`: the words of some codes, without blanks around them; events without
    a stay, time or words left out."""
    found = events.filter(pl.col("code").is_in(list(codes)))
    found = found.drop_nulls(["stay_id", "time", "available_time", "text_value"])
    return found.select("stay_id", "time", "available_time", "code", text=pl.col("text_value").str.strip_chars())


def of_the_patient(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Events of each stay and of the patient's other stays: what a laboratory finds just before a transfer is of the
    stay that it ends, and as true in the next.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id`.
    """
    whose = stays.select("stay_id", "subject_id")
    theirs = whose.join(whose, on="subject_id", suffix="_other").select("stay_id", "stay_id_other")
    found = events.rename({"stay_id": "stay_id_other"}).join(theirs, on="stay_id_other")
    return found.select(events.columns)


def with_latest(rows: pl.DataFrame, at: str, values: pl.DataFrame) -> pl.DataFrame:
    """Rows, by `at`, with the latest values of their stay up to then; nulls before there are any.

    Args:
        rows: with `stay_id` and the time `at`.
        values: `stay_id, _time` and what is to be added.
    """
    return rows.sort(at).join_asof(
        values.sort("_time"), left_on=at, right_on="_time", by="stay_id", strategy="backward", check_sortedness=False
    )


def hours_since(time: str, start: str = "start") -> pl.Expr:
    """Hours from one time to another, exact where they are whole.

    The last bit of a quotient depends on how many rows polars divides at once; a product's does not.
    """
    since_us = (pl.col(time) - pl.col(start)).dt.total_microseconds()
    return since_us // HOUR_US + since_us % HOUR_US * (1 / HOUR_US)


def long_rows(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """A table with a column a value as rows with the `ROW_COLUMNS`; nulls make none.

    Args:
        frame: `stay_id, time_h, available_time`, and the columns `names`.
        names: what becomes rows.
    """
    keys = ["stay_id", "time_h", "available_time"]
    numbers = frame.select(*keys, *(pl.col(name).cast(pl.Float64) for name in names))
    rows = numbers.unpivot(list(names), index=keys, variable_name="name").drop_nulls("value")
    return sorted_rows(rows)


def sorted_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the `ROW_COLUMNS`, by stay, time and name.

    Values have 12 digits: the last bits of a sum or quotient depend on the other rows that polars works on at once.
    """
    typed = rows.select(pl.col(name).cast(kind) for name, kind in ROW_COLUMNS.items())
    typed = typed.with_columns(pl.col("value").round_sig_figs(_DIGITS_OUT))
    return typed.sort("stay_id", "time_h", "name")
