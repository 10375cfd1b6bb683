"""SOFA by hand: each part at its edges, the day that it looks back on, and that worse values are never fewer points."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concept_timelines import Event, at, events, rows, stays, values
from wardround.concepts.rows import no_events
from wardround.concepts.sofa import PARTS, sofa

PLATELETS, BILIRUBIN = "LAB//platelets x 1000//K/mcL", "LAB//total bilirubin//mg/dL"
CREATININE, PRESSURE, CUFF = "LAB//creatinine//mg/dL", "VITAL//systemicmean//mmHg", "VITAL//noninvasivemean//mmHg"
PAO2, FIO2, SPECIMEN = "LAB//paO2//mm Hg", "LAB//FiO2//%", "LAB//Specimen Type (Blood)//"
DEVICE, URINE, MOTOR = "CHART//O2 Delivery Device(s)", "IO//urine//mL", "VITAL//gcs motor//"


def drug(name: str, rate: float, starts: float = 30, ends: float = 60) -> list[Event]:
    return [(1, starts, f"INFUSION//{name}//mcg/kg/min", rate), (1, ends, f"INFUSION_AMOUNT//{name}//mg", 1)]


def gas(pao2: float, *, device: str = "Nasal cannula", specimen: str = "ART.", fio2: float = 50) -> list[Event]:
    return [(1, 30, SPECIMEN, specimen), (1, 30, PAO2, pao2), (1, 20, FIO2, fio2), (1, 10, DEVICE, device)]


def part(name: str, *made: Event, hour: float = 1.0) -> float:
    return values(sofa(events(*made), stays({1: 30})), f"sofa_{name}")[hour]


@pytest.mark.parametrize(
    ("name", "code", "points"),
    [
        ("coagulation", PLATELETS, {150: 0, 149: 1, 100: 1, 99: 2, 50: 2, 49: 3, 20: 3, 19: 4}),
        ("liver", BILIRUBIN, {1.1: 0, 1.2: 1, 1.9: 1, 2: 2, 5.9: 2, 6: 3, 11.9: 3, 12: 4}),
        ("renal", CREATININE, {1.1: 0, 1.2: 1, 1.9: 1, 2: 2, 3.4: 2, 3.5: 3, 4.9: 3, 5: 4}),
        ("cardiovascular", PRESSURE, {70: 0, 69: 1, 20: 1}),
        ("cardiovascular", CUFF, {70: 0, 69: 1}),
        ("cns", MOTOR, {6: 0, 5: 1, 4: 1, 3: 2, 1: 2}),
    ],
)
def test_a_part_at_its_edges(name: str, code: str, points: dict[float, int]):
    """Eyes and speech that nobody charted are normal."""
    assert {value: part(name, (1, 30, code, value)) for value in points} == points


@pytest.mark.parametrize(
    ("device", "points"),
    [
        ("Nasal cannula", {200: 0, 199: 1, 150: 1, 149: 2, 99: 2, 49: 2}),
        ("Endotracheal tube", {200: 0, 199: 1, 149: 2, 100: 2, 99: 3, 50: 3, 49: 4}),
    ],
)
def test_oxygen_at_its_edges(device: str, points: dict[float, int]):
    """At 50 % oxygen: the ratio is twice the PaO2."""
    assert {pao2: part("respiration", *gas(pao2, device=device)) for pao2 in points} == points


def test_only_arterial_blood_with_a_recent_fio2_counts():
    assert part("respiration", *gas(40, specimen="VEN.")) == 0
    old = [(1, -211, FIO2, 50) if event[2] == FIO2 else event for event in gas(90)]
    assert part("respiration", *old) == 0
    assert part("respiration", *old, (1, -210, FIO2, 50)) == 2


@pytest.mark.parametrize(
    ("made", "points"),
    [
        (drug("dobutamine", 1), 2),
        (drug("dopamine", 5), 2),
        (drug("dopamine", 5.1), 3),
        (drug("dopamine", 15.1), 4),
        (drug("norepinephrine", 0.1), 3),
        (drug("norepinephrine", 0.11), 4),
        (drug("epinephrine", 0.05), 3),
        (drug("epinephrine", 0.0), 0),
        (drug("milrinone", 0.5), 0),
        ([*drug("dobutamine", 9), (1, 5, PRESSURE, 50)], 2),
    ],
)
def test_drugs(made: list[Event], points: int):
    assert part("cardiovascular", *made) == points


def test_a_push_before_a_drip_does_not_end_it():
    push = (1, 30, "BOLUS_AMOUNT//epinephrine//mg", 1)
    assert part("cardiovascular", push, *drug("epinephrine", 0.2, 60, 1200), hour=20.0) == 4


def test_a_drug_that_has_ended_counts_unless_hours_are_looked_at_their_end():
    short = events(*drug("norepinephrine", 0.2, 5, 50))
    assert values(sofa(short, stays({1: 2})), "sofa_cardiovascular") == {1.0: 4, 2.0: 4}
    assert values(sofa(short, stays({1: 2}), "hour_end"), "sofa_cardiovascular") == {1.0: 0, 2.0: 0}


@pytest.mark.parametrize(("hourly_ml", "points"), [(25, 0), (20, 3), (8.4, 3), (8, 4), (-1, 4)])
def test_urine_of_a_day(hourly_ml: float, points: int):
    """Charted every hour: at 24 h there are 24 hours of it; before 22 h nobody knows what a day gives."""
    made = [(1, 60 * hour - 1, URINE, hourly_ml) for hour in range(1, 31)]
    found = values(sofa(events(*made), stays({1: 30})), "sofa_renal")
    assert found[22.0] == 0
    assert found[24.0] == points


def test_of_several_chartings_in_an_hour_the_most_urine_counts():
    """At 22:10 a day of 433 mL, at 22:50 of 525 mL; alone the first makes 3 points."""
    first, second = (1, 1330, URINE, 400), (1, 1370, URINE, 100)
    assert part("renal", first, hour=23.0) == 3
    assert part("renal", first, second, hour=23.0) == 0


def test_urine_is_of_the_time_since_the_first_pulse():
    """Charted once, 400 mL at 22 hours and 20 minutes: of 22 hours and 20 minutes, or of 21 since the first pulse."""
    volume = (1, 1340, URINE, 400)
    assert part("renal", volume, hour=23.0) == 3
    assert part("renal", volume, (1, 80, "VITAL//heartrate//bpm", 90), hour=23.0) == 0
    assert part("renal", volume, (1, 10, "VITAL//heartrate//bpm", 90), hour=23.0) == 3


def test_results_are_the_patients_and_pressures_the_stays():
    """Two stays of one patient, the other one's results within the day; a third of another patient."""
    made = events((2, -60, PLATELETS, 15), (2, -60, PRESSURE, 50), (3, -60, PLATELETS, 90))
    of = stays({1: 2, 2: 2, 3: 2}).with_columns(subject_id=pl.Series([7, 7, 8]))
    found = sofa(made, of)
    assert [values(found, "sofa_coagulation", stay)[1.0] for stay in (1, 2, 3)] == [4, 4, 2]
    assert [values(found, "sofa_cardiovascular", stay)[1.0] for stay in (1, 2, 3)] == [0, 1, 0]


