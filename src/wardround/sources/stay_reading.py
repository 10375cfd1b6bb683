"""The stays of a database: its stay table, with what side tables tell of them, before any event table is read."""

from collections import Counter
from dataclasses import dataclass

import polars as pl

from wardround.errors import SourceError
from wardround.ledger import TableLedger
from wardround.sources.block import RAGGED, numbered, reason_counts, refuse_retyped
from wardround.sources.conversion import bare_numbers
from wardround.sources.gather import shard_of_subjects
from wardround.sources.raw_data import RawData
from wardround.sources.side_table import joined
from wardround.sources.source import Source
from wardround.stopping import StopRequest


@dataclass(frozen=True)
class ReadStays:
    """Stays, as they were read.

    Attributes:
        stays: a row a stay.
        admission: good candidates from the stay table, without `row` and `reason`.
        shards: `stay_id, subject_id, start, shard, slice`.
        accounts: table -> its account.
    """

    stays: pl.DataFrame
    admission: pl.DataFrame
    shards: pl.DataFrame
    accounts: dict[str, TableLedger]

    @property
    def placed(self) -> pl.DataFrame:
        """The stays with their shard and slice, as tables ask for them."""
        return self.shards.join(self.stays.drop("subject_id", "start"), on="stay_id", how="left")


def read_stays(source: Source, found: RawData, modalities: str, stop: StopRequest) -> ReadStays:
    """Read the stay table and the side tables.

    Raises:
        SourceError: where there is no usable stay, or a column is not what it is declared to be.
        BrokenFileError: where a file cannot be read to its end.
        StorageError: where the disk refuses.
        RunError: on SIGTERM.
    """
    rows, account = _stay_rows(source, found, stop)
    accounts = {source.stay_table.name: account}
    for side in source.side_tables:
        stop.check()
        there = found.tables.get(side.raw.name)
        rows, of_side = joined(rows, side, there, source.stay_id)
        if there is not None:
            accounts[side.raw.name] = of_side
    stays = source.stays(rows)
    if stays.is_empty():
        reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(account.set_aside.items()) if count)
        where = found.tables[source.stay_table.name].where
        raise SourceError(f"{where} holds no usable stay ({reasons or 'no rows'}).")
    admission = source.admission_events(rows, modalities == "paper")
    rejected = admission.filter(pl.col("reason").is_not_null())
    account.values_set_aside.update(reason_counts(rejected.select("reason")))
    admission = admission.filter(pl.col("reason").is_null()).drop("row", "reason")
    return ReadStays(stays, admission, shard_of_subjects(stays, source.stays_per_shard), accounts)


def _stay_rows(source: Source, found: RawData, stop: StopRequest) -> tuple[pl.DataFrame, TableLedger]:
    """The stay table's rows, and their account."""
    table, account = source.stay_table, TableLedger()
    there = found.tables[table.name]
    blocks: list[pl.DataFrame] = []
    words = Counter[str]()
    for block in there.blocks():
        stop.check()
        account.rows_in += block.frame.height + block.ragged
        account.set_aside[RAGGED] += block.ragged
        blocks.append(numbered(block, table))
        words.update(bare_numbers(blocks[-1], table))
    rows = source.stay_rows(pl.concat(blocks).sort(pl.exclude("row")))
    account.set_aside.update(reason_counts(rows.select("reason")))
    account.rows_out = rows["reason"].null_count()
    refuse_retyped(there.where, table, account, words)
    return rows, account
