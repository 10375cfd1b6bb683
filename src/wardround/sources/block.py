"""One block of a raw table: its rows to events-to-be, and the account of each row.

Every row of the block ends in exactly one place: it yields at least one event, or it is set aside under one reason.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from wardround.errors import SourceError
from wardround.ledger import TableLedger
from wardround.sources.conversion import (
    FAR,
    NOT_A_NUMBER,
    NOT_A_STATUS,
    NOT_A_TIME,
    NOT_WHOLE,
    EventTable,
    Selection,
    bare_numbers,
    typed,
    with_reason,
)
from wardround.sources.csv_reader import RawRows
from wardround.sources.packed import FARTHEST_MIN
from wardround.sources.raw_table import RawTable

RETYPED_SHARE = 0.5
RETYPED_ROWS = 20
"""A column of which more than this share cannot be read, in a table of at least so many rows, was not declared so."""

RAGGED = "wrong number of fields"
UNREADABLE = (NOT_A_NUMBER, NOT_WHOLE, NOT_A_STATUS, NOT_A_TIME)


@dataclass(frozen=True)
class Converted:
    """A block, converted.

    Attributes:
        events: the good candidates, with `slice` and `row_hash` (equal for equal rows), in the order of their slices.
        account: the rows, duplicates not yet found.
        bare_numbers: column of words -> values that are bare numbers.
        floored: whether every row's time looks rounded down.
    """

    events: pl.DataFrame
    account: TableLedger
    bare_numbers: Counter[str]
    floored: bool


def numbered(block: RawRows, table: RawTable) -> pl.DataFrame:
    """The block's rows typed, with `row`, their number in the file, and `reason`."""
    row = _rows(block) if block.row is None else block.row
    if block.is_typed:
        return block.frame.select(table.read).with_columns(reason=pl.lit(None, pl.String), row=row)
    named = block.frame if block.named is None else block.named(block.frame)
    looked_up = named.columns[block.frame.width :]
    return typed(named, table, looked_up).with_columns(row=row)


def _rows(block: RawRows) -> pl.Series:
    return pl.int_range(block.first_row, block.first_row + block.frame.height, dtype=pl.Int64, eager=True)


def _looked_at(block: RawRows, only: Selection | None) -> RawRows:
    """The block without the rows that are not looked at."""
    if only is None:
        return block
    mask = only.mask(block.frame)
    return replace(block, frame=block.frame.filter(mask), row=_rows(block).filter(mask))


def convert_block(block: RawRows, table: EventTable, stay_id: str, stays: pl.DataFrame) -> Converted:
    """Convert one block.

    Args:
        block: its rows as text.
        table: the table that they are of.
        stay_id: the column that holds the stay's id.
        stays: `stay_id, slice` of the stays that there are, and their other columns where `table.place` asks.
    """
    looked_at = _looked_at(block, table.only)
    on_disk = [name for name in table.raw.read if name in block.frame.columns]
    frame = numbered(looked_at, table.raw).with_columns(row_hash=pl.struct(on_disk).hash())
    frame = frame if table.only is None else table.only.checked(frame)
    words = Counter(bare_numbers(frame, table.raw))
    frame = _by_stay_id(frame, stay_id, stays) if table.place is None else table.place(frame, stays)
    good = frame.filter(pl.col("reason").is_null())
    floored = table.floored is None or bool(good.select(table.floored.all()).item())
    made = _near(table.convert(frame))
    events = made.filter(pl.col("reason").is_null()).drop("reason")
    account = _account(block, frame, made)
    if table.only is not None:
        account.set_aside[table.only.reason] += block.frame.height - looked_at.frame.height
    hashes = np.zeros(block.frame.height, np.uint64)
    hashes[_place(frame, block)] = frame["row_hash"].to_numpy()
    events = events.with_columns(row_hash=pl.Series(hashes[_place(events, block)]))
    events = events.join(stays.select("stay_id", "slice"), on="stay_id", how="left", maintain_order="left")
    if not events["slice"].is_sorted():
        events = events.sort("slice", maintain_order=True)
    return Converted(events, account, words, floored)


def _near(made: pl.DataFrame) -> pl.DataFrame:
    """Candidates, with a reason for those whose minutes cannot wait packed: a conversion may not have asked."""
    minutes = [pl.col(name).is_between(-FARTHEST_MIN, FARTHEST_MIN) for name in ("minute", "available_minute")]
    return with_reason(made, ~pl.all_horizontal(minutes), FAR)


def _by_stay_id(frame: pl.DataFrame, stay_id: str, stays: pl.DataFrame) -> pl.DataFrame:
    """Rows with the stay that each names, or the reason why there is none."""
    frame = frame.with_columns(stay_id=pl.col(stay_id))
    frame = with_reason(frame, pl.col("stay_id").is_null(), "blank stay id")
    return with_reason(frame, ~pl.col("stay_id").is_in(stays["stay_id"].implode()), "no such stay")


def _account(block: RawRows, frame: pl.DataFrame, made: pl.DataFrame) -> TableLedger:
    """A row that yields an event is out, its other values are counted by reason; any other row has one reason."""
    made = made.select("row", "reason")  # the columns that count: others are wide
    rejected = made.filter(pl.col("reason").is_not_null())
    is_out = np.zeros(block.frame.height, bool)
    is_out[_place(made.filter(pl.col("reason").is_null()), block)] = True
    beside = pl.Series(is_out[_place(rejected, block)])
    why = rejected.filter(~beside).group_by("row").agg(pl.col("reason").min().alias("of_values"))
    lost = frame.select("row", "reason").filter(pl.Series(~is_out[_place(frame, block)]))
    lost = lost.join(why, on="row", how="left")
    account = TableLedger(block.frame.height + block.ragged, int(is_out.sum()))
    account.set_aside.update(reason_counts(lost.select(pl.coalesce("reason", "of_values", pl.lit("no value")))))
    account.set_aside[RAGGED] += block.ragged
    account.values_set_aside.update(reason_counts(rejected.filter(beside).select("reason")))
    return account


def _place(rows: pl.DataFrame, block: RawRows) -> np.ndarray:
    """Where in the block each row stands."""
    return rows["row"].to_numpy() - block.first_row


def reason_counts(reasons: pl.DataFrame) -> dict[str, int]:
    """How often each reason stands in a table of one column; null is no reason."""
    counts = reasons.to_series().drop_nulls().value_counts(name="times")
    return dict(counts.iter_rows())


def refuse_retyped(
    path: Path, table: RawTable, account: TableLedger, words: Mapping[str, int], left_alone: int = 0
) -> None:
    """Refuse a table of which most rows cannot be read as declared: numbers that are words, words that are numbers.

    Args:
        path: of the table, for the message.
        table: what is declared of it.
        account: of its rows.
        words: column of words -> values that are bare numbers.
        left_alone: rows that were not looked at.

    Raises:
        SourceError: naming the file, the column and the counts.
    """
    looked_at = account.rows_in - left_alone
    if looked_at < RETYPED_ROWS:
        return
    found = [(*reason.partition(": "), count) for reason, count in account.set_aside.items()]
    wrong = [(column, kind, count) for kind, _, column, count in found if kind in UNREADABLE]
    wrong += [(column, "a bare number", count) for column, count in words.items()]
    for column, kind, count in wrong:
        if count > RETYPED_SHARE * looked_at:
            raise SourceError(
                f"{path}: column {column} of table {table.name} is {kind} in {count} of {looked_at} rows: "
                "retyped or shifted? Give the table as it was published."
            )
