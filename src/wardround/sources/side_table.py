"""Raw tables that tell more of the stays: a row a stay, such as outcomes in a file of their own, or a row for what
several stays share, a patient or a hospital admission.

Their columns join the stay table's rows by stay id, or by the id of what they tell of, and each of their rows is
accounted for as any other.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from wardround.events import TIME
from wardround.ledger import TableLedger
from wardround.sources.block import RAGGED, numbered, reason_counts, refuse_retyped
from wardround.sources.conversion import with_reason
from wardround.sources.raw_data import FoundTable
from wardround.sources.raw_table import Kind, RawTable

NO_SUCH_STAY: Final = "no such stay"
OF_NO_STAY: Final = "of no stay"
STAY_ID: Final = "stay id"
_TYPES: Final = {Kind.INTEGER: pl.Int64(), Kind.NUMBER: pl.Float64(), Kind.TIME: TIME}


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
        key: the column, of the stay table too, that holds the id of what a row tells of; None for the stay's id.
    """

    raw: RawTable
    doubts: tuple[Doubt, ...] = ()
    key: str | None = None


def joined(
    rows: pl.DataFrame, side: SideTable, found: FoundTable | None, stay_id: str
) -> tuple[pl.DataFrame, TableLedger]:
    """Stay rows with the columns of a side table, null where it has no row for a stay or is absent. A column that the
    stay rows have already comes as TABLE.COLUMN.

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
    key = stay_id if side.key is None else side.key
    columns = {name: f"{side.raw.name}.{name}" if name in rows.columns else name for name in side.raw.read}
    del columns[key]
    if found is None:
        kinds = {new: _TYPES.get(side.raw.columns[name][0], pl.String()) for name, new in columns.items()}
        return rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in kinds.items()), TableLedger()
    account, blocks = TableLedger(), list[pl.DataFrame]()
    for block in found.blocks():
        account.rows_in += block.frame.height + block.ragged
        account.set_aside[RAGGED] += block.ragged
        blocks.append(numbered(block, side.raw))
    frame = pl.concat(blocks).rename({key: "_id"})
    of_stays = "stay_id" if side.key is None else side.key
    wanted = rows.filter(pl.col("reason").is_null())[of_stays].unique()
    for unusable, reason in _rules(wanted, STAY_ID if side.key is None else side.key):
        frame = with_reason(frame, unusable, reason)
    account.set_aside.update(reason_counts(frame.select("reason")))
    account.rows_out = frame["reason"].null_count()
    refuse_retyped(found.where, side.raw, account, Counter[str]())
    good = frame.filter(pl.col("reason").is_null())
    for doubt in side.doubts:
        wrong = doubt.wrong.fill_null(False)
        account.values_set_aside[doubt.why] += int(good.select(wrong.sum()).item())
        good = good.with_columns(pl.when(~wrong).then(doubt.column).alias(doubt.column))
    good = good.select("_id", **{new: pl.col(name) for name, new in columns.items()})
    return rows.join(good, left_on=of_stays, right_on="_id", how="left", maintain_order="left"), account


def _rules(wanted: pl.Series, of: str) -> Iterator[tuple[pl.Expr, str]]:
    """(which rows tell of no stay, why), in the order in which a row is counted."""
    free = pl.col("reason").is_null()
    yield pl.col("_id").is_null(), f"blank {of}"
    yield pl.struct(pl.all().exclude("row", "reason")).is_first_distinct().not_(), "duplicate row"
    yield free & (free.sum().over("_id") > 1), f"{of} used for different rows"
    yield ~pl.col("_id").is_in(wanted.implode()), NO_SUCH_STAY if of == STAY_ID else OF_NO_STAY
