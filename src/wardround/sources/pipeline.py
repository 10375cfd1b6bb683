"""prepare: the raw tables of a database to a DATA folder (MEDS 0.4 with our extra columns).

    find the tables, hash them
    read each table block by block  ->  candidates  ->  runs by slice of stays  (hidden work folder)
    gather each shard's slices      ->  duplicates out, sorted          ->  data/SHARD.parquet
    stays, codes, ledger, manifest  ->  the folder is closed, the work folder goes

A run that was killed goes on from the steps that it finds finished; the bytes at the end are the same. What memory
holds at once is planned (`memory_plan.py`): rows of a block and slices of a shard, whatever the size of the tables.
"""

import contextlib
import itertools
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa

import wardround
from wardround import files
from wardround.engines.engine import Engine, open_engine, refuse_unusable
from wardround.errors import RunError, SourceError
from wardround.events import HAPPENED, OPTIONAL_STAY_COLUMNS, STAY_COLUMNS, TIME_IS
from wardround.ledger import TableLedger, check_balanced
from wardround.pictures import write_picture_folder
from wardround.progress import Within, progress, say
from wardround.sources.data_target import OUTPUTS, is_prepared, patients_of, settings_of
from wardround.sources.disk_room import bytes_of
from wardround.sources.forecast import check_disk
from wardround.sources.gather import Repeated, ShardWriter, read_summaries, subject_splits
from wardround.sources.memory_plan import DEFAULT_GIB, MIB, MemoryPlan, plan_memory
from wardround.sources.raw_data import RawData
from wardround.sources.reading import TableReader
from wardround.sources.recognise import hinted
from wardround.sources.registry import KNOWN_SOURCES
from wardround.sources.runs import in_common_words, open_runs, rows_of_slices
from wardround.sources.shard_step import ShardStep, summaries_of, write_step
from wardround.sources.source import Source
from wardround.sources.stay_reading import read_stays
from wardround.sources.work_folder import WorkFolder, open_work
from wardround.stopping import StopRequest, stop_on_sigterm
from wardround.whole_file import one_writer, storage_errors

__all__ = ["Prepared", "Source", "prepare"]

CODES_SCHEMA: Final = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        ("description", pa.string()),
        ("parent_codes", pa.list_(pa.string())),
        ("modality", pa.string()),
    ]
)
SPLITS_SCHEMA: Final = pa.schema([("subject_id", pa.int64()), ("split", pa.string())])


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
    workers: int | None = 1,
    quiet: bool = False,
    memory_gib: float = DEFAULT_GIB,
    engine: str = "local",
) -> Prepared:
    """Raw tables of one database to a DATA folder.

    Args:
        source: the database.
        raw: the folder with its files; several where the source takes several.
        to: the DATA folder to write: absent, empty, or one that this command did not finish.
        modalities: "paper" for the paper's six, "all".
        workers: that convert blocks and put shards in order; None for as many as the engine has cores for. The bytes do
            not depend on it.
        quiet: no progress on stderr.
        memory_gib: what the process may hold at once, with "ray" each process; the bytes do not depend on it either.
        engine: who the workers are: "local", threads of this process; "ray", a cluster. Nor on this.

    Returns:
        The folder and its ledger.

    Raises:
        UsageError: where the source has no such modalities, or takes fewer folders; where the memory is too small;
            where there is no such engine, or its package is not installed.
        SourceError: where a table or column is missing or not what it is declared to be.
        BrokenFileError: where a file cannot be read to its end.
        RunError: where `to` holds data of other settings or inputs, or files of somebody's, or another process is
            preparing it; on SIGTERM; where a cluster does not answer, or loses workers time and again.
        StorageError: where the disk refuses, or surely is too small for what is made.
    """
    refuse_unusable(engine)
    plan_memory(memory_gib, workers or 1, n_stays=0)
    raws = [raw] if isinstance(raw, Path) else raw
    with hinted(source.name, raws, KNOWN_SOURCES.usable):
        found = source.find_all(raws, modalities)
    with one_writer(to, RunError, "preparing"):
        return _prepared(source, found, to, modalities, _Means(engine, workers, memory_gib, quiet))


@dataclass(frozen=True)
class _Means:
    """What the bytes do not depend on: the arguments of `prepare` that say how it is done."""

    engine: str
    workers: int | None
    memory_gib: float
    quiet: bool


def _prepared(source: Source, found: RawData, to: Path, modalities: str, means: _Means) -> Prepared:
    """`prepare`, once the tables are found and nobody else writes to the folder."""
    inputs, settings = dict(found.inputs), settings_of(source, found, modalities)
    if is_prepared(to, settings, inputs):
        _say_where_pictures_are(to, found)
        WorkFolder(to).remove()
        return Prepared(to, True, files.read_json(to / "ledger.json"))
    warning = check_disk(source, found, to, modalities, means.memory_gib)
    if warning is not None:
        say(warning, means.quiet)
    versions = {"wardround": wardround.__version__, "polars": pl.__version__, "pyarrow": pa.__version__, "work": "3"}
    open_work(to, {"settings": settings, "inputs": inputs, "versions": versions}, OUTPUTS)
    work = WorkFolder(to.absolute())  # the same for workers that stand elsewhere
    origin = KNOWN_SOURCES.origin(source.name)
    with _discarded_with_its_inputs(work), stop_on_sigterm() as stop:
        packages = [] if origin is None else [origin.package]
        with open_engine(means.engine, means.workers, packages, stop.check) as engine:
            accounts = _Job(source, modalities, found, work, engine, means.memory_gib, means.quiet, stop).run()
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


