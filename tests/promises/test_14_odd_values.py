"""Promise 14: NaN, infinity, duplicates, impossible stays: each odd case has one written rule, and stands here."""

import math
import random
import sys
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import raw_meds
from odd_lines import ODD_LINES, converted
from odd_rows import DOUBTFUL_STAYS, ODD, ODD_STAYS, planted
from raw_eicu import COLUMNS, SCALE, Data, RawEicu, as_text, csv_text, none_of, prepare, tiny
from wardround.batches.store import InputSettings, event_store, fit_featuriser
from wardround.errors import SourceError, WardroundError
from wardround.evaluate.describe import describe
from wardround.sources.block import convert_block, numbered
from wardround.sources.conversion import YEAR_MIN
from wardround.sources.csv_reader import read_blocks
from wardround.sources.eicu import EICU
from wardround.sources.eicu.stays import demographics, stay_rows, stays
from wardround.tasks.cohort import Window
from wardround.tasks.task import TASKS
from wardround.train.data import open_data
from wardround.train.protocol_stamp import modalities_past_prediction

pytestmark = pytest.mark.usefixtures("fast_fsync")

TABLES = {each.raw.name: each for each in EICU.tables("all")}
SHARDS = pl.DataFrame({"stay_id": [1, 2, 3], "slice": 0})

LAB = {"patientunitstayid": "1", "labresultoffset": "10", "labresultrevisedoffset": "40", "labname": "sodium"}
LAB |= {"labresult": "140", "labresulttext": "140", "labmeasurenamesystem": "mmol/L"}
VITAL = {"patientunitstayid": "1", "observationoffset": "10", "heartrate": "80"}
ORDER = {"patientunitstayid": "1", "drugorderoffset": "10", "drugstartoffset": "30", "drugname": "ASPIRIN"}
NURSE = {"patientunitstayid": "1", "nursingchartoffset": "10", "nursingchartentryoffset": "25"}
NURSE |= {"nursingchartcelltypevalname": "Temperature (C)", "nursingchartvalue": "37"}
RATE = {"patientunitstayid": "1", "infusionoffset": "10", "drugname": "Propofol (mcg/kg/min)", "drugrate": "20"}
APS = {"patientunitstayid": "1", "heartrate": "80"}
CHART = {"patientunitstayid": "1", "intakeoutputoffset": "10", "intakeoutputentryoffset": "20"}
CHART |= {
    "cellpath": "flowsheet|Flowsheet Cell Labels|I&O|Output (ml)|Urine",
    "celllabel": "Urine",
    "cellvaluenumeric": "5",
}

