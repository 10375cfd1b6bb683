"""MIMIC-IV's results of laboratory and microbiology as events: expected tables written out."""

from pathlib import Path

import pytest

from raw_mimic4 import RawMimic4, events, prepare
from wardround.sources.mimic.lab_items import LAB_ITEMS, UNITS, WITHOUT_UNIT
from wardround.sources.units import EICU_LABS

AT = {"charttime": "2151-01-01 13:00:00", "storetime": "2151-01-01 14:30:00"}


def results(folder: Path, *rows: dict[str, object], table: str = "hosp/labevents", modalities=("lab", "blood_gas")):
    raw = RawMimic4().named().stay(1)
    for place, row in enumerate(rows):
        ids = {"labevent_id": place} if table == "hosp/labevents" else {"microevent_id": place}
        raw.add(table, 1, **ids | AT | row)
    return "\n".join(line.removeprefix("1 ") for line in events(folder, raw, *modalities).splitlines())


def result(item: int, value: object, unit: str = "", **others: object) -> dict[str, object]:
    return {"itemid": item, "value": value, "valuenum": value, "valueuom": unit} | others


def test_results_under_the_codes_of_eicu_or_their_own_names(tmp_path: Path):
    assert results(
        tmp_path,
        result(50971, 4.1, "mEq/L"),
        result(50820, 7.31, "units"),
        result(51249, 33, "%"),
        result(51478, 300, "mg/dL"),
        result(777, 5, "mg/dL"),
    ) == "\n".join(
        [
            "60 150 LAB//777//mg/dL 5 -",
            "60 150 LAB//Glucose (Urine)//mg/dL 300 -",
            "60 150 LAB//MCHC//g/dL 33 -",
            "60 150 LAB//pH// 7.31 -",
            "60 150 LAB//potassium//mmol/L 4.1 -",
        ]
    )


def test_words_are_kept_where_there_is_no_number_and_marks_of_deletion_are_none(tmp_path: Path):
    rows = [
        result(50971, "") | {"value": ">10"},
        result(50971, 4.0, "mEq/L") | {"value": "___"},
        result(50971, "", "mEq/L") | {"value": "___"},
        result(51478, "") | {"value": "NEG"},
    ]
    assert results(tmp_path, *rows) == "\n".join(
        [
            "60 150 LAB//Glucose (Urine)// - NEG",
            "60 150 LAB//potassium//mmol/L - >10",
            "60 150 LAB//potassium//mmol/L 4 -",
        ]
    )


def test_a_number_that_is_no_item_takes_no_name_from_the_one_next_to_it(tmp_path: Path):
    rows = [result(51478, 80) | {"itemid": "51477.6"}, result(51478, 300)]
    assert results(tmp_path, *rows) == "60 150 LAB//Glucose (Urine)// 300 -"


def test_without_a_storetime_there_is_a_stated_delay(tmp_path: Path):
    rows = [result(50971, 4.1, "mEq/L", storetime=""), result(50820, 7.3, storetime="")]
    assert results(tmp_path, *rows) == "60 120 LAB//pH// 7.3 -\n60 240 LAB//potassium//mmol/L 4.1 -"


def at(time: str, **others: object) -> dict[str, object]:
    return result(50971, 4.1, "mEq/L", charttime=time, storetime="", **others)


def test_a_result_is_of_the_unit_stay_in_whose_time_it_lies(tmp_path: Path):
    raw = RawMimic4().named().stay(1)
    raw.stay(2, 101, 1001, intime="2151-01-04 00:00:00", outtime="2151-01-05 00:00:00")
    times = {
        "2150-12-31 07:00:00": 1,  # the emergency department, less than a day before the hospital stay
        "2150-12-31 05:00:00": None,
        "2151-01-02 00:00:00": 1,
        "2151-01-03 13:00:00": 2,  # on the ward, on the way to the second unit stay
        "2151-01-04 01:00:00": 2,
        "2151-01-06 11:00:00": 2,
        "2151-01-06 13:00:00": None,
    }
    for place, time in enumerate(times):
        raw.add("hosp/labevents", None, subject_id=101, labevent_id=place, **at(time))
    raw.add("hosp/labevents", None, subject_id=555, labevent_id=99, **at("2151-01-02 00:00:00"))
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    found = data.events.filter(data.events["modality"] == "lab").sort("time")
    assert dict(zip(found["time"].cast(str).str.head(19), found["stay_id"], strict=True)) == {
        time: stay for time, stay in times.items() if stay is not None
    }
    assert data.ledger["labevents"]["set_aside"] == {
        "outside every unit stay and what leads to it": 2,
        "subject without a stay": 1,
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (result(50971, 4.1, "grains"), "unknown unit"),
        (result(50971, 41, "mEq/L"), "implausible value"),
        (result(50971, "", "mEq/L"), "no value"),
        (result(50971, 4.1, "mEq/L") | {"itemid": ""}, "no code"),
        (at(""), "no time"),
        (at("2151-01-02 00:00:00") | {"subject_id": ""}, "no subject id"),
    ],
)
def test_each_odd_row_has_one_reason(tmp_path: Path, row: dict[str, object], reason: str):
    raw = RawMimic4().named().stay(1).add("hosp/labevents", 1, **{"labevent_id": 1} | AT | row)
    data = prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger["labevents"] == {"rows_in": 1, "rows_out": 0, "set_aside": {reason: 1}}


def test_what_grew_and_what_it_stood_up_to(tmp_path: Path):
    urine = {"spec_type_desc": "URINE", "test_name": "URINE CULTURE", "storetime": "2151-01-03 12:00:00"}
    grew = urine | {"org_name": "ESCHERICHIA COLI"}
    rows = [urine | {"charttime": "2151-01-01 12:30:00"}, grew | {"ab_name": "CEFEPIME", "interpretation": "R"}]
    rows.append({"charttime": "", "chartdate": "2151-01-02", "storetime": "", "test_name": "MRSA SCREEN"})
    made = results(tmp_path, *rows, table="hosp/microbiologyevents", modalities=("microbiology",))
    assert made == "\n".join(
        [
            "30 2880 MICROBIOLOGY//URINE|URINE CULTURE - -",
            "60 2880 MICROBIOLOGY//URINE|URINE CULTURE|ESCHERICHIA COLI - -",
            "60 2880 SUSCEPTIBILITY//ESCHERICHIA COLI|CEFEPIME|R - -",
            f"2160 {2160 + 7 * 24 * 60} MICROBIOLOGY//MRSA SCREEN - -",
        ]
    )


def test_that_a_specimen_was_taken_is_known_before_what_grew(tmp_path: Path):
    urine = {"spec_type_desc": "URINE", "test_name": "URINE CULTURE", "storetime": "2151-01-03 12:00:00"}
    rows = [urine | {"charttime": "2151-01-01 12:30:00"}, urine | {"charttime": "", "chartdate": "2151-01-02"}]
    rows.append({"charttime": "", "chartdate": "2151-01-02", "test_name": "MRSA SCREEN"})
    made = results(tmp_path, *rows, table="hosp/microbiologyevents", modalities=("charting",))
    assert made == "30 30 SPECIMEN//URINE - -\n2160 2160 SPECIMEN//URINE - day alone"


def test_every_name_has_a_quantity_and_a_unit_of_it():
    assert set(LAB_ITEMS.values()) | set(UNITS) | WITHOUT_UNIT <= EICU_LABS.keys()
    for name, units in UNITS.items():
        assert set(units.values()) <= set(EICU_LABS[name].spellings)
