"""MIMIC-III's chartevents as events, of CareVue and of MetaVision: expected tables written out."""

import csv
from pathlib import Path

import pytest

from raw_eicu import demo_folder
from raw_mimic3 import RawMimic3, events, prepare
from wardround.sources.mimic.items import METAVISION, PAPER_CODES
from wardround.sources.mimic3.carevue_items import CAREVUE
from wardround.sources.mimic3.chart import CHART
from wardround.sources.units import EICU_LABS, VITALS

AT = {"charttime": "2151-01-01 13:00:00", "storetime": "2151-01-01 13:20:00"}
INPUTS = ("lab", "vitals", "blood_gas", "neurology")


def charted(folder: Path, *rows: dict[str, object], modalities: tuple[str, ...] = INPUTS) -> str:
    """Charted rows of stay 1 as "minute known code value text"."""
    raw = RawMimic3().named().stay(1)
    for row in rows:
        raw.add("chartevents", 1, **AT | row)
    return "\n".join(line.removeprefix("1 ") for line in events(folder, raw, *modalities).splitlines())


def number(item: int, value: float, unit: str = "", **others: object) -> dict[str, object]:
    return {"itemid": item, "value": value, "valuenum": value, "valueuom": unit} | others


def test_the_17_variables_of_carevue_in_their_units(tmp_path: Path):
    rows = [
        number(211, 88, "BPM"),
        number(618, 18, "BPM"),
        number(614, 12, "BPM"),
        number(646, 97, "%"),
        *(number(item, 60 + place, "mmHg") for place, item in enumerate((51, 8368, 52, 455, 8441, 456))),
        number(678, 98.6, "Deg. F"),
        number(676, 37.5, "Deg. C"),
        {"itemid": 3348, "value": "Brisk"},
        {"itemid": 115, "value": "Delayed"},
        {"itemid": 184, "value": "3 To speech", "valuenum": 3},
        {"itemid": 454, "value": "6 Obeys Commands", "valuenum": 6},
        {"itemid": 723, "value": "1.0 ET/Trach", "valuenum": 1},
        number(198, 10, "points"),
        number(190, 0.5, "torr"),
        number(3420, 40),
        number(780, 7.31),
        number(807, 140),
        number(811, 150),
        number(763, 81.5, "kg"),
    ]
    assert charted(tmp_path, *rows) == "\n".join(
        [
            "60 80 LAB//FiO2//% 40 -",
            "60 80 LAB//FiO2//% 50 -",
            "60 80 LAB//bedside glucose//mg/dL 140 -",
            "60 80 LAB//glucose//mg/dL 150 -",
            "60 80 LAB//pH// 7.31 -",
            "60 80 VITAL//capillary refill// 0 -",
            "60 80 VITAL//capillary refill// 1 -",
            "60 80 VITAL//gcs eyes// 3 -",
            "60 80 VITAL//gcs motor// 6 -",
            "60 80 VITAL//gcs verbal// 1 1.0 ET/Trach",
            "60 80 VITAL//gcs// 10 -",
            "60 80 VITAL//heartrate//bpm 88 -",
            "60 80 VITAL//noninvasivediastolic//mmHg 64 -",
            "60 80 VITAL//noninvasivemean//mmHg 65 -",
            "60 80 VITAL//noninvasivesystolic//mmHg 63 -",
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
        (number(762, 90, "kg"), "WEIGHT//kg 90 -"),
        (number(920, 70, "inches"), "HEIGHT//cm 177.8 -"),
        (number(226531, 200), "WEIGHT//kg 90.7185 lb"),
    ],
)
def test_sizes_are_of_the_patient(tmp_path: Path, row: dict[str, object], expected: str):
    assert f"60 80 {expected}" in charted(tmp_path, row, modalities=("demographics",)).splitlines()