def test_pressures_of_one_minute_are_averaged():
    assert part("cardiovascular", (1, 30, PRESSURE, 60), (1, 30, CUFF, 90)) == 0
    assert part("cardiovascular", (1, 30, PRESSURE, 60), (1, 31, CUFF, 90)) == 1


def test_the_worst_of_the_last_day_ends_with_it():
    """Platelets of the ward, 13 hours before the unit, and in the third hour of it."""
    made = sofa(events((1, -770, PLATELETS, 15), (1, 130, PLATELETS, 90)), stays({1: 30}))
    found = values(made, "sofa_coagulation")
    assert list(found) == [float(hour) for hour in range(1, 31)]
    assert [found[float(hour)] for hour in (1, 11, 12, 26, 27)] == [4, 4, 2, 2, 0]


def test_the_total_by_hand():
    made = sofa(
        events(
            *gas(49, device="Endotracheal tube"), (1, 30, PLATELETS, 90, 400), (1, 40, BILIRUBIN, 2.5),
            (1, 45, CREATININE, 1.3), (1, 50, PRESSURE, 65), (1, 55, MOTOR, 4),
        ),
        stays({1: 2, 2: 25}),
    )  # fmt: skip
    assert values(made, "sofa") == {1.0: 4 + 2 + 2 + 1 + 1 + 1, 2.0: 11}
    assert values(made, "sofa_24h") == {24.0: 11}, "of the first day, though the stay ended"
    assert values(made, "sofa_24h", stay=2) == {24.0: 0}
    known = {(row[1], row[2]): row[3] for row in rows(made) if row[0] == 1}
    assert (known["sofa", 1.0], known["sofa_coagulation", 1.0], known["sofa_liver", 1.0]) == (400, 400, 60)
    assert known["sofa_24h", 24.0] == 24 * 60


