"""Where a block of a table ended between the carriage return and the line feed of a quoted note, the parser took the
two for one line end and dropped the line feed: notes of the same text differed by where they stood in the file."""

import csv
from pathlib import Path

import polars as pl
import pytest

from wardround.sources.csv_reader import read_blocks
from wardround.sources.raw_table import ID, PROSE, RawTable

NOTES = RawTable("notes", {"number": (PROSE, ID), "text": (PROSE, ID)})


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n", "\r\r\n"])
def test_every_block_size_gives_the_same_texts(tmp_path: Path, ends: str):
    path = tmp_path / "notes.csv"
    texts = [f'{number} "quoted"{ends}' * (number % 12) for number in range(100)]
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([("number", "text"), *enumerate(texts)])
    for block_bytes in range(400, 440):
        read = pl.concat(block.frame for block in read_blocks(path, NOTES, block_bytes))
        assert read["text"].fill_null("").to_list() == texts, block_bytes
