"""`prepare --dry-run`: what a long run will find, need and take, from a look at the begin of each table.

The files are found and hashed and the stays are read as `prepare` does it; of each event table the first rows are
converted, put in order and packed in memory, and the rest is told from how much of the file they were. Nothing is
written. Seconds are those of this machine as it is now.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from wardround import files
from wardround.cores import usable_cores
from wardround.events import MEDS_EVENT_SCHEMA
from wardround.sources.block import convert_block
from wardround.sources.conversion import EventTable
from wardround.sources.data_target import OUTPUTS, is_prepared, settings_of
from wardround.sources.disk_room import DiskRoom, bytes_of, room_of, size_of
from wardround.sources.gather import Part, gather
from wardround.sources.memory_plan import MIB, MemoryPlan, plan_memory
from wardround.sources.packed import WordLists, as_words
from wardround.sources.raw_data import FoundTable, RawData
from wardround.sources.reading import split
from wardround.sources.recognise import hinted
from wardround.sources.registry import KNOWN_SOURCES
from wardround.sources.runs import in_common_words
from wardround.sources.source import Source
from wardround.sources.stay_reading import ReadStays, read_stays
from wardround.sources.work_folder import refuse_others_files
from wardround.stopping import StopRequest, stop_on_sigterm
from wardround.tables import aligned
from wardround.whole_file import storage_errors

SAMPLE_ROWS: Final = 200_000
"""Rows of a table that are looked at."""
SAMPLE_BYTES: Final = 64 * MIB
"""And no more, of what becomes of them: rows may be long notes, or ten events each."""
PLENTY: Final = 16
"""Nobody needs so many times the size of the raw tables: 2.8 to 8 were measured on the open demos (work and data)."""
PLENTY_BYTES: Final = 64 * MIB
"""And so many more, for what files take that hold hardly anything."""


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
        room: of the folder to write.
        is_made: whether it holds these very data already: a run has nothing to do.
        stays: how many there are.
        tables: event table -> what it will be.
        absent: tables that might have been there.
        plan: what memory will hold.
        memory_gib: what it was planned from.
        begin_s: seconds until the first event table is read: checksums and stays.
    """

    room: DiskRoom
    is_made: bool
    stays: int
    tables: dict[str, TableForecast]
    absent: tuple[str, ...]
    plan: MemoryPlan
    memory_gib: float
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
        """Of the whole run, at least: one thread reads while the workers convert, then the workers put shards in order.
        Not in it: the start, runs that are read again, files that are hashed and flushed."""
        at_once = min(self.plan.workers, usable_cores())
        return self.begin_s + sum(
            max(each.read_s, (each.read_s + each.convert_s) / at_once) + each.gather_s / at_once
            for each in self.tables.values()
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, for `--json`."""
        return {
            "to": str(self.room.to),
            "is_made": self.is_made,
            "stays": self.stays,
            "tables": {name: asdict(table) for name, table in self.tables.items()},
            "absent": list(self.absent),
            "memory_gib": self.memory_gib,
            "plan": asdict(self.plan),
            "work_bytes": self.work_bytes,
            "data_bytes": self.data_bytes,
            "free_bytes": self.room.free_bytes,
            "made_bytes": self.room.made_bytes,
            "seconds": round(self.seconds, 1),
        }

    def judge_disk(self) -> str | None:
        """What to say of a disk that may be too small, None where it is large enough or nothing is to be made. Raises
        `StorageError` where it surely is too small."""
        return None if self.is_made else self.room.judge(self.work_bytes + self.data_bytes)


def forecast(
    source: Source, raws: Sequence[Path], to: Path, modalities: str, workers: int, memory_gib: float
) -> Forecast:
    """Look at the raw tables of a database; the arguments are those of `prepare`.

    Raises:
        UsageError, SourceError, BrokenFileError, StorageError: as `prepare` does, for what it would meet before its
            first table is through.
        RunError: where `to` holds data of other settings or inputs, or files of somebody's; on SIGTERM.
    """
    refuse_others_files(to, OUTPUTS)  # before files are hashed, which may take minutes
    plan_memory(memory_gib, workers, n_stays=0)
    begin = time.perf_counter()
    with hinted(source.name, raws, KNOWN_SOURCES.usable):
        found = source.find_all(raws, modalities)
    is_made = is_prepared(to, settings_of(source, found, modalities), found.inputs)
    finding_s = time.perf_counter() - begin
    with stop_on_sigterm() as stop:
        told = _looked(source, found, modalities, _Terms(room_of(to), is_made, workers, memory_gib), stop)
    return replace(told, begin_s=finding_s + told.begin_s)


def check_disk(source: Source, found: RawData, to: Path, modalities: str, memory_gib: float) -> str | None:
    """Whether the disk of a folder holds what is made of tables that were found.

    Where it has plenty of room for their size only that is asked; else the begin of each table is looked at, as the dry
    run does, which is a small part of the time of a long run.

    Returns:
        What to say of a disk that may be too small; None where it is large enough.

    Raises:
        StorageError: where it surely is too small; where it refuses.
        UsageError, SourceError, BrokenFileError: as `prepare` does.
        RunError: on SIGTERM.
    """
    room = room_of(to)
    with storage_errors(to, "looking at the tables for"):
        raw_bytes = bytes_of({path for table in found.tables.values() for path in (table.where, *table.others)})
    if room.total_bytes >= PLENTY_BYTES + PLENTY * raw_bytes:
        return None
    with stop_on_sigterm() as stop:
        return _looked(source, found, modalities, _Terms(room, False, 1, memory_gib), stop).judge_disk()


@dataclass(frozen=True)
class _Terms:
    room: DiskRoom
    is_made: bool
    workers: int
    memory_gib: float


def _looked(source: Source, found: RawData, modalities: str, terms: _Terms, stop: StopRequest) -> Forecast:
    """The forecast, from a look at each table."""
    begin = time.perf_counter()
    read = read_stays(source, found, modalities, stop)
    plan = plan_memory(terms.memory_gib, terms.workers, read.stays.height)
    begin_s = time.perf_counter() - begin
    tables: dict[str, TableForecast] = {}
    for table in source.tables(modalities):
        if table.raw.name in found.tables:
            stop.check()
            tables[table.raw.name] = _table(source, found.tables[table.raw.name], table, read, plan)
    return Forecast(terms.room, terms.is_made, read.stays.height, tables, found.absent, plan, terms.memory_gib, begin_s)


@dataclass
class _Look:
    """What was seen of a table so far.

    Attributes:
        samples: events-to-be of the first rows.
        sample_bytes: that they hold in memory.
        sampled, rows: how many rows were converted, and read.
        read_s, convert_s: what that took.
        share: of the table that was read.
    """

    samples: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    sample_bytes: int = 0
    sampled: int = 0
    rows: int = 0
    read_s: float = 0.0
    convert_s: float = 0.0
    share: float = 1.0

    @property
    def is_enough(self) -> bool:
        """Whether no more is converted."""
        return self.rows >= SAMPLE_ROWS or self.sample_bytes >= SAMPLE_BYTES


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
        if not look.is_enough:
            parts = split(block, plan.block_rows)
            made = [convert_block(part, table, source.stay_id, stays).events for part in parts]
            look.samples += made
            look.sample_bytes += round(sum(each.estimated_size() for each in made))
            look.sampled += block.frame.height
        look.rows += block.frame.height
        look.convert_s += clock() - began
        if block.share is not None and 0 < block.share < 1 and look.is_enough:
            look.share = block.share
            return look
        began = clock()
    look.read_s += clock() - began
    return look


def _packed(table: EventTable, events: pl.DataFrame, read: ReadStays) -> tuple[float, int, int]:
    """Seconds to put some events in order and pack them, and their bytes under way and at the end."""
    if events.is_empty():
        return 0.0, 0, 0
    _, rows = in_common_words({}, events.drop("slice"))
    arrow = WordLists().packed(rows).to_arrow(compat_level=pl.CompatLevel.oldest())
    under_way = pa.BufferOutputStream()
    with pa.ipc.new_file(under_way, arrow.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(arrow)
    began = time.perf_counter()
    members = read.shards.join(events.select("stay_id").unique(), on="stay_id", how="semi")
    made, _ = gather([Part(table.raw.name, [rows], 0)], rows.clear().drop("row", "row_hash"), members)
    at_end = pa.BufferOutputStream()
    shard = as_words(made).to_arrow().select(MEDS_EVENT_SCHEMA.names).cast(MEDS_EVENT_SCHEMA)
    pq.write_table(shard, at_end, compression="zstd", **files.suited(shard))
    return time.perf_counter() - began, under_way.getvalue().size, at_end.getvalue().size


def forecast_lines(found: Forecast) -> list[str]:
    """The forecast for a reader."""
    rows = [["table", "rows", "events"]]
    for name, table in found.tables.items():
        about = "" if table.is_counted else "~"
        rows.append([name, f"{about}{table.rows:,}", f"{about}{table.events:,}"])
    plan, minutes = found.plan, found.seconds / 60
    time_needed = f"{minutes:,.0f} minutes" if minutes >= 2 else f"{max(found.seconds, 1):,.0f} s"
    made = [f"{found.room.to} holds these data already, finished: a run makes nothing"] if found.is_made else []
    return [
        *made,
        f"{found.stays:,} stays",
        *aligned(rows),
        *([f"absent: {', '.join(found.absent)}"] if found.absent else []),
        f"disk: {size_of(found.data_bytes)} of data and, while they are made, {size_of(found.work_bytes)} of work; "
        f"{size_of(found.room.free_bytes)} are free",
        f"memory: at most {found.memory_gib:g} GiB: {plan.workers} worker{'s' * (plan.workers > 1)}, "
        f"{plan.block_rows:,} rows converted and {plan.gather_rows:,} events put in order at once by each, "
        f"{plan.waiting_bytes // MIB} MiB of events waiting",
        f"time: at least {time_needed} on this machine as it is now; runs took up to four times that",
    ]