Row = dict[str, str]
ROWS: dict[str, tuple[str, Row, str]] = {
    # case: (table, row, what becomes of it: its events as "minute known code value text", or why it is set aside)
    "a row like any other": ("lab", LAB, "10 40 LAB//sodium//mmol/L 140 -"),
    "value NaN": ("lab", LAB | {"labresult": "NaN"}, "aside: not a number: labresult"),
    "value infinite": ("lab", LAB | {"labresult": "-inf"}, "aside: not a number: labresult"),
    "value 1e308": ("lab", LAB | {"labresult": "1e308"}, "aside: implausible value"),
    "value 1e309": ("lab", LAB | {"labresult": "1e309"}, "aside: not a number: labresult"),
    "value too small for a 32-bit float": (
        "lab",
        LAB | {"labname": "CRP", "labresult": "1e-300", "labmeasurenamesystem": "mg/L"},
        "10 40 LAB//CRP//mg/L 0 -",
    ),
    "value minus zero": ("vitalPeriodic", VITAL | {"heartrate": "", "cvp": "-0"}, "10 10 VITAL//cvp//mmHg 0 -"),
    "value with blanks around": ("lab", LAB | {"labresult": "  140 "}, "10 40 LAB//sodium//mmol/L 140 -"),
    "value in words": ("lab", LAB | {"labresult": "pending"}, "aside: not a number: labresult"),
    "value with a decimal comma": ("lab", LAB | {"labresult": "140,5"}, "aside: not a number: labresult"),
    "value as text alone": (
        "lab",
        LAB | {"labresult": "", "labresulttext": ">180"},
        "10 40 LAB//sodium//mmol/L - >180",
    ),
    "no value at all": ("lab", LAB | {"labresult": "", "labresulttext": ""}, "aside: no value"),
    "value of no living patient": ("lab", LAB | {"labresult": "999"}, "aside: implausible value"),
    "value of a lab that has no range": (
        "lab",
        LAB | {"labname": "TSH", "labresult": "1e39"},
        "aside: implausible value",
    ),
    "unknown unit": ("lab", LAB | {"labmeasurenamesystem": "furlongs"}, "aside: unknown unit"),
    "unit blank": ("lab", LAB | {"labmeasurenamesystem": ""}, "aside: unknown unit"),
    "lab without a name": ("lab", LAB | {"labname": "  "}, "aside: no code"),
    "inspired oxygen as a fraction": (
        "lab",
        LAB | {"labname": "FiO2", "labresult": "0.4", "labmeasurenamesystem": "%"},
        "10 40 LAB//FiO2//% 40 -",
    ),
    "result revised before its draw": (
        "lab",
        LAB | {"labresultrevisedoffset": "-90"},
        "10 10 LAB//sodium//mmol/L 140 -",
    ),
    "result without its time: an hour after the draw": (
        "lab",
        LAB | {"labresultrevisedoffset": ""},
        "10 70 LAB//sodium//mmol/L 140 -",
    ),
    "draw without its time: the result's": ("lab", LAB | {"labresultoffset": ""}, "40 40 LAB//sodium//mmol/L 140 -"),
    "no time at all": ("lab", LAB | {"labresultoffset": "", "labresultrevisedoffset": ""}, "aside: no time"),
    "charted a year off": (
        "lab",
        LAB | {"labresultoffset": str(-YEAR_MIN - 1)},
        "aside: more than a year from unit admission",
    ),
    "charted a year off, the last minute": (
        "lab",
        LAB | {"labresultoffset": str(-YEAR_MIN)},
        f"{-YEAR_MIN} 40 LAB//sodium//mmol/L 140 -",
    ),
    "time beyond 64 bits": (
        "lab",
        LAB | {"labresultoffset": "99999999999999999999"},
        "aside: not a whole number: labresultoffset",
    ),
    "time with a fraction": ("lab", LAB | {"labresultoffset": "10.5"}, "aside: not a whole number: labresultoffset"),
    "time written as a decimal": ("lab", LAB | {"labresultoffset": "10.0"}, "10 40 LAB//sodium//mmol/L 140 -"),
    "before the hospital": (
        "lab",
        LAB | {"labresultoffset": "-9000", "labresultrevisedoffset": "-8000"},
        "-9000 -8000 LAB//sodium//mmol/L 140 -",
    ),
    "blank stay": ("lab", LAB | {"patientunitstayid": ""}, "aside: blank stay id"),
    "stay that is not in patient": ("lab", LAB | {"patientunitstayid": "77"}, "aside: no such stay"),
    "stay of another kind": ("lab", LAB | {"patientunitstayid": "A-1"}, "aside: not a number: patientunitstayid"),
    "one vital sign of a row is impossible": (
        "vitalPeriodic",
        VITAL | {"sao2": "999"},
        "10 10 VITAL//heartrate//bpm 80 -\nvalue aside: implausible value",
    ),
    "all vital signs of a row are impossible": (
        "vitalPeriodic",
        VITAL | {"heartrate": "0"},
        "aside: implausible value",
    ),
    "a row without vital signs": ("vitalPeriodic", VITAL | {"heartrate": ""}, "aside: no value"),
    "temperature in Fahrenheit": (
        "vitalPeriodic",
        VITAL | {"heartrate": "", "temperature": "98.6"},
        "10 10 VITAL//temperature//C 37 -",
    ),
    "temperature of nobody": (
        "vitalPeriodic",
        VITAL | {"heartrate": "", "temperature": "60"},
        "aside: implausible value",
    ),
    "nurse's cell that is no vital sign": (
        "nurseCharting",
        NURSE | {"nursingchartcelltypevalname": "Pain Score"},
        "aside: not a vital sign",
    ),
    "nurse's word for a number": (
        "nurseCharting",
        NURSE | {"nursingchartvalue": "refused"},
        "aside: not a number: nursingchartvalue",
    ),
    "nurse's NaN": ("nurseCharting", NURSE | {"nursingchartvalue": "nan"}, "aside: not a number: nursingchartvalue"),
    "entered before it happened": (
        "nurseCharting",
        NURSE | {"nursingchartentryoffset": "-5"},
        "10 10 VITAL//temperature//C 37 -",
    ),
    "first-day value of -1 is missing": (
        "apacheApsVar",
        APS | {"heartrate": "-1", "ph": "7.4"},
        "0 1440 APS//ph 7.4 -",
    ),
    "first-day row of nothing but -1": ("apacheApsVar", APS | {"heartrate": "-1"}, "aside: no value"),
    "first-day value of nobody": ("apacheApsVar", APS | {"heartrate": "99999"}, "aside: implausible value"),
    "order ahead of its start": ("medication", ORDER, "30 30 MEDICATION//NAME//ASPIRIN - ASPIRIN"),
    "order after its start": (
        "medication",
        ORDER | {"drugorderoffset": "95"},
        "30 95 MEDICATION//NAME//ASPIRIN - ASPIRIN",
    ),
    "order without a start": (
        "medication",
        ORDER | {"drugstartoffset": ""},
        "10 10 MEDICATION//NAME//ASPIRIN - ASPIRIN",
    ),
    "order that was cancelled": (
        "medication",
        ORDER | {"drugordercancelled": "Yes"},
        "30 30 MEDICATION//NAME//ASPIRIN - ASPIRIN",
    ),
    "order of nothing": ("medication", ORDER | {"drugname": "", "drughiclseqno": "0"}, "aside: no code"),
    "rate below zero": ("infusionDrug", RATE | {"drugrate": "-1"}, "aside: implausible value"),
    "rate that stopped": ("infusionDrug", RATE | {"drugrate": "0"}, "10 10 INFUSION//propofol//mcg/kg/min 0 -"),
    "rate not charted": ("infusionDrug", RATE | {"drugrate": ""}, "10 10 INFUSION//propofol//mcg/kg/min - -"),
    "rate in a unit of no drug": ("infusionDrug", RATE | {"drugname": "Propofol (Unknown)"}, "aside: unknown unit"),
    "rate without a unit": ("infusionDrug", RATE | {"drugname": "Propofol ()"}, "10 10 INFUSION//propofol// 20 -"),
    "volume of nobody": ("intakeOutput", CHART | {"cellvaluenumeric": "1e7"}, "aside: implausible value"),
    "volume taken back": ("intakeOutput", CHART | {"cellvaluenumeric": "-250"}, "10 20 IO//urine//mL -250 -"),
}

