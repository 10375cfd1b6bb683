"""A table's blocks, split, converted by several threads, given back in order."""

import threading
import time

import polars as pl
import pytest

from wardround.sources.csv_reader import RawRows
from wardround.sources.reading import in_order, split


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


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_order_and_few_blocks_are_under_way(workers: int):
    under_way, most, lock = [0], [0], threading.Lock()

    def task(rows: RawRows):
        time.sleep(0.002 * (rows.first_row % 3))
        with lock:
            under_way[0] -= 1
        return rows.first_row

    def blocks():
        for number in range(30):
            with lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            yield block(1, number)

    assert list(in_order(task, blocks(), workers)) == list(range(30))  # pyright: ignore
    assert most[0] <= workers + 1


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_of_a_block_is_raised(workers: int):
    def task(rows: RawRows):
        if rows.first_row == 4:
            raise ValueError("no good")

    with pytest.raises(ValueError, match="no good"):
        list(in_order(task, (block(1, number) for number in range(50)), workers))  # pyright: ignore
