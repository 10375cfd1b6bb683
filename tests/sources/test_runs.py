"""Events-to-be in runs, read again by slice."""

import random
import threading
import time
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.errors import DataError, StorageError
from wardround.sources import runs
from wardround.sources.runs import RunWriter, open_runs, pieces, rows_of_slices


def events(slices: list[int], first: int = 0) -> pl.DataFrame:
    rows = range(first, first + len(slices))
    return pl.DataFrame({"row": rows, "code": [f"code {row}" for row in rows], "slice": slices})


def written(folder: Path, frames: list[pl.DataFrame], most_bytes: int) -> list[str]:
    """The names of the runs."""
    with RunWriter(folder, most_bytes) as writer:
        for frame in frames:
            writer.add(frame)
        made = writer.finish()
    assert sorted(made) == sorted(folder.iterdir())
    return [path.name for path in writer.paths]


@pytest.mark.parametrize("most_bytes", [1, 1_000, 1 << 20])
def test_each_slice_gets_its_rows_in_their_order(tmp_path: Path, most_bytes: int):
    rng = random.Random(3)
    frames = [events([rng.randrange(5) for _ in range(20)], 20 * n) for n in range(4)]
    runs = open_runs(tmp_path, written(tmp_path, [*frames, events([])], most_bytes))
    assert len(runs) == {1: 4, 1_000: 2, 1 << 20: 1}[most_bytes]
    whole = pl.concat(frames)
    for first, last in ((0, 0), (1, 3), (0, 4), (4, 9)):
        found = [rows for run in runs for rows in run.of_slices(first, last)]
        expected = whole.filter(pl.col("slice").is_between(first, last)).drop("slice")
        assert pl.concat(found).sort("row").equals(expected)
        assert all(rows["row"].is_sorted() for rows in found)
    counts = whole["slice"].value_counts().sort("slice")["count"].to_list()
    assert rows_of_slices(runs, 5).tolist() == counts


def test_a_table_without_events_has_no_run(tmp_path: Path):
    assert written(tmp_path, [events([])], 1) == []
    assert open_runs(tmp_path, []) == []
    assert rows_of_slices([], 3).tolist() == [0, 0, 0]


def test_a_run_that_the_disk_refuses_is_told_in_the_end(tmp_path: Path):
    (tmp_path / "0.arrow").mkdir()
    with RunWriter(tmp_path, 1) as writer:
        writer.add(events([0, 1]))
        with pytest.raises(StorageError, match=r"0\.arrow"):
            writer.finish()


def test_a_run_that_the_disk_refuses_is_told_when_the_next_one_is_full(tmp_path: Path):
    (tmp_path / "0.arrow").mkdir()
    with RunWriter(tmp_path, 1) as writer:
        writer.add(events([0, 1]))
        with pytest.raises(StorageError, match=r"0\.arrow"):
            writer.add(events([0, 1], first=2))
    assert [path.name for path in tmp_path.iterdir()] == ["0.arrow"]


def test_an_error_beside_a_run_that_is_written_waits_for_it_and_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_run = runs._write_run

    def slowly(path: Path, tables: list[pa.Table]) -> None:
        time.sleep(0.1)
        write_run(path, tables)

    monkeypatch.setattr(runs, "_write_run", slowly)
    before = set(threading.enumerate())
    writer = RunWriter(tmp_path, 1)
    writer.add(events([0, 1]))
    with pytest.raises(ValueError, match="of the block"), writer:
        raise ValueError("of the block")
    assert [path.name for path in tmp_path.iterdir()] == ["0.arrow"]
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("name", ["0.arrow", "words.parquet"])
def test_a_run_that_was_cut_is_no_run(tmp_path: Path, name: str):
    names = written(tmp_path, [events([0, 1, 1])], 1 << 20)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=name):
        open_runs(tmp_path, names)
    path.unlink()
    with pytest.raises(DataError, match="is missing"):
        open_runs(tmp_path, names)


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 60))
def test_pieces_are_neighbours_and_no_larger_than_asked(rows: list[int], most: int):
    found = pieces(rows, most)
    assert [place for first, last in found for place in range(first, last + 1)] == list(range(len(rows)))
    for first, last in found:
        assert first == last or sum(rows[first : last + 1]) <= most