DAY = 24 * 60
STAY = {"patientunitstayid": 1, "patienthealthsystemstayid": 101, "uniquepid": "002-1"}
STAYS: dict[str, tuple[list[dict[str, object]], str]] = {
    # case: (patient rows, what becomes of each: "stay start_min end_min age died los_h", or why it or a value of it is
    # set aside)
    "a stay like any other": ([{}], "1 0 3000 64 False 101"),
    "age over 89": ([{"age": "> 89"}], "1 0 3000 90 False 101"),
    "age over 89 without a blank": ([{"age": ">89"}], "1 0 3000 90 False 101"),
    "age of 300": ([{"age": "300"}], "1 0 3000 - False 101\nvalue aside: impossible age"),
    "age below zero": ([{"age": "-4"}], "1 0 3000 - False 101\nvalue aside: impossible age"),
    "age NaN": ([{"age": "nan"}], "aside: unreadable age"),
    "age in words": ([{"age": "sixty"}], "aside: unreadable age"),
    "age blank": ([{"age": ""}], "1 0 3000 - False 101"),
    "no stay id": ([{"patientunitstayid": ""}], "aside: blank stay id"),
    "the same row twice": ([{}, {}], "1 0 3000 64 False 101\naside: duplicate row"),
    "one id for two stays: neither is known": (
        [{}, {"age": "70"}],
        "aside: stay id used for different rows, stay id used for different rows",
    ),
    "unit discharge before unit admission: its end is not known": (
        [{"unitdischargeoffset": "-1"}],
        "1 0 - 64 False 101\nvalue aside: unit discharge before admission",
    ),
    "unit discharge blank: its end is not known": ([{"unitdischargeoffset": ""}], "1 0 - 64 False 101"),
    "unit discharge a year off": (
        [{"unitdischargeoffset": YEAR_MIN + 1}],
        "1 0 - 64 False 101\nvalue aside: unit discharge more than a year from unit admission",
    ),
    "unit discharge a year off, the last minute": (
        [{"unitdischargeoffset": YEAR_MIN}],
        f"1 0 {YEAR_MIN} 64 False 101",
    ),
    "unit discharge in words": ([{"unitdischargeoffset": "unknown"}], "aside: not a number: unitdischargeoffset"),
    "unit discharge at admission": ([{"unitdischargeoffset": "0"}], "1 0 0 64 False 101"),
    "left hospital before the unit's admission": (
        [{"hospitaldischargeoffset": "-1"}],
        "1 0 3000 64 False -\nvalue aside: hospital discharge before unit admission",
    ),
    "left hospital before its admission": (
        [{"hospitaladmitoffset": 50, "hospitaldischargeoffset": 40}],
        "1 0 3000 64 False -\nvalue aside: hospital discharge before hospital admission",
    ),
    "left hospital before the unit": ([{"hospitaldischargeoffset": 2000}], "1 0 3000 64 False 34.3333"),
    "in hospital for years": (
        [{"hospitaldischargeoffset": YEAR_MIN + 1}],
        "1 0 3000 64 False -\nvalue aside: hospital discharge more than a year from unit admission",
    ),
    "both discharges impossible": (
        [{"unitdischargeoffset": "-5", "hospitaldischargeoffset": "-5"}],
        "1 0 - 64 False -\nvalue aside: hospital discharge before unit admission\n"
        "value aside: unit discharge before admission",
    ),
    "hospital discharge blank": ([{"hospitaldischargeoffset": ""}], "1 0 3000 64 False -"),
    "hospital admission a year off": (
        [{"hospitaladmitoffset": -YEAR_MIN - 1}],
        "aside: hospital admission more than a year from unit admission",
    ),
    "offset of 1e308": ([{"hospitaldischargeoffset": "1e308"}], "aside: not a whole number: hospitaldischargeoffset"),
    "year of discharge impossible": (
        [{"hospitaldischargeyear": 20145}],
        "1 0 3000 64 False 101\nvalue aside: impossible discharge year",
    ),
    "status unknown": ([{"hospitaldischargestatus": ""}], "1 0 3000 64 - 101"),
    "status of no kind": ([{"hospitaldischargestatus": "Home"}], "aside: not a status: hospitaldischargestatus"),
    "died": ([{"hospitaldischargestatus": "EXPIRED"}], "1 0 3000 64 True 101"),
    "hospital admission after the unit's": ([{"hospitaladmitoffset": 40}], "1 0 3000 64 False 99.3333"),
    "hospital admission blank": ([{"hospitaladmitoffset": ""}], "1 0 3000 64 False -"),
    "two unit stays of one hospital stay overlap": (
        [{}, {"patientunitstayid": 2, "hospitaladmitoffset": -1060, "unitdischargeoffset": 500}],
        "1 0 3000 64 False 101\n2 1000 1500 64 False 117.667",
    ),
    "two hospital stays of one patient": (
        [{}, {"patientunitstayid": 2, "patienthealthsystemstayid": 102, "hospitaldischargeyear": 2015}],
        f"1 0 3000 64 False 101\n2 {365 * DAY} {365 * DAY + 3000} 64 False 101",
    ),
}


