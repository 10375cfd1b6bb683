"""Who is on a ventilator, by hand."""

import polars as pl
import pytest

from concept_timelines import Event, at, events
from wardround.concepts.ventilation import (
    CAREVUE_DEVICE,
    DEVICE,
    EVENTS,
    FLOWS,
    HAMILTON,
    MODE,
    ventilation_statuses,
    with_ventilation,
)

TUBE, CANNULA = (1, 0, DEVICE, "Endotracheal tube"), (1, 0, DEVICE, "Nasal cannula")


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
        ([(1, 0, MODE[0], "PSV/SBT")], True),
        ([(1, 0, MODE[1], (3.0, "CMV/ASSIST"))], True),
        ([(1, 0, MODE[0], "Standby")], False),
        ([(1, 0, HAMILTON[1], (3.0, "ASV"))], True),
        ([(1, 0, HAMILTON[1], (3.0, "NIV"))], False),
        ([CANNULA, (1, 0, MODE[0], "SIMV")], True),
        ([(1, 0, DEVICE, "Tracheostomy tube"), (1, 0, MODE[0], "SIMV")], False),
        ([TUBE, (1, 20, DEVICE, "T-piece")], True),
        ([TUBE, (1, 20, CAREVUE_DEVICE, "T-Piece")], False),
        ([(1, 0, CAREVUE_DEVICE, "Ventilator")], True),
        ([(1, 0, CAREVUE_DEVICE, "Bipap Mask")], False),
        ([(1, 0, CAREVUE_DEVICE, "Other/Remarks")], False),
        ([(1, 0, MODE[0], "Assist Control")], True),
        ([(1, 0, MODE[0], "CPAP+PS"), (1, 20, CAREVUE_DEVICE, "Nasal Cannula")], False),
        ([(1, 0, MODE[0], "CPAP+PS"), (1, 20, EVENTS, "Extubated")], False),
        ([(1, 0, MODE[0], "CPAP+PS"), (1, 20, EVENTS, "Fluid Bolus")], True),
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
    assert said["with_flow"]["known"].to_list() == [at(250), at(250), at(200), at(150 + 840)]


@pytest.mark.parametrize(("minute", "expected"), [(0, [False]), (839, [True, True]), (840, [False, False])])
def test_for_the_repository_a_tube_that_was_charted_once_is_no_ventilation(minute: int, expected: list[bool]):
    told = [(1, 0, MODE[0], "SIMV"), (1, minute, MODE[0], "CMV", minute + 30), (2, 0, MODE[0], "CMV")]
    said = {
        name: ventilation_statuses(events(*told), name).filter(pl.col("stay_id") == 1) for name in ("all", "with_flow")
    }
    assert said["all"]["invasive"].all()
    assert said["with_flow"]["invasive"].to_list() == expected
    first = minute + 30 if minute < 840 else 840
    assert said["with_flow"]["known"].to_list()[0] == at(max(first, 840) if minute == 0 else first)


def test_a_status_holds_until_the_next_or_for_fourteen_hours():
    off = (1, 120, DEVICE, "Nasal cannula")
    assert [ventilated(minute, TUBE, off) for minute in (-1, 0, 119, 120, 121)] == [False, True, True, True, False]
    assert [ventilated(minute, TUBE) for minute in (839, 840)] == [True, False]
    assert ventilated(60, TUBE, (1, 30, MODE[0], "Standby")), "a mode that says nothing ends nothing"
