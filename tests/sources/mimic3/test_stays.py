"""MIMIC-III's unit stays with their patients and hospital stays, and the demographics at admission."""

from pathlib import Path

import pytest

from raw_eicu import as_text
from raw_mimic3 import RawMimic3, events, prepare


def stays(raw: RawMimic3, folder: Path, *columns: str) -> str:
    table = prepare(raw.write(folder / "raw"), folder / "data").stays.sort("stay_id")
    return as_text(table.select("stay_id", *columns))


def test_a_stay_is_of_a_patient_and_a_hospital_stay(tmp_path: Path):
    raw = RawMimic3().stay(1).stay(2, 101, 1001, intime="2151-01-04 00:00:00", outtime="2151-01-05 06:30:00")
    columns = ("subject_id", "start", "end", "hospital_start", "hospital_end", "sex", "los_h", "year")
    assert stays(raw, tmp_path, *columns) == "\n".join(
        [
            "1 101 2151-01-01 12:00:00 2151-01-03 12:00:00 2151-01-01 06:00:00 2151-01-06 12:00:00 Female 126 -",
            "2 101 2151-01-04 00:00:00 2151-01-05 06:30:00 2151-01-01 06:00:00 2151-01-06 12:00:00 Female 126 -",
        ]
    )


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("2090-05-05 00:00:00", "60"),
        ("2090-01-01 00:00:00", "61"),
        ("2090-01-02 00:00:00", "60"),
        ("2062-01-01 00:00:00", "89"),
        ("1851-01-01 00:00:00", "90"),
        ("1846-03-01 00:00:00", "90"),
        ("2020-01-01 00:00:00", "-"),
        ("2160-01-01 00:00:00", "-"),
        ("", "-"),
    ],
)
def test_age_is_in_whole_years_and_90_where_it_is_hidden(tmp_path: Path, born: str, age: str):
    assert stays(RawMimic3().stay(1, dob=born), tmp_path, "age") == f"1 {age}"


def test_what_cannot_be_right_is_counted(tmp_path: Path):
    raw = RawMimic3().stay(1, dob="2160-01-01 00:00:00").stay(2, dob="2020-01-01 00:00:00")
    raw.stay(3, deathtime="2151-01-01 02:00:00", hospital_expire_flag=1).stay(4, outtime="2153-01-01 00:00:00")
    raw.stay(5, hospital_expire_flag=7)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["icustays"]["values_set_aside"] == {
        "admitted before birth": 1,
        "neither an age nor what hides one": 1,
        "death before admission": 1,
        "unit discharge more than a year from unit admission": 1,
    }
    assert data.ledger["admissions"]["values_set_aside"] == {"hospital_expire_flag not 0 or 1": 1}
    assert as_text(data.stays.sort("stay_id").select("age", "end", "death", "died_in_hospital")) == "\n".join(
        [
            "- 2151-01-03 12:00:00 - False",
            "- 2151-01-03 12:00:00 - False",
            "60 2151-01-03 12:00:00 - True",
            "60 - - False",
            "60 2151-01-03 12:00:00 - -",
        ]
    )


def test_rows_that_are_no_stay_are_set_aside_by_reason(tmp_path: Path):
    raw = RawMimic3().stay(1).stay(2, 101, 1001, intime="2151-01-02 00:00:00").stay(3, intime="")
    raw.rows["icustays"].append(raw.rows["icustays"][0] | {"row_id": "99"})
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["icustays"]["set_aside"] == {
        "begins inside an earlier stay of the patient": 1,
        "duplicate row": 1,
        "no time": 1,
    }
    assert data.stays["stay_id"].to_list() == [1]


def test_demographics_are_in_the_words_of_other_databases(tmp_path: Path):
    raw = RawMimic3().stay(1, first_careunit="CSRU", ethnicity="BLACK/AFRICAN AMERICAN")
    assert events(tmp_path, raw, "demographics") == "\n".join(
        [
            "1 0 0 ADMISSION_LOCATION//EMERGENCY ROOM ADMIT - -",
            "1 0 0 ADMISSION_TYPE//EMERGENCY - -",
            "1 0 0 AGE 60 -",
            "1 0 0 BEFORE_UNIT//h 6 -",
            "1 0 0 ETHNICITY//African American|BLACK/AFRICAN AMERICAN - -",
            "1 0 0 GENDER//Female - -",
            "1 0 0 INSURANCE//Medicare - -",
            "1 0 0 LANGUAGE//ENGLISH - -",
            "1 0 0 MARITAL_STATUS//MARRIED - -",
            "1 0 0 UNITTYPE//CSICU - -",
        ]
    )


def test_the_paper_takes_eight(tmp_path: Path):
    data = prepare(RawMimic3().stay(1).write(tmp_path / "raw"), tmp_path / "data", "paper")
    assert len(data.events) == 8
