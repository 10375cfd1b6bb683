"""MIMIC-IV's chartevents as events: expected tables written out."""

import csv
from pathlib import Path

import polars as pl
import pytest

from raw_eicu import demo_folder
from raw_mimic4 import RawMimic4, events, prepare
from wardround.sources.mimic.items import METAVISION, PAPER_CODES
from wardround.sources.units import EICU_LABS, VITALS

AT = {"charttime": "2151-01-01 13:00:00", "storetime": "2151-01-01 13:20:00"}
ALL = ("demographics", "lab", "vitals", "blood_gas", "neurology", "charting")


def charted(folder: Path, *rows: dict[str, object], modalities: tuple[str, ...] = ALL[1:]) -> str:
    """Charted rows of stay 1 as "minute known code value text"."""
    raw = RawMimic4().named().stay(1)
    for row in rows:
        raw.add("icu/chartevents", 1, **AT | row)
    return "\n".join(line.removeprefix("1 ") for line in events(folder, raw, *modalities).splitlines())


def number(item: int, value: float, unit: str = "", **others: object) -> dict[str, object]:
    return {"itemid": item, "value": value, "valuenum": value, "valueuom": unit} | others


def test_the_17_variables_in_their_units(tmp_path: Path):
    rows = [
        number(220045, 88, "bpm"),
        number(220210, 18, "insp/min"),
        number(224422, 12, "bpm"),
        number(220277, 97, "%"),
        *(number(item, 60 + item % 3, "mmHg") for item in (220050, 220051, 220052, 220179, 220180, 220181)),
        number(223761, 98.6, "°F"),
        number(223762, 37.5, "°C"),
        {"itemid": 223951, "value": "Normal <3 Seconds"},
        {"itemid": 224308, "value": "Abnormal >3 Seconds"},
        *({"itemid": item, "value": "x", "valuenum": 3} for item in (220739, 223901)),
        {"itemid": 223900, "value": "No Response-ETT", "valuenum": 1},
        number(223835, 50),
        number(223830, 7.31, "units"),
        number(225664, 140),
        number(224639, 81.5, "kg"),
    ]
    assert charted(tmp_path, *rows) == "\n".join(
        [
            "60 80 LAB//FiO2//% 50 -",
            "60 80 LAB//bedside glucose//mg/dL 140 -",
            "60 80 LAB//pH// 7.31 -",
            "60 80 VITAL//capillary refill// 0 -",
            "60 80 VITAL//capillary refill// 1 -",
            "60 80 VITAL//gcs eyes// 3 -",
            "60 80 VITAL//gcs motor// 3 -",
            "60 80 VITAL//gcs verbal// 1 No Response-ETT",
            "60 80 VITAL//heartrate//bpm 88 -",
            "60 80 VITAL//noninvasivediastolic//mmHg 61 -",
            "60 80 VITAL//noninvasivemean//mmHg 62 -",
            "60 80 VITAL//noninvasivesystolic//mmHg 60 -",
            "60 80 VITAL//respiration///min 18 -",
            "60 80 VITAL//sao2//% 97 -",
            "60 80 VITAL//spontaneous respiration///min 12 -",
            "60 80 VITAL//systemicdiastolic//mmHg 61 -",
            "60 80 VITAL//systemicmean//mmHg 62 -",
            "60 80 VITAL//systemicsystolic//mmHg 60 -",
            "60 80 VITAL//temperature//C 37 -",
            "60 80 VITAL//temperature//C 37.5 -",
            "60 80 VITAL//weight//kg 81.5 -",
        ]
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (number(226531, 200), "WEIGHT//kg 90.7185 lb"),
        (number(226512, 90, "kg"), "WEIGHT//kg 90 -"),
        (number(226707, 70, "Inch"), "HEIGHT//cm 177.8 -"),
        (number(226730, 178, "cm"), "HEIGHT//cm 178 -"),
        (number(223835, 0.5), "LAB//FiO2//% 50 -"),
        (number(223835, 1.0), "LAB//FiO2//% 100 -"),
        (number(223762, 98.6, "°C"), "VITAL//temperature//C 37 -"),
        (number(223761, 37.0, "C"), "VITAL//temperature//C 37 -"),
        (number(220621, 10.0, "mmol/L"), "LAB//glucose//mg/dL 180.18 -"),
    ],
)
def test_conversions(tmp_path: Path, row: dict[str, object], expected: str):
    lines = charted(tmp_path, row, modalities=ALL).splitlines()
    assert [line.split(" ", 2)[2] for line in lines if line.startswith("60 ")] == [expected]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (number(220045, 0, "bpm"), "implausible value"),
        (number(220052, 801, "mmHg"), "implausible value"),
        (number(223761, 37.0, "°F"), "implausible value"),
        (number(223835, 0.0), "implausible value"),
        (number(220045, 88, "mmHg"), "unknown unit"),
        ({"itemid": 220045, "value": "see note"}, "no number"),
        ({"itemid": 223951, "value": "Slow"}, "no number"),
        ({"itemid": 220048}, "no value"),
        ({"value": "1"}, "no code"),
        (number(220045, 88) | {"charttime": ""}, "no time"),
        (number(220045, 88) | {"charttime": "2153-01-01 00:00:00"}, "more than a year from unit admission"),
        (number(220045, 88) | {"storetime": "soon"}, "not a time: storetime"),
        (number(220045, 88) | {"stay_id": 7}, "no such stay"),
        (number(220045, 88) | {"stay_id": ""}, "blank stay id"),
        (number(220045, 88) | {"subject_id": 7}, "stay of another subject"),
    ],
)
def test_each_odd_row_has_one_reason(tmp_path: Path, row: dict[str, object], reason: str):
    raw = RawMimic4().named().stay(1).add("icu/chartevents", 1, **AT | row)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["chartevents"] == {"rows_in": 1, "rows_out": 0, "set_aside": {reason: 1}}


