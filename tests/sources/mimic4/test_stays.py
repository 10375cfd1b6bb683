"""MIMIC-IV's unit stays with their patients and hospital stays, and the demographics at admission."""

from pathlib import Path

import polars as pl
import pytest

from raw_eicu import as_text
from raw_mimic4 import RawMimic4, events, prepare


def stays(raw: RawMimic4, folder: Path, *columns: str) -> str:
    table = prepare(raw.write(folder / "raw"), folder / "data").stays.sort("stay_id")
    return as_text(table.select("stay_id", *columns))


def test_a_stay_is_of_a_patient_and_a_hospital_stay(tmp_path: Path):
    raw = RawMimic4().stay(1).stay(2, 101, 1001, intime="2151-01-04 00:00:00", outtime="2151-01-05 06:30:00")
    columns = ("subject_id", "start", "end", "hospital_start", "hospital_end", "sex", "los_h", "orphan")
    assert stays(raw, tmp_path, *columns) == "\n".join(
        [
            "1 101 2151-01-01 12:00:00 2151-01-03 12:00:00 2151-01-01 06:00:00 2151-01-06 12:00:00 Female 126 False",
            "2 101 2151-01-04 00:00:00 2151-01-05 06:30:00 2151-01-01 06:00:00 2151-01-06 12:00:00 Female 126 False",
        ]
    )


@pytest.mark.parametrize(
    ("anchor", "year", "age"),
    [(60, 2150, "61"), (60, 2151, "60"), (91, 2151, "90"), (89, 2148, "90"), ("", 2151, "-"), (60, 2213, "-")],
)
def test_age_is_the_anchor_moved_by_the_years_since_and_no_more_than_90(
    tmp_path: Path, anchor: object, year: int, age: str
):
    assert stays(RawMimic4().stay(1, anchor_age=anchor, anchor_year=year), tmp_path, "age") == f"1 {age}"


def test_year_is_the_middle_of_the_group_moved_as_the_age(tmp_path: Path):
    raw = RawMimic4().stay(1).stay(2, anchor_year=2148, anchor_year_group="2017 - 2019").stay(3, anchor_year_group="")
    assert stays(raw, tmp_path, "year") == "1 2013\n2 2021\n3 -"


@pytest.mark.parametrize(
    ("values", "death"),
    [
        ({}, "-"),
        ({"dod": "2151-02-10"}, "2151-02-11 00:00:00"),
        ({"dod": "2151-01-03", "deathtime": "2151-01-03 10:00:00", "hospital_expire_flag": 1}, "2151-01-03 10:00:00"),
        ({"dod": "2150-12-30"}, "-"),
    ],
)
def test_the_time_of_death_is_that_in_hospital_or_the_end_of_its_day(
    tmp_path: Path, values: dict[str, object], death: str
):
    assert stays(RawMimic4().stay(1, **values), tmp_path, "death") == f"1 {death}"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "False False 2151-01-03 12:00:00 2151-01-06 12:00:00"),
        (
            {"hospital_expire_flag": 1, "deathtime": "2151-01-03 10:00:00"},
            "True True 2151-01-03 10:00:00 2151-01-03 10:00:00",
        ),
        (
            {"hospital_expire_flag": 1, "deathtime": "2151-01-05 10:00:00"},
            "True False 2151-01-03 12:00:00 2151-01-05 10:00:00",
        ),
        ({"hospital_expire_flag": 1}, "True - 2151-01-03 12:00:00 2151-01-06 12:00:00"),
        ({"hospital_expire_flag": ""}, "- - 2151-01-03 12:00:00 2151-01-06 12:00:00"),
        ({"outtime": "", "dischtime": ""}, "False False - -"),
    ],
    ids=["alive", "in the unit", "on the ward", "no time of death", "not known", "still there"],
)
def test_death_ends_a_stay(tmp_path: Path, values: dict[str, object], expected: str):
    columns = ("died_in_hospital", "died_in_unit", "end", "hospital_end")
    assert stays(RawMimic4().stay(1, **values), tmp_path, *columns) == f"1 {expected}"


