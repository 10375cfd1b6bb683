"""`prepare --dry-run`: what a long run will find, need and take, from a look at the begin of each table.

The files are found and hashed and the stays are read as `prepare` does it; of each event table the first rows are
converted, put in order and packed in memory, and the rest is told from how much of the file they were. Nothing is
written. Seconds are those of this machine as it is now.
"""

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from wardround.errors import StorageError
from wardround.events import MEDS_EVENT_SCHEMA
from wardround.sources.block import convert_block
from wardround.sources.conversion import EventTable
from wardround.sources.gather import Part, gather
from wardround.sources.memory_plan import GIB, MIB, MemoryPlan, plan_memory
from wardround.sources.pipeline import OUTPUTS
from wardround.sources.raw_data import FoundTable
from wardround.sources.reading import split
from wardround.sources.source import Source
from wardround.sources.stay_reading import ReadStays, read_stays
from wardround.sources.work_folder import refuse_others_files
from wardround.stopping import stop_on_sigterm
from wardround.tables import aligned

SAMPLE_ROWS: Final = 200_000
"""Rows of a table that are looked at."""
MARGIN: Final = 1.1
"""What is asked of the disk beyond the estimate."""


@dataclass(frozen=True)
class TableForecast:
    """What a table will be.

    Attributes:
        rows, events: how many, about.
        is_counted: whether all rows were seen.
        read_s, convert_s, gather_s: seconds of one worker.
        work_bytes, data_bytes: on disk while the work is under way, and at the end.
    """

    rows: int
    events: int
    is_counted: bool
    read_s: float
    convert_s: float
    gather_s: float
    work_bytes: int
    data_bytes: int


