"""Sepsis by hand: the window about a suspicion, which is first, and when both are known."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concept_timelines import Event, events, rows, stays
from wardround.concepts.sepsis3 import sepsis3

PLATELETS, BILIRUBIN = "LAB//platelets x 1000//K/mcL", "LAB//total bilirubin//mg/dL"
HOUR = 60


def infected(minute: float) -> list[Event]:
    """Suspected at a minute: a culture, and an antibiotic 10 minutes later."""
    return [(1, minute, "SPECIMEN//URINE", None), (1, minute + 10, "MEDICATION//NAME//CEFEPIME", "IV")]


def found(*made: Event, hours: float = 150) -> list[tuple]:
    return [row[1:] for row in rows(sepsis3(events(*made), stays({1: hours})))]


def test_sepsis_by_hand():
    """Suspected at 2 hours, 2 points of platelets from the fourth hour on, told at 5 hours; and none of it later."""
    made = found(*infected(2 * HOUR), *infected(20 * HOUR), (1, 3.5 * HOUR, PLATELETS, 99, 5 * HOUR))
    assert made == [("sepsis3", 2.0, 300.0, 1.0), ("sepsis3_sofa", 4.0, 300.0, 2.0)]


@pytest.mark.parametrize(("platelets", "septic"), [(100, False), (99, True)])
def test_from_two_points_on(platelets: float, septic: bool):
    made = [*infected(2 * HOUR), (1, 90, PLATELETS, platelets)]
    assert bool(found(*made)) is septic


@pytest.mark.parametrize(
    ("failing", "first"), [(25.5, None), (26.5, 50.0), (49.5, 50.0), (50.5, 51.0), (121.5, 122.0), (122.5, None)]
)
def test_the_hours_about_a_suspicion(failing: float, first: float | None):
    """Suspected at 98 hours: SOFA of hours that end from 50 to 122 counts, and holds for 24 after a bad value."""
    made = found(*infected(98 * HOUR), (1, failing * HOUR, PLATELETS, 99))
    assert [row[1] for row in made] == ([] if first is None else sorted([98.0, first]))


def test_a_suspicion_without_a_failing_organ_is_passed_over():
    made = found(*infected(2 * HOUR), *infected(98 * HOUR), (1, 100 * HOUR - 30, BILIRUBIN, 6))
    assert made == [("sepsis3", 98.0, 100.0 * HOUR, 1.0), ("sepsis3_sofa", 100.0, 100.0 * HOUR, 3.0)]


def test_sofa_of_the_hours_before_is_waited_for():
    """Of the first hour a value is told at 9 hours: until then it may have had 2 points."""
    made = found(*infected(2 * HOUR), (1, 30, BILIRUBIN, 1, 9 * HOUR), (1, 90, PLATELETS, 99))
    assert [row[2] for row in made] == [9 * HOUR, 9 * HOUR]


@pytest.mark.parametrize("made", [infected(2 * HOUR), [(1, 30, PLATELETS, 10)]])
def test_no_sepsis_without_both(made: list[Event]):
    assert found(*made) == []


@given(platelets=st.integers(1, 300), fewer=st.integers(0, 300), suspicion=st.integers(0, 3000))
@settings(max_examples=20, deadline=None)
def test_fewer_platelets_never_take_sepsis_away(platelets: int, fewer: int, suspicion: int):
    more, less = (
        found(*infected(suspicion), (1, 30, PLATELETS, max(1, count))) for count in (platelets, platelets - fewer)
    )
    assert not more or (less and less[0][0:2] == more[0][0:2])
    assert len(less) in (0, 2)
