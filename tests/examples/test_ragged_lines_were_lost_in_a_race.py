"""The count of lines with the wrong number of fields was reset while the parser's own thread added to it."""

import time
from pathlib import Path

from wardround.sources.csv_reader import read_blocks
from wardround.sources.raw_table import ID, INTEGER, RawTable

TABLE = RawTable("t", {"a": (INTEGER, ID), "b": (INTEGER, ID)})


def test_every_line_is_counted_however_slow_the_reader(tmp_path: Path):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n3\n" * 300)
    good = ragged = 0
    for block in read_blocks(tmp_path / "t.csv", TABLE, 200):
        time.sleep(0.005)
        good, ragged = good + block.frame.height, ragged + block.ragged
    assert (good, ragged) == (300, 300)
