"""Starts and ends of infusions, and the hours that they run in."""

from concept_timelines import Event, at, events, stays
from wardround.concepts.infusions import hourly_rates, infusions
from wardround.concepts.unit_hours import unit_hours

RATE, END = "INFUSION//norepinephrine//mcg/kg/min", "INFUSION_AMOUNT//norepinephrine//mg"


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


def test_shares_of_hours():
    assert hourly((1, 30, RATE, 0.1), (1, 150, END, 1)) == [
        (0, 0.1, 0.5, True),
        (1, 0.1, 1.0, True),
        (2, 0.1, 0.5, False),
    ]
    assert hourly((1, -30, RATE, 0.1), (1, 60, END, 1)) == [(0, 0.1, 1.0, True)]
    assert hourly((1, 60, RATE, 0.1), (1, 60, END, 1)) == []


def test_two_bags_at_once_are_two_infusions():
    made = hourly((1, 0, RATE, 0.1), (1, 15, RATE, 0.2), (1, 30, END, 1), (1, 60, END, 1))
    assert made == [(0, 0.1, 0.5, False), (0, 0.2, 0.75, True)]


def test_what_has_no_end_runs_to_the_end_of_the_stay():
    assert [row[0] for row in hourly((1, 70, RATE, 0.1), length_h=3.5)] == [1, 2, 3]
