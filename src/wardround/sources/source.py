"""A database as `prepare` takes it: its stay table, its event tables, and how they read."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from wardround.sources.conversion import EventTable
from wardround.sources.raw_table import RawTable


@dataclass(frozen=True)
class Source:
    """A database.

    Attributes:
        name: as in the command line.
        stay_table: a row a stay.
        stay_id: the column that holds a stay's id, in every table.
        stay_rows: typed stay table -> the same with `stay_id`, `subject_id` and `reason`.
        stays: its good rows -> a row a stay.
        admission_events: its good rows, whether only the paper's -> candidates known from the stay table.
        paper_tables, all_tables: the event tables behind `--modalities paper` and `all`.
        unread_tables: the other tables of the database; declared, never read.
    """

    name: str
    stay_table: RawTable
    stay_id: str
    stay_rows: Callable[[pl.DataFrame], pl.DataFrame]
    stays: Callable[[pl.DataFrame], pl.DataFrame]
    admission_events: Callable[[pl.DataFrame, bool], pl.DataFrame]
    paper_tables: tuple[EventTable, ...]
    all_tables: tuple[EventTable, ...]
    unread_tables: tuple[RawTable, ...] = ()

    def tables(self, modalities: str) -> tuple[EventTable, ...]:
        """The event tables of `--modalities`."""
        return self.paper_tables if modalities == "paper" else self.all_tables
