"""From typed raw rows to candidate events: what every source's tables share.

A table's conversion returns *candidates*: one row an event that might be, with the raw row it came from and a `reason` where it may
not become one. The pipeline turns these into events and the ledger.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

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

YEAR_MIN: Final = 366 * 24 * 60


@dataclass(frozen=True)
class EventTable:
    """A raw table that becomes events.

    Attributes:
        raw: its columns and their availability.
        convert: typed rows -> candidates.
        modalities: the modalities its events may have.
        floored_min: minutes added to the availability of every event of a file whose times were all rounded down, 0 for none.
        floored: expression over the typed rows that is true where a row's times look rounded down.
    """

    raw: RawTable
    convert: Callable[[pl.DataFrame], pl.DataFrame]
    modalities: tuple[str, ...]
    floored_min: int = 0
    floored: pl.Expr | None = None


def typed(frame: pl.DataFrame, table: RawTable) -> pl.DataFrame:
    """Text columns to their declared kinds.

    Returns:
        The columns as Int64, Float64 or stripped text (blank is null), and `reason`: "not a number: COLUMN" or
        "not a whole number: COLUMN" for the first column of a row that cannot be read, else null.
    """
    stripped = frame.with_columns(pl.col(table.read).str.strip_chars().replace("", None))
    reasons, columns = [], []
    for name in table.read:
        kind = table.columns[name][0]
        if kind is Kind.TEXT:
            continue
        number = pl.col(name).cast(pl.Float64, strict=False)
        unreadable = pl.col(name).is_not_null() & ~number.is_finite().fill_null(False)
        reasons.append(pl.when(unreadable).then(pl.lit(f"not a number: {name}")))
        if kind is Kind.INTEGER:
            fraction = number.is_not_null() & ((number != number.round()) | (number.abs() > 2**53))
            reasons.append(pl.when(fraction).then(pl.lit(f"not a whole number: {name}")))
            number = pl.when(number.is_finite() & (number.abs() <= 2**53)).then(number.round()).cast(pl.Int64)
        columns.append(number.alias(name))
    return stripped.with_columns(pl.coalesce(*reasons).alias("reason") if reasons else pl.lit(None, pl.String).alias("reason"), *columns)


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
    return with_reason(
        with_reason(frame, pl.col("minute").is_null(), "no time"), far, "more than a year from unit admission"
    )


def with_reason(frame: pl.DataFrame, unusable: pl.Expr, reason: str) -> pl.DataFrame:
    """Mark rows that cannot become an event; the first reason stays."""
    return frame.with_columns(
        reason=pl.when(pl.col("reason").is_null() & unusable.fill_null(False)).then(pl.lit(reason)).otherwise("reason")
    )


def candidates(frame: pl.DataFrame, modality: str, code: pl.Expr, number: pl.Expr | None = None, text: pl.Expr | None = None) -> pl.DataFrame:
    """Candidate events of one modality from a timed frame; a null code gets the reason "no code"."""
    made = frame.with_columns(
        code=code,
        numeric_value=pl.lit(None, pl.Float64) if number is None else number.cast(pl.Float64),
        text_value=pl.lit(None, pl.String) if text is None else text,
        modality=pl.lit(modality),
    )
    return with_reason(made, pl.col("code").is_null(), "no code").select(CANDIDATE.keys())


def melted(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
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


def in_canonical_units(frame: pl.DataFrame, quantities: Mapping[str, Quantity], name: str, number: str, unit: str) -> pl.DataFrame:
    """Convert `number` of each row into its quantity's canonical unit.

    Args:
        frame: candidates to be, with columns `name`, `number`, `unit` (null for no unit) and `reason`.
        quantities: quantity name -> its units; other names pass unchanged, their own unit beside them.
        name, number, unit: the column names.

    Returns:
        The frame with `number` converted, `unit` canonical, and the reasons "unknown unit" and "implausible value".
    """
    spellings = frame[unit].unique().to_list()
    keys = [unit_key(spelling or "") for spelling in spellings]
    units = pl.DataFrame({unit: spellings, "_key": keys}, schema={unit: pl.String, "_key": pl.String})
    table = conversion_table(quantities).rename({"name": name, "unit": "_unit"})
    joined = frame.join(units, on=unit, how="left", nulls_equal=True, maintain_order="left").join(
        table, left_on=[name, "_key"], right_on=[name, "unit_key"], how="left", maintain_order="left"
    )
    coded = pl.col(name).is_in(list(quantities))
    joined = with_reason(joined, coded & pl.col("factor").is_null(), "unknown unit")
    value = pl.when(coded).then(pl.col(number) * pl.col("factor") + pl.col("shift")).otherwise(pl.col(number))
    joined = joined.with_columns(value.alias(number))
    outside = coded & ~pl.col(number).is_between(pl.col("low") - 1e-6, pl.col("high") + 1e-6)
    too_large = pl.col(number).abs() > 3e38
    joined = with_reason(with_reason(joined, outside, "implausible value"), too_large, "implausible value")
    canonical = pl.when(coded).then("_unit").otherwise(unit).fill_null("")
    return joined.with_columns(canonical.alias(unit)).drop("_key", "factor", "shift", "_unit", "low", "high")
