"""Stages of acute kidney injury by hand: creatinine at its edges, urine of 6, 12 and 24 hours, dialysis."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concept_timelines import Event, at, events, rows, stays, values
from wardround.concepts.kdigo import kdigo

CREATININE, URINE, WEIGHT = "LAB//creatinine//mg/dL", "IO//urine//mL", "WEIGHT//kg"
DAY, WEEK = 24 * 60, 7 * 24 * 60
HEAVY = (1, 0, WEIGHT, 100)


def hourly(volume: float, hours: int) -> list[Event]:
    """Urine charted at each full hour from unit admission on."""
    return [(1, 60 * hour, URINE, volume) for hour in range(hours + 1)]


def stage(name: str, hour: float, *made: Event) -> float | None:
    return values(kdigo(events(*made), stays({1: 200})), f"kdigo_{name}").get(hour)


@pytest.mark.parametrize(
    ("earlier", "stages"),
    [
        ({2 * DAY: 1.1}, {1.3: 0, 1.39: 0, 1.4: 1, 2.19: 1, 2.2: 2, 3.29: 2, 3.3: 3}),
        ({2 * DAY + 1: 1.1}, {1.4: 0, 1.64: 0, 1.65: 1, 2.2: 2, 3.3: 3}),
        ({WEEK: 0.5, DAY: 1.0}, {0.75: 1, 1.0: 2, 1.5: 3}),
        ({WEEK + 1: 0.5, DAY: 1.0}, {0.75: 0, 1.0: 0, 1.3: 1, 1.5: 1, 2: 2}),
        ({DAY: 3.7}, {3.9: 0, 4.0: 3}),
        ({DAY: 3.8}, {4.0: 0, 4.1: 1, 5.6: 1, 5.7: 3}),
        ({2 * DAY + 1: 3.0}, {4.0: 0, 4.4: 0, 4.5: 3}),
        ({}, {0.5: 0, 9.0: 0}),
        ({DAY: 151, 1: 1.0}, {1.5: 1}),
    ],
)
def test_creatinine_at_its_edges(earlier: dict[int, float], stages: dict[float, int]):
    """Minutes before it -> an earlier value; the value -> its stage, a week into the stay."""
    before = [(1, WEEK - minute, CREATININE, value) for minute, value in earlier.items()]
    found = {value: stage("creatinine", 168.0, *before, (1, WEEK, CREATININE, value)) for value in stages}
    assert found == stages


def test_results_before_the_unit_count_and_have_no_row():
    """Of the patient's other stay too; of more than 7 days before it not."""
    before = [(1, -WEEK, CREATININE, 1.0), (1, -WEEK - 1, CREATININE, 0.1), (2, -30, CREATININE, 0.9)]
    made = events(*before, (1, 0, CREATININE, 1.8))
    found = kdigo(made, stays({1: 2, 2: 2}).with_columns(subject_id=pl.lit(7, pl.Int64)))
    assert values(found, "kdigo_creatinine") == values(found, "kdigo_creatinine", 2) == {0.0: 2}
    assert values(kdigo(made, stays({1: 2, 2: 2})), "kdigo_creatinine") == {0.0: 1}


def test_creatinine_of_one_minute_is_averaged():
    assert stage("creatinine", 1.0, (1, 0, CREATININE, 1.0), (1, 60, CREATININE, 1.2), (1, 60, CREATININE, 1.4)) == 1


def test_blood_gas_creatinine_is_none():
    made = events((1, 0, CREATININE, 1.0), (1, 60, CREATININE, 3), modality="blood_gas")
    assert kdigo(made, stays({1: 2})).is_empty()


@pytest.mark.parametrize(
    ("volume", "stages"),
    [
        (50, {6: 0, 7: 0, 12: 0, 24: 0}),
        (49, {5: 0, 6: 0, 7: 1, 10: 1, 11: 2, 30: 2}),
        (30, {7: 1, 11: 2, 30: 2}),
        (29, {7: 1, 11: 2, 22: 2, 23: 3}),
        (0, {7: 1, 10: 1, 11: 3}),
        (-1, {7: 1, 10: 1, 11: 3}),
    ],
)
def test_urine_of_a_patient_of_100_kg(volume: float, stages: dict[int, int]):
    """The first six hours are 0. Twelve chartings are of twelve hours: the first of all is of the hour before it."""
    found = {hour: stage("urine", float(hour), HEAVY, *hourly(volume, 30)) for hour in stages}
    assert found == stages


def test_a_rate_has_four_decimals():
    """0.49994 is 0.4999, 0.49996 is 0.5 mL/kg/h."""
    assert stage("urine", 7.0, HEAVY, *hourly(49.994, 7)) == 1
    assert stage("urine", 7.0, HEAVY, *hourly(49.996, 7)) == 0


