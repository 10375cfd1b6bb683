"""Episodes of breathing support, by hand: where they begin and end, and when that is known."""

import pytest

from concept_timelines import Event, events, rows, stays
from wardround.concepts.ventilation import DEVICE, EVENTS, STATUSES
from wardround.concepts.ventilation_episodes import ventilation

TUBE, NASAL, HIGH = "Endotracheal tube", "Nasal cannula", "High flow nasal cannula"
GAP = 14 * 60


def episodes(*made: Event) -> list[tuple[str, float, float, float]]:
    """(status, minute, minute at which it is known, 1 where it begins or 0 where it ends), in order."""
    found = rows(ventilation(events(*made), stays({1: 72})))
    return [
        (name.removeprefix("ventilation_"), round(60 * hour, 6), known, value)
        for _, name, hour, known, value in found
        if name != "ventilation_status"
    ]


def device(minute: float, word: str, *known: float) -> Event:
    return (1, minute, DEVICE, word, *known)


def test_the_worked_example():
    """A tube for 4 h, oxygen for 2 h up to its last charting; the mask that was charted once is no episode."""
    made = [device(0, TUBE), device(180, TUBE), device(240, NASAL), device(360, NASAL), device(1300, "Bipap mask ")]
    assert episodes(*made) == [
        ("invasive", 0, 180, 1),
        ("invasive", 240, 240, 0),
        ("supplemental_oxygen", 240, 360, 1),
        ("supplemental_oxygen", 360, 360 + GAP, 0),
    ]
    chartings = rows(ventilation(events(*made), stays({1: 72})), "ventilation_status")
    assert [(60 * row[2], row[3], row[4]) for row in chartings] == [
        *((0, 0, 4), (180, 180, 4), (240, 240, 1), (360, 360, 1)),
        (pytest.approx(1300), 1300, 3),
    ]


@pytest.mark.parametrize(("minutes", "begun"), [(GAP - 1, [-60]), (GAP, [-60, GAP])])
def test_fourteen_hours_apart_are_two_episodes(minutes: int, begun: list[int]):
    made = [device(minute, TUBE) for minute in (-60, 0, minutes, minutes + 60)]
    assert [row[1] for row in episodes(*made) if row[3] == 1] == begun
    assert bool(episodes(device(0, TUBE), device(minutes, TUBE))) == (minutes < GAP)


def test_of_two_devices_of_a_minute_the_one_that_does_most_counts():
    made = [device(minute, word) for minute in (0, 60) for word in (NASAL, TUBE, HIGH)]
    assert [row[0] for row in episodes(*made)] == ["invasive", "invasive"]


def test_an_extubation_ends_an_episode_and_is_none():
    made = [device(0, TUBE), device(60, TUBE), (1, 90, EVENTS, "Extubated"), (1, 100, EVENTS, "Extubated")]
    assert episodes(*made) == [("invasive", 0, 60, 1), ("invasive", 90, 90, 0)]
    assert len(rows(ventilation(events(*made), stays({1: 72})), "ventilation_status")) == 2


def test_a_boundary_is_known_when_all_that_it_is_made_of_is():
    """The charting before a beginning too: had it been a tube, nothing would begin there."""
    made = [device(-30, NASAL, 500), device(0, TUBE), device(60, TUBE, 90), device(120, NASAL, 700)]
    assert episodes(*made) == [("invasive", 0, 500, 1), ("invasive", 120, 700, 0)]
    made = [device(0, TUBE, 2000), device(60, TUBE), device(60 + GAP, NASAL)]
    assert episodes(*made) == [("invasive", 0, 2000, 1), ("invasive", 60, 2000, 0)]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *(("None", "none"), ("Face tent", "supplemental_oxygen"), (HIGH, "high_flow"), ("Vapotherm", "high_flow")),
        *(("CPAP mask ", "non_invasive"), (TUBE, "invasive"), ("Trach mask ", "tracheostomy")),
    ],
)
def test_each_status(word: str, status: str):
    made = ventilation(events(device(0, word), device(60, word)), stays({1: 72}))
    assert [row[0] for row in episodes(device(0, word), device(60, word))] == [status, status]
    assert [row[4] for row in rows(made, "ventilation_status")] == [STATUSES[status]] * 2


def test_words_that_say_nothing_are_no_charting():
    assert episodes(device(0, TUBE), device(30, "Other"), device(60, TUBE))[0] == ("invasive", 0, 60, 1)
