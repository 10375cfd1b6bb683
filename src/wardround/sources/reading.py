"""One raw table to runs of events-to-be: read by one thread, converted by several workers, written in the order of its
rows."""

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from wardround import files
from wardround.engines.engine import Engine
from wardround.ledger import TableLedger
from wardround.sources.block import Converted, convert_block, refuse_retyped
from wardround.sources.conversion import EventTable
from wardround.sources.csv_reader import RawRows
from wardround.sources.derived_codes import refuse_derived
from wardround.sources.memory_plan import MemoryPlan
from wardround.sources.raw_data import FoundTable
from wardround.sources.runs import RunWriter
from wardround.sources.source import Source
from wardround.sources.table_address import Address, address_of, found
from wardround.stopping import StopRequest


@dataclass(frozen=True)
class Conversion:
    """What every block of a table is converted with.

    Attributes:
        table: the table, or where a worker that is another process finds it.
        stay_id: the column that holds the stay's id.
        stays: `stay_id, slice` of the stays that there are, and their other columns.
    """

    table: EventTable | Address
    stay_id: str
    stays: pl.DataFrame


def convert(how: Conversion, block: RawRows) -> Converted:
    """The task of a worker: one block."""
    table = how.table if isinstance(how.table, EventTable) else found(how.table)
    return convert_block(block, table, how.stay_id, how.stays)


@dataclass(frozen=True)
class TableReader:
    """How tables are read.

    Attributes:
        source: whose tables they are.
        engine: who converts blocks.
        stays: `stay_id, slice` of the stays that there are, and their other columns.
        plan: what may be held at once.
        stop: asked before each block.
    """

    source: Source
    engine: Engine
    stays: pl.DataFrame
    plan: MemoryPlan
    stop: StopRequest

    def read(
        self, raw: FoundTable, table: EventTable, folder: Path, seen: Callable[[float], None] = lambda _: None
    ) -> tuple[dict[str, Any], list[Path]]:
        """Read a table into runs in `folder`.

        Args:
            raw: where it is.
            table: what it is.
            folder: of its runs; emptied first.
            seen: told, after each block, which share of the table was read, where its reader can tell.

        Returns:
            What was counted (`account`, `delay_min`, `events`, the names of the `runs`), and the files.

        Raises:
            UsageError: where workers are other processes, and cannot have the table.
            SourceError: where most of a column cannot be read as declared.
            BrokenFileError: where the file cannot be read to its end.
            StorageError: where the disk refuses.
            RunError: on SIGTERM; where workers are lost time and again.
        """
        files.empty_folder(folder)
        account, words, floored, events = TableLedger(), Counter[str](), True, 0
        there = address_of(self.source, table) if self.engine.is_apart else table
        how = Conversion(there, self.source.stay_id, self.stays)
        runs, read = RunWriter(folder, self.plan.waiting_bytes), self._blocks(raw, seen)
        with runs, contextlib.closing(read) as blocks:  # also where an error keeps hold of who reads them
            for converted in self.engine.map(convert, how, blocks, self.plan.workers):
                refuse_derived(raw.where, converted.events)
                account.add(converted.account)
                words.update(converted.bare_numbers)
                floored = floored and converted.floored
                runs.add(converted.events)
                events += converted.events.height
            written = runs.finish()
        left_alone = 0 if table.only is None else account.set_aside[table.only.reason]
        refuse_retyped(raw.where, table.raw, account, words, left_alone)
        delay_min = table.floored_min if floored and account.rows_in else 0
        named = [path.name for path in runs.paths]
        return {"account": account.as_json(), "delay_min": delay_min, "events": events, "runs": named}, written

    def _blocks(self, raw: FoundTable, seen: Callable[[float], None]) -> Generator[RawRows]:
        """The blocks, no larger than planned; a thread of its own reads one ahead."""
        with contextlib.closing(_blocks_of(raw)) as blocks, ThreadPoolExecutor(1) as thread:
            ahead = thread.submit(next, blocks, None)
            while (block := ahead.result()) is not None:
                self.stop.check()
                ahead = thread.submit(next, blocks, None)
                yield from split(block, self.plan.block_rows)
                if block.share is not None:
                    seen(block.share)


def _blocks_of(raw: FoundTable) -> Generator[RawRows]:
    """The blocks of a table, which can be closed amid it."""
    yield from raw.blocks()


def split(block: RawRows, most_rows: int) -> Iterator[RawRows]:
    """A block as several of at most so many rows, and about as many each; lines that could not be read count in the
    first."""
    rows = block.frame.height
    size = math.ceil(rows / math.ceil(rows / most_rows)) if rows else 1
    for first in range(0, max(rows, 1), size):
        part, ragged = block.frame.slice(first, size), 0 if first else block.ragged
        yield replace(block, frame=part, first_row=block.first_row + first, ragged=ragged)
