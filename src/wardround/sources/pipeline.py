"""prepare: the raw tables of a database to a DATA folder (MEDS 0.4 with our extra columns).

    read each table block by block  ->  candidates  ->  parts by shard  (hidden work folder, each part written whole)
    gather each shard's parts       ->  duplicates out, sorted          ->  data/SHARD.parquet
    stays, codes, ledger, manifest  ->  the folder is closed, the work folder goes

A run that was killed goes on from the parts it finds; the bytes at the end are the same. Memory holds one block or one
shard.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa

import wardround
from wardround import files
from wardround.errors import SourceError
from wardround.events import EVENT_COLUMNS, MEDS_EVENT_SCHEMA, MINUTE_US, MODALITIES, SORT_WITHIN_SUBJECT, STAY_COLUMNS
from wardround.ledger import TableLedger, check_balanced
from wardround.progress import progress
from wardround.sources.conversion import EventTable, typed, with_reason
from wardround.sources.csv_reader import RawRows, find_table, read_blocks, verify_published_sums
from wardround.sources.raw_table import RawTable

STAYS_PER_SHARD: Final = 5_000
RETYPED_SHARE: Final = 0.5
"""More unreadable numbers than this in a column means that the column is not what was declared."""

CODES_SCHEMA: Final = pa.schema(
    [("code", pa.string()), ("description", pa.string()), ("parent_codes", pa.list_(pa.string())), ("modality", pa.string())]
)


@dataclass(frozen=True)
class Source:
    """A database: its stay table, its event tables, and how they read.

    Attributes:
        stay_rows: typed stay table -> the same with `stay_id`, `subject_id` and `reason`.
        stays: its good rows -> a row a stay.
        admission_events: its good rows, whether only the paper's -> candidates known from the stay table.
        paper_tables, all_tables: the event tables behind `--modalities paper` and `all`.
    """

    name: str
    stay_table: RawTable
    stay_rows: Callable[[pl.DataFrame], pl.DataFrame]
    stays: Callable[[pl.DataFrame], pl.DataFrame]
    admission_events: Callable[[pl.DataFrame, bool], pl.DataFrame]
    paper_tables: tuple[EventTable, ...]
    all_tables: tuple[EventTable, ...]

    def tables(self, modalities: str) -> tuple[EventTable, ...]:
        """The event tables of `--modalities`."""
        return self.paper_tables if modalities == "paper" else self.all_tables


@dataclass(frozen=True)
class Prepared:
    """What `prepare` did: the folder, whether it was already complete, and the ledger to print."""

    folder: Path
    already: bool
    ledger: dict[str, Any]


def prepare(source: Source, raw: Path, to: Path, modalities: str = "all", workers: int = 1, quiet: bool = False) -> Prepared:
    """Raw tables of one database to a DATA folder.

    Args:
        source: the database.
        raw: the folder with its csv or csv.gz files.
        to: the DATA folder to write.
        modalities: "paper" for the paper's six, "all".
        workers: threads that read tables and gather shards; the bytes do not depend on it.
        quiet: no progress on stderr.

    Returns:
        The folder and its ledger.

    Raises:
        SourceError: where a table or column is missing or not what it is declared to be.
        BrokenFileError: where a file cannot be read to its end.
        RunError: where `to` holds data of other settings or inputs.
        StorageError: where the disk refuses.
    """
    if not raw.is_dir():
        raise SourceError(f"{raw} is not a folder. Give the folder with the raw {source.name} tables.")
    paths = {t.raw.name: find_table(raw, t.raw) for t in source.tables(modalities)}
    stay_path = find_table(raw, source.stay_table)
    if stay_path is None:
        raise SourceError(f"{raw} has no {source.stay_table.name} table. Give the folder with the raw {source.name} tables.")
    used = {source.stay_table.name: stay_path, **{name: path for name, path in paths.items() if path is not None}}
    verify_published_sums(raw, list(used.values()))
    inputs = {name: files.sha256(path) for name, path in used.items()}
    settings = {"source": source.name, "modalities": modalities, "stays_per_shard": STAYS_PER_SHARD}
    if files.is_complete(to, "data", settings, inputs):
        return Prepared(to, True, files.read_json(to / "ledger.json"))
    work = _open_work(to, {"settings": settings, "inputs": inputs, "version": wardround.__version__})
    job = _Job(source, modalities, used, work, to, workers, quiet)
    ledger = job.run()
    absent = sorted(name for name, path in paths.items() if path is None)
    files.write_json(to / "ledger.json", {"tables": ledger, "absent": absent})
    files.write_manifest(to, "data", inputs, settings, wardround.__version__)
    shutil.rmtree(work)
    return Prepared(to, False, {"tables": ledger, "absent": absent})


def _open_work(to: Path, plan: dict[str, Any]) -> Path:
    """The hidden work folder: kept where it belongs to the same plan, else begun anew."""
    work = to / ".work"
    if (work / "plan.json").is_file() and files.read_json(work / "plan.json") == plan:
        return work
    files.empty_folder(to)
    files.write_json(work / "plan.json", plan)
    return work


@dataclass
class _Job:
    source: Source
    modalities: str
    paths: dict[str, Path]
    work: Path
    to: Path
    workers: int
    quiet: bool

    def run(self) -> dict[str, Any]:
        rows, stay_ledger = self._stay_rows()
        stays = self.source.stays(rows)
        if stays.is_empty():
            raise SourceError(f"{self.paths[self.source.stay_table.name]} holds no usable stay: see the reasons in its ledger.")
        shards = shard_of_subjects(stays)
        tables = [table for table in self.source.tables(self.modalities) if table.raw.name in self.paths]
        convert = lambda table: self._convert_table(table, shards)  # noqa: E731
        facts = self._each(convert, tables, "reading tables")
        admission = self.source.admission_events(rows, self.modalities == "paper")
        gather = lambda shard: self._gather_shard(shard, tables, facts, admission, shards)  # noqa: E731
        parts = self._each(gather, sorted(shards["shard"].unique()), "writing shards")
        ledger = {self.source.stay_table.name: stay_ledger, **_table_ledgers(tables, facts, parts)}
        check_balanced(ledger)
        self._write_tables(stays, parts)
        return {name: account.as_json() for name, account in ledger.items()}

    def _each(self, task: Callable[[Any], Any], items: list[Any], what: str) -> list[Any]:
        done = []
        with ThreadPoolExecutor(max(1, self.workers)) as pool, progress(len(items), what, quiet=self.quiet) as bar:
            for result in pool.map(task, items):
                done.append(result)
                bar.advance()
        return done

    def _stay_rows(self) -> tuple[pl.DataFrame, TableLedger]:
        table, ledger = self.source.stay_table, TableLedger()
        blocks = []
        for block in read_blocks(self.paths[table.name], table):
            ledger.rows_in += block.frame.height + block.ragged
            ledger.set_aside["wrong number of fields"] += block.ragged
            blocks.append(_numbered(block, table))
        rows = self.source.stay_rows(pl.concat(blocks).sort(pl.exclude("row"))) if blocks else pl.DataFrame()
        ledger.set_aside.update(_reason_counts(rows["reason"]))
        ledger.rows_out = rows["reason"].null_count()
        _refuse_retyped(self.paths[table.name], ledger)
        return rows, ledger

    def _convert_table(self, table: EventTable, shards: pl.DataFrame) -> dict[str, Any]:
        """Read one table into parts by shard; what was counted is kept beside them, so that a second call need not read
        it again."""
        folder = self.work / "parts" / table.raw.name
        done = folder / "done.json"
        if done.is_file():
            return files.read_json(done)
        ledger, values, floored = TableLedger(), Counter[str](), True
        path = self.paths[table.raw.name]
        for number, block in enumerate(read_blocks(path, table.raw)):
            good, part, block_values, block_floored = convert_block(block, table, shards)
            ledger.add(part)
            values.update(block_values)
            floored = floored and block_floored
            for (shard,), rows in good.partition_by("shard", as_dict=True).items():
                files.write_table(folder / f"{shard}-{number:06d}.parquet", rows.drop("shard"))
        _refuse_retyped(path, ledger)
        delay_min = table.floored_min if floored and ledger.rows_in else 0
        facts = {"rows_in": ledger.rows_in, "accepted": ledger.rows_out, "set_aside": dict(ledger.set_aside)}
        facts |= {"values": dict(values), "delay_min": delay_min}
        files.write_json(done, facts)
        return facts

    def _gather_shard(
        self, shard: int, tables: list[EventTable], facts: list[dict[str, Any]], admission: pl.DataFrame, shards: pl.DataFrame
    ) -> dict[str, Any]:
        out, done = self.to / "data" / f"{shard}.parquet", self.work / "shards" / f"{shard}.json"
        if done.is_file() and out.is_file():
            return files.read_json(done)
        duplicates: dict[str, int] = {}
        members = shards.filter(pl.col("shard") == shard)
        frames = [admission.filter(pl.col("reason").is_null()).join(members, on="stay_id", how="semi").drop("row", "reason")]
        for table, fact in zip(tables, facts, strict=True):
            rows = _read_parts(self.work / "parts" / table.raw.name, shard)
            if rows is None:
                continue
            kept = rows.filter(pl.col("row") == pl.col("row").min().over("stay_id", "row_hash"))
            duplicates[table.raw.name] = rows["row"].n_unique() - kept["row"].n_unique()
            delayed = kept.with_columns(pl.col("available_minute") + fact["delay_min"])
            frames.append(delayed.drop("row", "row_hash"))
        events = placed_in_time(pl.concat(frames, how="diagonal"), members)
        files.write_table(out, events, MEDS_EVENT_SCHEMA)
        files.write_table(self.work / "shards" / f"{shard}-stays.parquet", _stay_summary(events))
        files.write_table(self.work / "shards" / f"{shard}-codes.parquet", events.select("code", "modality").unique().sort("code"))
        summary = {"shard": shard, "duplicates": duplicates}
        files.write_json(done, summary)
        return summary

    def _write_tables(self, stays: pl.DataFrame, parts: list[dict[str, Any]]) -> None:
        folder = self.work / "shards"
        summary = pl.concat([files.read_table(folder / f"{part['shard']}-stays.parquet") for part in parts])
        stays = stays.join(summary, on="stay_id", how="left", maintain_order="left")
        files.write_table(self.to / "stays.parquet", stays.select(pl.col(name).cast(kind) for name, kind in STAY_COLUMNS.items()))
        codes = pl.concat([files.read_table(folder / f"{part['shard']}-codes.parquet") for part in parts]).unique("code").sort("code")
        codes = codes.with_columns(description="code", parent_codes=pl.lit(None, pl.List(pl.String)))
        files.write_table(self.to / "metadata" / "codes.parquet", codes, CODES_SCHEMA)
        dataset = {
            "dataset_name": self.source.name,
            "etl_name": "wardround",
            "etl_version": wardround.__version__,
            "meds_version": "0.4.1",
            "raw_source_id_columns": ["stay_id"],
        }
        files.write_json(self.to / "metadata" / "dataset.json", dataset)


def shard_of_subjects(stays: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, subject_id, start, shard`: whole subjects, about 5,000 stays a shard, whatever the workers."""
    order = stays.select("stay_id", "subject_id", "start").sort("subject_id", "stay_id").with_row_index("place")
    first = pl.col("place").min().over("subject_id")
    return order.with_columns(shard=(first // STAYS_PER_SHARD).cast(pl.Int64)).drop("place")


def _numbered(block: RawRows, table: RawTable) -> pl.DataFrame:
    row = pl.int_range(block.first_row, block.first_row + block.frame.height, dtype=pl.Int64)
    return typed(block.frame, table).with_columns(row=row)


def convert_block(
    block: RawRows, table: EventTable, shards: pl.DataFrame
) -> tuple[pl.DataFrame, TableLedger, Counter[str], bool]:
    """One block of a raw table to events-to-be.

    Returns:
        the good candidates with `shard` and `row_hash`; the block's account (`rows_out` before duplicates are found);
        values set aside inside rows that stay, by reason; whether every row's time looks rounded down.
    """
    stay_column = next(iter(c for c in table.raw.columns if c == "patientunitstayid"))
    frame = _numbered(block, table.raw).with_columns(
        row_hash=pl.struct(table.raw.read).hash(), stay_id=pl.col(stay_column)
    )
    frame = with_reason(frame, pl.col("stay_id").is_null(), "blank stay id")
    frame = with_reason(frame, ~pl.col("stay_id").is_in(shards["stay_id"].implode()), "no such stay")
    floored = table.floored is None or bool(frame.filter(pl.col("reason").is_null()).select(table.floored.all()).item())
    made = table.convert(frame)
    usable = made.filter(pl.col("reason").is_null())
    rejected = made.filter(pl.col("reason").is_not_null())
    accepted = usable.select(pl.col("row").unique())
    row_reasons = frame.select("row", first="reason").join(accepted, on="row", how="anti")
    row_reasons = row_reasons.join(rejected.group_by("row").agg(pl.col("reason").min()), on="row", how="left")
    reasons = row_reasons.select(pl.coalesce("first", "reason", pl.lit("no value"))).to_series()
    ledger = TableLedger(frame.height + block.ragged, accepted.height, Counter(_reason_counts(reasons)))
    ledger.set_aside["wrong number of fields"] += block.ragged
    values = _reason_counts(rejected.join(accepted, on="row", how="semi")["reason"])
    good = usable.drop("reason").join(frame.select("row", "row_hash"), on="row", how="left")
    return good.join(shards.select("stay_id", "shard"), on="stay_id", how="left"), ledger, Counter(values), floored


def _reason_counts(reasons: pl.Series) -> dict[str, int]:
    counts = reasons.drop_nulls().value_counts()
    return dict(zip(counts[reasons.name], counts["count"], strict=True))


def _refuse_retyped(path: Path, ledger: TableLedger) -> None:
    for reason, count in ledger.set_aside.items():
        if reason.startswith("not a ") and ledger.rows_in >= 20 and count > RETYPED_SHARE * ledger.rows_in:
            column = reason.rpartition(" ")[2]
            raise SourceError(f"{path}: column {column} is {reason.partition(':')[0]} in {count} of {ledger.rows_in} rows: retyped or shifted?")


def _read_parts(folder: Path, shard: int) -> pl.DataFrame | None:
    parts = sorted(folder.glob(f"{shard}-*.parquet"))
    return pl.concat([files.read_table(part) for part in parts]) if parts else None


def placed_in_time(made: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Minutes from unit admission to times; subject ids; the order on disk."""
    made = made.join(members.select("stay_id", "subject_id", "start"), on="stay_id", how="left")
    at = lambda minutes: pl.col("start") + (pl.col(minutes) * MINUTE_US).cast(pl.Duration("us"))  # noqa: E731
    events = made.with_columns(time=at("minute"), available_time=at("available_minute"))
    return events.select(pl.col(name).cast(kind) for name, kind in EVENT_COLUMNS.items()).sort(SORT_WITHIN_SUBJECT, nulls_last=True)


def _stay_summary(events: pl.DataFrame) -> pl.DataFrame:
    order = {name: place for place, name in enumerate(MODALITIES)}
    names = pl.col("modality").unique().sort_by(pl.col("modality").unique().replace_strict(order, default=99))
    return events.group_by("stay_id").agg(n_events=pl.len().cast(pl.Int64), modalities=names).sort("stay_id")


def _table_ledgers(
    tables: list[EventTable], facts: list[dict[str, Any]], parts: list[dict[str, Any]]
) -> dict[str, TableLedger]:
    ledgers = {}
    for table, fact in zip(tables, facts, strict=True):
        duplicates = sum(part["duplicates"].get(table.raw.name, 0) for part in parts)
        account = TableLedger(fact["rows_in"], fact["accepted"] - duplicates, Counter(fact["set_aside"]))
        account.set_aside["duplicate row"] += duplicates
        account.values_set_aside.update(fact["values"])
        ledgers[table.raw.name] = account
    return ledgers
