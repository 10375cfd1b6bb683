"""The 17 variables by the hour, by hand."""

import json

import polars as pl
import pytest

from concept_timelines import events, stays
from raw_eicu import demo_folder
from wardround.concepts.hourly17 import COLUMNS, VARIABLES, hourly17
from wardround.sources.mimic.items import PAPER_CODES

PULSE, ARTERIAL, CUFF = "VITAL//heartrate//bpm", "VITAL//systemicmean//mmHg", "VITAL//noninvasivemean//mmHg"
EYES, VERBAL, MOTOR, TOTAL = (f"VITAL//gcs{part}//" for part in (" eyes", " verbal", " motor", ""))


def of(name: str, *charted: tuple, hours: float = 3) -> list[float | None]:
    return hourly17(events(*((1, *one) for one in charted)), stays({1: hours}))[name].to_list()


def test_the_last_value_of_each_hour():
    """Whatever the order of the rows, and however late it was known; hours without a value are there and empty."""
    assert of("heart_rate", (59, PULSE, 80, 500), (5, PULSE, 90), (120, PULSE, 70)) == [80, None, 70]


def test_hours_are_those_in_the_unit():
    charted = [(stay, minute, PULSE, 80 + minute) for stay in (1, 2) for minute in (-1, 89, 120)]
    made = hourly17(events(*charted), stays({1: 1.5, 2: None, 3: 1}))
    assert made.select("stay_id", "hour", "heart_rate").rows() == [(1, 0, None), (1, 1, 169), (3, 0, None)]


def test_of_two_pressures_the_last_and_at_one_minute_the_arterial():
    name = "mean_blood_pressure"
    assert of(name, (10, ARTERIAL, 60), (20, CUFF, 70), (70, CUFF, 90), (70, ARTERIAL, 65)) == [70, 65, None]


@pytest.mark.parametrize(
    ("name", "code", "value", "expected"),
    [
        ("fraction_inspired_oxygen", "LAB//FiO2//%", 40, 0.4),
        ("glucose", "LAB//bedside glucose//mg/dL", 140, 140),
        ("respiratory_rate", "VITAL//spontaneous respiration///min", 14, 14),
        ("weight", "WEIGHT//kg", 80, 80),
        ("temperature", "VITAL//temperature//C", 36.6, 36.6),
        ("ph", "LAB//pH//", 7.31, 7.31),
        ("capillary_refill_rate", "VITAL//capillary refill//", 1, 1),
    ],
)
def test_a_value_in_the_benchmarks_unit(name: str, code: str, value: float, expected: float):
    assert of(name, (30, code, value), hours=1) == [expected]


def test_the_total_of_the_coma_scale():
    """A sum of three parts of one minute, a tube's verbal response 1; else the total as charted; else none."""
    tube = (1.0, "No Response-ETT")
    charted = [(5, EYES, 3), (5, VERBAL, tube), (5, MOTOR, 6), (70, EYES, 4), (71, MOTOR, 6), (130, TOTAL, 9)]
    assert of("glascow_coma_scale_total", *charted) == [10, None, 9]
    assert of("glascow_coma_scale_verbal_response", *charted) == [1, None, None]


def test_of_several_values_of_one_minute_the_highest():
    assert of("heart_rate", (30, PULSE, 90), (30, PULSE, 80), hours=1) == [90]


def test_what_is_no_variable_makes_no_value():
    made = hourly17(events((1, 30, "LAB//lactate//mmol/L", 2.0)), stays({1: 1}))
    assert made.schema == COLUMNS
    assert made.drop("stay_id", "hour").null_count().sum_horizontal().item() == 17


def test_the_codes_of_the_17_variables_and_no_others():
    codes = {code for codes in VARIABLES.values() for code in codes}
    assert codes == PAPER_CODES


@pytest.mark.data
def test_the_benchmarks_variables_in_its_order():
    path = demo_folder("codemaps") / "mimic3-benchmarks" / "discretizer_config.json"
    channels = json.loads(path.read_text())["id_to_channel"]
    assert [channel.lower().replace(" ", "_") for channel in channels] == list(VARIABLES)
    assert list(COLUMNS) == ["stay_id", "hour", *VARIABLES]
    assert set(COLUMNS.values()) == {pl.Int64(), pl.Float64()}