def becomes(folder: Path, table: str, rows: list[Row]) -> str:
    """What one table makes of rows, as text: its events, then why rows and values were set aside."""
    path = folder / f"{table}.csv"
    path.write_bytes(csv_text(COLUMNS[table], [dict.fromkeys(COLUMNS[table], "") | row for row in rows]))
    (block,) = read_blocks(path, TABLES[table].raw)
    made = convert_block(block, TABLES[table], EICU.stay_id, SHARDS)
    assert made.account.rows_in == made.account.rows_out + sum(made.account.set_aside.values())
    events = made.events.sort("minute", "code").with_columns(pl.col("numeric_value").cast(pl.Float32))
    lines = as_text(events.select("minute", "available_minute", "code", "numeric_value", "text_value"))
    aside = [f"aside: {reason}" for reason, count in made.account.set_aside.items() for _ in range(count)]
    values = [f"value aside: {reason}" for reason, count in made.account.values_set_aside.items() for _ in range(count)]
    return "\n".join([*filter(None, [lines]), *aside, *values])


@pytest.mark.parametrize("case", ROWS)
def test_a_row(tmp_path: Path, case: str):
    table, row, outcome = ROWS[case]
    assert becomes(tmp_path, table, [row]) == outcome


@pytest.mark.parametrize("case", STAYS)
def test_a_stay(tmp_path: Path, case: str):
    rows, outcome = STAYS[case]
    raw = RawEicu()
    for row in rows:
        raw.patient(1, **(STAY | row))
    path = tmp_path / "patient.csv"
    path.write_bytes(csv_text(COLUMNS["patient"], raw.rows["patient"]))
    (block,) = read_blocks(path, EICU.stay_table)
    read = stay_rows(numbered(block, EICU.stay_table))
    made = stays(read)
    zero = made["start"].min()
    minutes = [((pl.col(name) - zero).dt.total_minutes()).alias(name) for name in ("start", "end")]
    lines = (
        as_text(made.sort("stay_id").select("stay_id", *minutes, "age", "died_in_hospital", "los_h"))
        if made.height
        else ""
    )
    aside = ", ".join(sorted(read["reason"].drop_nulls()))
    counted = demographics(read, paper=True)["reason"].drop_nulls().sort()
    values = [f"value aside: {reason}" for reason in counted]
    assert "\n".join(filter(None, [lines, aside and f"aside: {aside}", *values])) == outcome


