"""eICU's patient table as stays on the synthetic calendar, and as demographics."""

import dataclasses
import sys
from pathlib import Path

import polars as pl
import pytest

from raw_eicu import RawEicu, as_text, prepare
from wardround.sources.eicu.columns import PATIENT
from wardround.sources.raw_table import NEVER


def stays(raw: RawEicu, folder: Path, *columns: str) -> str:
    table = prepare(raw.write(folder / "raw"), folder / "data").stays.sort("stay_id")
    return as_text(table.select("stay_id", *columns))


def test_each_hospital_stay_has_its_year_and_unit_stays_follow_within(tmp_path: Path):
    raw = RawEicu()
    raw.patient(1, hospitaladmitoffset=-120, patienthealthsystemstayid=50, hospitaldischargeyear=2015)
    raw.patient(2, uniquepid="002-1", patienthealthsystemstayid=40, hospitaldischargeyear=2014)
    raw.patient(
        3, uniquepid="002-1", patienthealthsystemstayid=50, hospitaladmitoffset=-4000, hospitaldischargeyear=2015
    )
    raw.patient(4, uniquepid="002-1", patienthealthsystemstayid=45, hospitaldischargeyear="")
    assert stays(raw, tmp_path, "start", "end", "hospital_start", "year") == "\n".join(
        [
            "1 2003-07-01 00:00:00 2003-07-03 02:00:00 2003-06-30 22:00:00 2015",
            "2 2002-07-01 00:00:00 2002-07-03 02:00:00 2002-06-30 23:00:00 2014",
            "3 2003-07-03 16:40:00 2003-07-05 18:40:00 2003-06-30 22:00:00 2015",
            "4 2001-07-01 00:00:00 2001-07-03 02:00:00 2001-06-30 23:00:00 -",
        ]
    )


def test_unit_stays_of_one_hospital_stay_agree_on_its_start_and_end(tmp_path: Path):
    raw = RawEicu().patient(1, hospitaladmitoffset=-120, hospitaldischargeoffset=9000)
    raw.patient(
        2, uniquepid="002-1", patienthealthsystemstayid=101, hospitaladmitoffset=-4120, hospitaldischargeoffset=5000
    )
    table = prepare(raw.write(tmp_path / "raw"), tmp_path / "data").stays
    assert table["hospital_start"].n_unique() == table["hospital_end"].n_unique() == table["los_h"].n_unique() == 1


@pytest.mark.parametrize(
    ("status", "died"), [("Alive", "False"), ("Expired", "True"), ("expired", "True"), ("ALIVE", "False"), ("", "-")]
)
def test_death_is_what_the_table_says_or_unknown(tmp_path: Path, status: str, died: str):
    raw = RawEicu().patient(1, hospitaldischargestatus=status).patient(2, unitdischargestatus=status)
    assert stays(raw, tmp_path, "died_in_hospital", "died_in_unit") == f"1 {died} False\n2 False {died}"


@pytest.mark.parametrize(
    ("age", "read"),
    [("64", "64"), ("> 89", "90"), (">89", "90"), ("0", "0"), ("17.5", "17.5"), ("", "-"), ("90", "90")],
)
def test_ages(tmp_path: Path, age: str, read: str):
    assert stays(RawEicu().patient(1, age=age), tmp_path, "age") == f"1 {read}"


def test_length_of_stay_is_the_hospitals_in_hours(tmp_path: Path):
    raw = RawEicu().patient(1, hospitaladmitoffset=-90, hospitaldischargeoffset=60).patient(2, hospitaladmitoffset="")
    assert stays(raw, tmp_path, "los_h", "hospital_start") == "1 2.5 2001-06-30 22:30:00\n2 - -"


def demographics(folder: Path, modalities: str, **values: object) -> str:
    data = prepare(RawEicu().patient(1, **values).write(folder / "raw"), folder / "data", modalities)
    return as_text(data.timeline.select("minute", "known", "code", "value"))


def test_demographics_of_the_paper(tmp_path: Path):
    assert demographics(
        tmp_path, "paper", apacheadmissiondx="Sepsis", unittype="MICU", admissionweight=80
    ) == "\n".join(["0 0 AGE 64", "0 0 ETHNICITY//Caucasian -", "0 0 GENDER//Female -"])


def test_all_demographics_and_the_admission_diagnosis_a_day_later(tmp_path: Path):
    values = {"admissionheight": 170.2, "admissionweight": 80, "unittype": "MICU", "unitstaytype": "admit"}
    values |= {"unitadmitsource": "Floor", "hospitaladmitsource": "ED", "apacheadmissiondx": "Sepsis, pulmonary"}
    assert demographics(tmp_path, "all", hospitaladmitoffset=-90, **values) == "\n".join(
        [
            "0 0 AGE 64",
            "0 0 BEFORE_UNIT//h 1.5",
            "0 0 ETHNICITY//Caucasian -",
            "0 0 GENDER//Female -",
            "0 0 HEIGHT//cm 170.2",
            "0 0 HOSPITALADMITSOURCE//ED -",
            "0 0 UNITADMITSOURCE//Floor -",
            "0 0 UNITSTAYTYPE//admit -",
            "0 0 UNITTYPE//MICU -",
            "0 0 UNIT_VISIT 1",
            "0 0 WEIGHT//kg 80",
            "0 1440 APACHE//ADMISSION_DX//Sepsis, pulmonary -",
        ]
    )


def test_a_hospital_admission_that_is_still_to_come_is_no_input(tmp_path: Path):
    assert "BEFORE_UNIT" not in demographics(tmp_path, "all", hospitaladmitoffset=30)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("gender", "gender is not declared as known at admission"),
        ("apacheadmissiondx", "is not declared as known at 24 h"),
    ],
)
def test_a_column_that_is_declared_otherwise_makes_no_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, message: str
):
    changed = {**PATIENT.columns, column: (PATIENT.columns[column][0], NEVER)}
    module = sys.modules["wardround.sources.eicu.stays"]
    monkeypatch.setattr(module, "PATIENT", dataclasses.replace(PATIENT, columns=changed))
    with pytest.raises(ValueError, match=f"patient.*{message}"):
        demographics(tmp_path, "all")


def test_blanks_make_no_events(tmp_path: Path):
    blank = dict.fromkeys(("age", "gender", "ethnicity", "unitvisitnumber", "hospitaladmitoffset"), "")
    data = prepare(RawEicu().patient(1, **blank).patient(2).write(tmp_path / "raw"), tmp_path / "data")
    assert data.timeline.filter(pl.col("stay_id") == 1).height == 0
    assert data.stays["sex"].null_count() == 1
