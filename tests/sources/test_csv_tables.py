"""A database that is one folder of csv files."""

import hashlib
from pathlib import Path

import pytest

from wardround.errors import BrokenFileError, SourceError, UsageError
from wardround.sources.csv_tables import find_csv_tables
from wardround.sources.raw_table import ID, INTEGER, RawTable

PATIENT = RawTable("patient", {"id": (INTEGER, ID)}, optional=False)
LAB = RawTable("lab", {"id": (INTEGER, ID)})
VITALS = RawTable("vitals", {"id": (INTEGER, ID)})


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "patient.csv").write_text("id\n1\n2\n")
    (tmp_path / "lab.csv").write_text("id\n7\n")
    return tmp_path


def test_what_is_there_is_found_hashed_and_read(raw: Path):
    found = find_csv_tables([raw], [PATIENT, LAB, VITALS])
    assert set(found.tables) == set(found.inputs) == {"patient", "lab"}
    assert found.absent == ("vitals",)
    assert found.inputs["lab"] == hashlib.sha256(b"id\n7\n").hexdigest()
    assert found.tables["lab"].where == raw / "lab.csv"
    (block,) = found.tables["patient"].blocks()
    assert block.frame["id"].to_list() == [1, 2]


def test_a_database_is_one_folder(raw: Path, tmp_path: Path):
    with pytest.raises(UsageError, match=r"2 raw folders were given; this database is one"):
        find_csv_tables([raw, raw], [PATIENT])
    with pytest.raises(SourceError, match=r"nowhere is not a folder\. Give the folder with the raw tables"):
        find_csv_tables([tmp_path / "nowhere"], [PATIENT])


def test_other_columns_and_other_bytes_are_refused_before_any_work(raw: Path):
    (raw / "SHA256SUMS.txt").write_text(f"{'0' * 64}  lab.csv\n")
    with pytest.raises(BrokenFileError, match=r"lab\.csv differs from SHA256SUMS"):
        find_csv_tables([raw], [PATIENT, LAB])
    (raw / "patient.csv").write_text("number\n1\n")
    with pytest.raises(SourceError, match="lacks column id of table patient"):
        find_csv_tables([raw], [PATIENT, LAB])
