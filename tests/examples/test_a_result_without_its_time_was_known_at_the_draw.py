"""A single laboratory row without a revised offset was known when the blood was drawn."""

from pathlib import Path

import polars as pl

from raw_eicu import RawEicu, prepare


def test_it_is_known_an_hour_later(tmp_path: Path):
    raw, lab = RawEicu().patient(1), {"labname": "sodium", "labresult": 140, "labmeasurenamesystem": "mmol/L"}
    raw.add("lab", patientunitstayid=1, labresultoffset=5, labresultrevisedoffset=30, **lab)
    raw.add("lab", patientunitstayid=1, labresultoffset=100, **lab)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    labs = data.timeline.filter(pl.col("code").str.starts_with("LAB"))
    assert labs.select("minute", "known").rows() == [(5, 30), (100, 160)]
