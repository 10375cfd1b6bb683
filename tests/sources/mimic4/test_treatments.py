"""MIMIC-IV: what was given, done, put out and coded, as events: expected tables written out."""

import json
from pathlib import Path

import pytest

from raw_mimic4 import RawMimic4, events, prepare

SPAN = {"starttime": "2151-01-01 13:00:00", "endtime": "2151-01-01 15:00:00"}
AT = {"charttime": "2151-01-01 13:00:00", "storetime": "2151-01-01 13:20:00"}


def made(folder: Path, table: str, *rows: dict[str, object], modality: str) -> str:
    """Rows of stay 1 as "minute known code value text", those at admission left out."""
    raw = RawMimic4().named().stay(1)
    for row in rows:
        raw.add(table, 1, **row)
    lines = [line.removeprefix("1 ") for line in events(folder, raw, modality).splitlines()]
    return "\n".join(sorted(line for line in lines if not line.startswith("0 0 ")))


def test_a_rate_that_lasts_no_time_is_a_push(tmp_path: Path):
    once = SPAN | {"endtime": SPAN["starttime"], "itemid": 221906, "rate": 0.14, "rateuom": "mcg/kg/min"}
    told = made(tmp_path, "icu/inputevents", once | {"amount": 0.62, "amountuom": "mg"}, once, modality="infusion")
    assert [line.split()[2] for line in told.splitlines()] == ["BOLUS_AMOUNT//norepinephrine//mg"]
    ledger = json.loads((tmp_path / "data" / "ledger.json").read_text())["tables"]["inputevents"]
    assert ledger["set_aside"]["rate that lasts no time"] == 1


def test_a_rate_is_known_from_its_start_and_an_amount_at_its_end(tmp_path: Path):
    drip = SPAN | {"itemid": 221906, "rate": 0.14, "rateuom": "mcg/kg/min", "amount": 0.62, "amountuom": "mg"}
    bolus = SPAN | {"itemid": 225158, "amount": 50, "amountuom": "ml", "orderid": 7}
    hourly = SPAN | {"itemid": 225158, "rate": 75, "rateuom": "mL/hour"}
    salt = SPAN | {"itemid": 227536, "rate": 8, "rateuom": "mEq./hour"}
    assert made(tmp_path, "icu/inputevents", drip, bolus, hourly, salt, modality="infusion") == "\n".join(
        [
            "180 180 BOLUS_AMOUNT//nacl 0.9%//ml 50 -",
            "180 180 INFUSION_AMOUNT//norepinephrine//mg 0.62 -",
            "60 60 INFUSION//227536//mEq/hr 8 -",
            "60 60 INFUSION//nacl 0.9%//mL/hr 75 -",
            "60 60 INFUSION//norepinephrine//mcg/kg/min 0.14 -",
        ]
    )


def test_outputs_are_known_when_stored(tmp_path: Path):
    rows = [
        AT | {"itemid": 226559, "value": 250, "valueuom": "ml"},
        AT | {"itemid": 227488, "value": 100, "valueuom": "ml"},
        AT | {"itemid": 226588, "value": 30, "valueuom": "ml", "storetime": ""},
    ]
    assert made(tmp_path, "icu/outputevents", *rows, modality="intake_output") == "\n".join(
        [
            "60 180 IO//output//chest tube #1//mL 30 -",
            "60 80 IO//urine//mL -100 -",
            "60 80 IO//urine//mL 250 -",
        ]
    )


def test_irrigation_fluid_is_taken_off_whatever_its_sign(tmp_path: Path):
    rows = [AT | {"itemid": 227488, "value": value, "valueuom": "ml"} for value in (100, -30)]
    said = made(tmp_path, "icu/outputevents", *rows, modality="intake_output")
    assert said == "60 80 IO//urine//mL -100 -\n60 80 IO//urine//mL -30 -"


