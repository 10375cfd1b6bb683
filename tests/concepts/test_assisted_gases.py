"""PaO2/FiO2 under a ventilator or a mask, by hand."""

import pytest

from concept_timelines import Event, at, events, stays
from wardround.concepts.assisted_gases import assisted_gases
from wardround.concepts.oxygenation import FIO2, PAO2, SPECIMEN
from wardround.concepts.ventilation import DEVICE


def gas(minute: float, pao2: float = 80) -> list[Event]:
    return [(1, minute, SPECIMEN, "ART."), (1, minute, PAO2, pao2), (1, minute, FIO2, 40)]


def found(*made: Event, as_lods: bool = False) -> list[tuple[object, float]]:
    kept = assisted_gases(events(*made), stays({1: 60}), as_lods).sort("time")
    return [(row["time"], row["value"]) for row in kept.to_dicts()]


def test_without_help_there_is_none():
    assert found(*gas(60), (1, 30, DEVICE, "Nasal cannula")) == []


@pytest.mark.parametrize("device", ["Endotracheal tube", "CPAP mask", "Bipap mask"])
def test_a_tube_or_a_mask_helps(device: str):
    assert found(*gas(60), (1, 30, DEVICE, device)) == [(at(60), 200.0)]


def test_a_mask_counts_from_an_hour_before_to_four_hours_after():
    made = [each for minute in (59, 60, 360, 361) for each in gas(minute)]
    assert [time for time, _ in found(*made, (1, 120, DEVICE, "CPAP mask"))] == [at(60), at(360)]


def test_gases_after_the_first_day_count_only_where_it_is_asked():
    made = [*gas(60), *gas(2000), (1, 30, DEVICE, "Endotracheal tube"), (1, 1990, DEVICE, "Endotracheal tube")]
    assert [time for time, _ in found(*made)] == [at(60)]
    assert [time for time, _ in found(*made, as_lods=True)] == [at(60), at(2000)]


def test_venous_blood_and_blood_without_a_name_count_only_where_it_is_asked():
    blood = [[(1, 60, SPECIMEN, "VEN.")], []]
    for told in blood:
        made = [*told, *gas(60, 36)[1:], (1, 30, DEVICE, "Endotracheal tube")]
        assert found(*made) == []
        assert found(*made, as_lods=True) == [(at(60), 90.0)]


def test_a_gas_is_known_when_the_mask_is():
    made = [*gas(60), (1, 30, DEVICE, "CPAP mask", 500)]
    assert assisted_gases(events(*made), stays({1: 60}))["available_time"].to_list() == [at(500)]
