"""Who is on a ventilator, by hand."""

import polars as pl
import pytest

from concept_timelines import Event, at, events
from wardround.concepts.ventilation import (
    CAREVUE_DEVICE,
    DEVICE,
    EVENTS,
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


def test_a_status_holds_until_the_next_or_for_fourteen_hours():
    off = (1, 120, DEVICE, "Nasal cannula")
    assert [ventilated(minute, TUBE, off) for minute in (-1, 0, 119, 120, 121)] == [False, True, True, True, False]
    assert [ventilated(minute, TUBE) for minute in (839, 840)] == [True, False]
    assert ventilated(60, TUBE, (1, 30, MODE[0], "Standby")), "a mode that says nothing ends nothing"
