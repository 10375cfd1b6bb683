"""A database as `prepare` takes it: its stay table, its event tables, how they read, and what goes with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from wardround.errors import UsageError
from wardround.sources.conversion import EventTable
from wardround.sources.csv_tables import find_csv_tables
from wardround.sources.patient_pool import NOT_KNOWN, PatientPool
from wardround.sources.raw_data import RawData
from wardround.sources.raw_table import RawTable
from wardround.sources.side_table import SideTable


@dataclass(frozen=True)
class Beside:
    """A database that is published apart from the one that it goes with, and lies in a folder of its own.

    Attributes:
        option: of the command line, which names that folder.
        holds: what it holds, in words.
        tables: its event tables.
        find: its folder, what was found of the database that it goes with -> where its tables are and how they read.
        unread_tables: its other tables; declared, never read.
        elsewhere: the reasons of rows that are of no patient, or of no part of a hospital stay, that the stays are of.
    """

    option: str
    holds: str
    tables: tuple[EventTable, ...]
    find: Callable[[Path, RawData], RawData]
    unread_tables: tuple[RawTable, ...] = ()
    elsewhere: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Source:
    """A database.

    Attributes:
        name: as in the command line.
        summary: what it is, and what of it is read.
        stay_table: a row a stay.
        stay_id: the column that holds a stay's id, in every table.
        stay_rows: typed stay table -> the same with `stay_id`, `subject_id` and `reason`.
        stays: its good rows, with the columns of the side tables -> a row a stay.
        admission_events: its good rows, whether only the paper's -> candidates known from the stay table.
        paper_tables, all_tables: the event tables behind `--modalities paper` and `all`; a database that the paper does
            not use has none of the first.
        unread_tables: the other tables of the database; declared, never read.
        side_tables: tables that tell more of the stays.
        lookup_tables: tables that name what the numbers in others stand for; no row of theirs tells of a patient.
        find: raw folders, tables -> where the tables are and how they are read.
        dataset: what its data are called in `metadata/dataset.json`; the name where empty.
        stays_per_shard: where its stays hold so many events that memory asks for fewer than the usual number.
        settings: what else decides what its data become, for the manifest.
        patients: whose patients it holds where `find` does not say otherwise, for whether a run on it and one on other
            data may share some; not known where a source does not say.
        beside: databases in folders of their own that go with it, each read where its folder is given (`beside.py`).
    """

    name: str
    summary: str
    stay_table: RawTable
    stay_id: str
    stay_rows: Callable[[pl.DataFrame], pl.DataFrame]
    stays: Callable[[pl.DataFrame], pl.DataFrame]
    admission_events: Callable[[pl.DataFrame, bool], pl.DataFrame]
    paper_tables: tuple[EventTable, ...]
    all_tables: tuple[EventTable, ...]
    unread_tables: tuple[RawTable, ...] = ()
    side_tables: tuple[SideTable, ...] = ()
    lookup_tables: tuple[RawTable, ...] = ()
    find: Callable[[Sequence[Path], Sequence[RawTable]], RawData] = find_csv_tables
    dataset: str = ""
    stays_per_shard: int | None = None
    settings: Mapping[str, str | list[str]] = field(default_factory=dict[str, str | list[str]])
    patients: PatientPool = NOT_KNOWN
    beside: tuple[Beside, ...] = ()

    @property
    def table_names(self) -> frozenset[str]:
        """The names of all tables that are declared, in lower case; those of databases beside it apart."""
        events = [table.raw for table in (*self.paper_tables, *self.all_tables)]
        others = [self.stay_table, *(side.raw for side in self.side_tables), *self.lookup_tables, *self.unread_tables]
        return frozenset(table.name.lower() for table in (*events, *others))

    def tables(self, modalities: str) -> tuple[EventTable, ...]:
        """The event tables of `--modalities`. Raises `UsageError` where there are none of the paper's."""
        if modalities == "paper" and not self.paper_tables:
            raise UsageError(f"--modalities paper: the paper does not use {self.name}. Leave the option out.")
        return self.paper_tables if modalities == "paper" else self.all_tables

    def find_all(self, raws: Sequence[Path], modalities: str) -> RawData:
        """Find every table that `--modalities` asks for. Raises what `find` and `tables` do."""
        tables = [self.stay_table, *(side.raw for side in self.side_tables)]
        return self.find(raws, [*tables, *(table.raw for table in self.tables(modalities))])
