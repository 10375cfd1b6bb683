"""Urine by the hour, by hand."""

import pytest

from concept_timelines import events, rows, stays, values
from wardround.concepts.urine_output import urine_output

URINE, DAILY, ADMISSION = "IO//urine//mL", "VITAL//weight//kg", "WEIGHT//kg"


def test_hours_by_hand():
    """Two volumes of the first hour, one of them late; none of the second; irrigation fluid out of the third."""
    made = urine_output(
        events((1, 5, URINE, 100, 125), (1, 59.9, URINE, 50), (1, 120, URINE, 300), (1, 150, URINE, -400)),
        stays({1: 24}),
    )
    assert rows(made) == [(1, "urine_output", 1.0, 125.0, 150.0), (1, "urine_output", 3.0, 180.0, -100.0)]


def test_the_weight_of_the_hour_counts():
    """The latest by the end of the hour; before the first one, the first; known when both are."""
    made = urine_output(
        events(
            (1, 10, URINE, 160), (1, 70, URINE, 160), (1, 130, URINE, 160),
            (1, 100, ADMISSION, 80, 200), (1, 125, DAILY, 64),
        ),
        stays({1: 3}),
    )  # fmt: skip
    rate = [row for row in rows(made) if row[1] == "urine_output_ml_kg_h"]
    assert [row[2:] for row in rate] == [(1.0, 200.0, 2.0), (2.0, 200.0, 2.0), (3.0, 180.0, 2.5)]


@pytest.mark.parametrize("weight", [0.0, None])
def test_without_a_weight_there_is_the_volume_alone(weight: float | None):
    made = urine_output(events((1, 10, URINE, 160), (1, 5, DAILY, weight)), stays({1: 3}))
    assert [row[1] for row in rows(made)] == ["urine_output"]


def test_hours_are_those_in_the_unit():
    """Not before it, not after it, and the last one as far as it goes; nobody knows the end of stay 2."""
    charted = [(stay, minute, URINE, 10) for stay in (1, 2) for minute in (-1, 0, 89, 119, 120)]
    made = urine_output(events(*charted), stays({1: 1.5, 2: None}))
    assert values(made, "urine_output") == {1.0: 10.0, 2.0: 20.0}
    assert values(made, "urine_output", stay=2) == {}
