"""Numbers and words of events, and rows of tables."""

import polars as pl

from concept_timelines import START, at, events, stays
from wardround.concepts.rows import ROW_COLUMNS, hours_since, long_rows, measured, of_the_patient, worded

NAMES = {"A": "first", "B": "second"}


def test_numbers_as_they_were_charted():
    """1.2 of 32 bits is above 1.2; what is no number, of another code or of no stay is left out."""
    made = events(
        (1, 0, "A", 1.2), (1, 0, "B", (0.1, "words")), (1, 0, "A", None), (1, 0, "A", float("nan")),
        (1, 0, "A", float("inf")), (1, 0, "C", 3.0), (None, 0, "A", 3.0),
    )  # fmt: skip
    found = measured(made, NAMES).sort("name")
    assert found["value"].to_list() == [1.2, 0.1]
    assert found["name"].to_list() == ["first", "second"]
    assert found["text_value"].to_list() == [None, "words"]


def test_words_without_blanks_around_them():
    found = worded(events((1, 0, "A", "Trach mask "), (1, 0, "A", 3.0), (1, 0, "B", "other")), ["A"])
    assert found["text"].to_list() == ["Trach mask"]


def test_events_of_the_patients_stays():
    of = stays({1: 2, 2: 2, 3: 2}).with_columns(subject_id=pl.Series([7, 7, 8]))
    found = of_the_patient(events((1, 0, "A", 1.0), (3, 0, "A", 2.0)), of).sort("stay_id")
    assert found.select("stay_id", "numeric_value").rows() == [(1, 1.0), (2, 1.0), (3, 2.0)]


def test_hours_are_exact_where_they_are_whole_however_many_rows_there_are():
    minutes = [-60, 0, 7, 60 * 49]
    frame = pl.DataFrame({"time": [at(minute) for minute in minutes], "start": [START] * 4})
    hours = frame.select(hours_since("time")).to_series().to_list()
    assert hours == [-1, 0, 7 / 60, 49]
    assert [frame[row : row + 1].select(hours_since("time")).item() for row in range(4)] == hours


def test_a_null_makes_no_row():
    wide = pl.DataFrame(
        {"stay_id": [2, 1], "time_h": [1.0, 1.0], "available_time": [at(0), at(0)], "a": [1, None], "b": [3, 4]}
    )
    made = long_rows(wide, ["b", "a"])
    assert made.schema == ROW_COLUMNS
    assert made.select("stay_id", "name", "value").rows() == [(1, "b", 4.0), (2, "a", 1.0), (2, "b", 3.0)]