def test_where_no_stage_of_urine_can_be_told():
    """Less than six hours of it; six hours that are twelve, since nobody charted for long; no weight."""
    assert stage("urine", 4.0, HEAVY, *hourly(0, 4)) is None
    assert stage("urine", 5.0, HEAVY, *hourly(0, 5)) == 0
    assert stage("urine", 20.0, HEAVY, *hourly(10, 8), (1, 20 * 60, URINE, 10)) is None
    assert stage("urine", 19.5, HEAVY, *hourly(10, 8), (1, 19.5 * 60, URINE, 10)) == 2
    assert stage("urine", 12.0, *hourly(10, 12)) is None
    assert values(kdigo(events(*hourly(10, 12)), stays({1: 20})), "kdigo")[12.0] == 0


def test_a_mode_of_dialysis_is_stage_three():
    made = kdigo(events((1, 90, "CHART//CRRT mode", "CVVHDF", 100), (1, 90, CREATININE, 1.0, 300)), stays({1: 2}))
    assert rows(made) == [
        (1, "kdigo", 1.5, 300.0, 3.0),
        (1, "kdigo_creatinine", 1.5, 300.0, 0.0),
        (1, "kdigo_crrt", 1.5, 100.0, 3.0),
    ]


@pytest.mark.parametrize(("kind", "stages"), [("CVVHD", 1), ("CAVH", 1), ("Hemodialysis", 0), ("Peritoneal", 0)])
def test_of_carevues_dialysis_the_continuous_is_stage_three(kind: str, stages: int):
    made = kdigo(events((1, 90, "CHART//Dialysis Type", kind)), stays({1: 2}))
    assert [row[4] for row in rows(made, "kdigo_crrt")] == [3.0] * stages


def test_a_stage_is_known_when_all_that_it_looks_back_on_is():
    late = [(1, 0, CREATININE, 1.0, 5000), (1, DAY, CREATININE, 1.5, DAY + 30), (1, WEEK + DAY, CREATININE, 1.5)]
    found = rows(kdigo(events(*late), stays({1: 200})), "kdigo_creatinine")
    assert [row[2:] for row in found] == [(0.0, 5000.0, 0.0), (24.0, 5000.0, 1.0), (192.0, WEEK + DAY, 0.0)]
    urine = [(1, 0, WEIGHT, 100, 430), *hourly(10, 6), (1, 420, URINE, 10), (1, 400, URINE, 0, 450)]
    found = rows(kdigo(events(*urine), stays({1: 200})), "kdigo_urine")
    assert {row[2]: row[3] for row in found} == {5.0: 430, 6.0: 430, 400 / 60: 450, 7.0: 450}


def test_rows_end_with_the_stay():
    chartings = [(stay, minute, CREATININE, 1) for stay in (1, 2) for minute in (-1, 0, 90, 91)]
    made = kdigo(events(*chartings), stays({1: 1.5, 2: None}))
    assert set(values(made, "kdigo")) == {0.0, 1.5}
    assert made["stay_id"].unique().to_list() == [1]
    assert made["available_time"].min() == at(0)


@given(
    creatinine=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    less=st.integers(0, 60),
)
@settings(max_examples=30, deadline=None)
def test_less_creatinine_never_raises_a_stage(creatinine: list[int], less: int):
    """In tenths of mg/dL, twelve hours apart; of the last one, which the others are looked back on from."""
    *before, last = [(1, 720 * nth, CREATININE, tenths / 10) for nth, tenths in enumerate(creatinine)]
    hour = 12.0 * len(before)
    lower = (1, last[1], CREATININE, max(0, creatinine[-1] - less) / 10)
    low, high = (stage("creatinine", hour, *before, each) for each in (lower, last))
    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= 3


@given(
    charted=st.lists(st.tuples(st.integers(1, 180), st.integers(-200, 300)), min_size=5, max_size=25),
    more=st.integers(0, 400),
    which=st.integers(0, 24),
)
@settings(max_examples=30, deadline=None)
def test_more_urine_never_raises_a_stage(charted: list[tuple[int, int]], more: int, which: int):
    """Minutes since the charting before and mL; one of them more."""
    minutes = [sum(gap for gap, _ in charted[: nth + 1]) for nth in range(len(charted))]
    before = [(1, minute, URINE, volume) for minute, (_, volume) in zip(minutes, charted, strict=True)]
    changed = [(*row[:3], row[3] + more) if nth == which % len(before) else row for nth, row in enumerate(before)]
    few, many = (values(kdigo(events(HEAVY, *made), stays({1: 200})), "kdigo_urine") for made in (before, changed))
    assert few.keys() == many.keys()
    assert all(0 <= many[hour] <= few[hour] <= 3 for hour in few)