def test_metavision_reads_as_in_mimic_iv_without_a_sign_for_degrees(tmp_path: Path):
    rows = (number(223761, 98.6, "?F"), number(223762, 37.5, "?C"), number(220045, 80, "bpm"))
    assert charted(tmp_path, *rows) == "\n".join(
        [
            "60 80 VITAL//heartrate//bpm 80 -",
            "60 80 VITAL//temperature//C 37 -",
            "60 80 VITAL//temperature//C 37.5 -",
        ]
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (number(220045, 88, "bpm", error=1), "charted in error"),
        (number(211, 900, "BPM"), "implausible value"),
        (number(220045, 88, "mmHg"), "unknown unit"),
        ({"itemid": 211, "value": "see note"}, "no number"),
        ({"itemid": 467}, "no value"),
        (number(211, 88, icustay_id=""), "blank stay id"),
        (number(211, 88, icustay_id=7), "no such stay"),
        (number(211, 88, subject_id=7), "stay of another subject"),
        (number(211, 88, charttime=""), "no time"),
    ],
)
def test_each_odd_row_has_one_reason(tmp_path: Path, row: dict[str, object], reason: str):
    raw = RawMimic3().named().stay(1).add("chartevents", 1, **AT | row)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["chartevents"] == {"rows_in": 1, "rows_out": 0, "set_aside": {reason: 1}}


def test_other_items_of_carevue_keep_their_names(tmp_path: Path):
    rows = (
        number(535, 22, "cmH2O"),
        number(677, 37, "Deg. C"),
        {"itemid": 467, "value": "Nasal Cannula"},
    )
    assert charted(tmp_path, *rows, modalities=("vitals",)) == "60 80 CHART//Peak Insp. Pressure//cmH2O 22 -"
    raw = RawMimic3().named().stay(1)
    for row in rows:
        raw.add("chartevents", 1, **AT | row)
    assert events(tmp_path / "again", raw, "charting") == "\n".join(
        ["1 60 80 CHART//O2 Delivery Device - Nasal Cannula", "1 60 80 CHART//Temperature C (calc)//Deg. C 37 -"]
    )


def test_the_paper_takes_its_variables_alone(tmp_path: Path):
    raw = RawMimic3().named().stay(1)
    for row in (number(211, 88), number(198, 15), number(535, 22), number(113, 9)):
        raw.add("chartevents", 1, **AT | row)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data", "paper")
    assert data.ledger["chartevents"]["set_aside"] == {"none of the 17 variables": 2}


def test_codes_are_those_that_other_databases_have_for_the_same():
    shared = {f"VITAL//{name}//{each.unit}" for name, each in VITALS.items()}
    shared |= {f"LAB//{name}//{each.unit}" for name, each in EICU_LABS.items()} | {"WEIGHT//kg", "HEIGHT//cm"}
    shared |= {item.code for item in METAVISION.values()}
    assert {item.code for item in CAREVUE.values()} <= shared
    assert {item.code for item in CAREVUE.values()} >= PAPER_CODES
    assert all(item < 220_000 for item in CAREVUE)


LEFT_OUT = {
    **dict.fromkeys((677, 679), "computed from the temperature beside it"),
    3655: "of the skin",
    **dict.fromkeys((1673, 3839), "a pH of who knows what"),
    **dict.fromkeys((3581, 3582), "the weight that stands in kg beside it, in pounds and ounces"),
    8498: "a saturation after something",
    **dict.fromkeys((834, 220227), "arterial saturation is a blood gas here, not SpO2"),
    **dict.fromkeys((50817,), "the same of the laboratory"),
    **dict.fromkeys((51478, 51491, 50831, 51094), "not of blood"),
}
OF_US = {
    **dict.fromkeys((190,), "the fraction that is set, as in the MIMIC Code Repository"),
    **dict.fromkeys((762, 920), "weight and height at admission, as in the MIMIC Code Repository"),
}


@pytest.mark.data
def test_the_items_of_the_17_variables_are_those_of_mimic3_benchmarks():
    """Each way: all of its items but those left out for a reason, and no other of CareVue than two told ones."""
    path = demo_folder("codemaps") / "mimic3-benchmarks" / "itemid_to_variable_map.csv"
    with path.open(newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["STATUS"] == "ready" and int(row["COUNT"] or 0) > 0]
    chart = {int(row["ITEMID"]) for row in rows if row["LINKSTO"] == "chartevents"}
    labs = {int(row["ITEMID"]) for row in rows if row["LINKSTO"] == "labevents"}
    ours = {item for item, each in CHART.items.items() if each.code in PAPER_CODES}
    assert len(chart) > 80
    assert chart - ours == LEFT_OUT.keys() - labs
    assert {item for item in ours - chart if item in CAREVUE} == OF_US.keys()
    assert labs - LEFT_OUT.keys() == {50931, 50809, 50820}
