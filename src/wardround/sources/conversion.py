"""From typed raw rows to candidate events: what every source's tables share.

A table's conversion returns *candidates*: one row an event that might be, with the raw row it came from and a `reason`
where it may not become one. The pipeline turns these into events and the ledger.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
import pyarrow as pa

from wardround.events import TIME
from wardround.sources.raw_table import Kind, RawTable
from wardround.sources.units import Quantity, conversion_table, unit_key

CANDIDATE: Final[dict[str, pl.DataType]] = {
    "row": pl.Int64(),
    "stay_id": pl.Int64(),
    "minute": pl.Int64(),
    "available_minute": pl.Int64(),
    "code": pl.String(),
    "numeric_value": pl.Float64(),
    "text_value": pl.String(),
    "modality": pl.String(),
    "reason": pl.String(),
}
"""`minute` and `available_minute` are minutes from unit admission."""

WITHIN_MINUTE: Final = {"minute": "minute_us", "available_minute": "available_minute_us"}
"""What candidates of a source with a finer clock have besides: microseconds past the minute, 0 to 59,999,999."""

YEAR_MIN: Final = 366 * 24 * 60
LARGEST: Final = 3e38
"""Values are stored as 32-bit floats; a larger one would be infinite there."""
WHOLE: Final = 2**53
"""Whole numbers up to here are exact as 64-bit floats."""

NOT_A_NUMBER: Final = "not a number"
NOT_WHOLE: Final = "not a whole number"
NOT_A_STATUS: Final = "not a status"
NOT_A_TIME: Final = "not a time"
IMPLAUSIBLE: Final = "implausible value"
FAR: Final = "more than a year from unit admission"


@dataclass(frozen=True)
class Selection:
    """The rows of a table that are looked at; the others are counted and left as they are, which is cheap.

    Attributes:
        column: of numbers.
        values: a row with one of them is looked at, and a row of which the number is not plainly written.
        reason: under which the others are set aside.
    """

    column: str
    values: frozenset[int]
    reason: str

    def mask(self, frame: pl.DataFrame) -> pl.Series:
        """Which of some raw rows are looked at."""
        numbers = frame[self.column].cast(pl.Int64, strict=False)
        return numbers.is_in(self.values) | numbers.is_null()

    def checked(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows that were looked at, with the reason of those whose number turned out to be none of the values."""
        return with_reason(rows, ~pl.col(self.column).is_in(self.values), self.reason)


@dataclass(frozen=True)
class EventTable:
    """A raw table that becomes events.

    Attributes:
        raw: its columns and their availability.
        convert: typed rows -> candidates.
        modalities: the modalities its events may have.
        floored_min: in a file whose times were all rounded down, no event is known before its own time plus these
            minutes.
        floored: expression over the typed rows that is true where a row's times look rounded down.
        place: typed rows, stays -> the rows with `stay_id`, and a reason for those that are of no stay; None where
            each row names its stay by id.
        only: the rows that are looked at, where that is not all of them.
        again: makes the table in another process, of a table that is made from what a file says and is no part of an
            installed source: a function of a module, or a `partial` of one over plain values.
    """

    raw: RawTable
    convert: Callable[[pl.DataFrame], pl.DataFrame]
    modalities: tuple[str, ...]
    floored_min: int = 0
    floored: pl.Expr | None = None
    place: Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame] | None = None
    only: Selection | None = None
    again: "Callable[[], EventTable] | None" = None


def typed(frame: pl.DataFrame, table: RawTable, tidy: Collection[str] = ()) -> pl.DataFrame:
    """Columns of text, and of what the reader made of it, to their declared kinds.

    Args:
        frame: the columns that are read.
        table: what is declared of them.
        tidy: columns of text that is known to have no blanks around it.

    Returns:
        The columns as Int64, Float64, Datetime, stripped text or prose as it is (blank is null), and `reason`: "not a
        number: COLUMN", "not a whole number: COLUMN" or "not a time: COLUMN" for the first column of a row that cannot
        be read, numbers before times, else null.

    Numbers and times are tried as they stand: text is stripped only where that leaves some unread, which is rare.
    """
    kinds = {name: table.columns[name][0] for name in table.read}
    text, values = _values(frame, kinds, tidy)
    numbers = text.with_columns(values.values())
    numeric = [name for name, value in values.items() if value.dtype == pl.Float64]
    reason = pl.lit(None, pl.String)
    columns: list[pl.Expr] = []
    for name in reversed(numeric):
        number = pl.col(name)
        if kinds[name] is Kind.INTEGER:
            fraction = (number != number.round()) | (number.abs() > WHOLE)
            if numbers.select(fraction.any()).item():
                reason = pl.when(fraction.fill_null(False)).then(pl.lit(f"{NOT_WHOLE}: {name}")).otherwise(reason)
            columns.append(pl.when(number.abs() <= WHOLE).then(number.round()).cast(pl.Int64).alias(name))
        unreadable = text[name].is_not_null() & ~numbers[name].is_finite().fill_null(False)
        if unreadable.any():
            reason = pl.when(unreadable).then(pl.lit(f"{NOT_A_NUMBER}: {name}")).otherwise(reason)
    read = numbers.with_columns(*columns, reason=reason)
    for name in (name for name in values if kinds[name] is Kind.TIME):
        unreadable = text[name].is_not_null() & values[name].is_null()
        if unreadable.any():
            read = with_reason(read, unreadable, f"{NOT_A_TIME}: {name}")
    return read


