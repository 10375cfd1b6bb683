"""Who is on a ventilator, by hand."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concept_timelines import Event, at, events
from wardround.concepts.ventilation import (
    CAREVUE_DEVICE,
    DEVICE,
    EVENTS,
    FLOWS,
    HAMILTON,
    MODE,
    Devices,
    ventilation_statuses,
    with_ventilation,
)

TUBE, CANNULA = (1, 0, DEVICE, "Endotracheal tube"), (1, 0, DEVICE, "Nasal cannula")
SIMV_BEFORE = (1, -60, MODE[0], "SIMV")


def ventilated(minute: float, *made: Event) -> bool:
    asked = pl.DataFrame({"stay_id": [1], "time": [at(minute)]}, {"stay_id": pl.Int64, "time": pl.Datetime("us")})
    return with_ventilation(asked, ventilation_statuses(events(*made)))["ventilated"].item()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([TUBE], True),
        ([CANNULA], False),
        ([(1, 0, DEVICE, "Trach mask ")], False),
        ([(1, 0, DEVICE, "Bipap mask ")], False),
        ([(1, 0, MODE[0], "PSV/SBT"), SIMV_BEFORE], True),
        ([(1, 0, MODE[1], (3.0, "CMV/ASSIST")), SIMV_BEFORE], True),
        ([(1, 0, MODE[0], "Standby")], False),
        ([(1, 0, HAMILTON[1], (3.0, "ASV")), SIMV_BEFORE], True),
        ([(1, 0, HAMILTON[1], (3.0, "NIV")), SIMV_BEFORE], False),
        ([CANNULA, (1, 0, MODE[0], "SIMV"), SIMV_BEFORE], True),
        ([(1, 0, DEVICE, "Tracheostomy tube"), (1, 0, MODE[0], "SIMV")], False),
        ([TUBE, (1, 20, DEVICE, "T-piece")], True),
        ([TUBE, (1, 20, CAREVUE_DEVICE, "T-Piece")], False),
        ([(1, 0, CAREVUE_DEVICE, "Ventilator")], True),
        ([(1, 0, CAREVUE_DEVICE, "Bipap Mask")], False),
        ([(1, 0, CAREVUE_DEVICE, "Other/Remarks")], False),
        ([(1, 0, MODE[0], "Assist Control"), SIMV_BEFORE], True),
        ([(1, 0, MODE[0], "CPAP+PS"), (1, 20, CAREVUE_DEVICE, "Nasal Cannula")], False),
        ([(1, 0, MODE[0], "CPAP+PS"), (1, 20, EVENTS, "Extubated")], False),
        ([(1, 0, MODE[0], "CPAP+PS"), SIMV_BEFORE, (1, 20, EVENTS, "Fluid Bolus")], True),
        ([(1, 0, MODE[0], "CPAP/PSV"), (1, 0, DEVICE, "Bipap mask")], False),
        ([(2, *TUBE[1:])], False),
        ([], False),
    ],
)
def test_devices_and_modes(said: list[Event], expected: bool):
    assert ventilated(30, *said) == expected


@pytest.mark.parametrize("flow", FLOWS)
def test_the_repositorys_join_keeps_a_device_with_a_flow_alone(flow: str):
    """Of two at a minute the last of the alphabet, in place of the one that does most; modes and CareVue as ever."""
    told = (TUBE, (1, 60, DEVICE, "Endotracheal tube", 250), (1, 60, DEVICE, "Nasal cannula"), (1, 90, *TUBE[2:]))
    told += ((1, 60, flow, 2, 70), (1, 90, flow, 3, 200), (1, 120, MODE[0], "SIMV"), (1, 150, CAREVUE_DEVICE, "None"))
    said = {name: ventilation_statuses(events(*told), name) for name in ("all", "with_flow")}
    found = {name: dict(zip(each["time"], each["status"], strict=True)) for name, each in said.items()}
    later = {at(90): "invasive", at(120): "invasive", at(150): "none"}
    assert said["with_flow"]["invasive"].to_list() == [False, True, True, False]
    assert found["all"] == {at(0): "invasive", at(60): "invasive"} | later
    assert found["with_flow"] == {at(60): "supplemental_oxygen"} | later
    assert said["with_flow"]["known"].to_list() == [at(250), at(200), at(120), at(150)]
    assert said["with_flow"]["invasive_known"].to_list() == [at(250), at(200), at(200), at(150)]


@pytest.mark.parametrize(
    ("minute", "twice", "known"),
    [(0, [False], [840]), (839, [True, True], [869, 869]), (840, [False, False], [840, 1680])],
)
@pytest.mark.parametrize("named", [False, True])
def test_a_mode_alone_asks_for_a_second_charting_and_a_tube_for_the_repository_alone(
    minute: int, twice: list[bool], known: list[int], named: bool
):
    """What settles it: a second charting within 14 hours, when that is known, or that none can come any more."""
    told = [(1, 0, MODE[0], "SIMV"), (1, minute, MODE[0], "CMV", minute + 30), (2, 0, MODE[0], "CMV")]
    told = told if minute else told[::2]
    if named:
        told += [(1, 0, *TUBE[2:]), (1, minute, *TUBE[2:])]
    for devices in ("all", "twice"):
        said = ventilation_statuses(events(*told), devices).filter(pl.col("stay_id") == 1)
        free = named and devices == "all"
        assert said["known"].to_list() == [at(0), at(minute + 30)][: len(twice)]
        assert said["invasive"].to_list() == ([True] * len(twice) if free else twice)
        assert said["invasive_known"].to_list() == (said["known"].to_list() if free else [at(each) for each in known])


def test_a_mode_alone_is_confirmed_by_whichever_neighbour_is_known_first_and_denied_by_both():
    def first(*told: Event) -> tuple[bool, int]:
        said = ventilation_statuses(events((1, 0, MODE[0], "CMV", 5), *told)).filter(pl.col("time") == at(0))
        return said["invasive"].item(), int((said["invasive_known"].item() - at(0)).total_seconds()) // 60

    late, early, off = (1, -60, MODE[0], "CMV", 400), (1, 60, MODE[0], "CMV", 70), (1, 60, DEVICE, "None", 70)
    assert first() == (False, 840)
    assert first(late) == (True, 400)
    assert first(early) == (True, 70)
    assert first(late, early) == (True, 70)
    assert first(off) == (False, 70)
    assert first(late, off) == (True, 400)
    assert first((1, -60, DEVICE, "None", 300), off) == (False, 300)
    assert first((1, -60, DEVICE, "None", 300), early) == (True, 70)
    assert first((1, -900, MODE[0], "CMV"), off) == (False, 70), "too long before"
    assert first((1, 60, *TUBE[2:])) == (True, 60), "a tube that is named confirms a mode"


CHARTED = st.tuples(
    st.just(1),
    st.integers(0, 30).map(lambda hour: 60 * hour),
    st.sampled_from([(MODE[0], "CMV"), (DEVICE, "Endotracheal tube"), (DEVICE, "None"), (DEVICE, "Bipap mask")]),
    st.integers(0, 900),
).map(lambda drawn: (drawn[0], drawn[1], *drawn[2], drawn[1] + drawn[3]))


@pytest.mark.parametrize("devices", ["all", "twice"])
@given(told=st.lists(CHARTED, max_size=6), later=st.lists(CHARTED, max_size=4), hour=st.integers(0, 45))
@settings(max_examples=60, deadline=None)
def test_whether_it_is_a_tube_is_moved_by_nothing_that_becomes_known_later(
    devices: Devices, told: list[Event], later: list[Event], hour: int
):
    def known(made: list[Event]) -> set[tuple[object, ...]]:
        said = ventilation_statuses(events(*made), devices)
        return set(said.filter(pl.col("invasive_known") <= at(60 * hour)).rows())

    by_then = [event for event in told if event[4] <= 60 * hour]
    assert known(told) <= known(by_then)
    assert known([*by_then, *(event for event in later if event[4] > 60 * hour)]) <= known(by_then)


def test_a_status_holds_until_the_next_or_for_fourteen_hours():
    off = (1, 120, DEVICE, "Nasal cannula")
    assert [ventilated(minute, TUBE, off) for minute in (-1, 0, 119, 120, 121)] == [False, True, True, True, False]
    assert [ventilated(minute, TUBE) for minute in (839, 840)] == [True, False]
    assert ventilated(60, TUBE, (1, 30, MODE[0], "Standby")), "a mode that says nothing ends nothing"