def test_a_stay_without_events_scores_nothing_in_each_hour():
    made = sofa(no_events(), stays({1: 1.5, 2: None}))
    assert {row[4] for row in rows(made)} == {0.0}
    assert [(row[0], row[1], row[2]) for row in rows(made, "sofa_24h")] == [
        (1, "sofa_24h", 24.0),
        (2, "sofa_24h", 24.0),
    ]
    assert len(rows(made)) == 2 * (len(PARTS) + 2) + 2
    assert made["available_time"].min() == at(60)


def test_what_was_measured_is_told_from_what_is_normal():
    """Platelets that are normal, and a pressor without a pressure, for 24 hours each; known when the total is."""
    made = sofa(events((1, 30, PLATELETS, 300, 400), *drug("dopamine", 1, 90, 100)), stays({1: 30, 2: 1}))
    found = values(made, "sofa_measured")
    assert [found[float(hour)] for hour in (1, 2, 24, 25, 26)] == [1, 2, 2, 1, 0]
    assert values(made, "sofa_measured", stay=2) == {1.0: 0}
    assert [row[2:4] for row in rows(made, "sofa_measured")] == [row[2:4] for row in rows(made, "sofa")]
    assert rows(made, "sofa_measured")[0][3] == 400
    parts = gas(300) + [(1, 30, code, value) for code, value in NORMAL_VALUES.items()]
    assert values(sofa(events(*parts), stays({1: 1})), "sofa_measured") == {1.0: 6}
    assert values(sofa(events(*parts), stays({1: 1})), "sofa") == {1.0: 0}


NORMAL_VALUES = {PLATELETS: 300, BILIRUBIN: 0.5, CREATININE: 0.8, PRESSURE: 90, MOTOR: 6}
WORSE = {PLATELETS: -1, BILIRUBIN: 1, CREATININE: 1, PRESSURE: -1, MOTOR: -1, PAO2: -1}


@given(
    start=st.fixed_dictionaries({code: st.integers(1, 300).map(lambda tenth: tenth / 2) for code in WORSE}),
    by=st.fixed_dictionaries({code: st.integers(0, 100).map(lambda tenth: tenth / 2) for code in WORSE}),
    device=st.sampled_from(["Endotracheal tube", "Nasal cannula"]),
)
@settings(max_examples=20, deadline=None)
def test_worse_values_are_never_fewer_points(start: dict[str, float], by: dict[str, float], device: str):
    def total(found: dict[str, float]) -> dict[str, float]:
        made = sofa(events(*gas(90, device=device), *((1, 30, code, found[code]) for code in found)), stays({1: 1}))
        return {row[1]: row[4] for row in rows(made)}

    before = total(start)
    after = total({code: start[code] + sign * by[code] for code, sign in WORSE.items()})
    assert all(
        0 <= before[name] <= after[name] <= {"sofa": 24, "sofa_24h": 24, "sofa_measured": 6}.get(name, 4)
        for name in before
    )
