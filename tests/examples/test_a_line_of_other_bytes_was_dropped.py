"""A line with the wrong number of fields and a byte that is not UTF-8 was neither read nor counted."""

from pathlib import Path

import pytest

from wardround.errors import BrokenFileError
from wardround.sources.csv_reader import read_blocks
from wardround.sources.raw_table import ID, INTEGER, RawTable

TABLE = RawTable("t", {"a": (INTEGER, ID), "b": (INTEGER, ID)})


def test_the_file_is_refused(tmp_path: Path):
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,2\ncaf\xe9\n3,4\n")
    with pytest.raises(BrokenFileError, match="is not UTF-8"):
        list(read_blocks(tmp_path / "t.csv", TABLE))
