"""Lines of records as events: every parameter, every odd line."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odd_lines import SHARDS, converted
from raw_challenge import RawSet, prepare, tiny_set
from raw_eicu import as_text
from wardround.sources.block import convert_block
from wardround.sources.challenge2012.columns import RECORD
from wardround.sources.challenge2012.observations import OBSERVATION_TABLE
from wardround.sources.challenge2012.record_text import observation_rows
from wardround.sources.challenge2012.variables import ADMISSION_WEIGHT, VARIABLES


def events(*lines: str) -> str:
    made = converted(*lines).events.sort("row")
    return as_text(made.select("minute", "available_minute", "modality", "code", "numeric_value"))


def test_the_lines_of_a_record_by_hand(tmp_path: Path):
    data = prepare(tiny_set().write(tmp_path / "raw"), tmp_path / "data")
    of = data.timeline.filter(pl.col("stay_id") == 132539).sort("minute", "code", "value")
    assert as_text(of.select("minute", "known", "code", "value")) == (
        "0 0 AGE 60\n"
        "0 0 GENDER//Male -\n"
        "0 0 HEIGHT//cm 170\n"
        "0 0 UNITTYPE//MICU -\n"
        "0 0 WEIGHT//kg 80\n"
        "7 7 IO//urine//mL 60\n"
        "7 7 IO//urine//mL 900\n"
        "7 7 VITAL//gcs// 15\n"
        "7 7 VITAL//heartrate//bpm 73\n"
        "7 7 VITAL//noninvasivemean//mmHg 92.33\n"
        "7 7 VITAL//temperature//C 35.1\n"
        "97 97 VITAL//weight//kg 81.5\n"
        "190 190 LAB//FiO2//% 50\n"
        "190 190 LAB//lactate//mmol/L 2.1\n"
        "190 190 LAB//pH// 7.38\n"
        "190 190 TREATMENT//mechanical ventilation 1\n"
        "360 360 LAB//potassium//mmol/L 4.4\n"
        "2880 2880 VITAL//heartrate//bpm 80"
    )
    modalities = data.stays.filter(pl.col("stay_id") == 132539)["modalities"].item().to_list()
    assert modalities == ["demographics", "treatment", "lab", "vitals", "intake_output", "blood_gas", "neurology"]


@pytest.mark.parametrize("parameter", VARIABLES)
def test_every_parameter_becomes_an_event_of_its_modality(parameter: str):
    variable = VARIABLES[parameter]
    value = 0.5 if variable.unit == "fraction" else (variable.quantity.low + variable.quantity.high) / 2
    canonical = 50 if variable.unit == "fraction" else value
    minute = "00:00" if variable.descriptor else "05:30"
    made = converted(f"{minute},{parameter},{value}").events
    assert made.select("modality", "code", "numeric_value").rows() == [(variable.modality, variable.code, canonical)]


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("02:00,pH,735", "120 120 blood_gas LAB//pH// 7.35"),
        ("02:00,pH,7.35", "120 120 blood_gas LAB//pH// 7.35"),
        ("02:00,Temp,98.6", "120 120 vitals VITAL//temperature//C 37"),
        ("02:00,FiO2,0.21", "120 120 blood_gas LAB//FiO2//% 21"),
        ("02:00,Mg,2.0", "120 120 lab LAB//magnesium//mg/dL 2"),
        ("02:00,MechVent,0", "120 120 treatment TREATMENT//mechanical ventilation 0"),
        ("00:00,Weight,80", f"0 0 demographics {ADMISSION_WEIGHT.code} 80"),
        ("00:01,Weight,80", "1 1 vitals VITAL//weight//kg 80"),
        ("00:00,Gender,0.0", "0 0 demographics GENDER//Female -"),
        ("00:00,ICUType,2", "0 0 demographics UNITTYPE//Cardiac Surgery Recovery Unit -"),
        ("0:07,HR,73", "7 7 vitals VITAL//heartrate//bpm 73"),
        (" 00:07 , HR , 73 ", "7 7 vitals VITAL//heartrate//bpm 73"),
    ],
)
def test_a_line_that_is_read(line: str, event: str):
    assert events(line) == event


def test_lines_of_records_that_are_no_stay_are_counted():
    block = observation_rows(["18"], ["01:00,HR,70\n"], 0)
    made = convert_block(block, OBSERVATION_TABLE, RECORD, SHARDS)
    assert made.account.set_aside["no such stay"] == 1


def test_equal_lines_count_once_and_different_values_of_one_minute_are_kept(tmp_path: Path):
    raw = RawSet().add(7, "00:07,Urine,60", "00:07,Urine,60", "00:07,Urine,200", "00:07,Urine,60.0")
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    urine = data.events.filter(pl.col("code") == "IO//urine//mL")
    assert urine["numeric_value"].to_list() == [60, 200]
    assert data.ledger["observations"]["set_aside"] == {"duplicate row": 2, "states the RecordID": 1}


TIMES = st.from_regex(r"\A-?[0-9]{1,3}:[0-9]{2}\Z") | st.just("") | st.text("0123456789:-", max_size=6)
VALUES = st.floats().map(str) | st.integers(-2, 1000).map(str) | st.sampled_from(["", "-1", "735", "98.6", "abc"])
PARAMETERS = st.sampled_from([*VARIABLES, "RecordID", "Gender", "ICUType", "hr", "Weight"])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TIMES, PARAMETERS, VALUES).map(",".join), max_size=30))
def test_every_line_ends_in_one_place_and_no_event_is_beyond_belief(lines: list[str]):
    made = converted(*lines)
    account = made.account
    assert account.rows_in == len(lines) == account.rows_out + sum(account.set_aside.values())
    assert made.events.height == account.rows_out, "a line yields one event"
    assert made.events["minute"].equals(made.events["available_minute"])
    assert made.events["minute"].is_between(0, 48 * 60).all()
    ranges = {variable.code: variable.quantity for variable in (*VARIABLES.values(), ADMISSION_WEIGHT)}
    for code, value in made.events.select("code", "numeric_value").iter_rows():
        if value is not None:
            assert ranges[code].low - 1e-6 <= value <= ranges[code].high + 1e-6
    assert Counter(made.events["modality"]).keys() <= set(OBSERVATION_TABLE.modalities)
