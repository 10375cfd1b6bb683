"""prepare: from a raw folder to a DATA folder."""

import json
from pathlib import Path

import meds
import pyarrow.parquet as pq
import pytest

from raw_eicu import prepare, small, tiny
from wardround import files
from wardround.errors import RunError, SourceError
from wardround.sources import pipeline
from wardround.sources.eicu import EICU
from wardround.sources.runs import Run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("tiny")
    return prepare(tiny().write(folder / "raw"), folder / "data")


def test_the_folder_is_what_the_commands_say(data):
    names = sorted(str(path.relative_to(data.folder)) for path in data.folder.rglob("*") if path.is_file())
    assert names == [
        "data/0.parquet",
        "ledger.json",
        "manifest.json",
        "metadata/codes.parquet",
        "metadata/dataset.json",
        "metadata/subject_splits.parquet",
        "stays.parquet",
    ]
    manifest = files.verify_folder(data.folder, "data")
    expected = {"modalities": "all", "source": "eicu", "stays_per_shard": 1000}
    assert manifest["settings"] == expected | {"patient_pool": "eICU", "subject_ids": "eicu"}
    assert set(manifest["inputs"]) == set(data.ledger)


def test_it_is_a_meds_data_set(data):
    """As the meds package checks it: schemas of data, codes, splits and metadata."""
    table = pq.read_table(data.folder / "data" / "0.parquet")
    meds.DataSchema.validate(table)
    meds.CodeMetadataSchema.validate(pq.read_table(data.folder / "metadata" / "codes.parquet"))
    meds.SubjectSplitSchema.validate(pq.read_table(data.folder / "metadata" / "subject_splits.parquet"))
    meds.DatasetMetadataSchema.validate(json.loads((data.folder / "metadata" / "dataset.json").read_text()))
    codes = set(pq.read_table(data.folder / "metadata" / "codes.parquet")["code"].to_pylist())
    assert codes == set(table["code"].to_pylist())


def test_the_paper_has_its_six_modalities_and_the_score(data, tmp_path: Path):
    paper = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data", "paper")
    order = ["demographics", "diagnosis", "treatment", "medication", "lab", "aps", "score"]
    assert paper.stays["modalities"].to_list() == [order] * 3
    codes = set(paper.events["code"])
    assert {"AGE", "GENDER//Female", "ETHNICITY//Caucasian"} <= codes
    assert not any(code.startswith(("HEIGHT", "UNITTYPE", "APACHE//ADMISSION_DX", "VITAL")) for code in codes)
    assert codes < set(data.events["code"])


def test_stays_count_their_events(data):
    counts = dict(data.events.group_by("stay_id").len().iter_rows())
    assert dict(data.stays.select("stay_id", "n_events").iter_rows()) == counts


def test_an_absent_table_is_named_in_the_ledger(tmp_path: Path):
    prepare(small().write(tmp_path / "raw"), tmp_path / "data")
    ledger = json.loads((tmp_path / "data" / "ledger.json").read_text())
    assert sorted(ledger["tables"]) == ["lab", "medication", "patient"]
    assert "vitalPeriodic" in ledger["absent"]
    assert len(ledger["absent"]) == 11


def test_a_second_call_finds_it_complete(tmp_path: Path):
    raw = small().write(tmp_path / "raw")
    first = pipeline.prepare(EICU, raw, tmp_path / "data", quiet=True)
    second = pipeline.prepare(EICU, raw, tmp_path / "data", quiet=True)
    assert (first.already, second.already) == (False, True)
    assert first.ledger == second.ledger


def test_progress_is_shown_unless_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    raw = small().write(tmp_path / "raw")
    pipeline.prepare(EICU, raw, tmp_path / "quiet", quiet=True)
    assert capsys.readouterr() == ("", "")
    pipeline.prepare(EICU, raw, tmp_path / "data")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[0] == "reading tables, MiB: 0 of 2"


def test_a_folder_that_is_none(tmp_path: Path):
    with pytest.raises(SourceError, match=r"absent is not a folder\. Give the folder with the raw tables"):
        prepare(tmp_path / "absent", tmp_path / "data")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"empty has no patient\.csv or patient\.csv\.gz"):
        prepare(tmp_path / "empty", tmp_path / "data")


def test_the_truth_of_a_synthetic_cohort_is_never_read(tmp_path: Path):
    raw = small().write(tmp_path / "raw")
    (raw / "truth").mkdir()
    (raw / "truth" / "stays.parquet").write_bytes(b"poison")
    (raw / "truth" / "lab.csv").write_bytes(b"poison")
    assert prepare(raw, tmp_path / "data").ledger["lab"]["rows_out"] == 6


def test_events_that_are_not_in_the_shards_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What another process, or a person, does to files while they are made: one batch of a run is not read."""
    whole = Run.of_slices
    monkeypatch.setattr(Run, "of_slices", lambda run, first, last: whole(run, first, last)[1:])
    with pytest.raises(RunError, match=r"events were made of the tables, \d+ are in its shards"):
        prepare(small().write(tmp_path / "raw"), tmp_path / "data")
    assert not (tmp_path / "data" / files.MANIFEST).exists()