@dataclass(frozen=True)
class _Job:
    source: Source
    modalities: str
    found: RawData
    work: WorkFolder
    engine: Engine
    memory_gib: float
    quiet: bool
    stop: StopRequest

    def run(self) -> dict[str, TableLedger]:
        """Everything but the ledger and the manifest; returns table -> account."""
        read = read_stays(self.source, self.found, self.modalities, self.stop)
        stays, shards = read.stays, read.shards
        plan = plan_memory(self.memory_gib, self.engine.workers, stays.height, self.engine.is_apart)
        facts = self._read_tables(read.placed, plan)
        duplicates = self._write_shards(facts, read.admission, shards, plan)
        names = shards["shard"].unique().sort().to_list()
        accounts = {**read.accounts, **_accounts(facts, duplicates)}
        check_balanced(accounts)
        self._write_tables(stays, names)
        self._check_written(facts, duplicates, read.admission.join(shards, on="stay_id", how="semi").height, names)
        return accounts

    def _read_tables(self, stays: pl.DataFrame, plan: MemoryPlan) -> dict[str, dict[str, Any]]:
        """Each table to runs, unless an earlier call finished that; returns table -> what was counted."""
        tables = [table for table in self.source.tables(self.modalities) if table.raw.name in self.found.tables]
        reader = TableReader(self.source, self.engine, stays, plan, self.stop)
        facts: dict[str, dict[str, Any]] = {}
        sizes_mib = {table.raw.name: self._size_mib(table.raw.name) for table in tables}
        with progress(sum(sizes_mib.values()), "reading tables, MiB", quiet=self.quiet) as bar:
            for table in tables:
                name = table.raw.name
                within, done = Within(bar, sizes_mib[name], name), self.work.facts("tables", name)
                if done is None:
                    done, runs = reader.read(self.found.tables[name], table, self._runs(name), within.reached)
                    self.work.finish("tables", name, done, runs)
                within.reached(1.0)
                facts[name] = done
        return facts

    def _size_mib(self, name: str) -> int:
        """Of the files of a table, at least 1."""
        found = self.found.tables[name]
        with storage_errors(found.where, "looking at"):
            return max(1, round(bytes_of({found.where, *found.others}) / MIB))

    def _write_shards(
        self, facts: dict[str, dict[str, Any]], admission: pl.DataFrame, shards: pl.DataFrame, plan: MemoryPlan
    ) -> list[dict[str, Repeated]]:
        """Each shard, unless an earlier call finished it; returns of each table -> what was there before."""
        runs = {name: open_runs(self._runs(name), fact["runs"]) for name, fact in facts.items()}
        delays = {name: fact["delay_min"] for name, fact in facts.items()}
        n_slices = shards["slice"].n_unique()
        rows = rows_of_slices(itertools.chain.from_iterable(runs.values()), n_slices)
        plan = plan.holding(int(rows.max()))
        runs, admission = in_common_words(runs, admission)
        step = ShardStep(self.work, ShardWriter(runs, delays, rows, admission, plan.gather_rows))
        parts = shards.partition_by("shard")

        def asked() -> Iterator[pl.DataFrame]:
            for part in parts:
                self.stop.check()
                yield part

        done: list[dict[str, Repeated]] = []
        with progress(len(parts), "writing shards", quiet=self.quiet) as bar:
            for duplicates in self.engine.map(write_step, step, asked(), plan.workers, None, self.work.path):
                done.append(duplicates)
                bar.advance()
        return done

    def _check_written(
        self,
        facts: dict[str, dict[str, Any]],
        duplicates: Sequence[dict[str, Repeated]],
        admission: int,
        shards: list[int],
    ) -> None:
        """Raises `RunError` unless the shards on disk hold every event that was made of the tables, once."""
        made = admission + sum(fact["events"] for fact in facts.values())
        made -= sum(repeated.events for of_shard in duplicates for repeated in of_shard.values())
        written = sum(files.count_rows(self.work.to / "data" / f"{shard}.parquet") for shard in shards)
        if written != made:
            raise RunError(
                f"{self.work.to}: {made:,} events were made of the tables, {written:,} are in its shards: its files "
                "were changed meanwhile. Prepare into another folder."
            )

    def _runs(self, table: str) -> Path:
        return self.work.path / "runs" / table

    def _write_tables(self, stays: pl.DataFrame, shards: list[int]) -> None:
        """`stays.parquet` and `metadata/`."""
        to = self.work.to
        counts, codes = read_summaries([summaries_of(self.work, shard) for shard in shards])
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
            **patients_of(self.found, self.source).as_json(),
        }
        files.write_json(to / "metadata" / "dataset.json", dataset)


def _accounts(facts: dict[str, dict[str, Any]], duplicates: Sequence[dict[str, Repeated]]) -> dict[str, TableLedger]:
    """Table -> its account, with the duplicates that were found across blocks."""
    accounts: dict[str, TableLedger] = {}
    for name, fact in facts.items():
        account = TableLedger.from_json(fact["account"])
        repeated = sum(of_shard[name].rows for of_shard in duplicates if name in of_shard)
        account.rows_out -= repeated
        account.set_aside["duplicate row"] += repeated
        accounts[name] = account
    return accounts
