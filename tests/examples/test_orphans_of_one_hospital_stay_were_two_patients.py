"""Two unit stays of one hospital stay without a `uniquepid` were two subjects: one person on two sides of a split."""

from pathlib import Path

from raw_eicu import RawEicu, prepare


def test_they_are_one(tmp_path: Path):
    raw = RawEicu().patient(1, uniquepid="").patient(2, uniquepid="", patienthealthsystemstayid=101)
    assert prepare(raw.write(tmp_path / "raw"), tmp_path / "data").stays["subject_id"].n_unique() == 1
