"""Stays from codes: which row ends which, and which hospital stay a unit stay lies in."""

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.sources.meds.spans import OPENING, around, ended

START = datetime(2150, 1, 1)
Row = tuple[int, int | None, str, str | None]


def rows(*found: Row) -> pl.DataFrame:
    """(subject, hour, code, id) as rows."""
    made = [(s, None if h is None else START + timedelta(hours=h), code, id_) for s, h, code, id_ in found]
    return pl.DataFrame(made, schema=OPENING, orient="row")


def ends_of(openings: pl.DataFrame, ends: pl.DataFrame) -> list[int | None]:
    """Hours of the ends."""
    made = ended(openings, ends)
    assert made.drop("end", "end_code").equals(openings)
    return [None if end is None else int((end - START).total_seconds() // 3600) for end in made["end"]]


def test_by_id_whatever_the_time():
    openings = rows((1, 0, "IN", "a"), (1, 5, "IN", "b"), (2, 0, "IN", "a"), (1, 9, "IN", "c"))
    ends = rows((1, 9, "OUT", "a"), (1, 7, "OUT", "b"), (1, 3, "OUT", "a"), (1, 8, "OUT", "x"))
    assert ends_of(openings, ends) == [9, 7, None, None]


def test_without_an_id_the_first_end_before_the_next_opening():
    openings = rows((1, 0, "IN", None), (1, 10, "IN", None), (1, 20, "IN", None), (2, 0, "IN", None))
    ends = rows((1, 5, "OUT", None), (1, 6, "OUT", None), (1, 25, "OUT", None))
    assert ends_of(openings, ends) == [5, None, 25, None]


def test_an_end_at_the_opening_of_the_next_ends_the_first():
    openings = rows((1, 0, "IN", None), (1, 10, "IN", None))
    assert ends_of(openings, rows((1, 10, "OUT", None))) == [10, 10]


def test_an_opening_without_a_time_has_no_end():
    assert ends_of(rows((1, None, "IN", None)), rows((1, 3, "OUT", None))) == [None]
    assert ends_of(rows((1, None, "IN", "a")), rows((1, 3, "OUT", "a"))) == [3]


def test_the_hospital_stay_by_id_else_by_time():
    spans = ended(
        rows((1, 0, "IN", "v1"), (1, 50, "IN", "v2"), (1, 90, "IN", "v3")),
        rows((1, 40, "OUT//HOME", "v1"), (1, 80, "OUT//DIED", "v2")),
    ).rename({"time": "start"})
    starts = rows((1, 60, "ICU", "v1"), (1, 60, "ICU", None), (1, 45, "ICU", None), (1, 99, "ICU", "none"))
    made = around(starts, spans)
    hours = made.select((pl.col("hospital_start", "hospital_end") - START).dt.total_hours()).rows()
    assert hours == [(0, 40), (50, 80), (None, None), (90, None)]
    assert made["end_code"].to_list() == ["OUT//HOME", "OUT//DIED", None, None]


moments = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30)), max_size=12)


@settings(deadline=None)
@given(moments, moments)
def test_no_end_is_before_its_opening_or_after_the_next(opened: list[tuple[int, int]], closed: list[tuple[int, int]]):
    openings = rows(*((subject, hour, "IN", None) for subject, hour in opened))
    made = ends_of(openings, rows(*((subject, hour, "OUT", None) for subject, hour in closed)))
    for (subject, hour), end in zip(opened, made, strict=True):
        later = [h for s, h in opened if s == subject and h > hour]
        fitting = [h for s, h in closed if s == subject and hour <= h and all(h <= other for other in later)]
        assert end == min(fitting, default=None)
