"""What a mapping makes of the codes of a data set, before anything is written."""

import re
from pathlib import Path

import polars as pl
import pytest

from raw_meds import tiny
from wardround.errors import SourceError
from wardround.sources.meds import meds_source
from wardround.sources.meds.preview import preview, static_warning


def test_codes_that_begin_alike_and_what_becomes_of_them(tmp_path: Path):
    raw = tiny().add(1, "2150-01-02 03:00", "XYZ//1").add(1, "2150-01-02 03:00", "XYZ//2").add(1, None, None)
    folder = raw.write(tmp_path / "raw")
    rows = preview([folder], folder / "mapping.toml")
    assert sum(int(row["rows"]) for row in rows) == 38 + 2
    found = {(row["codes"], row["becomes"]): (row["rows"], row["different"]) for row in rows}
    assert found["XYZ//*", "nothing: code of no modality"] == (2, 2)
    assert found["LAB//*", "lab, known 120 min later"] == (2, 1)
    assert found["LAB//*", "blood_gas, known 15 min later"] == (1, 1)
    assert found["WEIGHT", "vitals, known at the end of its day"] == (1, 1)
    assert found["DX//*", "diagnosis, known at discharge"] == (2, 2)
    assert found["HR", "vitals, known at once"] == (5, 1)
    assert found["BED//*", "nothing: moves between beds"] == (1, 1)
    assert [row["rows"] for row in rows] == sorted((row["rows"] for row in rows), reverse=True)


def test_codes_that_get_a_suffix_are_shown(tmp_path: Path):
    raw = tiny()
    raw.kinds |= {"unit": pl.String}
    raw.mapping = 'modifiers = ["unit"]\n' + raw.mapping
    for minute, unit in enumerate(("mg/dL", "mmol/L", " mg/dL", None)):
        raw.add(1, f"2150-01-02 03:0{minute}", "LAB//glucose", 1.0, unit=unit)
    raw.add(1, "2150-01-02 04:00", "XYZ//1", unit="mg").add(1, None, "LAB//glucose", 1.0, unit="mg/dL")
    folder = raw.write(tmp_path / "raw")
    rows = preview([folder], folder / "mapping.toml")
    found = {(row["codes"], row["becomes"]): (row["rows"], row["different"]) for row in rows}
    assert found["LAB//*", "lab as CODE//unit, known 120 min later"] == (3, 2)
    assert found["LAB//*", "lab, known 120 min later"] == (2 + 1, 1 + 1)
    assert found["LAB//*", "lab as CODE//unit, no time: known when each stay begins"] == (1, 1)
    assert found["XYZ//*", "nothing: code of no modality"] == (1, 1)
    assert "LAB//* (1)" in (static_warning(rows) or "")


@pytest.mark.parametrize("lost", ["unit_stay", "visit", "unit"])
def test_a_column_that_prepare_would_miss_is_missed_here(lost: str, tmp_path: Path):
    raw = tiny()
    raw.kinds |= {"unit": pl.String}
    raw.mapping = 'modifiers = ["unit"]\n' + raw.mapping
    folder = raw.write(tmp_path / "raw", change=lambda frame: frame.drop(lost))
    for look in (preview, meds_source):
        with pytest.raises(SourceError, match=rf"no shard has column {lost}, which the mapping names.*In the mapping"):
            look([folder], folder / "mapping.toml")


@pytest.mark.parametrize("lost", ["unit", "hadm_id"])
def test_whoever_has_no_mapping_file_is_told_to_copy_one(lost: str, tmp_path: Path):
    raw = tiny()
    raw.dataset |= {"dataset_name": "MIMIC-IV"}
    raw.kinds |= dict.fromkeys(("icustay_id", "hadm_id"), pl.Int64) | {"unit": pl.String}
    folder = raw.write(tmp_path / "raw", change=lambda frame: frame.drop(lost))
    match = rf"no shard has column {lost}.*In a copy of the mapping .*\((\S+mimic4\.toml)\), given as --mapping COPY"
    with pytest.raises(SourceError, match=match) as caught:
        preview([folder], None)
    shipped = re.search(match, str(caught.value))
    assert shipped is not None
    assert Path(shipped[1]).is_file()
    with pytest.raises(SourceError, match=match):
        meds_source([folder])


def test_without_a_mapping_it_still_counts(tmp_path: Path):
    rows = preview([tiny().write(tmp_path / "raw")], None)
    assert {row["becomes"] for row in rows} == {"no mapping", "no mapping; no time"}
    assert sum(int(row["rows"]) for row in rows) == 38


def test_rows_without_a_time_are_counted_apart_and_warned_of(tmp_path: Path):
    """They count as known when a stay begins: a death that a registry writes without a date would tell the model."""
    raw = tiny().add(1, None, "DX//dead within a year").add(1, None, "LAB//autopsy").add(2, None, "LAB//autopsy")
    raw.add(3, None, "MEDS_DEATH").add(3, None, "BED//1")
    folder = raw.write(tmp_path / "raw")
    rows = preview([folder], folder / "mapping.toml")
    found = {(row["codes"], row["becomes"]): (row["rows"], row["different"]) for row in rows}
    assert found["LAB//*", "lab, no time: known when each stay begins"] == (2, 1)
    assert found["LAB//*", "lab, known 120 min later"] == (2, 1)
    assert found["DX//*", "nothing: known at discharge, but of no stay's time"] == (1, 1)
    said = static_warning(rows)
    assert said is not None
    assert "LAB//* (2)" in said
    assert "GENDER//* (3)" in said
    assert not any(code in said for code in ("DX", "MEDS_DEATH", "BED")), "these become no event"


def test_where_every_row_has_its_time_nothing_is_warned_of(tmp_path: Path):
    raw = tiny()
    raw.rows = [row for row in raw.rows if row["time"] is not None]
    folder = raw.write(tmp_path / "raw")
    assert static_warning(preview([folder], folder / "mapping.toml")) is None