def test_there_are_forty_cases_and_each_reason_of_the_ledger_is_one_of_them():
    print(f"{len(ROWS) + len(STAYS)} named cases")
    assert len(ROWS) + len(STAYS) >= 40
    outcomes = " ".join(outcome for *_, outcome in [*ROWS.values(), *STAYS.values()])
    every = [ODD_STAYS, DOUBTFUL_STAYS, *ODD.values()]
    reasons = {reason.partition(":")[0] for changes in every for reason in changes}
    assert {reason for reason in reasons if reason not in outcomes} == set()


def test_equal_rows_are_one_row_however_far_apart(tmp_path: Path):
    raw = RawEicu().patient(1).patient(2)
    lab = LAB | {"labid": "5"}
    raw.add("lab", **lab)
    for minute in range(50):
        raw.add("lab", **LAB | {"labresultoffset": str(minute)})
    raw.add("lab", **lab).add("lab", **lab | {"labid": " 5"})
    raw.add("lab", **lab | {"patientunitstayid": "2"}).add("lab", **lab | {"labid": "6"})
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["lab"] == {"rows_in": 55, "rows_out": 53, "set_aside": {"duplicate row": 2}}
    assert data.events.filter(pl.col("code").str.starts_with("LAB")).height == 53


def test_an_orphan_is_a_subject_of_its_own_and_one_hospital_stay_is_one_person(tmp_path: Path):
    raw = RawEicu().patient(1).patient(2, uniquepid="").patient(3, uniquepid="", patienthealthsystemstayid="")
    raw.patient(4, uniquepid="", patienthealthsystemstayid=102).patient(5, uniquepid="002-1")
    table = prepare(raw.write(tmp_path / "raw"), tmp_path / "data").stays.sort("stay_id")
    subjects = dict(table.select("stay_id", "subject_id").iter_rows())
    assert table["orphan"].to_list() == [False, True, True, True, False]
    assert subjects[1] == subjects[5]
    assert subjects[2] == subjects[4]
    assert len(set(subjects.values())) == 3


def test_one_id_for_everybody_is_a_placeholder_and_is_refused(tmp_path: Path):
    raw = RawEicu()
    for stay in range(1, 1_003):
        raw.patient(stay, uniquepid="unknown")
    with pytest.raises(SourceError, match="more than 1000 hospital stays share one uniquepid"):
        prepare(raw.write(tmp_path / "raw"), tmp_path / "data")


@pytest.mark.parametrize("rows", [0, 3], ids=["no rows", "no good row"])
def test_a_folder_without_a_stay_says_why(tmp_path: Path, rows: int):
    raw = RawEicu({"patient": []})
    for stay in range(rows):
        raw.patient(stay, age="old")
    said = "unreadable age: 3" if rows else "no rows"
    with pytest.raises(SourceError, match=rf"patient\.csv\.gz holds no usable stay \({said}\)"):
        prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_stay_without_events_is_still_a_stay(tmp_path: Path):
    raw = RawEicu().patient(1, age="", gender="", ethnicity="", unitvisitnumber="", hospitaladmitoffset="")
    data = prepare(raw.patient(2).write(tmp_path / "raw"), tmp_path / "data", "paper")
    assert data.stays.sort("stay_id").select("n_events", "modalities").rows() == [(0, []), (3, ["demographics"])]


