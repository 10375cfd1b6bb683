"""Body weight by hand: which of several counts."""

import polars as pl
import pytest

from concept_timelines import Event, at, events
from wardround.concepts.weight import ADMISSION, BESIDE_INFUSION, DAILY, POUNDS, with_weight


def weight(minute: float, *made: Event, beside_infusion: bool = False) -> tuple[float | None, object]:
    asked = pl.DataFrame({"stay_id": [1], "now": [at(minute)]}, {"stay_id": pl.Int64, "now": pl.Datetime("us")})
    found = with_weight(asked, events(*made), "now", beside_infusion)
    assert found.columns == ["stay_id", "now", "weight_kg", "weight_known"]
    return found.row(0)[2:]


MADE = ((1, 100, ADMISSION, 80, 130), (1, 300, ADMISSION, 81), (1, 200, DAILY, 82), (1, 400, DAILY, 83, 500))


@pytest.mark.parametrize(
    ("minute", "expected"),
    [(0, (80, at(130))), (150, (80, at(130))), (200, (82, at(200))), (350, (82, at(200))), (400, (83, at(500)))],
)
def test_the_latest_of_a_day_then_that_of_admission(minute: float, expected: tuple):
    assert weight(minute, *MADE) == expected


def test_the_first_of_a_day_where_nothing_else_is():
    assert weight(0, (1, 200, DAILY, 82), (1, 300, DAILY, 83)) == (82, at(200))
    assert weight(0, (2, 200, DAILY, 82), (1, 10, DAILY, 0)) == (None, None)


def test_in_pounds_where_nothing_else_is():
    pounds = (1, 5, ADMISSION, (75, POUNDS))
    assert weight(50, pounds) == weight(0, pounds) == (75, at(5))
    assert weight(50, pounds, (1, 100, ADMISSION, 80, 130)) == (80, at(130))
    assert weight(50, pounds, (1, 200, DAILY, 82)) == (82, at(200))


def test_the_higher_of_one_minute():
    assert weight(20, (1, 10, DAILY, 72), (1, 10, DAILY, 71.8)) == (72, at(10))


def test_beside_an_infusion():
    beside = (1, 50, BESIDE_INFUSION, 90)
    assert weight(400, *MADE, beside) == (83, at(500))
    assert weight(400, *MADE, beside, beside_infusion=True) == (90, at(50))
    assert weight(40, *MADE, beside, beside_infusion=True) == (80, at(130))
