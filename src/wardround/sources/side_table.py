"""Raw tables that tell more of the stays, a row a stay: outcomes in a file of their own.

Their columns join the stay table's rows by stay id, and each of their rows is accounted for as any other.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from wardround.ledger import TableLedger
from wardround.sources.block import RAGGED, numbered, reason_counts, refuse_retyped
from wardround.sources.conversion import with_reason
from wardround.sources.raw_data import FoundTable
from wardround.sources.raw_table import Kind, RawTable

NO_SUCH_STAY: Final = "no such stay"
_TYPES: Final = {Kind.INTEGER: pl.Int64(), Kind.NUMBER: pl.Float64()}


@dataclass(frozen=True)
class Doubt:
    """Values of a column that cannot be right, or stand for none: made null and counted."""

    column: str
    wrong: pl.Expr
    why: str


@dataclass(frozen=True)
class SideTable:
    """A table that tells more of the stays.

    Attributes:
        raw: its columns and their availability.
        doubts: its values that are made null, in the order in which they are counted.
    """

    raw: RawTable
    doubts: tuple[Doubt, ...] = ()


def joined(
    rows: pl.DataFrame, side: SideTable, found: FoundTable | None, stay_id: str
) -> tuple[pl.DataFrame, TableLedger]:
    """Stay rows with the columns of a side table, null where it has no row for a stay or is absent.

    Args:
        rows: `Source.stay_rows`, with `stay_id` and `reason`.
        side: the table.
        found: where it is; None where it is absent.
        stay_id: its column that holds the stay's id.

    Returns:
        The stay rows in their order, and the account of the side table.

    Raises:
        SourceError: where it is not what it is declared to be.
        BrokenFileError: where it cannot be read to its end.
        StorageError: where the disk refuses.
    """
    columns = [name for name in side.raw.read if name != stay_id]
    if found is None:
        kinds = {name: _TYPES.get(side.raw.columns[name][0], pl.String()) for name in columns}
        return rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in kinds.items()), TableLedger()
    account, blocks = TableLedger(), list[pl.DataFrame]()
    for block in found.blocks():
        account.rows_in += block.frame.height + block.ragged
        account.set_aside[RAGGED] += block.ragged
        blocks.append(numbered(block, side.raw))
    frame = pl.concat(blocks).rename({stay_id: "_id"})
    stays = rows.filter(pl.col("reason").is_null())["stay_id"]
    for unusable, reason in _rules(stays):
        frame = with_reason(frame, unusable, reason)
    account.set_aside.update(reason_counts(frame.select("reason")))
    account.rows_out = frame["reason"].null_count()
    refuse_retyped(found.where, side.raw, account, Counter[str]())
    good = frame.filter(pl.col("reason").is_null())
    for doubt in side.doubts:
        wrong = doubt.wrong.fill_null(False)
        account.values_set_aside[doubt.why] += int(good.select(wrong.sum()).item())
        good = good.with_columns(pl.when(~wrong).then(doubt.column).alias(doubt.column))
    good = good.select("_id", *columns)
    return rows.join(good, left_on="stay_id", right_on="_id", how="left", maintain_order="left"), account


def _rules(stays: pl.Series) -> Iterator[tuple[pl.Expr, str]]:
    """(which rows tell of no stay, why), in the order in which a row is counted."""
    free = pl.col("reason").is_null()
    yield pl.col("_id").is_null(), "blank stay id"
    yield pl.struct(pl.all().exclude("row", "reason")).is_first_distinct().not_(), "duplicate row"
    yield free & (free.sum().over("_id") > 1), "stay id used for different rows"
    yield ~pl.col("_id").is_in(stays.implode()), NO_SUCH_STAY