def _values(
    frame: pl.DataFrame, kinds: Mapping[str, Kind], tidy: Collection[str]
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """The text, stripped where it must be, and the numbers and times in it, null where they cannot be read."""
    values = {name: _value(frame[name], kind) for name, kind in kinds.items() if kind in _READ}
    plain = {name for name, value in values.items() if value.null_count() == frame[name].null_count()}
    as_is = plain | {name for name in kinds.keys() - values if name in tidy or _is_tidy(frame[name])}
    text = frame.select(name if name in as_is else _stripped(name, kind) for name, kind in kinds.items())
    again = {name: _value(text[name], kinds[name]) for name in values if name not in plain}
    return text, {**values, **again}


_READ: Final = (Kind.INTEGER, Kind.NUMBER, Kind.TIME)


def _value(text: pl.Series, kind: Kind) -> pl.Series:
    """Times, whole numbers where all are written as such, else numbers; the reader may have made them already."""
    if kind is Kind.TIME:
        return read_times(text) if text.dtype == pl.String else text
    if kind is Kind.INTEGER:
        whole = text.cast(pl.Int64, strict=False)
        if whole.null_count() == text.null_count() and whole.is_between(-WHOLE, WHOLE).all():
            return whole
    return text.cast(pl.Float64, strict=False)


def _is_tidy(text: pl.Series) -> bool:
    """Whether no text is blank or has blanks around it; the same few stand in most columns of words."""
    distinct = text.unique().drop_nulls()
    return bool(((distinct.str.strip_chars() == distinct) & (distinct != "")).all())


def _stripped(name: str, kind: Kind) -> pl.Expr:
    """Text without what is blank around it, prose as it is; blank text is null."""
    bare = pl.col(name).str.strip_chars()
    return pl.when(bare != "").then(name if kind is Kind.PROSE else bare).alias(name)


def read_times(text: pl.Series) -> pl.Series:
    """Times of a local clock from `YYYY-MM-DD HH:MM:SS`, or from another way in which ISO 8601 writes one: without
    seconds, with fractions of them, with a T between; or from a date, which is its midnight. Null for all else."""
    times = text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    if times.null_count() == text.null_count():
        return times
    others = text.filter(times.is_null()).unique().drop_nulls()
    read = _iso_times(others)
    return times.fill_null(text.replace_strict(others, read, default=None, return_dtype=TIME))


def _iso_times(texts: pl.Series) -> pl.Series:
    """All at once, which is ten times faster, or one by one where some are none."""
    try:
        times = texts.to_frame("time").to_arrow().cast(pa.schema([("time", pa.timestamp("us"))]))
        return pl.DataFrame(pl.from_arrow(times))["time"]
    except pa.ArrowInvalid:
        return pl.Series([_iso_time_us(text) for text in texts], dtype=pl.Int64).cast(TIME)


def _iso_time_us(text: str) -> int | None:
    """Microseconds since 1970, as the reader of whole blocks takes it (`csv_rows.py`): what a value is must not hang on
    those beside it. No `datetime`, which has no year 0."""
    try:
        return pa.scalar(text).cast(pa.timestamp("us")).value
    except pa.ArrowInvalid:
        return None


def bare_numbers(rows: pl.DataFrame, table: RawTable) -> dict[str, int]:
    """How many values of each column of words are bare numbers: most of them, and the column is another one."""
    words = [name for name in table.read if table.columns[name][0] is Kind.TEXT]
    counts = rows.select(pl.col(words).cast(pl.Float64, strict=False).is_finite().sum())
    return {name: counts[name].item() for name in words}


def timed(frame: pl.DataFrame, table: RawTable, column: str) -> pl.DataFrame:
    """Add `minute` (when the row happened) and `available_minute` (the latest offset that `column` waits for).

    A row without a time, or more than a year from unit admission, gets its `reason`.
    """
    known = table.known_at(column)
    frame = frame.with_columns(
        minute=pl.coalesce(table.offset, *known) if table.offset else pl.lit(0, pl.Int64),
        available_minute=pl.max_horizontal(table.offset or known[0], *known),
    )
    far = (pl.col("minute").abs() > YEAR_MIN) | (pl.col("available_minute").abs() > YEAR_MIN)
    return with_reason(with_reason(frame, pl.col("minute").is_null(), "no time"), far, FAR)


def with_reason(frame: pl.DataFrame, unusable: pl.Expr | pl.Series, reason: str) -> pl.DataFrame:
    """Mark rows that cannot become an event; the first reason stays."""
    return frame.with_columns(
        reason=pl.when(pl.col("reason").is_null() & unusable.fill_null(False)).then(pl.lit(reason)).otherwise("reason")
    )


def candidates(
    frame: pl.DataFrame,
    modality: str | pl.Expr,
    code: pl.Expr,
    number: pl.Expr | None = None,
    text: pl.Expr | None = None,
) -> pl.DataFrame:
    """Candidate events of one modality, or of that of each row, from a timed frame.

    A null code gets the reason "no code", a number that a 32-bit float cannot hold "implausible value"; -0 becomes 0.
    """
    made = frame.with_columns(
        code=code,
        numeric_value=pl.lit(None, pl.Float64) if number is None else _without_minus_zero(number.cast(pl.Float64)),
        text_value=pl.lit(None, pl.String) if text is None else text,
        modality=pl.lit(modality) if isinstance(modality, str) else modality,
    )
    made = with_reason(made, ~pl.col("numeric_value").abs().is_between(0, LARGEST), IMPLAUSIBLE)
    finer = [name for name in WITHIN_MINUTE.values() if name in frame.columns]
    return with_reason(made, pl.col("code").is_null(), "no code").select(*CANDIDATE, *finer)


def _without_minus_zero(number: pl.Expr) -> pl.Expr:
    """-0 and 0 are equal, but not in bytes: rows would lie in the order in which they came."""
    return pl.when(number == 0).then(0.0).otherwise(number)


def melted(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """A row for each measured value of a wide table: `name`, `number`; values that are null leave no row.

    A raw row with a reason of its own keeps one row, so that the ledger sees it.
    """
    keep = ["row", "stay_id", "minute", "available_minute", "reason"]
    fine = frame.filter(pl.col("reason").is_null())
    long = fine.unpivot(on=names, index=keep, variable_name="name", value_name="number").drop_nulls("number")
    faulty = frame.filter(pl.col("reason").is_not_null()).select(
        keep, name=pl.lit(names[0]), number=pl.lit(None, pl.Float64)
    )
    return pl.concat([long, faulty])


def in_canonical_units(
    frame: pl.DataFrame, quantities: Mapping[str, Quantity], name: str, number: str, unit: str
) -> pl.DataFrame:
    """Convert `number` of each row into its quantity's canonical unit.

    Args:
        frame: candidates to be, with columns `name`, `number`, `unit` (null for no unit) and `reason`.
        quantities: quantity name -> its units; other names pass unchanged, their own unit beside them.
        name, number, unit: the column names.

    Returns:
        The frame with `number` converted, `unit` canonical, and the reasons "unknown unit" and "implausible value".
    """
    pairs = with_conversions(frame.select(name, unit).unique(), quantities, name, unit)
    joined = frame.join(pairs, on=[name, unit], how="left", nulls_equal=True, maintain_order="left")
    canonical = pl.col("canonical").alias(unit)
    return converted(joined, number).with_columns(canonical).drop("is_coded", "canonical")


def with_conversions(pairs: pl.DataFrame, quantities: Mapping[str, Quantity], name: str, unit: str) -> pl.DataFrame:
    """Names and the units beside them, each with what `converted` needs of it.

    Args:
        pairs: with columns `name` and `unit` (null for no unit).
        quantities: quantity name -> its units.
        name, unit: the column names.

    Returns:
        The pairs with `is_coded` (whether the name is of a quantity), `factor` and `shift` (null where the quantity
        does not take the unit), `low` and `high`, and `canonical`: the unit that converted values have.
    """
    spellings = pairs[unit].unique().to_list()
    keys = [unit_key(spelling or "") for spelling in spellings]
    units = pl.DataFrame({unit: spellings, "_key": keys}, schema={unit: pl.String, "_key": pl.String})
    table = conversion_table(quantities).rename({"name": name, "unit": "_unit"})
    joined = pairs.join(units, on=unit, how="left", nulls_equal=True).join(
        table, left_on=[name, "_key"], right_on=[name, "unit_key"], how="left"
    )
    coded = pl.col(name).is_in(list(quantities)).fill_null(False)
    canonical = pl.when(coded).then("_unit").otherwise(unit).fill_null("")
    return joined.with_columns(is_coded=coded, canonical=canonical).drop("_key", "_unit")


def converted(frame: pl.DataFrame, number: str) -> pl.DataFrame:
    """Rows with the columns of `with_conversions`: `number` in the canonical unit, the reasons "unknown unit" and
    "implausible value"; all of those columns but `is_coded` and `canonical` are taken away."""
    coded, value = pl.col("is_coded"), pl.col(number)
    frame = with_reason(frame, coded & pl.col("factor").is_null(), "unknown unit")
    frame = frame.with_columns(pl.when(coded).then(value * pl.col("factor") + pl.col("shift")).otherwise(value))
    outside = coded & ~value.is_between(pl.col("low") - 1e-6, pl.col("high") + 1e-6)
    return with_reason(frame, outside, IMPLAUSIBLE).drop("factor", "shift", "low", "high")