def test_the_values_that_demographics_set_aside_are_counted(tmp_path: Path):
    raw = RawEicu().patient(1, admissionheight="15.2", admissionweight="0.5").patient(2, admissionheight="180")
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["patient"]["values_set_aside"] == {"implausible value": 2}


def test_every_planted_doubtful_value_is_counted_and_its_stay_stays(tmp_path: Path):
    raw, _ = planted(3)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    expected = dict.fromkeys(DOUBTFUL_STAYS, 1) | {"implausible value": 1}  # minus 1.5 hours before the unit
    assert data.ledger["patient"]["values_set_aside"] == expected
    assert data.stays["end"].null_count() == 2
    assert data.stays["hospital_end"].null_count() == data.stays["los_h"].null_count() == 3
    assert (data.stays["age"].null_count(), data.stays["year"].null_count()) == (1, 1)


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """The three stays of `tiny`: the unit discharge of 1 is blank, that of 2 impossible, that of 3 as it was."""
    folder, odd = tmp_path_factory.mktemp("endless"), {"1": "", "2": "-37"}
    raw = tiny().changed(
        "patient", lambda row: row | {"unitdischargeoffset": odd.get(row["patientunitstayid"], "3000")}
    )
    return prepare(raw.write(folder / "raw"), folder / "data")


def test_a_stay_without_an_end_keeps_every_event(endless: Data, tmp_path: Path):
    whole = prepare(tiny().write(tmp_path / "raw"), tmp_path / "data")
    assert endless.events.equals(whole.events)
    assert endless.stays.drop("end").equals(whole.stays.drop("end"))
    assert endless.stays.sort("stay_id")["end"].is_null().to_list() == [True, True, False]
    account = {"rows_in": 3, "rows_out": 3, "set_aside": {}}
    assert endless.ledger["patient"] == account | {"values_set_aside": {"unit discharge before admission": 1}}


@pytest.mark.parametrize(
    ("window", "taken"),
    [
        (Window(), [1, 2, 3]),
        (Window(at_h=0), [1, 2, 3]),
        (Window("paper", None), [2, 3]),
        (Window("paper", 12), [3]),
    ],
    ids=str,
)
def test_a_stay_without_an_end_is_pretrained_on_and_asked_nothing(endless: Data, window: Window, taken: list[int]):
    """Stay 1 is too old for the paper, whose stays at an hour must still be in the unit."""
    data = open_data(endless.folder, window)
    chosen = data.cohort(None)
    assert chosen.frame["stay_id"].to_list() == taken
    featuriser = fit_featuriser(data.lines, chosen, InputSettings())
    store = event_store(data.lines, chosen, featuriser, sequences=True)
    assert store.observed.any(axis=1).all()
    modalities_past_prediction(data, chosen, store.modalities)
    for task in TASKS.values():
        if task.derived:  # eICU does not bill
            continue
        if task.began == "start" and window.at_h is None:  # refused: the end is the answer
            continue
        asked = data.cohort(task)
        assert asked.frame["stay_id"].to_list() == [3]
        assert asked.excluded["end of the unit stay unknown"] == (1 if window.protocol == "paper" else 2)


def test_a_folder_with_stays_without_an_end_can_be_described(endless: Data, tmp_path: Path):
    described = describe(endless.folder, tmp_path / "out", quiet=True)
    assert {row["variable"] for row in described["table_one"]} >= {"hospital stay", "unit stay"}
    assert (tmp_path / "out" / "report.html").is_file()


NASTY = (
    *(
        "",
        " ",
        "-0",
        "0",
        "1e308",
        "-1e308",
        "1e309",
        "NaN",
        "nan",
        "inf",
        "-Infinity",
        "1e-320",
        "1_000",
        "0x1F",
        "--1",
    ),
    *(
        "9007199254740993",
        "99999999999999999999",
        "-1",
        "1.5",
        "1,5",
        "12:30",
        "n/a",
        "null",
        "True",
        "²",
        "٣",
        "\u200b",
        "🩺",
    ),
    *(
        "-527040",
        "527041",
        "5e5",
        "> 89",
        "300",
        "1.0",
        "+7",
        "\\",
        "//",
        "%",
        "(",
        "()",
        "a (b",
        "x" * 3000,
        "\ttab\t",
        '"',
        "\n",
    ),
)
"""Values of any kind for any column."""


