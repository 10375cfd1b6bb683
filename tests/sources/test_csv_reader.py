"""Raw tables: found, checked against their columns, read block by block."""

import gzip
import hashlib
from pathlib import Path

import polars as pl
import pytest

from wardround.errors import BrokenFileError, SourceError, StorageError
from wardround.sources.csv_reader import (
    check_header,
    find_table,
    match_columns,
    read_blocks,
    verify_published_sums,
)
from wardround.sources.raw_table import ID, INTEGER, TEXT, UNREAD, RawTable, at

TABLE = RawTable(
    "intakeOutput",
    {
        "id": (INTEGER, ID),
        "minute": (INTEGER, at("minute")),
        "label": (TEXT, at("minute")),
        "note": (TEXT, UNREAD),
    },
)
REQUIRED = RawTable("patient", {"id": (INTEGER, ID)}, optional=False)


@pytest.mark.parametrize("name", ["intakeOutput.csv", "intakeoutput.csv.gz", "INTAKEOUTPUT.CSV", "IntakeOutput.Csv.Gz"])
def test_a_table_is_found_whatever_its_case(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"")
    assert find_table(tmp_path, TABLE) == tmp_path / name


def test_an_optional_table_may_be_absent_a_required_one_not(tmp_path: Path):
    (tmp_path / "intakeOutput.txt").write_bytes(b"")
    (tmp_path / "intakeOutput.csv").mkdir()
    assert find_table(tmp_path, TABLE) is None
    with pytest.raises(SourceError, match=r"has no patient\.csv or patient\.csv\.gz"):
        find_table(tmp_path, REQUIRED)


def test_two_files_for_one_table_are_not_guessed_between(tmp_path: Path):
    for name in ("intakeOutput.csv", "intakeoutput.csv.gz"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(SourceError, match=r"2 files for table intakeOutput: intakeOutput\.csv, intakeoutput\.csv\.gz"):
        find_table(tmp_path, TABLE)


def test_a_folder_that_cannot_be_listed(tmp_path: Path):
    with pytest.raises(StorageError, match="listing"):
        find_table(tmp_path / "none", TABLE)


def test_columns_match_whatever_case_order_and_company():
    header = ["EXTRA", "Label", "ID", "more", "minute"]
    assert match_columns(Path("t.csv"), header, TABLE) == {"id": "ID", "minute": "minute", "label": "Label"}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,minute,note", r"lacks column label of table intakeOutput\.$"),
        (
            "id,minute,name,note",
            "lacks column label of table intakeOutput. It has name, which is not declared: renamed?",
        ),
        ("id,minute,Doe John,note", r"lacks column label of table intakeOutput\.$"),
        ("id,a,b,c,d,e,f", "Its first line names 1 of 3 columns: is it the header?"),
        ("7,12,urine,none", "lacks column id, minute, label .* Its first line names 0 of 3 columns"),
        ("id,minute,label,LABEL", "has column label of table intakeOutput twice"),
    ],
)
def test_columns_that_do_not_match(header: str, message: str):
    with pytest.raises(SourceError, match=message):
        match_columns(Path("t.csv"), header.split(","), TABLE)


def test_columns_that_are_not_read_may_stand_twice():
    assert len(match_columns(Path("t.csv"), ["id", "minute", "label", "note", "note", "x", "x"], TABLE)) == 3


def written(folder: Path, text: str) -> Path:
    path = folder / "intakeOutput.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_the_header_alone_is_checked_first(tmp_path: Path):
    check_header(written(tmp_path, 'ID,"minute",label\n1,not read here\n'), TABLE)
    with pytest.raises(SourceError, match="lacks column label"):
        check_header(written(tmp_path, "id,minute\n"), TABLE)
    with pytest.raises(BrokenFileError, match="no header line"):
        check_header(written(tmp_path, ""), TABLE)


def test_blocks_cover_the_file_once_and_number_its_rows(tmp_path: Path):
    rows = [f"{n},{n * 2},row {n}" if n % 7 else "ragged" for n in range(60)]
    path = written(tmp_path, "id,minute,label\n" + "\n".join(rows) + "\n")
    blocks = list(read_blocks(path, TABLE, 100))
    assert len(blocks) > 3
    frame = pl.concat(block.frame for block in blocks)
    assert frame["id"].to_list() == [str(n) for n in range(60) if n % 7]
    assert sum(block.ragged for block in blocks) == 9
    numbers = [block.first_row + row for block in blocks for row in range(block.frame.height)]
    assert len(set(numbers)) == len(numbers)
    assert numbers == sorted(numbers)
    assert max(numbers) <= 60


def test_empty_text_is_null_and_blanks_stay_for_later(tmp_path: Path):
    (block,) = read_blocks(written(tmp_path, 'id,minute,label\n1,,""\n2, ,NA\n'), TABLE)
    assert block.frame.rows() == [("1", None, None), ("2", " ", "NA")]


def test_a_table_without_rows_is_one_empty_block(tmp_path: Path):
    (block,) = read_blocks(written(tmp_path, "id,minute,label\n"), TABLE)
    assert (block.frame.shape, block.first_row, block.ragged) == ((0, 3), 0, 0)
    assert block.frame.columns == ["id", "minute", "label"]


def test_sums_are_looked_up_by_name_whatever_its_case(tmp_path: Path):
    path = written(tmp_path, "id,minute,label\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert verify_published_sums(tmp_path, {path: digest}) == 0
    (tmp_path / "SHA256SUMS.txt").write_text(f"{digest.upper()} *./INTAKEOUTPUT.csv.gz\n\nabc\n")
    assert verify_published_sums(tmp_path, {path: digest, tmp_path / "own.csv": "1"}) == 1
    with pytest.raises(BrokenFileError, match=r"intakeOutput\.csv\.gz differs from SHA256SUMS\.txt beside it"):
        verify_published_sums(tmp_path, {path: "0" * 64})


def test_a_column_may_have_the_name_that_it_had_before():
    table = RawTable("admissions", {"race": (TEXT, ID)}, former={"race": "ethnicity"})
    path = Path("admissions.csv")
    assert match_columns(path, ["id", "Ethnicity"], table) == {"race": "Ethnicity"}
    assert match_columns(path, ["ethnicity", "race"], table) == {"race": "race"}
    with pytest.raises(SourceError, match="lacks column race of table admissions"):
        match_columns(path, ["id", "people"], table)
