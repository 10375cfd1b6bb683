"""PaO2/FiO2 of arterial gases, by hand."""

from concept_timelines import Event, at, events, stays
from wardround.concepts.oxygenation import FIO2, PAO2, SPECIMEN, oxygenation
from wardround.concepts.ventilation import DEVICE

TUBE = (1, 0, DEVICE, "Endotracheal tube")


def gases(*made: Event, end_h: float | None = 24) -> list[tuple]:
    found = oxygenation(events(*made), stays({1: end_h})).sort("time")
    return [(row["time"], round(row["ratio"], 3), row["ventilated"], row["known"]) for row in found.to_dicts()]


def test_a_gas_by_hand():
    """The FiO2 of its own minute, known an hour after; the tube is known at once."""
    made = [TUBE, (1, 60, SPECIMEN, "ART."), (1, 60, PAO2, 80, 70), (1, 50, FIO2, 30), (1, 60, FIO2, 40, 120)]
    assert gases(*made) == [(at(60), 200, True, at(120))]


def test_arterial_blood_of_mimic_iii():
    made = [(1, 60, SPECIMEN, "ART"), (1, 60, PAO2, 80), (1, 60, FIO2, 40)]
    assert gases(*made) == [(at(60), 200, False, at(60))]


def test_the_lowest_of_a_minute_and_the_highest_oxygen():
    both = [(1, 60, PAO2, 80), (1, 60, PAO2, 90), (1, 60, FIO2, 40), (1, 60, FIO2, 50)]
    assert gases((1, 60, SPECIMEN, "ART."), *both) == [(at(60), 160, False, at(60))]


def test_what_is_no_gas_of_ours():
    oxygen = (1, 60, FIO2, 50)
    assert gases(oxygen, (1, 60, PAO2, 80)) == []
    assert gases(oxygen, (1, 60, PAO2, 80), (1, 60, SPECIMEN, "MIX.")) == []
    assert gases((1, 60, FIO2, 15), (1, 60, PAO2, 80), (1, 60, SPECIMEN, "ART.")) == []


def test_after_the_stay_nobody_is_on_its_ventilator():
    gas = [(1, 120, SPECIMEN, "ART."), (1, 120, PAO2, 80), (1, 120, FIO2, 50)]
    assert [gases(TUBE, *gas, end_h=hours)[0][2] for hours in (1.5, 2, None)] == [False, True, True]