def nasty_rows(table: str, rng: random.Random, count: int) -> list[Row]:
    rows = []
    for number in range(count):
        row = dict(rng.choice(tiny().rows[table])) | {COLUMNS[table][0]: str(number)}
        for column in rng.sample(COLUMNS[table], rng.randint(1, 4)):
            row[column] = rng.choice(NASTY)
        rows.append(row)
    return rows


def faults_of(events: pl.DataFrame) -> int:
    """Candidates that may not exist: not finite in 32 bits, no code, no time, a year (and an hour) off, known early."""
    infinite = ~pl.col("numeric_value").cast(pl.Float32).is_finite()
    away = pl.max_horizontal(pl.col("minute").abs(), pl.col("available_minute").abs()) > YEAR_MIN + 60
    early = pl.col("available_minute") < pl.col("minute")
    blank = pl.any_horizontal(pl.col("code", "minute", "available_minute").is_null())
    wrong = [each.fill_null(False) for each in (infinite, away, early)]
    return events.filter(pl.any_horizontal(*wrong, blank)).height


@pytest.mark.slow
def test_no_odd_value_gives_a_non_finite_event(tmp_path: Path):
    rng, count, events, wrong = random.Random(14), max(500, round(10_000 * SCALE)), 0, 0
    for _ in range(count // 20):
        table = rng.choice(sorted(TABLES))
        path = tmp_path / f"{table}.csv"
        path.write_bytes(csv_text(COLUMNS[table], nasty_rows(table, rng, 20)))
        for block in read_blocks(path, TABLES[table].raw):
            made = convert_block(block, TABLES[table], EICU.stay_id, SHARDS)
            assert made.account.rows_in == 20 == made.account.rows_out + sum(made.account.set_aside.values())
            events, wrong = events + made.events.height, wrong + faults_of(made.events)
    assert events > count / 4
    assert wrong == 0
    print(f"odd rows that gave a wrong event: {none_of(count)}")


def impossible_times(made: pl.DataFrame) -> int:
    """Stays that end before they begin, or more than a year later."""
    unit, hospital = (pl.col(end) - pl.col(start) for start, end in (("start", "end"), ("start", "hospital_end")))
    wrong = [(span < pl.duration(minutes=0)) | (span > pl.duration(minutes=YEAR_MIN)) for span in (unit, hospital)]
    negative = pl.col("hospital_end") < pl.col("hospital_start")
    return made.filter(pl.any_horizontal(*wrong, negative, pl.col("los_h") < 0).fill_null(False)).height


def test_control_a_reader_that_believes_every_time_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    raw = RawEicu()
    for number, change in enumerate(DOUBTFUL_STAYS.values()):
        raw.patient(number, **change)
    path = tmp_path / "patient.csv"
    path.write_bytes(csv_text(COLUMNS["patient"], raw.rows["patient"]))
    (block,) = read_blocks(path, EICU.stay_table)
    assert impossible_times(stays(stay_rows(numbered(block, EICU.stay_table)))) == 0
    monkeypatch.setattr(sys.modules["wardround.sources.eicu.stays"], "_doubts", list)
    assert impossible_times(stays(stay_rows(numbered(block, EICU.stay_table)))) == 5


@pytest.mark.slow
def test_no_odd_stay_breaks_the_calendar(tmp_path: Path):
    rng, rounds = random.Random(15), max(10, round(200 * SCALE))
    for number in range(rounds):
        rows = tiny().rows["patient"] + nasty_rows("patient", rng, 30)
        path = tmp_path / "patient.csv"
        path.write_bytes(csv_text(COLUMNS["patient"], rows))
        (block,) = read_blocks(path, EICU.stay_table)
        read = stay_rows(numbered(block, EICU.stay_table))
        try:
            made = stays(read)
        except WardroundError:
            continue
        assert made.height == read["reason"].null_count(), number
        assert made["age"].is_finite().fill_null(True).all()
        assert impossible_times(made) == 0, number
        assert made["stay_id"].is_unique().all()
        assert made["start"].dt.year().is_between(2001, 2001 + 40).all()
        assert faults_of(demographics(read, paper=False).filter(pl.col("reason").is_null())) == 0
    print(f"folders whose stays break: {none_of(rounds)}")


def test_a_reader_that_lets_odd_values_through_is_caught():
    """Negative control: what the checker must see."""
    event = {"minute": 0, "available_minute": 0, "code": "LAB//x", "numeric_value": 1.0}
    faults = [
        {"numeric_value": math.nan},
        {"numeric_value": math.inf},
        {"numeric_value": 1e308},
        {"code": None},
        {"minute": 600_000, "available_minute": 600_000},
        {"minute": None},
        {"available_minute": -1},
    ]
    schema = {"minute": pl.Int64, "available_minute": pl.Int64, "code": pl.String, "numeric_value": pl.Float64}
    assert faults_of(pl.DataFrame([event], schema=schema)) == 0
    assert [faults_of(pl.DataFrame([event | fault], schema=schema)) for fault in faults] == [1] * len(faults)


@pytest.mark.parametrize(("line", "reason"), ODD_LINES)
def test_an_odd_line_of_the_challenge_has_one_rule(line: str, reason: str):
    made = converted("01:00,HR,70", line)
    assert made.events.height == 1
    assert made.account.as_json() == {"rows_in": 2, "rows_out": 1, "set_aside": {reason: 1}}


MEDS_VALUES: dict[str, tuple[dict[str, object], str]] = {
    # case: (what is changed in a pulse of 60 at 03:00, what becomes of it)
    "a row like any other": ({}, "HR 60 -"),
    "value NaN": ({"numeric_value": math.nan}, "HR - -\nvalue aside: not a number: numeric_value"),
    "value infinite": ({"numeric_value": -math.inf}, "aside: implausible value"),
    "value 1e308": ({"numeric_value": 1e308}, "aside: implausible value"),
    "value minus zero": ({"numeric_value": -0.0}, "HR 0 -"),
    "value too small for a 32-bit float": ({"numeric_value": 1e-300}, "HR 0 -"),
    "no value at all": ({"numeric_value": None}, "HR - -"),
    "text of no length": ({"text_value": ""}, "HR 60 -"),
    "text with blanks around": ({"text_value": " x "}, "HR 60  x "),
    "code of no length": ({"code": ""}, "aside: no code"),
    "code with a blank after it": ({"code": "HR "}, "aside: code of no modality"),
    "subject below zero": ({"subject_id": -5}, "aside: subject without a stay"),
    "time beyond every calendar": ({"time": datetime(9999, 12, 31)}, "aside: outside every stay"),
    "time of year one": ({"time": datetime(1, 1, 1)}, "aside: outside every stay"),
    "the minute of discharge": ({"time": datetime(2150, 1, 5, 12)}, "HR 60 -"),
    "a microsecond after discharge": ({"time": datetime(2150, 1, 5, 12, 0, 0, 1)}, "aside: outside every stay"),
    "six hours before the hospital": ({"time": datetime(2150, 1, 1, 2)}, "HR 60 -"),
    "more than six hours before": ({"time": datetime(2150, 1, 1, 1, 59, 59)}, "aside: outside every stay"),
}


@pytest.mark.parametrize("case", MEDS_VALUES)
def test_an_odd_value_of_meds_has_one_rule(case: str, tmp_path: Path):
    change, becomes = MEDS_VALUES[case]
    raw = raw_meds.tiny()
    before = raw_meds.prepare(raw.write(tmp_path / "before"), tmp_path / "before-data")
    raw.rows.append(raw_meds.pulse(1) | {"time": datetime(2150, 1, 2, 3), "numeric_value": 60.0} | change)
    raw.kinds = raw_meds.KINDS | {"numeric_value": pl.Float64}
    data = raw_meds.prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    new = data.events.join(before.events, on=data.events.columns, how="anti", nulls_equal=True)
    said = [as_text(new.select("code", "numeric_value", "text_value"))] if new.height else []
    for kind, words in (("set_aside", "aside"), ("values_set_aside", "value aside")):
        known = before.ledger["data"].get(kind, {})
        found = data.ledger["data"].get(kind, {})
        said += [f"{words}: {reason}" for reason, count in found.items() if count > known.get(reason, 0)]
    assert "\n".join(said) == becomes
