"""prepare: the raw tables of a database to a DATA folder (MEDS 0.4 with our extra columns).

    find the tables, hash them
    read each table block by block  ->  candidates  ->  parts by shard  (hidden work folder, each part written whole)
    gather each shard's parts       ->  duplicates out, sorted          ->  data/SHARD.parquet
    stays, codes, ledger, manifest  ->  the folder is closed, the work folder goes

A run that was killed goes on from the steps that it finds finished; the bytes at the end are the same. Memory holds one
block or one shard a worker.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl
import pyarrow as pa

import wardround
from wardround import files
from wardround.errors import SourceError
from wardround.events import HAPPENED, OPTIONAL_STAY_COLUMNS, STAY_COLUMNS, TIME_IS
from wardround.ledger import TableLedger, check_balanced
from wardround.pictures import write_picture_folder
from wardround.progress import progress
from wardround.sources.block import RAGGED, Converted, convert_block, numbered, reason_counts, refuse_retyped
from wardround.sources.conversion import EventTable, bare_numbers
from wardround.sources.derived_codes import refuse_derived
from wardround.sources.gather import (
    STAYS_PER_SHARD,
    Part,
    gather_shard,
    read_summaries,
    shard_of_subjects,
    subject_splits,
    write_shard,
)
from wardround.sources.patient_pool import PatientPool
from wardround.sources.raw_data import RawData
from wardround.sources.registry import KNOWN_SOURCES
from wardround.sources.side_table import joined
from wardround.sources.source import Source
from wardround.sources.work_folder import WorkFolder, open_work
from wardround.stopping import StopRequest, stop_on_sigterm

__all__ = ["Prepared", "Source", "prepare"]

OUTPUTS: Final = ("data", "metadata", "stays.parquet", "ledger.json", files.MANIFEST)

CODES_SCHEMA: Final = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        ("description", pa.string()),
        ("parent_codes", pa.list_(pa.string())),
        ("modality", pa.string()),
    ]
)
SPLITS_SCHEMA: Final = pa.schema([("subject_id", pa.int64()), ("split", pa.string())])
PART_COMPRESSION: Final = "lz4"

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Prepared:
    """What `prepare` did: the folder, whether it was already complete, and the ledger to print."""

    folder: Path
    already: bool
    ledger: dict[str, Any]


def prepare(
    source: Source,
    raw: Path | Sequence[Path],
    to: Path,
    modalities: str = "all",
    workers: int = 1,
    quiet: bool = False,
) -> Prepared:
    """Raw tables of one database to a DATA folder.

    Args:
        source: the database.
        raw: the folder with its files; several where the source takes several.
        to: the DATA folder to write: absent, empty, or one that this command did not finish.
        modalities: "paper" for the paper's six, "all".
        workers: threads that read tables and gather shards; the bytes do not depend on it.
        quiet: no progress on stderr.

    Returns:
        The folder and its ledger.

    Raises:
        UsageError: where the source has no such modalities, or takes fewer folders.
        SourceError: where a table or column is missing or not what it is declared to be.
        BrokenFileError: where a file cannot be read to its end.
        RunError: where `to` holds data of other settings or inputs, or files of somebody's; on SIGTERM.
        StorageError: where the disk refuses.
    """
    events, sides = source.tables(modalities), source.side_tables
    tables = [source.stay_table, *(side.raw for side in sides), *(table.raw for table in events)]
    found = source.find([raw] if isinstance(raw, Path) else raw, tables)
    inputs = dict(found.inputs)
    per_shard = min(STAYS_PER_SHARD, source.stays_per_shard or STAYS_PER_SHARD)
    settings: dict[str, Any] = {"source": source.name, "modalities": modalities, "stays_per_shard": per_shard}
    origin = KNOWN_SOURCES.origin(source.name)
    settings |= {**source.settings, **_patients(found, source).as_json()}
    settings |= {} if origin is None else {"packages": [origin.as_json()]}
    n_pictures = None if found.pictures is None else found.pictures.count
    settings |= {} if n_pictures is None else {"n_pictures": n_pictures}
    if files.is_complete(to, "data", settings, inputs):
        _say_where_pictures_are(to, found)
        WorkFolder(to).remove()
        return Prepared(to, True, files.read_json(to / "ledger.json"))
    versions = {"wardround": wardround.__version__, "polars": pl.__version__, "pyarrow": pa.__version__}
    work = open_work(to, {"settings": settings, "inputs": inputs, "versions": versions}, OUTPUTS)
    with _discarded_with_its_inputs(work), stop_on_sigterm() as stop:
        accounts = _Job(source, modalities, found, work, workers, quiet, stop).run()
    accounted = {name: account.as_json() for name, account in accounts.items()}
    ledger = {"tables": accounted, "absent": list(found.absent)}
    ledger |= {"notes": list(found.notes)} if found.notes else {}
    files.write_json(to / "ledger.json", ledger)
    _say_where_pictures_are(to, found)
    files.write_manifest(to, "data", inputs, settings, wardround.__version__)
    work.remove()
    return Prepared(to, False, ledger)


@contextlib.contextmanager
def _discarded_with_its_inputs(work: WorkFolder) -> Generator[None]:
    """Work on inputs that turn out to be no good can never be gone on with."""
    try:
        yield
    except SourceError:
        work.discard()
        raise


def _say_where_pictures_are(to: Path, found: RawData) -> None:
    """No part of what the manifest covers: pictures that were moved leave the data as they are."""
    if found.pictures is not None:
        write_picture_folder(to, found.pictures.folder)


def _patients(found: RawData, source: Source) -> PatientPool:
    """Whose patients they are: the files may say it, else the source does."""
    return found.patients or source.patients


@dataclass(frozen=True)
class _Job:
    source: Source
    modalities: str
    found: RawData
    work: WorkFolder
    workers: int
    quiet: bool
    stop: StopRequest

    def run(self) -> dict[str, TableLedger]:
        """Everything but the ledger and the manifest; returns table -> account."""
        rows, account = self._stay_rows()
        rows, sides = self._with_side_tables(rows)
        stays = self.source.stays(rows)
        if stays.is_empty():
            reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(account.set_aside.items()) if count)
            where = self.found.tables[self.source.stay_table.name].where
            raise SourceError(f"{where} holds no usable stay ({reasons or 'no rows'}).")
        admission = self.source.admission_events(rows, self.modalities == "paper")
        rejected = admission.filter(pl.col("reason").is_not_null())
        account.values_set_aside.update(reason_counts(rejected.select("reason")))
        admission = admission.filter(pl.col("reason").is_null()).drop("row", "reason")
        shards = shard_of_subjects(stays, self.source.stays_per_shard)
        tables = [table for table in self.source.tables(self.modalities) if table.raw.name in self.found.tables]
        members = shards.join(stays.drop("subject_id", "start"), on="stay_id", how="left")
        facts = self._each(lambda table: self._convert_table(table, members), tables, "reading tables")
        facts = {table.raw.name: fact for table, fact in zip(tables, facts, strict=True)}
        names = shards["shard"].unique().sort().to_list()
        duplicates = self._each(lambda shard: self._gather(shard, facts, admission, shards), names, "writing shards")
        accounts = {self.source.stay_table.name: account, **sides, **_accounts(facts, duplicates)}
        check_balanced(accounts)
        self._write_tables(stays, names)
        return accounts

    def _each(self, task: Callable[[Item], Result], items: Sequence[Item], what: str) -> list[Result]:
        """Do a task for each item, by `workers` threads; the first error stops those that have not begun."""
        with contextlib.ExitStack() as stack:
            bar = stack.enter_context(progress(len(items), what, quiet=self.quiet))
            if self.workers <= 1:
                results: Iterable[Result] = map(task, items)
            else:
                pool = ThreadPoolExecutor(self.workers)
                stack.callback(pool.shutdown, cancel_futures=True)
                results = pool.map(task, items)
            done: list[Result] = []
            for result in results:
                done.append(result)
                bar.advance()
        return done

    def _stay_rows(self) -> tuple[pl.DataFrame, TableLedger]:
        """The stay table's rows, and their account."""
        table, account = self.source.stay_table, TableLedger()
        found = self.found.tables[table.name]
        blocks: list[pl.DataFrame] = []
        words = Counter[str]()
        for block in found.blocks():
            self.stop.check()
            account.rows_in += block.frame.height + block.ragged
            account.set_aside[RAGGED] += block.ragged
            blocks.append(numbered(block, table))
            words.update(bare_numbers(blocks[-1], table))
        rows = self.source.stay_rows(pl.concat(blocks).sort(pl.exclude("row")))
        account.set_aside.update(reason_counts(rows.select("reason")))
        account.rows_out = rows["reason"].null_count()
        refuse_retyped(found.where, table, account, words)
        return rows, account

    def _with_side_tables(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, TableLedger]]:
        """The stay rows with what side tables tell of them, and the accounts of those that there are."""
        accounts: dict[str, TableLedger] = {}
        for side in self.source.side_tables:
            self.stop.check()
            found = self.found.tables.get(side.raw.name)
            rows, account = joined(rows, side, found, self.source.stay_id)
            if found is not None:
                accounts[side.raw.name] = account
        return rows, accounts

    def _convert_table(self, table: EventTable, stays: pl.DataFrame) -> dict[str, Any]:
        """Read one table into parts by shard, unless an earlier call finished that; returns what was counted."""
        name = table.raw.name
        facts = self.work.facts("tables", name)
        if facts is not None:
            return facts
        folder = self.work.path / "parts" / name
        files.empty_folder(folder)
        account, words, floored = TableLedger(), Counter[str](), True
        with contextlib.ExitStack() as stack:
            parts: dict[int, files.TableStream] = {}
            for converted in self._converted_blocks(table, stays):
                account.add(converted.account)
                words.update(converted.bare_numbers)
                floored = floored and converted.floored
                for (shard,), rows in converted.events.partition_by("shard", as_dict=True, include_key=False).items():
                    if shard not in parts:
                        part = files.table_stream(_part(folder, shard), compression=PART_COMPRESSION)
                        parts[shard] = stack.enter_context(part)
                    parts[shard].add(rows)
            refuse_retyped(self.found.tables[name].where, table.raw, account, words)
        delay_min = table.floored_min if floored and account.rows_in else 0
        facts = {"account": account.as_json(), "delay_min": delay_min}
        self.work.finish("tables", name, facts, [_part(folder, shard) for shard in sorted(parts)])
        return facts

    def _converted_blocks(self, table: EventTable, stays: pl.DataFrame) -> Iterator[Converted]:
        found = self.found.tables[table.raw.name]
        for block in found.blocks():
            self.stop.check()
            converted = convert_block(block, table, self.source.stay_id, stays)
            refuse_derived(found.where, converted.events)
            yield converted

    def _gather(
        self, shard: int, facts: dict[str, dict[str, Any]], admission: pl.DataFrame, shards: pl.DataFrame
    ) -> dict[str, int]:
        """Write one shard, unless an earlier call did; returns table -> duplicate rows."""
        self.stop.check()
        done = self.work.facts("shards", str(shard))
        if done is not None:
            return done
        folder = self.work.path / "parts"
        parts = [Part(name, _part(folder / name, shard), fact["delay_min"]) for name, fact in facts.items()]
        events, duplicates = gather_shard(parts, admission, shards.filter(pl.col("shard") == shard))
        made = write_shard(events, self.work.to / "data" / f"{shard}.parquet", self._summaries(shard))
        self.work.finish("shards", str(shard), duplicates, made)
        return duplicates

    def _summaries(self, shard: int) -> Path:
        return self.work.path / "summaries" / str(shard)

    def _write_tables(self, stays: pl.DataFrame, shards: list[int]) -> None:
        """`stays.parquet` and `metadata/`."""
        to = self.work.to
        counts, codes = read_summaries([self._summaries(shard) for shard in shards])
        stays = stays.join(counts, on="stay_id", how="left", maintain_order="left")
        stays = stays.with_columns(pl.col("n_events").fill_null(0), pl.col("modalities").fill_null([]))
        stays = stays.with_columns(pl.lit(None).alias(name) for name in OPTIONAL_STAY_COLUMNS - set(stays.columns))
        files.write_table(to / "stays.parquet", stays.select(pl.col(n).cast(kind) for n, kind in STAY_COLUMNS.items()))
        codes = codes.with_columns(description="code", parent_codes=pl.lit(None, pl.List(pl.String)))
        files.write_table(to / "metadata" / "codes.parquet", codes, CODES_SCHEMA)
        files.write_table(to / "metadata" / "subject_splits.parquet", subject_splits(stays), SPLITS_SCHEMA)
        dataset = {
            "dataset_name": self.source.dataset or self.source.name,
            "etl_name": "wardround",
            "etl_version": wardround.__version__,
            "meds_version": "0.4.1",
            "raw_source_id_columns": ["stay_id"],
            "other_extension_columns": ["modality", "available_time"],
            TIME_IS: HAPPENED,
            **_patients(self.found, self.source).as_json(),
        }
        files.write_json(to / "metadata" / "dataset.json", dataset)


def _part(folder: Path, shard: int) -> Path:
    return folder / f"{shard}.parquet"


def _accounts(facts: dict[str, dict[str, Any]], duplicates: Sequence[dict[str, int]]) -> dict[str, TableLedger]:
    """Table -> its account, with the duplicates that were found across blocks."""
    accounts: dict[str, TableLedger] = {}
    for name, fact in facts.items():
        account = TableLedger.from_json(fact["account"])
        repeated = sum(of_shard.get(name, 0) for of_shard in duplicates)
        account.rows_out -= repeated
        account.set_aside["duplicate row"] += repeated
        accounts[name] = account
    return accounts