def test_norepinephrine_in_milligrams_beside_a_weight_of_one(tmp_path: Path):
    """Named mg/kg/min, it is mcg/kg/min; beside a weight, or of another drug, it is what it says."""
    drip = SPAN | {"itemid": 221906, "rate": 0.2, "rateuom": "mg/kg/min"}
    rows = [drip | {"patientweight": weight, "orderid": weight} for weight in (1, 80)]
    rows.append(drip | {"itemid": 221289, "patientweight": 1})
    said = made(tmp_path, "icu/inputevents", *rows, modality="infusion").splitlines()
    rates = sorted(line.split()[-2] for line in said if "norepinephrine" in line)
    assert rates == ["0.2", "200"]
    assert [line.split()[-2] for line in said if "norepinephrine" not in line] == ["200"]


def test_the_weight_beside_vasopressin_is_charting(tmp_path: Path):
    drip = SPAN | {"itemid": 222315, "rate": 2.4, "rateuom": "units/hour"}
    rows = [drip | {"patientweight": weight, "orderid": order} for order, weight in enumerate((80, "", 1, "x"))]
    rows.append(SPAN | {"itemid": 221906, "rate": 0.1, "rateuom": "mcg/kg/min", "patientweight": 80})
    assert made(tmp_path, "icu/inputevents", *rows, modality="charting") == "60 60 CHART//weight at infusion//kg 80 -"


def test_procedures_are_known_at_their_end(tmp_path: Path):
    rows = [SPAN | {"itemid": 225792, "orderid": 1}, SPAN | {"itemid": 225459, "orderid": 2}]
    assert made(tmp_path, "icu/procedureevents", *rows, modality="treatment") == "\n".join(
        ["60 180 TREATMENT//Chest X-Ray - -", "60 180 TREATMENT//mechanical ventilation - -"]
    )


def test_orders_are_known_from_their_start(tmp_path: Path):
    row = {"starttime": SPAN["starttime"], "stoptime": "2151-01-04 00:00:00", "drug": "Insulin", "route": "SC"}
    assert made(tmp_path, "hosp/prescriptions", row, modality="medication") == "60 60 MEDICATION//NAME//INSULIN - SC"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("Administered", "GIVEN"),
        ("Delayed Administered", "GIVEN"),
        ("Administered in Other Location", "GIVEN"),
        ("Started", "GIVEN"),
        ("Not Given", "NOT GIVEN"),
        ("Not Given per Sliding Scale", "NOT GIVEN PER SLIDING SCALE"),
        ("Flushed", "FLUSHED"),
        ("Not Started", "NOT STARTED"),
    ],
)
def test_a_dose_was_given_or_was_not(tmp_path: Path, event: str, code: str):
    row = AT | {"emar_id": "1-1", "medication": "Heparin", "event_txt": event}
    assert made(tmp_path, "hosp/emar", row, modality="medication") == f"60 80 MEDICATION//{code}//HEPARIN - -"


def test_a_service_is_known_from_the_transfer(tmp_path: Path):
    row = {"transfertime": AT["charttime"], "prev_service": "MED", "curr_service": "CSURG"}
    assert made(tmp_path, "hosp/services", row, modality="demographics") == "60 60 SERVICE//CSURG - -"


def test_sizes_from_the_office_are_known_at_the_end_of_the_day(tmp_path: Path):
    day = {"chartdate": "2151-01-02"}
    rows = [
        day | {"result_name": "Weight (Lbs)", "result_value": "200"},
        day | {"result_name": "Height (Inches)", "result_value": "70"},
        day | {"result_name": "BMI (kg/m2)", "result_value": "28.7"},
    ]
    assert made(tmp_path, "hosp/omr", *rows, modality="demographics") == "\n".join(
        ["2160 2160 BMI//kg/m2 28.7 -", "2160 2160 HEIGHT//cm 177.8 -", "2160 2160 WEIGHT//clinic//kg 90.7185 -"]
    )


