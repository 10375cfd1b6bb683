"""Suspicion of infection by hand: which culture an antibiotic goes with, and when both are known.

Stays begin at 22:40:30 of a day.
"""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concept_timelines import Event, events, rows, stays, values
from wardround.concepts.suspicion_of_infection import suspicion_of_infection

HOUR, DAY = 60, 24 * 60
MIDNIGHT = 79.5
"""Minutes after unit admission."""


def drug(minute: float, name: str = "CEFEPIME", known: float | None = None) -> Event:
    return (1, minute, f"MEDICATION//NAME//{name}", "IV", minute if known is None else known)


def taken(minute: float, specimen: str = "URINE", known: float | None = None) -> Event:
    return (1, minute, f"SPECIMEN//{specimen}", None, minute if known is None else known)


def grew(minute: float, known: float, *organisms: str, specimen: str = "URINE") -> Event:
    return (1, minute, "MICROBIOLOGY//" + "|".join((specimen, "CULTURE", *organisms)), None, known)


def of_a_day(day: int) -> Event:
    """A specimen of a day alone, counted from the day of unit admission; its event lies at the end of it."""
    return (1, MIDNIGHT + day * DAY, "SPECIMEN//SWAB", "day alone")


def suspected(*made: Event, hours: float = 100) -> list[tuple[float, float]]:
    """(minute, minute at which it is known)."""
    found = rows(suspicion_of_infection(events(*made), stays({1: hours})), "suspicion_of_infection")
    return [(round(row[2] * 60, 6), row[3]) for row in found]


@pytest.mark.parametrize(
    ("culture", "expected"),
    [
        (600 - 72 * HOUR - 1, []),
        (600 - 72 * HOUR, [(600 - 72 * HOUR, 600)]),
        (599, [(599, 600)]),
        (600, []),
        (601, [(600, 601)]),
        (600 + DAY, [(600, 600 + DAY)]),
        (601 + DAY, []),
    ],
)
def test_a_culture_before_or_after_the_antibiotic(culture: float, expected: list[tuple[float, float]]):
    assert suspected(drug(600), taken(culture)) == expected


@pytest.mark.parametrize(("day", "expected"), [(-4, []), (-3, [-4]), (-1, [-2]), (0, [-1]), (1, "antibiotic"), (2, [])])
def test_a_culture_of_a_day_alone(day: int, expected: list[int] | str):
    """An antibiotic on the day of unit admission. Of the beginning of the culture's day, which is so many days from the
    end of that of unit admission; if it is of the day after, of the antibiotic."""
    found = [minute for minute, _ in suspected(drug(30), of_a_day(day))]
    assert found == ([30] if isinstance(expected, str) else [MIDNIGHT + days * DAY for days in expected])


def test_the_earliest_before_counts_then_the_earliest_after():
    assert suspected(drug(600), taken(100), taken(50), taken(700)) == [(50, 600)]
    assert suspected(drug(600), taken(900), taken(700)) == [(600, 700)]
    assert suspected(drug(600), of_a_day(1), taken(100)) == [(100, 600)], "of one day, that with a time of day"


def test_several_antibiotics_with_one_culture_are_one_suspicion():
    assert suspected(drug(600), drug(600, "VANCOMYCIN"), drug(700), taken(100)) == [(100, 600)]
    assert suspected(drug(600), drug(4600), taken(100), taken(4500)) == [(100, 600), (4500, 4600)]


def test_a_suspicion_waits_for_the_antibiotics_before_it():
    """The first was told late: until then nobody knew that the second is not the first of that culture."""
    assert suspected(drug(600, known=5000), drug(700), taken(100)) == [(100, 5000)]
    assert suspected(drug(600), taken(100, known=900)) == [(100, 900)]


def test_only_antibiotics_of_the_unit_and_cultures_of_the_patient():
    assert suspected(drug(-1), drug(120), taken(-10), hours=2) == []
    assert suspected(drug(0), taken(-10), hours=2) == [(-10, 0)]
    others = [drug(600), (2, 120, "SPECIMEN//URINE", None)]
    assert suspected(*others) == []
    shared = stays({1: 20, 2: 20}).with_columns(subject_id=pl.lit(7, pl.Int64))
    assert rows(suspicion_of_infection(events(*others), shared)) == [(1, "suspicion_of_infection", 2.0, 600.0, 1.0)]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([grew(100, 3000)], (3000, 0)),
        ([grew(100, 3000, "ESCHERICHIA COLI"), grew(100, 4000)], (4000, 1)),
        ([grew(100, 3000, "CANCELLED")], (3000, 0)),
        ([grew(100, 300, specimen="BLOOD CULTURE"), grew(100, 3000, "ESCHERICHIA COLI")], (3000, 1)),
        ([grew(90, 3000, "ESCHERICHIA COLI")], None),
        ([grew(100, 150, "ESCHERICHIA COLI")], (600, 1)),
    ],
)
def test_what_grew_is_known_when_all_results_are(results: list[Event], expected: tuple[float, float] | None):
    made = suspicion_of_infection(events(drug(600), taken(100), taken(100, "BLOOD CULTURE"), *results), stays({1: 100}))
    assert rows(made, "suspicion_of_infection")[0][3] == 600
    found = [row[3:] for row in rows(made, "suspicion_of_infection_positive")]
    assert found == ([] if expected is None else [expected])


@given(
    given=st.lists(st.integers(0, 6000), min_size=1, max_size=5),
    cultures=st.lists(st.integers(-6000, 8000), max_size=5),
    another=st.integers(0, 6000),
)
@settings(max_examples=30, deadline=None)
def test_another_antibiotic_takes_no_suspicion_away(given: list[int], cultures: list[int], another: int):
    """Each is of a culture or an antibiotic, and within 72 h before one."""
    specimens = [taken(minute) for minute in cultures]

    def times(antibiotics: list[int]) -> set[float]:
        made = suspicion_of_infection(events(*map(drug, antibiotics), *specimens), stays({1: 100}))
        return {round(hour * 60, 6) for hour in values(made, "suspicion_of_infection")}

    before, after = times(given), times([*given, another])
    assert before <= after <= {*map(float, cultures), *map(float, [*given, another])}
    assert all(any(0 <= minute - time <= 72 * HOUR for minute in [*given, another]) for time in after)
