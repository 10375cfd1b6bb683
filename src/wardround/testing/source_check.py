"""Does a source fit? `check_source(SOURCE, RAW)` prepares a raw folder and asks what a DATA folder must hold."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow.parquet as pq

from wardround import files
from wardround.errors import DataError
from wardround.events import EVENT_COLUMNS, MEDS_EVENT_SCHEMA, MODALITIES, SORT_WITHIN_SUBJECT, STAY_COLUMNS
from wardround.sources.pipeline import prepare
from wardround.sources.raw_table import RawTable
from wardround.sources.source import Source
from wardround.testing.requirement import Findings, Requirement, hold_all


@dataclass(frozen=True)
class SourceTrial:
    """A source under trial.

    Attributes:
        source: what a package offers.
        raw: its raw folder.
        folder: for DATA folders.
        made: what was prepared so far, by number of workers and turn.
    """

    source: Source
    raw: Path
    folder: Path
    made: dict[str, Path] = field(default_factory=dict[str, Path])

    @property
    def tables(self) -> tuple[RawTable, ...]:
        """Every raw table that it declares."""
        source = self.source
        events = (table.raw for table in (*source.paper_tables, *source.all_tables))
        sides = (side.raw for side in source.side_tables)
        beside = (raw for each in source.beside for raw in (*(table.raw for table in each.tables), *each.unread_tables))
        return (source.stay_table, *sides, *events, *source.lookup_tables, *source.unread_tables, *beside)

    def data(self, workers: int = 1, turn: int = 1) -> Path:
        """A DATA folder of it, made when first asked for."""
        key = f"{workers}-{turn}"
        if key not in self.made:
            prepare(self.source, self.raw, self.folder / key, workers=workers, quiet=True)
            self.made[key] = self.folder / key
        return self.made[key]

    @cached_property
    def shards(self) -> dict[str, pl.DataFrame]:
        """Its events, by file."""
        return {path.name: files.read_table(path) for path in sorted((self.data() / "data").glob("*.parquet"))}

    @cached_property
    def events(self) -> pl.DataFrame:
        """Its events."""
        return pl.concat(self.shards.values())

    @cached_property
    def stays(self) -> pl.DataFrame:
        """Its stays."""
        return files.read_table(self.data() / "stays.parquet")


def _rules(trial: SourceTrial) -> Findings:
    found: Findings = []
    for table in trial.tables:
        try:
            replace(table)
        except ValueError as error:
            found += [] if str(error) in found else [str(error)]
    for events in (*trial.source.paper_tables, *trial.source.all_tables):
        unknown = [name for name in events.modalities if name not in MODALITIES]
        found += [f"{events.raw.name} has the modality {name}, which there is not" for name in unknown]
    return found


def _prepares(trial: SourceTrial) -> Findings:
    try:
        trial.data()
    except DataError:
        return []  # an account that does not add up: the next requirement names it
    return []


def _ledger(trial: SourceTrial) -> Findings:
    try:
        tables = files.read_json(trial.data() / "ledger.json")["tables"]
    except DataError as error:
        return [str(error)]
    found: Findings = []
    for name, account in tables.items():
        accounted = account["rows_out"] + sum(account["set_aside"].values())
        if account["rows_in"] != accounted:
            found.append(f"{name}: {account['rows_in']} rows in, {accounted} accounted for")
    wanted = [trial.source.stay_table, *(table.raw for table in trial.source.all_tables)]
    raw = trial.source.find([trial.raw], wanted)
    for name, table in raw.tables.items():
        rows = sum(block.frame.height + block.ragged for block in table.blocks())
        told = tables.get(name, {}).get("rows_in", 0)
        if rows != told:
            found.append(f"{name} has {rows} rows, its account begins with {told}")
    return found


def _schema(trial: SourceTrial) -> Findings:
    found: Findings = []
    for path in sorted((trial.data() / "data").glob("*.parquet")):
        schema: Any = pq.read_table(path).schema
        if not schema.equals(MEDS_EVENT_SCHEMA):
            found.append(f"data/{path.name} has another schema than MEDS 0.4 with our three columns")
    missing = [name for name in STAY_COLUMNS if name not in trial.stays.columns]
    found += [f"stays.parquet lacks {', '.join(missing)}"] if missing else []
    codes = files.read_table(trial.data() / "metadata" / "codes.parquet")["code"]
    uncoded = trial.events.filter(~pl.col("code").is_in(codes.implode())).height
    found += [f"{uncoded} events have a code that metadata/codes.parquet lacks"] if uncoded else []
    odd = trial.events.filter(~pl.col("modality").is_in(MODALITIES)).height
    return [*found, *([f"{odd} events are of no modality that there is"] if odd else [])]


def _something(trial: SourceTrial) -> Findings:
    found = [] if trial.stays.height else ["it gives no stay"]
    return found if trial.events.height else [*found, "it gives no event"]


def _sorted(trial: SourceTrial) -> Findings:
    found: Findings = []
    for name, shard in trial.shards.items():
        ordered = shard.sort(SORT_WITHIN_SUBJECT, nulls_last=True)
        found += [] if ordered.equals(shard) else [f"data/{name} is not in the order of SORT_WITHIN_SUBJECT"]
    blank = [name for name in EVENT_COLUMNS if name not in ("numeric_value", "text_value")]
    empty = trial.events.select(pl.col(blank).null_count()).row(0, named=True)
    found += [f"{count} events have no {name}" for name, count in empty.items() if count]
    nan = trial.events.filter(~pl.col("numeric_value").is_finite()).height
    return [*found, *([f"{nan} values are NaN or infinite"] if nan else [])]


def _available(trial: SourceTrial) -> Findings:
    early = trial.events.filter(pl.col("available_time") < pl.col("time"))
    counts = early.group_by("modality").len().sort("modality").iter_rows()
    return [f"{count} events of {modality} are known before they happen" for modality, count in counts]


def _of_stays(trial: SourceTrial) -> Findings:
    ids = trial.stays.select("subject_id", "stay_id", "start")
    found: Findings = []
    if ids["stay_id"].n_unique() != ids.height:
        found.append("a stay id stands twice in stays.parquet")
    joined = trial.events.join(ids, on=["subject_id", "stay_id"], how="left")
    lost = joined["start"].null_count()
    found += [f"{lost} events are of no stay of their patient"] if lost else []
    far = joined.filter((pl.col("time") - pl.col("start")).dt.total_days().abs() > 366).height
    found += [f"{far} events are more than a year from unit admission"] if far else []
    ends = trial.stays.filter(pl.col("end") <= pl.col("start")).height
    return [*found, *([f"{ends} stays end before they begin"] if ends else [])]


def _hashes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): files.sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _deterministic(trial: SourceTrial) -> Findings:
    one, other = _hashes(trial.data()), _hashes(trial.data(turn=2))
    return [f"{name} has other bytes" for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]


def _workers(trial: SourceTrial) -> Findings:
    one, other = _hashes(trial.data()), _hashes(trial.data(workers=2))
    return [f"{name} has other bytes" for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]


REQUIREMENTS: Final[tuple[Requirement[SourceTrial], ...]] = (
    Requirement(
        "availability",
        "every column of every table says when its value becomes known, events are of modalities that there are",
        "give the column a rule of wardround.sources.raw_table: ID, ADMIT, at(...), HOUR_24, NEVER or UNREAD",
        _rules,
    ),
    Requirement(
        "prepares",
        "`prepare` takes the raw folder to its end",
        "the error says what is missing; candidates have the columns of wardround.sources.conversion.CANDIDATE",
        _prepares,
    ),
    Requirement(
        "ledger",
        "of every table, rows in = rows out + rows set aside, and no raw row is left out of it",
        "drop no row: keep it with its reason (wardround.sources.conversion.with_reason)",
        _ledger,
    ),
    Requirement(
        "something", "the raw folder gives stays and events", "give check_source a folder with both", _something
    ),
    Requirement(
        "schema",
        "events are MEDS 0.4 with stay_id, modality and available_time; every code is described",
        "return the columns of wardround.sources.conversion.CANDIDATE, made by `candidates`",
        _schema,
    ),
    Requirement(
        "sorted", "events are in their order, and nothing but a value or a text is null", "see `candidates`", _sorted
    ),
    Requirement(
        "known when",
        "no event is known before it happens",
        "available_minute is the latest of the offsets that a value waits for (wardround.sources.conversion.timed); "
        "of admission events it is never before minute",
        _available,
    ),
    Requirement(
        "of stays",
        "every event is of a stay of its patient, within a year of unit admission",
        "leave stay ids as they are, and times as minutes from unit admission",
        _of_stays,
    ),
    Requirement(
        "same bytes", "prepared twice it gives the same bytes", "draw nothing, and read no clock", _deterministic
    ),
    Requirement(
        "workers", "two workers give the bytes of one", "keep nothing between two calls of `convert`", _workers
    ),
)


def check_source(source: Source, raw: Path | Callable[[Path], Path]) -> None:
    """Whether a source can be prepared, and its data be trained on.

    Args:
        source: what the package offers as `wardround.sources`.
        raw: a small raw folder, made up; or what writes one: an empty folder -> the raw folder.

    Raises:
        CheckFailed: an `AssertionError` naming the first requirement that does not hold, and how to mend it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        given = raw if isinstance(raw, Path) else raw(folder / "raw")
        hold_all(f"source {source.name!r}", REQUIREMENTS, SourceTrial(source, given, folder / "data"))
