"""What a mapping makes of the codes of a data set, before anything is written."""

from pathlib import Path

from raw_meds import tiny
from wardround.sources.meds.preview import preview


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
    assert {row["becomes"] for row in rows} == {"no mapping"}
    assert sum(int(row["rows"]) for row in rows) == 38
