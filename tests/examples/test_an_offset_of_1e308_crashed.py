"""Offsets of a stay and first-day values were numbers without bounds: 1e308 crashed in a cast, or became infinite."""

from pathlib import Path

from raw_eicu import RawEicu, prepare


def test_each_is_set_aside(tmp_path: Path):
    raw = RawEicu().patient(1).patient(2, hospitaldischargeoffset="1e308").patient(3, hospitaldischargeyear="1e18")
    raw.add("apacheApsVar", patientunitstayid=1, heartrate="1e308", ph=7.4)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["patient"]["rows_out"] == 1
    assert data.ledger["apacheApsVar"]["values_set_aside"] == {"implausible value": 1}
    assert data.events["numeric_value"].drop_nulls().is_finite().all()
