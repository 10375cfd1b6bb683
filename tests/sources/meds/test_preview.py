"""What a mapping makes of the codes of a data set, before anything is written."""

from pathlib import Path

from raw_meds import tiny
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
