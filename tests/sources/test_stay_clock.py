"""Rows on the clock of their stay, and the time that belongs to a stay."""

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.sources.stay_clock import on_stay_clock, stay_windows

hours = st.integers(0, 100)


@st.composite
def cohorts(draw: st.DrawFn) -> pl.DataFrame:
    """Stays of a few patients that may touch, overlap, or lack an end."""
    found = []
    for stay in range(draw(st.integers(1, 8))):
        start = draw(hours)
        spans = [start - draw(st.integers(0, 10)), start, start + draw(hours), start + draw(hours)]
        spans = [None if place != 1 and draw(st.integers(0, 5)) == 0 else hour for place, hour in enumerate(spans)]
        times = [None if hour is None else datetime(2150, 1, 1) + timedelta(hours=hour) for hour in spans]
        found.append((draw(st.integers(1, 3)), stay, *times))
    kinds = {"subject_id": pl.Int64, "stay_id": pl.Int64}
    kinds |= dict.fromkeys(("hospital_start", "start", "end", "hospital_end"), pl.Datetime("us"))
    return pl.DataFrame(found, schema=kinds, orient="row")


@settings(deadline=None)
@given(cohorts(), st.sampled_from([0.0, 6.0]))
def test_a_window_has_the_start_of_its_stay(stays: pl.DataFrame, before_h: float):
    windows = stay_windows(stays, before_h).join(stays.select("stay_id", "start"), on="stay_id")
    assert windows.height == stays.height
    assert (windows["opens"] <= windows["start"]).all()
    assert (windows["closes"] >= windows["start"]).fill_null(True).all()


def test_minutes_are_whole_and_the_rest_is_kept_before_admission_too():
    start = datetime(2150, 1, 1, 12)
    since = [timedelta(seconds=61), timedelta(seconds=-61), timedelta(0), timedelta(days=367), None]
    times = [None if each is None else start + each for each in since]
    rows = pl.DataFrame({"start": [start] * 5, "time": times, "known": times, "reason": [None] * 5}).cast(
        {"reason": pl.String}
    )
    made = on_stay_clock(rows)
    assert made["minute"].to_list() == [1, -2, 0, 367 * 24 * 60, None]
    assert made["minute_us"].to_list() == [1_000_000, 59_000_000, 0, 0, None]
    assert made["reason"].to_list() == [None, None, None, "more than a year from unit admission", None]
