"""Starts and ends of infusions, and the hours that they run in."""

from hypothesis import given, settings
from hypothesis import strategies as st

from concept_timelines import Event, at, events, stays
from wardround.concepts.infusions import hourly_rates, infusions, with_infusions_known
from wardround.concepts.unit_hours import unit_hours

RATE, END = "INFUSION//norepinephrine//mcg/kg/min", "INFUSION_AMOUNT//norepinephrine//mg"
PUSH = "BOLUS_AMOUNT//norepinephrine//mg"


def hourly(*made: Event, length_h: float = 3) -> list[tuple[int, float, float, bool]]:
    """(hour, rate, share, whether it runs at the end), by hour and rate."""
    found = hourly_rates(events(*made), unit_hours(stays({1: length_h})))
    return sorted((row["hour"], row["rate"], round(row["share"], 6), row["at_end"]) for row in found.to_dicts())


def test_each_start_goes_with_its_end():
    """A change at 30; the second drug apart; one that nobody has ended."""
    made = infusions(
        events(
            (1, 0, RATE, 0.1), (1, 30, END, 1), (1, 30, RATE, 0.2), (1, 50, END, 1), (1, 70, RATE, 0.3),
            (1, 10, "INFUSION//milrinone//mcg/kg/min", 0.5), (1, 20, "INFUSION_AMOUNT//milrinone//mg", 9),
        )
    )  # fmt: skip
    found = {(row["drug"], row["rate"]): (row["starts"], row["ends"]) for row in made.to_dicts()}
    assert found == {
        ("norepinephrine", 0.1): (at(0), at(30)),
        ("norepinephrine", 0.2): (at(30), at(50)),
        ("norepinephrine", 0.3): (at(70), None),
        ("milrinone", 0.5): (at(10), at(20)),
    }


SET, CEASED = "INFUSION//dopamine//mcg/kg/min", "INFUSION_END//dopamine"


def test_a_rate_of_carevue_holds_until_the_next_charting():
    """Each rate has an end at its own minute, which is of the one before; two at one minute are two bags."""
    charted = [event for minute, rate in ((0, 2), (30, 3), (60, 0)) for event in (
        (1, minute, CEASED, 1), (1, minute, SET, rate)
    )]  # fmt: skip
    stopped = [(1, 90, CEASED, 1), (1, 90, CEASED, 1), (1, 120, CEASED, 1), (1, 120, SET, 5)]
    found = infusions(events(*charted, *stopped)).sort("starts")
    assert found.select("rate", "starts", "ends").rows() == [
        (2.0, at(0), at(30)),
        (3.0, at(30), at(60)),
        (0.0, at(60), at(90)),
        (5.0, at(120), None),
    ]


def test_a_rate_by_mass_is_told_by_the_weight_or_by_80_kg():
    mass = [(1, 30, "INFUSION//norepinephrine//mcg/min", 8), (1, 90, "INFUSION_END//norepinephrine", 1)]
    assert infusions(events(*mass))["rate"].to_list() == [0.1]
    weighed = events(*mass, (1, 0, "VITAL//weight//kg", 40, 200))
    assert infusions(weighed)["rate"].to_list() == [0.2]
    hours = with_infusions_known(unit_hours(stays({1: 1})), weighed)
    assert hours["infusions_known"].to_list() == [at(200)], "with the weight that it is told by"


def test_shares_of_hours():
    assert hourly((1, 30, RATE, 0.1), (1, 150, END, 1)) == [
        (0, 0.1, 0.5, True),
        (1, 0.1, 1.0, True),
        (2, 0.1, 0.5, False),
    ]
    assert hourly((1, -30, RATE, 0.1), (1, 60, END, 1)) == [(0, 0.1, 1.0, True)]


def test_two_bags_at_once_are_two_infusions():
    made = hourly((1, 0, RATE, 0.1), (1, 15, RATE, 0.2), (1, 30, END, 1), (1, 60, END, 1))
    assert made == [(0, 0.1, 0.5, False), (0, 0.2, 0.75, True)]


def test_what_has_no_end_runs_to_the_end_of_the_stay():
    assert [row[0] for row in hourly((1, 70, RATE, 0.1), length_h=3.5)] == [1, 2, 3]


def spans(*made: Event) -> list[tuple[float, float | None]]:
    """Minutes of starts and ends, by start."""
    found = infusions(events(*made)).sort("starts", "ends").select("starts", "ends").rows()
    minutes = [[time and round((time - at(0)).total_seconds() / 60) for time in row] for row in found]
    return [(start, end) for start, end in minutes]


def test_an_end_of_nothing_is_nobodys():
    """A rate that was set aside, before the infusion, up to its very start, and between two."""
    assert spans((1, 30, END, 1), (1, 60, RATE, 0.2), (1, 1200, END, 1)) == [(60, 1200)]
    assert spans((1, 60, END, 1), (1, 60, RATE, 0.2), (1, 1200, END, 1)) == [(60, 1200)]
    made = [(1, 0, RATE, 0.1), (1, 30, END, 1), (1, 60, END, 1), (1, 60, RATE, 0.3), (1, 90, END, 1)]
    assert spans(*made) == [(0, 30), (60, 90)]


def test_a_later_end_changes_nothing_that_ran_before_it():
    """An end in the minute of a start is nobody's, whether or not another comes."""
    made = [(1, 60, END, 1), (1, 60, RATE, 0.2)]
    assert spans(*made) == [(60, None)]
    assert spans(*made, (1, 1200, END, 1)) == [(60, 1200)]


def test_a_push_ends_nothing():
    drip = [(1, 60, RATE, 0.2), (1, 100, END, 1), (1, 100, RATE, 0.3), (1, 1200, END, 1)]
    for minute in (30, 80, 100, 1300):
        assert spans(*drip, (1, minute, PUSH, 1)) == [(60, 100), (100, 1200)]


@given(made=st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=12))
@settings(max_examples=50, deadline=None)
def test_each_start_takes_the_first_free_later_end(made: list[tuple[int, bool]]):
    free = sorted(minute for minute, starts in made if not starts)
    told: list[tuple[int, int | None]] = []
    for start in sorted(minute for minute, starts in made if starts):
        end = next((end for end in free if end > start), None)
        told.append((start, end))
        if end is not None:
            free.remove(end)
    found = spans(*((1, minute, RATE if starts else END, 0.1) for minute, starts in made))
    assert sorted(found, key=str) == sorted(told, key=str)
