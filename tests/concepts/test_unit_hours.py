"""The hours of a stay."""

import pytest

from concept_timelines import at, events, stays
from wardround.concepts.rows import measured
from wardround.concepts.unit_hours import unit_hours, with_hour


@pytest.mark.parametrize(
    ("length", "hours"), [(0.01, [0]), (1, [0]), (1.01, [0, 1]), (3, [0, 1, 2]), (None, []), (-2, [])]
)
def test_hours_run_to_the_last_one_begun(length: float | None, hours: list[int]):
    made = unit_hours(stays({1: length}))
    assert made["hour"].to_list() == hours
    assert made["closes"].to_list() == [at(60 * (hour + 1)) for hour in hours]


def test_hours_that_are_asked_for_besides():
    made = unit_hours(stays({1: 1.5, 2: None}), before=1, at_least=3)
    assert made.select("stay_id", "hour", "in_unit").rows() == [
        *((1, hour, hour in (0, 1)) for hour in (-1, 0, 1, 2)),
        *((2, hour, False) for hour in (-1, 0, 1, 2)),
    ]


def test_a_stay_that_is_known_to_go_on_has_hours_until_then():
    going = stays({1: None}).with_columns(in_unit_until=at(90))
    assert unit_hours(going)["hour"].to_list() == [0, 1]


def test_an_hour_holds_its_beginning_and_not_its_end():
    made = events(*((1, minute, "A", 1) for minute in (-60.1, -60, -1, 0, 59.9, 60)), (2, 0, "A", 1))
    found = with_hour(measured(made, {"A": "a"}), stays({1: 2}))
    assert found["hour"].to_list() == [-2, -1, -1, 0, 0, 1]
