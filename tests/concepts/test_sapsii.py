"""SAPS II by hand: each part at its edges, a whole patient, and that worse values are never fewer points."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concept_timelines import Event, at, events, rows, stays, values
from wardround.concepts.sapsii import sapsii

HEART, LINE, CUFF, WARMTH = (
    *("VITAL//heartrate//bpm", "VITAL//systemicsystolic//mmHg"),
    *("VITAL//noninvasivesystolic//mmHg", "VITAL//temperature//C"),
)
BUN, WBC, POTASSIUM, SODIUM, BICARBONATE, BILIRUBIN = (
    *("LAB//BUN//mg/dL", "LAB//WBC x 1000//K/mcL", "LAB//potassium//mmol/L", "LAB//sodium//mmol/L"),
    *("LAB//bicarbonate//mmol/L", "LAB//total bilirubin//mg/dL"),
)
URINE, EYES, VERBAL, MOTOR = ("IO//urine//mL", *(f"VITAL//gcs {part}//" for part in ("eyes", "verbal", "motor")))
ELECTIVE, EMERGENCY, SURGERY, MEDICINE = (
    *("ADMISSION_TYPE//ELECTIVE", "ADMISSION_TYPE//EW EMER."),
    *("SERVICE//CSURG", "SERVICE//MED"),
)
METASTATIC = "DIAGNOSIS//ICD//10//C787"


def scored(*made: Event, age: float = 30) -> dict[str, float]:
    """Name -> value at hour 24."""
    found = sapsii(events(*made), stays({1: 30}, age))
    return {row["name"]: row["value"] for row in found.to_dicts()}


def part(name: str, *made: Event, age: float = 30) -> float | None:
    return scored(*made, age=age).get(f"sapsii_{name}")


@pytest.mark.parametrize(
    ("name", "code", "points"),
    [
        ("heart_rate", HEART, {39: 11, 40: 2, 69: 2, 70: 0, 119: 0, 120: 4, 159: 4, 160: 7}),
        ("systolic_pressure", LINE, {69: 13, 70: 5, 99: 5, 100: 0, 199: 0, 200: 2}),
        ("systolic_pressure", CUFF, {69: 13, 100: 0}),
        ("temperature", WARMTH, {38.9: 0, 39: 3}),
        ("urine", URINE, {499: 11, 500: 4, 999: 4, 1000: 0}),
        ("bun", BUN, {27: 0, 28: 6, 83: 6, 84: 10}),
        ("wbc", WBC, {0.9: 12, 1: 0, 19.9: 0, 20: 3}),
        ("potassium", POTASSIUM, {2.9: 3, 3: 0, 4.9: 0, 5: 3}),
        ("sodium", SODIUM, {124: 5, 125: 0, 144: 0, 145: 1}),
        ("bicarbonate", BICARBONATE, {14.9: 6, 15: 3, 19.9: 3, 20: 0}),
        ("bilirubin", BILIRUBIN, {3.9: 0, 4: 4, 5.9: 4, 6: 9}),
    ],
)
def test_a_part_at_its_edges(name: str, code: str, points: dict[float, int]):
    assert {value: part(name, (1, 60, code, value)) for value in points} == points


def test_age_and_coma_at_their_edges():
    ages = {39: 0, 40: 7, 59: 7, 60: 12, 69: 12, 70: 15, 74: 15, 75: 16, 79: 16, 80: 18, 90: 18}
    assert {age: part("age", age=age) for age in ages} == ages
    motors = {6: 0, 5: 0, 4: 5}
    assert {motor: part("coma", (1, 5, MOTOR, motor)) for motor in motors} == motors
    deep = {(1, 1, 1): 26, (1, 1, 3): 26, (1, 1, 4): 13, (1, 2, 6): 7, (2, 3, 6): 5, (3, 5, 6): 0}
    for (eyes, verbal, motor), points in deep.items():
        assert part("coma", (1, 5, EYES, eyes), (1, 5, VERBAL, verbal), (1, 5, MOTOR, motor)) == points


@pytest.mark.parametrize(
    ("kind", "service", "points"),
    [(ELECTIVE, SURGERY, 0), (EMERGENCY, SURGERY, 8), (ELECTIVE, MEDICINE, 6), (EMERGENCY, MEDICINE, 6)],
)
def test_admission(kind: str, service: str, points: int):
    assert part("admission", (1, 0, kind, None), (1, 0, service, None)) == points


def test_surgery_of_a_stay_whose_admission_nobody_typed_is_medical():
    assert part("admission", (1, 0, SURGERY, None)) == 6


@pytest.mark.parametrize(("code", "points"), [("9//0420", 17), ("9//20280", 10), ("10//C787", 9), ("10//I501", 0)])
def test_chronic_diseases(code: str, points: int):
    assert part("chronic", (1, 0, f"DIAGNOSIS//ICD//{code}", None)) == points


def test_a_whole_patient_by_hand():
    """A woman of 64 (12) after an emergency (8) operation: pulse 130 (4), pressure of line and cuff 90 and 110 in one
    minute, so 100 (0), 38.5 C (0), urine 400 + 300 (4), urea 30 (6), potassium 5.2 (3), coma 14 (0); metastatic (9)."""
    made = [
        (1, 10, HEART, 130), (1, 10, LINE, 90), (1, 10, CUFF, 110), (1, 20, WARMTH, 38.5), (1, 300, URINE, 400),
        (1, 1400, URINE, 300, 1500), (1, 60, BUN, 30, 200), (1, 60, POTASSIUM, 5.2, 200), (1, 5, EYES, 3),
        (1, 0, EMERGENCY, None), (1, 0, SURGERY, None), (1, 0, METASTATIC, None, 2400), (1, 1441, HEART, 20),
    ]  # fmt: skip
    found = sapsii(events(*made), stays({1: 30}, 64))
    told = {row[1]: row[3:] for row in rows(found)}
    assert told["sapsii_without_chronic"] == (1500.0, 37.0)
    assert told["sapsii"] == (2400.0, 46.0)
    assert told["sapsii_measured"][1] == 7
    assert told["sapsii_mortality"][1] == pytest.approx(
        1 / (1 + math.exp(7.7631 - 0.0737 * 46 - 0.9971 * math.log(47)))
    )
    assert told["sapsii_bun"] == (1440.0, 6.0)
    assert "sapsii_sodium" not in told


def test_serum_alone_counts():
    """A potassium of a blood gas is of whole blood."""
    gases = events((1, 60, POTASSIUM, 6), modality="blood_gas")
    found = sapsii(pl.concat([gases, events((1, 60, SODIUM, 150))]), stays({1: 30}))
    assert values(found, "sapsii_sodium") == {24.0: 1.0}
    assert values(found, "sapsii_potassium") == {}


def test_a_stay_whose_discharge_nobody_knows_has_no_total():
    found = sapsii(events((1, 60, BUN, 90)), stays({1: None}, age=30))
    assert values(found, "sapsii") == {}
    assert values(found, "sapsii_without_chronic") == {24.0: 10.0}


def test_the_total_is_known_at_discharge_at_the_earliest():
    found = sapsii(events((1, 60, BUN, 90)), stays({1: 30}))
    assert found.filter(pl.col("name") == "sapsii")["available_time"].to_list() == [at(30 * 60 + 600)]


WORSE = {BUN: 1, BILIRUBIN: 1, BICARBONATE: -1, MOTOR: -1}
MEASURED = st.lists(st.tuples(st.sampled_from(list(WORSE)), st.integers(1, 6), st.integers(0, 1400)), max_size=8)


@given(made=MEASURED, step=st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_worse_values_are_never_fewer_points(made: list[tuple[str, int, int]], step: int):
    def value(code: str, of: int, push: int) -> float:
        base = of if code == MOTOR else 5 * of
        return max(1, base + push * WORSE[code])

    def total(push: int) -> float:
        charted = [(1, minute, code, value(code, of, push)) for code, of, minute in made]
        return scored(*charted)["sapsii_without_chronic"]

    assert total(0) <= total(step)
