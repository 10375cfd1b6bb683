"""Which mapping a MEDS data set is read with."""

from pathlib import Path

import polars as pl
import pytest

from raw_meds import prepare, tiny
from wardround import files
from wardround.errors import RunError, UsageError
from wardround.sources.meds import meds_source
from wardround.sources.registry import find_source


def test_without_a_mapping_the_error_says_how_to_write_one(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw")
    with pytest.raises(UsageError, match=r"needs --mapping FILE.*one for MIMIC-IV, not for 'small'.*--dry-run"):
        meds_source([raw])


def test_the_metadata_choose_the_mapping_that_comes_with_us(tmp_path: Path):
    made = tiny()
    made.dataset = {"dataset_name": "MIMIC-IV", "meds_version": "0.3.3"}
    made.kinds |= dict.fromkeys(("icustay_id", "hadm_id", "unit"), pl.String)
    source = meds_source([made.write(tmp_path / "raw")])
    assert source.dataset == "MIMIC-IV"
    own = tmp_path / "raw" / "mapping.toml"
    own.write_text('modifiers = ["unit"]\n' + own.read_text())
    assert meds_source([tmp_path / "raw"], own).dataset == "a small hospital"


def test_the_registry_gives_it_and_no_other_source_takes_a_mapping(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw")
    assert find_source("meds", [raw], raw / "mapping.toml").name == "meds"
    with pytest.raises(UsageError, match="--mapping goes with meds"):
        find_source("eicu", [raw], raw / "mapping.toml")
    with pytest.raises(UsageError, match="There are: eicu, mimic4, mimic3, challenge2012, meds"):
        find_source("omop", [raw])


def test_the_name_of_the_data_set_and_the_hash_of_the_mapping_are_written_down(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw")
    data = prepare(raw, tmp_path / "data")
    dataset = files.read_json(data.folder / "metadata" / "dataset.json")
    assert (dataset["dataset_name"], dataset["etl_name"]) == ("a small hospital", "wardround")
    assert set(files.read_json(data.folder / "manifest.json")["settings"]) >= {"source", "mapping"}


def test_another_mapping_is_another_data_set_and_a_comment_is_none(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw")
    prepare(raw, tmp_path / "data")
    other = tmp_path / "other.toml"
    text = (raw / "mapping.toml").read_text()
    other.write_text("# a comment\n" + text)
    before = (tmp_path / "data" / "manifest.json").stat().st_mtime_ns
    prepare(raw, tmp_path / "data", mapping=other)
    assert (tmp_path / "data" / "manifest.json").stat().st_mtime_ns == before
    other.write_text(text.replace('"2 h"', '"3 h"'))
    with pytest.raises(RunError, match="made with other settings or inputs"):
        prepare(raw, tmp_path / "data", mapping=other)