@pytest.mark.parametrize(
    ("values", "reason", "column"),
    [
        ({"outtime": "2151-01-01 11:00:00"}, "unit discharge not after admission", "end"),
        ({"outtime": "2152-01-03 12:00:00"}, "unit discharge more than a year from unit admission", "end"),
        (
            {"admittime": "2149-12-01 00:00:00"},
            "hospital admission more than a year from unit admission",
            "hospital_start",
        ),
        ({"dischtime": "2151-01-01 10:00:00"}, "hospital discharge before unit admission", "hospital_end"),
        (
            {"dischtime": "2153-01-01 10:00:00"},
            "hospital discharge more than a year from unit admission",
            "hospital_end",
        ),
        (
            {"admittime": "2151-01-07 00:00:00"},
            "hospital discharge before hospital admission",
            "hospital_end",
        ),
        ({"deathtime": "2151-01-01 02:00:00", "hospital_expire_flag": 1}, "death before admission", "died_in_unit"),
        (
            {"deathtime": "2151-01-01 07:00:00", "hospital_expire_flag": 1},
            "death before unit admission",
            "died_in_unit",
        ),
        (
            {"deathtime": "2155-01-01 07:00:00", "hospital_expire_flag": 1},
            "death more than a year from unit admission",
            "died_in_unit",
        ),
        ({"deathtime": "2151-01-05 02:00:00"}, "died before a discharge alive", "died_in_hospital"),
        ({"dod": "2150-12-31"}, "date of death before unit admission", None),
        ({"anchor_age": 5, "anchor_year": 2160}, "admitted before birth", "age"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_value_that_cannot_be_right_is_null_and_counted(
    tmp_path: Path, values: dict[str, object], reason: str, column: str | None
):
    data = prepare(RawMimic4().stay(1, **values).write(tmp_path / "raw"), tmp_path / "data")
    account = data.ledger["icustays"]
    assert (account["rows_in"], account["rows_out"]) == (1, 1)
    assert account["values_set_aside"][reason] == 1
    if column is not None:
        assert data.stays[column].to_list() == [None]


def test_values_of_patients_and_hospital_stays_are_counted_where_they_stand(tmp_path: Path):
    raw = RawMimic4().stay(1, anchor_age=300, hospital_expire_flag=2)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["patients"]["values_set_aside"] == {"impossible age": 1}
    assert data.ledger["admissions"]["values_set_aside"] == {"hospital_expire_flag not 0 or 1": 1}
    assert data.stays.select("age", "died_in_hospital").rows() == [(None, None)]


def test_the_hospital_stay_of_another_patient_tells_nothing(tmp_path: Path):
    raw = RawMimic4().stay(1)
    raw.rows["hosp/admissions"][0]["subject_id"] = "999"
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.stays.select("hospital_start", "hospital_end", "died_in_hospital").row(0) == (None, None, None)
    assert data.ledger["icustays"]["values_set_aside"]["hospital stay of another patient"] == 3


def test_rows_that_are_no_stay_have_one_reason_each(tmp_path: Path):
    raw = RawMimic4().stay(1).stay(1, 101, 1001).stay(2, intime="soon").stay(3, intime="")
    raw.stay(4, 101, 1001, intime="2151-01-02 00:00:00", outtime="2151-01-02 06:00:00")
    raw.stay(5, 101, 1001, intime="2151-01-03 00:00:00", outtime="2151-01-09 00:00:00")
    raw.stay(6, 101, 1001, intime="2151-01-03 12:00:00", outtime="2151-01-04 00:00:00")
    raw.stay(7, 101, 1001, intime="2151-01-09 00:00:00", outtime="2151-01-10 00:00:00")
    raw.stay(8).stay(8, 108, 1008, outtime="2151-01-04 00:00:00")
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["icustays"]["set_aside"] == {
        "begins inside an earlier stay of the patient": 3,
        "duplicate row": 1,
        "no time": 1,
        "not a time: intime": 1,
        "stay id used for different rows": 2,
    }
    assert data.stays["stay_id"].to_list() == [1, 7]


EIGHT = [
    "ADMISSION_LOCATION//EMERGENCY ROOM",
    "ADMISSION_TYPE//EW EMER.",
    "AGE",
    "ETHNICITY//Caucasian|WHITE",
    "GENDER//Female",
    "INSURANCE//Medicare",
    "LANGUAGE//ENGLISH",
    "MARITAL_STATUS//MARRIED",
]


def test_the_eight_static_features_of_the_paper(tmp_path: Path):
    data = prepare(RawMimic4().stay(1).write(tmp_path / "raw"), tmp_path / "data", "paper")
    assert sorted(data.events["code"]) == EIGHT
    assert (data.events["available_time"] == data.stays["start"][0]).all()


def test_the_unit_and_the_hours_before_it_come_with_all(tmp_path: Path):
    lines = events(tmp_path, RawMimic4().stay(1), "demographics").splitlines()
    assert [line for line in lines if line.split(" ", 3)[3].rsplit(" ", 2)[0] not in EIGHT] == [
        "1 0 0 BEFORE_UNIT//h 6 -",
        "1 0 0 UNITTYPE//MICU - -",
    ]


@pytest.mark.parametrize(
    ("race", "group"),
    [
        ("WHITE - RUSSIAN", "Caucasian"),
        ("BLACK/CAPE VERDEAN", "African American"),
        ("HISPANIC/LATINO - CUBAN", "Hispanic"),
        ("ASIAN - CHINESE", "Asian"),
        ("UNABLE TO OBTAIN", "Other/Unknown"),
    ],
)
def test_a_race_is_in_the_group_that_eicu_has(tmp_path: Path, race: str, group: str):
    data = prepare(RawMimic4().stay(1, race=race).write(tmp_path / "raw"), tmp_path / "data")
    assert data.events.filter(pl.col("code") == f"ETHNICITY//{group}|{race}").height == 1


def test_an_admission_to_hospital_after_the_unit_is_not_known_yet(tmp_path: Path):
    raw = RawMimic4().stay(1, admittime="2151-01-01 13:00:00")
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert "BEFORE_UNIT//h" not in data.events["code"].to_list()
    assert data.ledger["icustays"]["values_set_aside"] == {"implausible value": 1}