def test_a_value_is_known_when_it_was_stored_and_not_before_it_was_charted(tmp_path: Path):
    rows = [number(220045, 81, storetime="2151-01-01 12:30:00"), number(220045, 82, storetime="2151-01-03 00:00:00")]
    assert charted(tmp_path, *rows) == "60 60 VITAL//heartrate//bpm 81 -\n60 2160 VITAL//heartrate//bpm 82 -"


def test_without_a_storetime_there_is_a_stated_delay_longer_for_results_of_the_laboratory(tmp_path: Path):
    rows = [number(item, value, storetime="") for item, value in ((220045, 80), (220621, 120), (225664, 130))]
    rows += [number(220224, 90, storetime=""), number(999, 5, storetime="")]
    assert charted(tmp_path, *rows) == "\n".join(
        [
            "60 120 CHART//999// 5 -",
            "60 120 LAB//bedside glucose//mg/dL 130 -",
            "60 120 LAB//paO2//mm Hg 90 -",
            "60 120 VITAL//heartrate//bpm 80 -",
            "60 240 LAB//glucose//mg/dL 120 -",
        ]
    )


def test_a_number_that_is_no_item_takes_no_name_from_the_one_next_to_it(tmp_path: Path):
    rows = [number(220045, 80) | {"itemid": "220046.6"}, number(220047, 50) | {"storetime": ""}]
    assert charted(tmp_path, *rows) == "60 120 CHART//Heart Rate Alarm - Low// 50 -"


@pytest.mark.parametrize("written", ["{}", "{}.0"])
def test_other_items_keep_their_names_and_words_are_charting(tmp_path: Path, written: str):
    rows = [
        number(224695, 22, "cmH2O"),
        {"itemid": 228096, "value": "+1 Anxious, apprehensive, but not aggressive", "valuenum": 1},
        {"itemid": 220048, "value": "AF (Atrial Fibrillation)"},
        {"itemid": 223848, "value": "Drager", "valuenum": 1},
        number(220047, 50, "bpm"),
    ]
    raw = RawMimic4().named().stay(1)
    for row in rows:
        raw.add("icu/chartevents", 1, **AT | row | {"itemid": written.format(row["itemid"])})
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    made = data.events.filter(pl.col("modality") != "demographics").sort("code")
    assert made.select("modality", "code", "numeric_value", "text_value").rows() == [
        ("charting", "CHART//Heart Rate Alarm - Low//bpm", 50.0, None),
        ("charting", "CHART//Heart Rhythm", None, "AF (Atrial Fibrillation)"),
        ("vitals", "CHART//Peak Insp. Pressure//cmH2O", 22.0, None),
        ("neurology", "CHART//Richmond-RAS Scale//", 1.0, "+1 Anxious, apprehensive, but not aggressive"),
        ("charting", "CHART//Ventilator Type//", 1.0, "Drager"),
    ]


def test_the_paper_takes_its_variables_alone(tmp_path: Path):
    raw = RawMimic4().named().stay(1)
    for row in (number(220045, 88), number(224695, 22), number(220074, 9)):
        raw.add("icu/chartevents", 1, **AT | row)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data", "paper")
    assert data.ledger["chartevents"]["set_aside"] == {"none of the 17 variables": 2}


def test_codes_are_those_that_other_databases_have_for_the_same():
    shared = {f"VITAL//{name}//{each.unit}" for name, each in VITALS.items()}
    shared |= {f"LAB//{name}//{each.unit}" for name, each in EICU_LABS.items()} | {"WEIGHT//kg", "HEIGHT//cm"}
    own = {item.code for item in METAVISION.values()} - shared
    assert own == {"VITAL//capillary refill//", *(f"VITAL//gcs {part}//" for part in ("eyes", "motor", "verbal"))}
    assert PAPER_CODES - {item.code for item in METAVISION.values()} == {"VITAL//gcs//"}, (
        "a sum there, an item of CareVue"
    )


VARIABLES = {
    "Capillary refill rate",
    "Diastolic blood pressure",
    "Fraction inspired oxygen",
    "Glascow coma scale eye opening",
    "Glascow coma scale motor response",
    "Glascow coma scale verbal response",
    "Glucose",
    "Heart Rate",
    "Height",
    "Mean blood pressure",
    "Oxygen saturation",
    "Respiratory rate",
    "Systolic blood pressure",
    "Temperature",
    "Weight",
    "pH",
}


@pytest.mark.data
def test_every_item_of_mimic3_benchmarks_for_the_17_variables_is_one_of_them():
    """Its map, of which MIMIC-IV has the items of MetaVision; arterial saturation is a blood gas here, not SpO2."""
    path = demo_folder("codemaps") / "mimic3-benchmarks" / "itemid_to_variable_map.csv"
    with path.open(newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["LEVEL2"] in VARIABLES and row["STATUS"] == "ready"]
    wanted = {int(row["ITEMID"]) for row in rows if row["LINKSTO"] == "chartevents" and int(row["ITEMID"]) >= 220_000}
    assert len(wanted) > 30
    assert wanted - METAVISION.keys() == set()
    assert {item for item in wanted if METAVISION[item].code not in PAPER_CODES} == {220227}
