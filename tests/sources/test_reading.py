"""A table's blocks, split; who converts them, and in which order, is of the engines."""

import polars as pl

from wardround.sources.csv_reader import RawRows
from wardround.sources.reading import split


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
