"""-0 and 0 are equal and sort as they come: the bytes on disk depended on the order of the rows."""

from pathlib import Path

import pytest

from raw_eicu import RawEicu, prepare


def test_there_is_one_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    raw = RawEicu().patient(1)
    for row, value in enumerate(("-0", "0", "-0.0"), 1):
        raw.add("vitalPeriodic", vitalperiodicid=row, patientunitstayid=1, observationoffset=5, cvp=value)
    back = RawEicu({table: rows[::-1] for table, rows in raw.rows.items()})
    one, other = (prepare(each.write(tmp_path / n), tmp_path / f"{n}-data") for n, each in (("a", raw), ("b", back)))
    assert one.hashes()["data/0.parquet"] == other.hashes()["data/0.parquet"]
