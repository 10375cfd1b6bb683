"""The acute physiology of the first day, by hand."""

import polars as pl
import pytest

from concept_timelines import Event, at, events, rows, stays, values
from wardround.concepts.apache import apache
from wardround.concepts.oxygenation import FIO2, PAO2, SPECIMEN
from wardround.concepts.ventilation import DEVICE

PULSE, MEAN, WARMTH, BREATH = (
    *("VITAL//heartrate//bpm", "VITAL//systemicmean//mmHg", "VITAL//temperature//C", "VITAL//respiration///min"),
)
CREATININE, UREA, GLUCOSE, URINE = (
    *("LAB//creatinine//mg/dL", "LAB//BUN//mg/dL", "LAB//glucose//mg/dL", "IO//urine//mL"),
)
PH, PCO2 = "LAB//pH//", "LAB//paCO2//mm Hg"
EYES, VERBAL, MOTOR = ("VITAL//gcs eyes//", "VITAL//gcs verbal//", "VITAL//gcs motor//")
TUBE = [(1, minute, DEVICE, "Endotracheal tube") for minute in (0, 500, 1000)]


def made(*told: Event) -> dict[str, float]:
    """Name without `apache_` -> value, of stay 1."""
    return {name.removeprefix("apache_"): value for _, name, _, _, value in rows(apache(events(*told), stays({1: 30})))}


def gas(minute: float, pao2: float, pco2: float, ph: float) -> list[Event]:
    told = ((SPECIMEN, "ART."), (PAO2, pao2), (PCO2, pco2), (PH, ph))
    return [(1, minute, code, value) for code, value in told]


def test_the_worked_example():
    """Points: pulse 155 17, pressure 55 15, temperature 35.5 2, breaths 30 6, creatinine 2 with 400 mL 10 (and 7 for
    the urine), urea 40 11, glucose 200 3, coma 13; of two gases PaO2 65 5 and pH 7.25 with PaCO2 35 6."""
    found = made(
        *((1, 10, PULSE, 60), (1, 20, PULSE, 155), (1, 10, MEAN, 55), (1, 20, MEAN, 110), (1, 10, WARMTH, 35.5)),
        *((1, 20, WARMTH, 38.5), (1, 10, BREATH, 30), (1, 10, CREATININE, 0.1), (1, 20, CREATININE, 2.0)),
        *((1, 10, URINE, 400), (1, 10, UREA, 40), (1, 10, GLUCOSE, 200)),
        *((1, 10, EYES, 3), (1, 10, VERBAL, 3), (1, 10, MOTOR, 5), (1, 20, EYES, 4), (1, 20, VERBAL, 5)),
        *gas(30, 65, 40, 7.4),
        *gas(60, 90, 35, 7.25),
    )
    values_of_the_day = {
        **{"heartrate": 155, "meanbp": 55, "temperature": 35.5, "respiratoryrate": 30, "creatinine": 2, "urine": 400},
        **{"bun": 40, "glucose": 200, "eyes": 3, "verbal": 3, "motor": 5, "pao2": 65, "ph": 7.25, "pco2": 35},
        "ventilated": 0,
    }
    assert found.pop("aps_mortality") == pytest.approx(0.52522, abs=1e-5)
    assert found == {**values_of_the_day, "aps": 17 + 15 + 2 + 6 + 10 + 8 + 11 + 3 + 13 + 5 + 6, "measured": 11}


def test_with_nothing_measured_there_are_no_points():
    assert made() == {"aps": 0, "aps_mortality": pytest.approx(0.0117, abs=1e-4), "measured": 0, "ventilated": 0}


@pytest.mark.parametrize(
    ("told", "variable", "worst"),
    [
        ([(1, 1, PULSE, 60), (1, 2, PULSE, 95)], "heartrate", 95),
        ([(1, 1, PULSE, 55), (1, 2, PULSE, 94)], "heartrate", 55),
        ([(1, 1, PULSE, 40), (1, 2, PULSE, 110)], "heartrate", 110),
        ([(1, 1, CREATININE, 0.2), (1, 2, CREATININE, 1.7)], "creatinine", 0.2),
        ([(1, 1, CREATININE, 0.2), (1, 2, CREATININE, 1.7), (1, 3, URINE, 409)], "creatinine", 1.7),
        ([(1, 1, UREA, 5), (1, 1441, UREA, 90)], "bun", 5),
        ([(1, 1, BREATH, 75), (1, 2, BREATH, 20)], "respiratoryrate", 20),
    ],
)
def test_the_worst_value_is_furthest_from_normal(told: list[Event], variable: str, worst: float):
    """Of two as far the one with more points: a pulse of 110 has 5, as one of 40, and then the higher."""
    assert made(*told)[variable] == worst


def test_glucose_of_a_blood_gas_counts_and_its_other_values_do_not():
    """Whole blood, as the repository's `vitalsign` has it; a sodium of whole blood is none of serum."""
    sodium = "LAB//sodium//mmol/L"
    told = events((1, 5, GLUCOSE, 120), (1, 9, GLUCOSE, 250, 2000), (1, 5, sodium, 140), (1, 9, sodium, 110))
    of_gas = pl.when(pl.col("time") == at(9)).then(pl.lit("blood_gas")).otherwise("modality")
    found = {name: row for _, name, *row in rows(apache(told.with_columns(modality=of_gas), stays({1: 30})))}
    assert found["apache_glucose"] == [24.0, 2000.0, 250.0]
    assert found["apache_sodium"] == [24.0, 1440.0, 140.0]


def test_on_a_ventilator_with_much_oxygen_the_gradient_counts():
    """713 * 0.6 - 40 - 200 = 187.8 mmHg: 7 points; without a tube, or with less oxygen, a PaO2 of 200: none."""
    drawn = gas(30, 200, 40, 7.4)
    assert made(*drawn, (1, 20, FIO2, 60), *TUBE)["aps"] == 7
    assert made(*drawn, (1, 20, FIO2, 60))["aps"] == 0
    assert made(*drawn, (1, 20, FIO2, 49), *TUBE)["aps"] == 0
    assert made(*drawn, (1, 20, FIO2, 60), *TUBE)["fio2"] == 60


def test_who_cannot_speak_because_of_a_tube_has_no_points_of_the_coma_scale():
    told = ((EYES, 1), (MOTOR, 1), (VERBAL, (1, "No Response-ETT")))
    found = made(*((1, 5, code, value) for code, value in told))
    assert (found["aps"], found["eyes"], "verbal" in found) == (0, 1, False)
    assert made((1, 5, EYES, 1), (1, 5, MOTOR, 1), (1, 5, VERBAL, 1))["aps"] == 48


def test_the_ventilators_slow_rate_is_no_sign():
    assert made((1, 5, BREATH, 10))["aps"] == 8
    assert made((1, 5, BREATH, 10), *TUBE)["aps"] == 0


def test_the_points_are_known_when_all_values_are_and_the_day_is_over():
    told = events((1, 5, PULSE, 120, 3000), (1, 5, UREA, 20), (1, 5, DEVICE, "Nasal cannula", 2000))
    known = {name: when for _, name, _, when, _ in rows(apache(told, stays({1: 30})))}
    assert known["apache_bun"] == 1440
    assert known["apache_heartrate"] == known["apache_aps"] == 3000
    assert known["apache_ventilated"] == 2000
    assert values(apache(told, stays({1: 30})), "apache_aps") == {24.0: 7 + 7}
