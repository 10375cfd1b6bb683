"""What scores of the first day share: vitals and coma scale, the laboratory, extremes with the urine."""

import polars as pl

from concept_timelines import at, events, stays
from wardround.concepts.first_day_values import COLUMNS, laboratory, of_first_days, vitals

PULSE, MOTOR, UREA, URINE = "VITAL//heartrate//bpm", "VITAL//gcs motor//", "LAB//BUN//mg/dL", "IO//urine//mL"


def test_vitals_are_of_a_minute_and_the_coma_scale_is_among_them():
    made = vitals(events((1, 5, PULSE, 80), (1, 5, PULSE, 90), (1, 7, MOTOR, 5)), {PULSE: "pulse"})
    assert tuple(made.columns) == COLUMNS
    assert dict(zip(made["name"].to_list(), made["value"].to_list(), strict=True)) == {"pulse": 85.0, "coma": 14.0}


def test_the_laboratory_is_the_patients_and_no_blood_gas():
    both = stays({1: 5, 2: 5}).with_columns(subject_id=pl.lit(7, pl.Int64))
    told = pl.concat([events((1, 5, UREA, 30)), events((1, 6, UREA, 90), modality="blood_gas")])
    made = laboratory(told, both, {UREA: "bun"}).sort("stay_id")
    assert made.select("stay_id", "value").rows() == [(1, 30.0), (2, 30.0)]


def test_extremes_and_urine_of_the_day():
    told = events(
        (1, 5, PULSE, 80), (1, 1440, PULSE, 190), (1, 9, URINE, 200, 60), (1, 600, URINE, 100), (1, 1441, URINE, 9)
    )
    made = of_first_days([vitals(told, {PULSE: "pulse"})], ["pulse", "coma"], told, stays({1: 40})).to_dicts()[0]
    assert (made["pulse_min"], made["pulse_max"], made["coma_max"]) == (80.0, 80.0, None)
    assert (made["urine_ml"], made["urine_known"]) == (300.0, at(600))
