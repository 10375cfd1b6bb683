"""MIMIC-III's files: one folder, names of tables and columns in either case."""

from pathlib import Path

import pytest

from raw_mimic3 import RawMimic3, prepare, tiny
from wardround.errors import SourceError, UsageError
from wardround.sources.mimic3.columns import CHARTEVENTS, ICUSTAYS
from wardround.sources.mimic3.layout import find_mimic3_tables


@pytest.mark.parametrize("packed", [True, False])
def test_either_case_of_columns_gives_the_same_data(tmp_path: Path, packed: bool):
    hashes = []
    for upper in (True, False):
        raw = tiny().write(tmp_path / f"raw-{upper}", upper, packed)
        made = prepare(raw, tmp_path / f"data-{upper}").hashes()
        hashes.append({file: digest for file, digest in made.items() if file != "manifest.json"})
    assert hashes[0] == hashes[1]


def test_what_is_lacking_is_said(tmp_path: Path):
    with pytest.raises(UsageError, match=r"2 raw folders were given; MIMIC-III is one, with ICUSTAYS\.csv or"):
        find_mimic3_tables([tmp_path, tmp_path], [])
    with pytest.raises(SourceError, match=r"has no icustays\.csv or icustays\.csv\.gz\. Give the folder of MIMIC-III"):
        find_mimic3_tables([tmp_path], [ICUSTAYS])
    raw = RawMimic3().stay(1).write(tmp_path / "raw")
    assert find_mimic3_tables([raw], [ICUSTAYS, CHARTEVENTS]).absent == ("chartevents", "d_items", "d_labitems")


def test_a_column_that_is_lacking_is_named(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw", packed=False)
    path = raw / "CHARTEVENTS.csv"
    path.write_text(path.read_text().replace("ICUSTAY_ID", "STAY_ID", 1))
    with pytest.raises(SourceError, match="lacks column icustay_id of table chartevents"):
        prepare(raw, tmp_path / "data")
