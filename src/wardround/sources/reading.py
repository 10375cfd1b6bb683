"""One raw table to runs of events-to-be: read by one thread, converted by several, written in the order of its rows."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from wardround import files
from wardround.ledger import TableLedger
from wardround.sources.block import Converted, convert_block, refuse_retyped
from wardround.sources.conversion import EventTable
from wardround.sources.csv_reader import RawRows
from wardround.sources.derived_codes import refuse_derived
from wardround.sources.memory_plan import MemoryPlan
from wardround.sources.raw_data import FoundTable
from wardround.sources.runs import RunWriter
from wardround.stopping import StopRequest


@dataclass(frozen=True)
class TableReader:
    """How tables are read.

    Attributes:
        stay_id: the column that holds the stay's id.
        stays: `stay_id, slice` of the stays that there are, and their other columns.
        plan: what may be held at once.
        stop: asked before each block.
    """

    stay_id: str
    stays: pl.DataFrame
    plan: MemoryPlan
    stop: StopRequest

    def read(self, found: FoundTable, table: EventTable, folder: Path) -> tuple[dict[str, Any], list[Path]]:
        """Read a table into runs in `folder`.

        Returns:
            What was counted (`account`, `delay_min`, the names of the `runs`), and the files.

        Raises:
            SourceError: where most of a column cannot be read as declared.
            BrokenFileError: where the file cannot be read to its end.
            StorageError: where the disk refuses.
            RunError: on SIGTERM.
        """
        files.empty_folder(folder)
        account, words, floored = TableLedger(), Counter[str](), True
        runs = RunWriter(folder, self.plan.waiting_bytes)

        def convert(block: RawRows) -> Converted:
            return convert_block(block, table, self.stay_id, self.stays)

        for converted in in_order(convert, self._blocks(found), self.plan.workers):
            refuse_derived(found.where, converted.events)
            account.add(converted.account)
            words.update(converted.bare_numbers)
            floored = floored and converted.floored
            runs.add(converted.events)
        runs.flush()
        left_alone = 0 if table.only is None else account.set_aside[table.only.reason]
        refuse_retyped(found.where, table.raw, account, words, left_alone)
        delay_min = table.floored_min if floored and account.rows_in else 0
        facts = {"account": account.as_json(), "delay_min": delay_min, "runs": [path.name for path in runs.paths]}
        return facts, runs.paths

    def _blocks(self, found: FoundTable) -> Iterator[RawRows]:
        for block in found.blocks():
            self.stop.check()
            yield from split(block, self.plan.block_rows)


def split(block: RawRows, most_rows: int) -> Iterator[RawRows]:
    """A block as several of at most so many rows; lines that could not be read count in the first."""
    for first in range(0, max(block.frame.height, 1), most_rows):
        rows, ragged = block.frame.slice(first, most_rows), 0 if first else block.ragged
        yield replace(block, frame=rows, first_row=block.first_row + first, ragged=ragged)


def in_order(task: Callable[[RawRows], Converted], blocks: Iterable[RawRows], workers: int) -> Iterator[Converted]:
    """Do a task for each block, `workers` of them at once beside the thread that asks; results come in order."""
    if workers <= 1:
        yield from map(task, blocks)
        return
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[Converted]] = deque()
        try:
            for block in blocks:
                under_way.append(pool.submit(task, block))
                if len(under_way) > workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for waiting in under_way:
                waiting.cancel()
