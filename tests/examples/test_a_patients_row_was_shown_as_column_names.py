"""A file without its header had its first row printed: "It has 002-1039, Caucasian, ..., which is not declared"."""

from pathlib import Path

import pytest

from raw_eicu import prepare, tiny
from wardround.errors import SourceError


def test_no_value_is_shown(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw", packed=False)
    path = raw / "patient.csv"
    path.write_bytes(path.read_bytes().partition(b"\n")[2])
    with pytest.raises(SourceError, match="is it the header") as error:
        prepare(raw, tmp_path / "data")
    said = str(error.value).replace(str(tmp_path), "")  # its number may be a value of the row
    assert "patient.csv" in said
    assert not any(value in said for value in ("002-1", "Caucasian", "Female", "-60"))
