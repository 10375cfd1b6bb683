"""Ionized calcium of 1.2 under mg/dL, as in 23 of 79 original rows of the demo, became 0.3 mmol/L: deadly, wrong."""

from pathlib import Path

import polars as pl
import pytest

from raw_eicu import RawEicu, prepare


def test_it_is_what_it_must_be(tmp_path: Path):
    raw = RawEicu().patient(1)
    lab = {"labresultoffset": 5, "labname": "ionized calcium", "labresult": 1.2, "labmeasurenamesystem": "mg/dL"}
    data = prepare(raw.add("lab", patientunitstayid=1, **lab).write(tmp_path / "raw"), tmp_path / "data")
    assert data.events.filter(pl.col("modality") == "lab")["numeric_value"].to_list() == pytest.approx([1.2])
