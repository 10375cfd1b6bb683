"""The laboratory's temperature listed its unit twice ("°C" and "C"): each value became two events."""

from pathlib import Path

import polars as pl

from raw_eicu import RawEicu, prepare


def test_one_row_is_one_event(tmp_path: Path):
    raw = RawEicu().patient(1)
    lab = {"labresultoffset": 5, "labname": "Temperature", "labresult": 36.6, "labmeasurenamesystem": "&#176;C"}
    data = prepare(raw.add("lab", patientunitstayid=1, **lab).write(tmp_path / "raw"), tmp_path / "data")
    assert data.events.filter(pl.col("modality") == "lab").height == 1
