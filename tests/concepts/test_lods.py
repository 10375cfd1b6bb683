"""LODS by hand: each part at its edges, a whole patient, and the three rules behind the switch."""

import polars as pl
import pytest

from concept_timelines import Event, events, rows, stays
from wardround.concepts.lods import lods
from wardround.concepts.oxygenation import FIO2, PAO2, SPECIMEN
from wardround.concepts.ventilation import DEVICE

HEART, PRESSURE, URINE = "VITAL//heartrate//bpm", "VITAL//systemicsystolic//mmHg", "IO//urine//mL"
BUN, CREATININE, WBC = "LAB//BUN//mg/dL", "LAB//creatinine//mg/dL", "LAB//WBC x 1000//K/mcL"
PLATELETS, BILIRUBIN, PT = "LAB//platelets x 1000//K/mcL", "LAB//total bilirubin//mg/dL", "LAB//PT//sec"
EYES, VERBAL, MOTOR = (f"VITAL//gcs {part}//" for part in ("eyes", "verbal", "motor"))


def scored(*made: Event, as_repository: bool = False) -> dict[str, float]:
    found = lods(events(*made), stays({1: 60}), as_repository)
    return {row["name"].removeprefix("lods_"): row["value"] for row in found.to_dicts()}


@pytest.mark.parametrize(
    ("name", "code", "points"),
    [
        ("cardiovascular", HEART, {29: 5, 30: 0, 139: 0, 140: 1}),
        ("cardiovascular", PRESSURE, {39: 5, 40: 3, 69: 3, 70: 1, 89: 1, 90: 0, 239: 0, 240: 1, 269: 1, 270: 3}),
        ("hematologic", WBC, {0.9: 3, 1: 1, 2.4: 1, 2.5: 0, 49: 0, 50: 1}),
        ("hematologic", PLATELETS, {49: 1, 50: 0}),
        ("hepatic", BILIRUBIN, {1.9: 0, 2: 1}),
        ("hepatic", PT, {2.9: 0, 3: 0, 15: 0, 15.1: 1}),
        ("neurologic", MOTOR, {6: 0, 5: 0, 4: 1}),
    ],
)
def test_a_part_at_its_edges(name: str, code: str, points: dict[float, int]):
    expected = {value: 1 if (code, value) == (PT, 2.9) else given for value, given in points.items()}
    assert {value: scored((1, 60, code, value))[name] for value in points} == expected


def test_deep_coma():
    deep = {(1, 1, 1): 5, (1, 1, 3): 5, (1, 1, 4): 3, (1, 1, 6): 3, (1, 2, 6): 1, (2, 5, 6): 1, (3, 5, 6): 0}
    for (eyes, verbal, motor), points in deep.items():
        made = [(1, 5, code, value) for code, value in ((EYES, eyes), (VERBAL, verbal), (MOTOR, motor))]
        assert scored(*made)["neurologic"] == points


@pytest.mark.parametrize(
    ("urine", "bun", "creatinine", "points"),
    [
        (2000, 16, 1.1, 0), (2000, 17, 1.1, 1), (2000, 10, 1.2, 1), (2000, 28, 1.1, 3), (2000, 10, 1.6, 3),
        (2000, 56, 1.1, 5), (749, 10, 1, 3), (750, 10, 1, 0), (499, 10, 1, 5), (9999, 10, 1, 0), (10000, 10, 1, 3),
    ],
)  # fmt: skip
def test_the_renal_part(urine: float, bun: float, creatinine: float, points: int):
    made = [(1, 60, URINE, urine), (1, 60, BUN, bun), (1, 60, CREATININE, creatinine)]
    assert scored(*made)["renal"] == points


def test_the_renal_part_needs_all_three():
    whole = [(1, 60, URINE, 100), (1, 60, BUN, 100), (1, 60, CREATININE, 9)]
    assert scored(*whole)["renal"] == 5
    for left_out in range(3):
        assert "renal" not in scored(*(event for at, event in enumerate(whole) if at != left_out))


def test_a_urea_in_the_wrong_unit_is_behind_the_switch():
    made = [(1, 60, URINE, 2000), (1, 60, BUN, 10), (1, 60, CREATININE, 1)]
    assert scored(*made)["renal"] == 0
    assert scored(*made, as_repository=True)["renal"] == 1


def gas(minute: float, pao2: float) -> list[Event]:
    blood = [(1, minute, SPECIMEN, "ART."), (1, minute, PAO2, pao2), (1, minute, FIO2, 50)]
    return [*blood, (1, minute - 5, DEVICE, "Endotracheal tube")]


def test_a_stay_without_any_value_says_so():
    assert scored()["measured"] == 0
    assert scored(*gas(60, 75))["measured"] == 1


def test_the_lungs_and_that_later_gases_are_behind_the_switch():
    assert scored()["pulmonary"] == 0
    assert scored(*gas(60, 75))["pulmonary"] == 1
    assert scored(*gas(60, 74))["pulmonary"] == 3
    both = [*gas(60, 75), *gas(2000, 40)]
    assert scored(*both)["pulmonary"] == 1
    assert scored(*both, as_repository=True)["pulmonary"] == 3


def test_a_whole_patient_by_hand():
    """Pressure 65 (3), pulse 120, urine 300 (5) with urea 20 and creatinine 1, platelets 40 (1), bilirubin 3 (1)."""
    made = [
        (1, 10, PRESSURE, 65), (1, 10, HEART, 120), (1, 600, URINE, 300), (1, 60, BUN, 20), (1, 60, CREATININE, 1),
        (1, 60, PLATELETS, 40, 1600), (1, 60, BILIRUBIN, 3),
    ]  # fmt: skip
    told = {row[1]: row[3:] for row in rows(lods(events(*made), stays({1: 60})))}
    assert told["lods"] == (1600.0, 10.0)
    assert told["lods_measured"][1] == 4
    assert told["lods_hematologic"] == (1600.0, 1.0)
    assert told["lods_renal"] == (1440.0, 5.0)


def test_nurses_and_gases_do_not_tell_the_laboratory():
    found = lods(events((1, 60, CREATININE, 9), modality="blood_gas"), stays({1: 60}))
    assert found.filter(pl.col("name") == "lods")["value"].to_list() == [0.0]
