"""The first day: what lies in it, its extremes, points and rows."""

import polars as pl
import pytest

from concept_timelines import START, at, rows, stays
from wardround.concepts.first_day import by_minute, extremes, first_days, in_first_day, points, score_rows
from wardround.events import TIME


def values(*made: tuple[int, float, str, float, float]) -> pl.DataFrame:
    """(stay, minute, name, value, minute at which it is known)."""
    return pl.DataFrame(
        {
            "stay_id": [each[0] for each in made],
            "time": [at(each[1]) for each in made],
            "name": [each[2] for each in made],
            "value": [float(each[3]) for each in made],
            "available_time": [at(each[4]) for each in made],
        },
        {"stay_id": pl.Int64, "time": TIME, "name": pl.String, "value": pl.Float64, "available_time": TIME},
    )


def test_the_day_has_its_first_minute_and_not_the_one_after_it():
    made = values(*((1, minute, "x", minute, minute) for minute in (-1, 0, 1439.99, 1440)))
    assert in_first_day(made, stays({1: 40}))["value"].to_list() == [0.0, 1439.99]
    assert in_first_day(made, stays({2: 40})).is_empty()


def test_a_stay_without_a_beginning_has_no_first_day():
    begun = stays({1: 40, 2: 40}).with_columns(start=pl.when(pl.col("stay_id") == 1).then("start"))
    assert first_days(begun)["stay_id"].to_list() == [1]


def test_extremes_are_known_when_the_last_value_is():
    made = values((1, 5, "x", 3, 600), (1, 9, "x", 7, 10), (1, 9, "y", 1, 20), (2, 1, "y", 4, 1))
    found = extremes(made, ["x", "y"]).sort("stay_id").to_dicts()
    first = {"x_min": 3.0, "x_max": 7.0, "x_known": at(600), "y_min": 1.0, "y_max": 1.0, "y_known": at(20)}
    assert found[0] == {"stay_id": 1} | first
    assert found[1]["x_min"] is None
    assert found[1]["x_known"] is None


def test_two_values_of_a_minute_are_averaged():
    made = by_minute(values((1, 5, "x", 100, 5), (1, 5, "x", 120, 65), (1, 6, "x", 90, 6))).sort("time")
    assert made["value"].to_list() == [110.0, 90.0]
    assert made["available_time"].to_list() == [at(65), at(6)]


@pytest.mark.parametrize(("value", "given"), [(3.0, 4.0), (1.0, 2.0), (0.5, 0.0), (None, None)])
def test_the_first_case_that_holds_gives_the_points(value: float | None, given: float | None):
    frame = pl.DataFrame({"x": [value]}, {"x": pl.Float64})
    made = frame.select(points((pl.col("x") > 2, 4), (pl.col("x") >= 1, 2), measured="x"))
    assert made.item() == given


def test_any_of_several_is_enough_and_an_unknown_condition_does_not_hold():
    frame = pl.DataFrame({"x": [None], "y": [1.0]}, {"x": pl.Float64, "y": pl.Float64})
    assert frame.select(points((pl.col("x") > 0, 9), (pl.col("y") > 0, 3), measured=["x", "y"])).item() == 3.0


def test_totals_are_known_when_every_part_and_the_day_are():
    days = pl.DataFrame(
        {"stay_id": [1], "closes": [at(1440)], "a": [2.0], "b": [None], "a_known": [at(1500)], "b_known": [at(1600)]},
        {"stay_id": pl.Int64, "closes": TIME, "a": pl.Float64, "b": pl.Float64, "a_known": TIME, "b_known": TIME},
    )
    parts = {"a": ["a_known"], "b": ["b_known"]}
    made = score_rows(days, "s", parts, s=pl.sum_horizontal("a", "b"))
    assert rows(made) == [(1, "s", 24.0, 1600.0, 2.0), (1, "s_a", 24.0, 1500.0, 2.0)]
    early = score_rows(days.with_columns(pl.lit(START).cast(TIME).alias("a_known")), "s", parts, s=pl.col("a"))
    assert rows(early, "s_a") == [(1, "s_a", 24.0, 1440.0, 2.0)]
