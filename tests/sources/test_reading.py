"""A table's blocks, split; who converts them, and in which order, is of the engines."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wardround.engines.local import LocalEngine
from wardround.sources.csv_reader import RawRows
from wardround.sources.eicu import EICU
from wardround.sources.memory_plan import plan_memory
from wardround.sources.raw_data import FoundTable
from wardround.sources.reading import TableReader, split
from wardround.stopping import Stopped, StopRequest

LAB = next(table for table in EICU.all_tables if table.raw.name == "lab")
STAYS = pl.DataFrame({"stay_id": [1], "slice": [0]}, schema={"stay_id": pl.Int64, "slice": pl.Int64})


def block(rows: int, first_row: int = 0, ragged: int = 0) -> RawRows:
    return RawRows(pl.DataFrame({"id": range(rows)}), first_row, ragged)


def test_a_block_is_split_with_its_numbers_and_each_ragged_line_once():
    parts = list(split(block(7, first_row=100, ragged=2), 3))
    assert [(part.first_row, part.frame.height, part.ragged) for part in parts] == [
        (100, 3, 2),
        (103, 3, 0),
        (106, 1, 0),
    ]
    assert [part.ragged for part in split(block(0, ragged=4), 3)] == [4]


class Interrupted:
    """An engine that is interrupted at its first task."""

    workers = 1
    is_apart = False

    def map(self, task: Any, shared: Any, items: Iterable[Any], workers: int, ahead: Any = 0, folder: Any = None):
        yield task(shared, next(iter(items)))
        raise KeyboardInterrupt


def test_whoever_is_interrupted_closes_the_file_at_once(tmp_path: Path):
    """Also while the error is there with all that it holds: no thread of a parser may outlive the interpreter."""
    told: list[str] = []

    def blocks():
        try:
            for _ in range(2):
                yield RawRows(pl.DataFrame(schema=dict.fromkeys(LAB.raw.read, pl.String)), 0, 0)
        finally:
            told.append("closed")

    reader = TableReader(EICU, Interrupted(), STAYS, plan_memory(4, 1, 3), StopRequest())
    with pytest.raises(KeyboardInterrupt) as caught:
        reader.read(FoundTable(tmp_path / "lab.csv", blocks), LAB, tmp_path / "runs")
    assert told == ["closed"]
    assert caught.value is not None


def test_it_tells_how_much_of_a_table_was_read(tmp_path: Path):
    """Of a reader that cannot tell, nothing."""
    empty = pl.DataFrame(schema=dict.fromkeys(LAB.raw.read, pl.String))
    blocks = [RawRows(empty, 0, 0, share=share) for share in (0.25, None, 1.0)]
    told: list[float] = []
    reader = TableReader(EICU, LocalEngine(1), STAYS, plan_memory(4, 1, 3), StopRequest())
    reader.read(FoundTable(tmp_path / "lab.csv", lambda: iter(blocks)), LAB, tmp_path / "runs", told.append)
    assert told == [0.25, 1.0]


@pytest.mark.parametrize("workers", [1, 2])
def test_whoever_is_stopped_closes_the_file_and_ends_its_threads_at_once(tmp_path: Path, workers: int):
    stop, told, before = StopRequest(), list[str](), set(threading.enumerate())

    def blocks():
        try:
            for _ in range(9):
                yield RawRows(pl.DataFrame(schema=dict.fromkeys(LAB.raw.read, pl.String)), 0, 0)
                stop.made = True
        finally:
            told.append("closed")

    reader = TableReader(EICU, LocalEngine(workers), STAYS, plan_memory(4, workers, 3), stop)
    with pytest.raises(Stopped) as caught:
        reader.read(FoundTable(tmp_path / "lab.csv", blocks), LAB, tmp_path / "runs")
    assert told == ["closed"]
    assert set(threading.enumerate()) == before
    assert caught.traceback
