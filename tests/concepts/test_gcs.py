"""The coma scale by hand: what is carried on, and what a tube does."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concept_timelines import Event, events, rows, stays, values
from wardround.concepts.gcs import CAREVUE_INTUBATED, INTUBATED, gcs

EYES, VERBAL, MOTOR = (f"VITAL//gcs {part}//" for part in ("eyes", "verbal", "motor"))
TUBE = (1.0, INTUBATED)


def totals(*made: Event) -> dict[float, float]:
    return values(gcs(events(*made), stays({1: 24})), "gcs")


def test_a_charting_by_hand():
    made = gcs(events((1, 90, EYES, 3), (1, 90, VERBAL, 4, 150), (1, 90, MOTOR, 6)), stays({1: 24}))
    assert rows(made) == [
        (1, "gcs", 1.5, 150.0, 13.0),
        (1, "gcs_eyes", 1.5, 150.0, 3.0),
        (1, "gcs_motor", 1.5, 150.0, 6.0),
        (1, "gcs_unable", 1.5, 150.0, 0.0),
        (1, "gcs_verbal", 1.5, 150.0, 4.0),
    ]


@pytest.mark.parametrize("words", [INTUBATED, CAREVUE_INTUBATED])
def test_a_tube_is_told_in_the_words_of_either_system(words: str):
    made = gcs(events((1, 0, EYES, 1), (1, 0, VERBAL, (1.0, words)), (1, 0, MOTOR, 1)), stays({1: 24}))
    assert {name: value for _, name, _, _, value in rows(made)} == {
        "gcs": 15,
        "gcs_eyes": 1,
        "gcs_verbal": 0,
        "gcs_motor": 1,
        "gcs_unable": 1,
    }


@pytest.mark.parametrize(("minute", "total"), [(359, 2 + 1 + 3), (360, 4 + 5 + 3)])
def test_a_part_is_carried_on_for_less_than_six_hours(minute: int, total: int):
    """Only from the charting before: eyes of two chartings ago are forgotten."""
    made = totals((1, 0, EYES, 2), (1, 0, VERBAL, 1), (1, 0, MOTOR, 1), (1, minute, MOTOR, 3))
    assert made == {0.0: 4, minute / 60: total}
    assert totals((1, 0, EYES, 1), (1, 60, MOTOR, 1), (1, 120, VERBAL, 1))[2.0] == 4 + 1 + 1


@pytest.mark.parametrize(
    ("later", "total"),
    [
        ([(1, 60, VERBAL, TUBE), (1, 60, EYES, 1)], 15),  # still
        ([(1, 60, EYES, 1)], 15),  # nothing said of speech: still
        ([(1, 60, VERBAL, 3)], 4 + 3 + 6),  # out: eyes and motor of the tube are not carried on
        ([(1, 60, VERBAL, 3), (1, 60, EYES, 2), (1, 60, MOTOR, 5)], 10),
        ([(1, 361, EYES, 1)], 1 + 5 + 6),  # too long ago
    ],
)
def test_a_tube_makes_fifteen(later: list[Event], total: int):
    made = totals((1, 0, VERBAL, TUBE), (1, 0, EYES, 1), (1, 0, MOTOR, 1), *later)
    assert list(made.values()) == [15, total]


def test_who_is_intubated_is_told():
    """By speech of 0 at each charting, by `gcs_unable` at those that name the tube."""
    made = gcs(events((1, 0, VERBAL, TUBE), (1, 60, EYES, 4)), stays({1: 24}))
    assert values(made, "gcs_unable") == {0.0: 1, 1.0: 0}
    assert values(made, "gcs_verbal") == {0.0: 0, 1.0: 0}
    assert values(made, "gcs") == {0.0: 15, 1.0: 15}


def test_what_is_carried_on_delays_what_needs_it():
    """A part before that was told late: the first charting needs it, a whole one does not."""
    before = (1, 0, EYES, 2, 200)
    assert rows(gcs(events(before, (1, 60, MOTOR, 5)), stays({1: 24})), "gcs")[1][3] == 200
    whole = [(1, 60, code, 1) for code in (EYES, VERBAL, MOTOR)]
    assert rows(gcs(events(before, *whole), stays({1: 24})), "gcs")[1][3] == 60


@given(parts=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6)), min_size=1, max_size=5))
@settings(max_examples=20, deadline=None)
def test_the_total_is_the_sum_where_all_is_charted(parts: list[tuple[int, int, int]]):
    made = [
        (1, 60 * hour, code, float(part))
        for hour, charted in enumerate(parts)
        for code, part in zip((EYES, VERBAL, MOTOR), charted, strict=True)
    ]
    assert totals(*made) == {float(hour): sum(charted) for hour, charted in enumerate(parts)}


@pytest.mark.parametrize("code", [EYES, VERBAL, MOTOR])
@given(low=st.integers(1, 6), more=st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_a_part_that_is_higher_gives_no_lower_total(code: str, low: int, more: int):
    others = [(1, 0, other, 2.0) for other in (EYES, VERBAL, MOTOR) if other != code]
    first, second = (totals(*others, (1, 0, code, float(part)))[0.0] for part in (low, low + more))
    assert first <= second


def test_of_two_at_one_minute_the_higher_counts():
    made = gcs(events((1, 0, MOTOR, 3), (1, 0, MOTOR, 5, 30)), stays({1: 24}))
    assert values(made, "gcs_motor") == {0.0: 5}
    assert made["available_time"].unique().len() == 1
    assert made.filter(pl.col("name") == "gcs_eyes").is_empty()
