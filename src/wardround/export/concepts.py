"""concepts: clinical concepts of a DATA folder, a table each.

    DIR/NAME.parquet     `stay_id, name, time_h, available_time, value`, by stay, time and name; hourly17 and phenotypes
                         have columns of their own (`Concept.columns`), by stay and hour
    DIR/ledger.json      rows and stays of each, and which codes that a concept reads are nowhere in the data
    DIR/manifest.json

Concepts see events alone, never a raw table. They are made shard by shard, each table written whole or not at all.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

import wardround
from wardround import files
from wardround.concepts.concept_settings import changed_switches, codes_of_switches
from wardround.concepts.known import Concept, find_concept
from wardround.concepts.needs import check_needs
from wardround.concepts.rows import INPUT_COLUMNS, no_events
from wardround.engines.local import LocalEngine, usual_workers
from wardround.errors import DataError
from wardround.events import EVENT_COLUMNS, OPTIONAL_STAY_COLUMNS, STAY_COLUMNS
from wardround.progress import progress
from wardround.sources.work_folder import WorkFolder, open_work
from wardround.stopping import stop_on_sigterm

LEDGER: Final = "ledger.json"
SHARDS_AT_ONCE: Final = 2
"""Each holds the events of its shard."""
_STAY: Final = {
    name: STAY_COLUMNS[name]
    for name in (
        *("subject_id", "stay_id", "start", "end", "in_unit_until"),
        *("hospital_start", "hospital_end", "age"),
    )
}
_EVENT: Final = {name: EVENT_COLUMNS[name] for name in ("subject_id", *INPUT_COLUMNS)}


@dataclass(frozen=True)
class Written:
    """What `write_concepts` did: the folder, whether it was already complete, and its ledger."""

    folder: Path
    already: bool
    ledger: dict[str, Any]


def write_concepts(
    data: Path, names: Sequence[str], to: Path, quiet: bool = False, assignments: Sequence[str] = ()
) -> Written:
    """Write the tables of some concepts.

    Args:
        data: the DATA folder.
        names: of concepts.
        to: the folder to write: absent, empty, or one that this command did not finish.
        quiet: no progress on stderr.
        assignments: `KEY=VALUE` of `--set` (`concept_settings.py`).

    Raises:
        UsageError: for a concept or a switch that does not exist, or a switch that names what there is not.
        DataError: where the DATA folder is unfinished or changed, or a column is missing or of another type; where the
            data have no code for a part of a concept.
        RunError: where `to` holds other concepts, or files of somebody's; on SIGTERM.
        StorageError: if the disk refuses.
    """
    concepts = [find_concept(name) for name in sorted(set(names))]
    switches = changed_switches(assignments, [concept.name for concept in concepts])
    manifest = files.verify_folder(data, "data", DataError)
    codes = files.read_columns(data / "metadata" / "codes.parquet", {"code": EVENT_COLUMNS["code"]})["code"].to_list()
    for concept in concepts:
        check_needs(data, concept.name, concept.needs, set(codes), leave=concept.name)
    named = codes_of_switches(switches, codes)
    read = {concept.name: {*concept.codes, *named.get(concept.name, ())} for concept in concepts}
    absent = {name: sorted(own.difference(codes)) for name, own in read.items()}
    inputs, settings = {"data": str(manifest["hash"])}, {"concepts": [concept.name for concept in concepts]}
    settings |= {"set": switches} if switches else {}
    if files.is_complete(to, "concepts", settings, inputs):
        WorkFolder(to).remove()
        return Written(to, True, files.read_json(to / LEDGER))
    plan = {"settings": settings, "inputs": inputs, "version": wardround.__version__}
    work = open_work(to, plan, [*(_file(concept) for concept in concepts), LEDGER, files.MANIFEST])
    stays = files.read_columns(data / "stays.parquet", _STAY, optional=OPTIONAL_STAY_COLUMNS)
    ledger: dict[str, Any] = {
        "concepts": _write_tables(data, to, _Making(concepts, switches, stays), absent, quiet),
        "stays_without_end": stays.filter(pl.coalesce("end", "in_unit_until").is_null()).height,
    }
    files.write_json(to / LEDGER, ledger)
    files.write_manifest(to, "concepts", inputs, settings, wardround.__version__)
    work.remove()
    return Written(to, False, ledger)


def _file(concept: Concept) -> str:
    return f"{concept.name}.parquet"


@dataclass(frozen=True)
class _Making:
    """What the concepts of every shard are made with.

    Attributes:
        concepts: which.
        switches: concept -> what of it is changed.
        stays: of all shards.
    """

    concepts: Sequence[Concept]
    switches: Mapping[str, Mapping[str, Any]]
    stays: pl.DataFrame

    def of_events(self, events: pl.DataFrame, stays: pl.DataFrame) -> list[pl.DataFrame]:
        """A table for each concept, of some stays with all events of their subjects."""
        return [
            each.compute(events.filter(each.reads()), stays, **self.switches.get(each.name, {}))
            for each in self.concepts
        ]


def _of_shard(making: _Making, path: Path) -> tuple[list[pl.DataFrame], pl.Series]:
    """The task of a worker: the tables of a shard, and its subjects."""
    events = files.read_columns(path, _EVENT)
    subjects = events["subject_id"].unique()
    stays = making.stays.filter(pl.col("subject_id").is_in(subjects.implode()))
    return making.of_events(events.select(INPUT_COLUMNS), stays), subjects


def _write_tables(
    data: Path, to: Path, making: _Making, absent: Mapping[str, Sequence[str]], quiet: bool
) -> dict[str, dict[str, Any]]:
    """The tables, in the order of the shards; returns the account of each. Stays without events come last."""
    shards = sorted((data / "data").glob("*.parquet"), key=lambda path: int(path.stem))
    accounts: dict[str, dict[str, Any]] = {
        each.name: {"rows": 0, "stays": 0, "codes_absent": absent[each.name]} for each in making.concepts
    }
    engine = LocalEngine(min(usual_workers(), SHARDS_AT_ONCE))
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(stop_on_sigterm())
        streams = [stack.enter_context(files.table_stream(to / _file(each))) for each in making.concepts]

        def add(tables: Sequence[pl.DataFrame]) -> None:
            for concept, stream, made in zip(making.concepts, streams, tables, strict=True):
                stream.add(made)
                accounts[concept.name]["rows"] += made.height
                accounts[concept.name]["stays"] += made["stay_id"].n_unique()

        bar = stack.enter_context(progress(len(shards) + 1, "making concepts, shards", quiet=quiet))
        seen = [pl.Series("subject_id", [], making.stays.schema["subject_id"])]
        for tables, subjects in engine.map(_of_shard, making, shards, engine.workers):
            stop.check()
            add(tables)
            seen.append(subjects)
            bar.advance()
        others = making.stays.filter(~pl.col("subject_id").is_in(pl.concat(seen).implode()))
        add(making.of_events(no_events(), others))
        bar.advance()
    return accounts
