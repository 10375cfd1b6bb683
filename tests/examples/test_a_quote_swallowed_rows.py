"""One stray quote at the start of a field took all lines up to the next quote into it: three rows read as one."""

from pathlib import Path

import pytest

from wardround.errors import BrokenFileError
from wardround.sources.csv_reader import read_blocks
from wardround.sources.raw_table import ID, INTEGER, TEXT, RawTable

TABLE = RawTable("t", {"a": (INTEGER, ID), "b": (TEXT, ID), "c": (INTEGER, ID)})


def test_the_file_is_refused(tmp_path: Path):
    (tmp_path / "t.csv").write_text('a,b,c\n1,"x,2\n3,y,4\n5,"z",6\n')
    with pytest.raises(BrokenFileError, match="text after a closing quote"):
        list(read_blocks(tmp_path / "t.csv", TABLE))