def billed(stays: RawMimic4) -> RawMimic4:
    code = {"seq_num": 1, "icd_version": 9}
    stays.add("hosp/diagnoses_icd", 1, icd_code="4019", **code)
    return stays.add("hosp/procedures_icd", 1, icd_code="3961", chartdate="2151-01-02", **code)


def test_billing_codes_are_known_at_discharge_in_every_unit_stay_of_the_hospital_stay(tmp_path: Path):
    raw = RawMimic4().stay(1).stay(2, 101, 1001, intime="2151-01-04 00:00:00", outtime="2151-01-05 00:00:00")
    assert events(tmp_path, billed(raw), "diagnosis", "treatment") == "\n".join(
        [
            "1 2160 7200 PROCEDURE//ICD//9//3961 - -",
            "1 7200 7200 DIAGNOSIS//ICD//9//4019 - -",
            "2 -1440 3600 PROCEDURE//ICD//9//3961 - -",
            "2 3600 3600 DIAGNOSIS//ICD//9//4019 - -",
        ]
    )


def test_no_billing_code_of_a_stay_whose_discharge_is_not_known(tmp_path: Path):
    data = prepare(billed(RawMimic4().stay(1, dischtime="")).write(tmp_path / "raw"), tmp_path / "data")
    for table in ("diagnoses_icd", "procedures_icd"):
        assert data.ledger[table]["set_aside"] == {"known at discharge, which is not known": 1}


GIVEN = SPAN | {"itemid": 221906, "orderid": 1, "amount": 1, "amountuom": "mg"}


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        ("icu/inputevents", GIVEN | {"endtime": "2151-01-01 12:59:00"}, "ends before it starts"),
        ("icu/inputevents", GIVEN | {"amount": ""}, "no value"),
        ("icu/inputevents", GIVEN | {"amount": -1}, "implausible value"),
        ("icu/inputevents", GIVEN | {"endtime": ""}, "no time"),
        ("icu/inputevents", GIVEN | {"itemid": ""}, "no code"),
        ("icu/outputevents", AT | {"itemid": 226559}, "no value"),
        ("icu/outputevents", AT | {"itemid": 226559, "value": 90_000, "valueuom": "ml"}, "implausible value"),
        ("icu/outputevents", AT | {"itemid": 226559, "value": 1, "valueuom": "cups"}, "unknown unit"),
        ("icu/procedureevents", SPAN | {"itemid": 225792, "endtime": ""}, "no end"),
        ("icu/procedureevents", SPAN | {"itemid": 225792, "endtime": "2151-01-01 12:00:00"}, "ends before it starts"),
        ("hosp/emar", AT | {"medication": "Heparin"}, "no code"),
        ("hosp/emar", AT | {"event_txt": "Administered"}, "no code"),
        ("hosp/prescriptions", {"starttime": SPAN["starttime"]}, "no code"),
        ("hosp/prescriptions", {"drug": "Insulin"}, "no time"),
        ("hosp/omr", {"chartdate": "2151-01-02", "result_name": "Blood Pressure", "result_value": "110/65"}, "no size"),
        (
            "hosp/omr",
            {"chartdate": "2151-01-02", "result_name": "Weight", "result_value": "heavy"},
            "not a number: result_value",
        ),
        ("hosp/diagnoses_icd", {"icd_version": 9}, "no code"),
        ("hosp/diagnoses_icd", {"hadm_id": 7, "icd_code": "1", "icd_version": 9}, "hospital stay without a unit stay"),
        ("hosp/procedures_icd", {"icd_code": "1", "icd_version": 9}, "no time"),
    ],
)
def test_each_odd_row_has_one_reason(tmp_path: Path, table: str, row: dict[str, object], reason: str):
    data = prepare(RawMimic4().named().stay(1).add(table, 1, **row).write(tmp_path / "raw"), tmp_path / "data")
    assert data.ledger[table.split("/")[1]] == {"rows_in": 1, "rows_out": 0, "set_aside": {reason: 1}}
