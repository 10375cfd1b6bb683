"""The files of the Challenge as tables of blocks, and their hashes."""

import hashlib
from pathlib import Path

import pytest

from raw_challenge import OUTCOMES, RawSet, prepare, tiny_set
from raw_eicu import demo_folder
from wardround.errors import BrokenFileError, SourceError
from wardround.sources import pipeline
from wardround.sources.challenge2012 import CHALLENGE2012, raw
from wardround.sources.challenge2012.columns import OBSERVATIONS, RECORDS
from wardround.sources.challenge2012.columns import OUTCOMES as OUTCOMES_TABLE

TABLES = (RECORDS, OUTCOMES_TABLE, OBSERVATIONS)


@pytest.fixture
def two_sets(tmp_path: Path) -> Path:
    tiny_set("a", 132539).write(tmp_path, "tar.gz")
    return tiny_set("b", 142675).write(tmp_path, "zip")


def test_tables_span_the_sets_and_rows_are_numbered_through(two_sets: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(raw, "BLOCK_CHARACTERS", 300)
    found = raw.find_records([two_sets], TABLES)
    assert found.absent == ()
    heights = {}
    for table in TABLES:
        blocks = list(found.tables[table.name].blocks())
        rows = [block.first_row + at for block in blocks for at in range(block.frame.height)]
        assert rows == list(range(len(rows)))
        assert len(blocks) > 1
        heights[table.name] = len(rows)
    assert heights == {"records": 6, "outcomes": 6, "observations": 66}


def test_every_input_is_hashed(two_sets: Path):
    inputs = raw.find_records([two_sets], TABLES).inputs
    assert set(inputs) == {"set-a", "set-b", "outcomes of set-a", "outcomes of set-b"}
    assert inputs["set-a"] == hashlib.sha256((two_sets / "set-a.tar.gz").read_bytes()).hexdigest()


def test_absent_outcomes_are_named(two_sets: Path):
    (two_sets / "Outcomes-b.txt").unlink()
    found = raw.find_records([two_sets], TABLES)
    assert found.absent == ("outcomes of set-b",)
    (two_sets / "Outcomes-a.txt").unlink()
    assert set(raw.find_records([two_sets], TABLES).tables) == {"records", "observations"}


def test_a_set_that_differs_from_what_was_published_is_refused(two_sets: Path):
    digest = hashlib.sha256((two_sets / "set-a.tar.gz").read_bytes()).hexdigest()
    sums = two_sets / "SHA256SUMS.txt"
    sums.write_text(f"{digest}  set-a.tar.gz\n{'0' * 64}  set-a/132539.txt\n")
    raw.find_records([two_sets], TABLES)
    sums.write_text(f"{'0' * 64}  set-a.tar.gz\n")
    with pytest.raises(BrokenFileError, match=r"set-a\.tar\.gz differs from SHA256SUMS\.txt"):
        raw.find_records([two_sets], TABLES)


def test_outcomes_of_other_columns_and_an_empty_set_are_refused(two_sets: Path, tmp_path: Path):
    (two_sets / "Outcomes-a.txt").write_text(OUTCOMES.replace("In-hospital_death", "Died") + "\n")
    with pytest.raises(SourceError, match="lacks column In-hospital_death of table outcomes"):
        raw.find_records([two_sets], TABLES)
    empty = RawSet("c").write(tmp_path / "empty")
    with pytest.raises(SourceError, match=r"set-c holds no record files \(NUMBER\.txt\)"):
        raw.find_records([empty], TABLES)


def test_a_record_that_is_cut_is_named_by_its_place_alone(tmp_path: Path):
    folder = tiny_set().write(tmp_path) / "set-a"
    path = folder / "132540.txt"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(BrokenFileError, match=r"set-a: record file 2 does not end with a line end") as raised:
        raw.find_records([tmp_path], TABLES)
    assert "132540" not in str(raised.value)


@pytest.mark.slow
@pytest.mark.data
def test_the_real_sets_to_the_row(tmp_path: Path):
    """Sets a and b as published: what each odd line was set aside for."""
    folder = demo_folder("challenge-2012")
    done = pipeline.prepare(CHALLENGE2012, [folder], tmp_path / "data", quiet=True)
    assert done.ledger == {
        "tables": {
            "records": {"rows_in": 8000, "rows_out": 8000, "set_aside": {}},
            "outcomes": {
                "rows_in": 8000,
                "rows_out": 8000,
                "set_aside": {},
                "values_set_aside": {"impossible length of stay": 3, "no length of stay (-1)": 114},
            },
            "observations": {
                "rows_in": 3_520_515,
                "rows_out": 3_504_166,
                "set_aside": {"implausible value": 3844, "missing (-1)": 4505, "states the RecordID": 8000},
            },
        },
        "absent": [],
    }


def test_sets_prepared_together_are_the_sets_prepared_alone(two_sets: Path, tmp_path: Path):
    both = prepare(two_sets, tmp_path / "both")
    alone = [prepare(two_sets / name, tmp_path / f"{name} alone") for name in ("set-a.tar.gz", "set-b.zip")]
    assert both.events.height == sum(each.events.height for each in alone)
    for each in alone:
        ids = each.stays["stay_id"].to_list()
        assert both.events.filter(both.events["stay_id"].is_in(ids)).equals(each.events)
        assert both.stays.filter(both.stays["stay_id"].is_in(ids)).equals(each.stays)
