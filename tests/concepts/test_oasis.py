"""OASIS by hand: each part at its edges and a whole patient."""

from datetime import timedelta

import polars as pl
import pytest

from concept_timelines import START, Event, events, rows, stays
from wardround.concepts.oasis import oasis
from wardround.concepts.ventilation import DEVICE
from wardround.events import TIME

HEART, MEAN, CUFF, BREATHS, WARMTH = (
    *("VITAL//heartrate//bpm", "VITAL//systemicmean//mmHg", "VITAL//noninvasivemean//mmHg"),
    *("VITAL//respiration///min", "VITAL//temperature//C"),
)
URINE, MOTOR, TUBE = "IO//urine//mL", "VITAL//gcs motor//", "Endotracheal tube"


def part(name: str, *made: Event, age: float = 60, waited_min: float = 90) -> float | None:
    whose = stays({1: 30}, age).with_columns(hospital_start=pl.lit(START - timedelta(minutes=waited_min)).cast(TIME))
    found = oasis(events(*made), whose)
    return {row["name"]: row["value"] for row in found.to_dicts()}.get(f"oasis_{name}")


@pytest.mark.parametrize(
    ("name", "code", "points"),
    [
        ("heart_rate", HEART, {32: 4, 33: 0, 88: 0, 89: 1, 106: 1, 107: 3, 125: 3, 126: 6}),
        ("mean_pressure", MEAN, {20: 4, 21: 3, 50: 3, 51: 2, 61: 2, 62: 0, 143: 0, 144: 3}),
        ("mean_pressure", CUFF, {50: 3, 62: 0}),
        ("respiration", BREATHS, {5: 10, 6: 1, 12: 1, 13: 0, 22: 0, 23: 1, 30: 1, 31: 6, 44: 6, 45: 9}),
        ("temperature", WARMTH, {33.2: 3, 33.22: 4, 35.93: 4, 35.94: 2, 36.39: 2, 36.4: 0, 36.88: 0, 36.89: 2, 39.88: 2,
                                 39.89: 6, 36.8889: 2}),
        ("urine", URINE, {671: 10, 672: 5, 1426: 5, 1427: 1, 2544: 1, 2545: 0, 6896: 0, 6897: 8}),
        ("coma", MOTOR, {6: 0, 5: 3, 4: 4}),
    ],
)  # fmt: skip
def test_a_part_at_its_edges(name: str, code: str, points: dict[float, int]):
    """98.4 F is 36.8889 C: two digits of it count, as in the repository."""
    assert {value: part(name, (1, 60, code, value)) for value in points} == points


def test_age_and_the_hours_before_the_unit_at_their_edges():
    ages = {23: 0, 24: 3, 53: 3, 54: 6, 77: 6, 78: 9, 89: 9, 90: 7}
    assert {age: part("age", age=age) for age in ages} == ages
    waits = {-30: 5, 10: 5, 11: 3, 296: 3, 297: 0, 1439: 0, 1440: 2, 18707: 2, 18708: 1}
    assert {wait: part("before_unit", waited_min=wait) for wait in waits} == waits


def test_rates_that_are_none_are_left_out():
    assert part("respiration", (1, 60, BREATHS, 0), (1, 61, BREATHS, 90), (1, 62, BREATHS, 15)) == 0


@pytest.mark.parametrize(
    ("made", "points"),
    [
        ([], 0),
        ([(1, 60, DEVICE, TUBE)], 0),
        ([(1, 60, DEVICE, TUBE), (1, 120, DEVICE, TUBE)], 9),
        ([(1, 60, DEVICE, TUBE), (1, 90, DEVICE, "Nasal cannula"), (1, 120, DEVICE, TUBE)], 0),
        ([(1, 60, DEVICE, TUBE), (1, 60 + 14 * 60, DEVICE, TUBE)], 0),
        ([(1, 1400, DEVICE, TUBE), (1, 1441, DEVICE, TUBE)], 0),
        ([(1, -120, DEVICE, TUBE), (1, -60, DEVICE, TUBE), (1, 30, DEVICE, "None")], 9),
        ([(1, -120, DEVICE, TUBE), (1, -60, DEVICE, TUBE), (1, -30, DEVICE, "None")], 0),
    ],
)
def test_a_ventilator_must_be_charted_twice_running(made: list[Event], points: int):
    assert part("ventilation", *made) == points


@pytest.mark.parametrize(
    ("kind", "service", "points"),
    [("ELECTIVE", "CSURG", 0), ("ELECTIVE", "ORTHO", 0), ("ELECTIVE", "MED", 6), ("URGENT", "CSURG", 6)],
)
def test_admission(kind: str, service: str, points: int):
    assert part("admission", (1, 0, f"ADMISSION_TYPE//{kind}", None), (1, 0, f"SERVICE//{service}", None)) == points


def test_a_whole_patient_by_hand():
    """60 years (6), 90 minutes in hospital (3), pulse 130 (6), mean pressure 55 (2), 18 breaths (0), 37 C (2), no urine
    charted, tube (9), coma 15 (0), an emergency (6)."""
    made = [
        (1, 10, HEART, 130), (1, 10, MEAN, 55, 1700), (1, 10, BREATHS, 18), (1, 10, WARMTH, 37), (1, 5, MOTOR, 6),
        (1, 5, DEVICE, TUBE), (1, 65, DEVICE, TUBE), (1, 0, "SERVICE//MED", None),
        (1, 0, "ADMISSION_TYPE//URGENT", None),
    ]  # fmt: skip
    told = {row[1]: row[3:] for row in rows(oasis(events(*made), stays({1: 30})))}
    assert told["oasis"] == (1700.0, 34.0)
    assert told["oasis_measured"][1] == 5
    assert told["oasis_mortality"][1] == pytest.approx(0.137099, abs=1e-6)
    assert told["oasis_mean_pressure"] == (1700.0, 2.0)
    assert told["oasis_heart_rate"] == (1440.0, 6.0)