@dataclass(frozen=True)
class Forecast:
    """What a run will be.

    Attributes:
        to: the folder to write.
        stays: how many there are.
        tables: event table -> what it will be.
        absent: tables that might have been there.
        plan: what memory will hold.
        memory_gib: what it was planned from.
        free_bytes: of the disk, now.
        begin_s: seconds until the first event table is read: checksums and stays.
    """

    to: Path
    stays: int
    tables: dict[str, TableForecast]
    absent: tuple[str, ...]
    plan: MemoryPlan
    memory_gib: float
    free_bytes: int
    begin_s: float

    @property
    def work_bytes(self) -> int:
        """On disk while the work is under way, beside the data."""
        return sum(table.work_bytes for table in self.tables.values())

    @property
    def data_bytes(self) -> int:
        """On disk at the end."""
        return sum(table.data_bytes for table in self.tables.values())

    @property
    def seconds(self) -> float:
        """Of the whole run: one thread reads while the workers convert, then the workers put shards in order."""
        at_once = min(self.plan.workers, len(os.sched_getaffinity(0)))
        return self.begin_s + sum(
            max(each.read_s, (each.read_s + each.convert_s) / at_once) + each.gather_s / at_once
            for each in self.tables.values()
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, for `--json`."""
        return {
            "to": str(self.to),
            "stays": self.stays,
            "tables": {name: asdict(table) for name, table in self.tables.items()},
            "absent": list(self.absent),
            "memory_gib": self.memory_gib,
            "plan": asdict(self.plan),
            "work_bytes": self.work_bytes,
            "data_bytes": self.data_bytes,
            "free_bytes": self.free_bytes,
            "seconds": round(self.seconds, 1),
        }

    def refuse_small_disk(self) -> None:
        """Raises `StorageError` where what is free is less than what the work and the data need at once."""
        needed = MARGIN * (self.work_bytes + self.data_bytes)
        if needed > self.free_bytes:
            raise StorageError(
                f"{self.to}: some {_size(needed)} are needed while data are made, {_size(self.free_bytes)} are free "
                "there. Free the disk, or choose another --to."
            )


def forecast(
    source: Source, raws: Sequence[Path], to: Path, modalities: str, workers: int, memory_gib: float
) -> Forecast:
    """Look at the raw tables of a database; the arguments are those of `prepare`.

    Raises:
        UsageError, SourceError, BrokenFileError, StorageError: as `prepare` does, for what it would meet before its
            first table is through.
        RunError: where `to` holds files of somebody's; on SIGTERM.
    """
    refuse_others_files(to, OUTPUTS)
    plan_memory(memory_gib, workers, n_stays=0)
    begin = time.perf_counter()
    found = source.find_all(raws, modalities)
    with stop_on_sigterm() as stop:
        read = read_stays(source, found, modalities, stop)
        plan = plan_memory(memory_gib, workers, read.stays.height)
        begin_s = time.perf_counter() - begin
        tables: dict[str, TableForecast] = {}
        for table in source.tables(modalities):
            if table.raw.name in found.tables:
                stop.check()
                tables[table.raw.name] = _table(source, found.tables[table.raw.name], table, read, plan)
    free = shutil.disk_usage(next(path for path in (to.absolute(), *to.absolute().parents) if path.exists())).free
    return Forecast(to, read.stays.height, tables, found.absent, plan, memory_gib, free, begin_s)


@dataclass
class _Look:
    """What was seen of a table so far.

    Attributes:
        samples: events-to-be of the first rows.
        sampled, rows: how many rows were converted, and read.
        read_s, convert_s: what that took.
        share: of the table that was read.
    """

    samples: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    sampled: int = 0
    rows: int = 0
    read_s: float = 0.0
    convert_s: float = 0.0
    share: float = 1.0


def _table(source: Source, found: FoundTable, table: EventTable, read: ReadStays, plan: MemoryPlan) -> TableForecast:
    look = _look(source, found, table, read.placed, plan)
    events = pl.concat(look.samples)
    gather_s, work_bytes, data_bytes = _packed(table, events, read)
    times = look.rows / max(look.sampled, 1) / look.share
    return TableForecast(
        rows=round(look.rows / look.share),
        events=round(events.height * times),
        is_counted=look.share == 1,
        read_s=look.read_s / look.share,
        convert_s=look.convert_s * times,
        gather_s=gather_s * times,
        work_bytes=round(work_bytes * times),
        data_bytes=round(data_bytes * times),
    )


def _look(source: Source, found: FoundTable, table: EventTable, stays: pl.DataFrame, plan: MemoryPlan) -> _Look:
    """Read and convert the first rows; a reader that cannot tell its share reads on to the end, converting no more."""
    look, clock = _Look(), time.perf_counter
    began = clock()
    for block in found.blocks():
        look.read_s += clock() - began
        began = clock()
        look.rows += block.frame.height
        if look.sampled < SAMPLE_ROWS:
            parts = split(block, plan.block_rows)
            look.samples += [convert_block(part, table, source.stay_id, stays).events for part in parts]
            look.sampled = look.rows
        look.convert_s += clock() - began
        if block.share is not None and 0 < block.share < 1 and look.rows >= SAMPLE_ROWS:
            look.share = block.share
            return look
        began = clock()
    look.read_s += clock() - began
    return look


def _packed(table: EventTable, events: pl.DataFrame, read: ReadStays) -> tuple[float, int, int]:
    """Seconds to put some events in order and pack them, and their bytes under way and at the end."""
    if events.is_empty():
        return 0.0, 0, 0
    arrow = events.drop("slice").to_arrow(compat_level=pl.CompatLevel.oldest())
    under_way = pa.BufferOutputStream()
    with pa.ipc.new_file(under_way, arrow.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(arrow)
    began = time.perf_counter()
    members = read.shards.join(events.select("stay_id").unique(), on="stay_id", how="semi")
    made, _ = gather([Part(table.raw.name, [events.drop("slice")], 0)], read.admission.clear(), members)
    at_end = pa.BufferOutputStream()
    pq.write_table(made.to_arrow().select(MEDS_EVENT_SCHEMA.names).cast(MEDS_EVENT_SCHEMA), at_end, compression="zstd")
    return time.perf_counter() - began, under_way.getvalue().size, at_end.getvalue().size


def forecast_lines(found: Forecast) -> list[str]:
    """The forecast for a reader."""
    rows = [["table", "rows", "events"]]
    for name, table in found.tables.items():
        about = "" if table.is_counted else "~"
        rows.append([name, f"{about}{table.rows:,}", f"{about}{table.events:,}"])
    plan, minutes = found.plan, found.seconds / 60
    time_needed = f"{minutes:,.0f} minutes" if minutes >= 2 else f"{found.seconds:,.0f} seconds"
    return [
        f"{found.stays:,} stays",
        *aligned(rows),
        *([f"absent: {', '.join(found.absent)}"] if found.absent else []),
        f"disk: {_size(found.data_bytes)} of data and, while they are made, {_size(found.work_bytes)} of work; "
        f"{_size(found.free_bytes)} are free",
        f"memory: at most {found.memory_gib:g} GiB: {plan.workers} worker{'s' * (plan.workers > 1)}, "
        f"{plan.block_rows:,} rows converted and {plan.gather_rows:,} events put in order at once by each, "
        f"{plan.waiting_bytes // MIB} MiB of events waiting",
        f"time: some {time_needed} on this machine as it is now",
    ]


def _size(n_bytes: float) -> str:
    return f"{n_bytes / GIB:,.1f} GiB" if n_bytes >= GIB else f"{n_bytes / MIB:,.1f} MiB"
