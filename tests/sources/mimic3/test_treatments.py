"""MIMIC-III: what was given, done, put out and coded, as events: expected tables written out."""

from pathlib import Path

import pytest

from raw_mimic3 import RawMimic3, events, prepare

SPAN = {"starttime": "2151-01-01 13:00:00", "endtime": "2151-01-01 15:00:00"}
RAN = {"statusdescription": "FinishedRunning", "cancelreason": 0}
AT = {"charttime": "2151-01-01 13:00:00", "storetime": "2151-01-01 13:20:00"}
DRIP = SPAN | RAN | {"itemid": 221906, "rate": 0.14, "rateuom": "mcg/kg/min", "amount": 0.62, "amountuom": "mg"}


def made(folder: Path, table: str, *rows: dict[str, object], modality: str) -> str:
    """Rows of stay 1 as "minute known code value text", those at admission left out."""
    raw = RawMimic3().named().stay(1)
    for row in rows:
        raw.add(table, 1, **row)
    lines = [line.removeprefix("1 ") for line in events(folder, raw, modality).splitlines()]
    return "\n".join(line for line in lines if not line.startswith("0 0 "))


def test_a_rate_is_known_from_its_start_and_an_amount_at_its_end(tmp_path: Path):
    assert made(tmp_path, "inputevents_mv", DRIP, modality="infusion") == "\n".join(
        ["60 60 INFUSION//norepinephrine//mcg/kg/min 0.14 -", "180 180 INFUSION_AMOUNT//norepinephrine//mg 0.62 -"]
    )


@pytest.mark.parametrize("table", ["inputevents_mv", "procedureevents_mv"])
def test_orders_that_were_rewritten_or_cancelled_are_not_true(tmp_path: Path, table: str):
    raw = RawMimic3().named().stay(1)
    row = SPAN | {"itemid": 225792, "orderid": 1} | ({"amount": 1, "amountuom": "mg"} if table[0] == "i" else {})
    for change in ({"statusdescription": "Rewritten", "cancelreason": 2}, {"cancelreason": 1}, {}):
        raw.add(table, 1, **row | RAN | change)
    ledger = prepare(raw.write(tmp_path / "raw"), tmp_path / "data").ledger[table]
    assert (ledger["rows_out"], ledger["set_aside"]) == (1, {"rewritten order": 1, "cancelled order": 1})


def test_outputs_of_both_systems_are_known_when_stored(tmp_path: Path):
    rows = [
        AT | {"itemid": 40055, "value": 250, "valueuom": "ml"},
        AT | {"itemid": 226559, "value": 200, "valueuom": "mL"},
        AT | {"itemid": 226588, "value": 30, "storetime": ""},
        AT | {"itemid": 40055, "value": 900, "iserror": 1},
    ]
    assert made(tmp_path, "outputevents", *rows, modality="intake_output") == "\n".join(
        ["60 80 IO//urine//mL 200 -", "60 80 IO//urine//mL 250 -", "60 180 IO//output//chest tube #1//mL 30 -"]
    )


def test_procedures_are_known_at_their_end_and_billing_codes_at_discharge(tmp_path: Path):
    raw = RawMimic3().named().stay(1)
    raw.add("procedureevents_mv", 1, **SPAN, **RAN, itemid=225792)
    raw.add("procedures_icd", 1, seq_num=1, icd9_code="0066").add("diagnoses_icd", 1, seq_num=1, icd9_code="0389")
    assert events(tmp_path, raw, "treatment", "diagnosis") == "\n".join(
        [
            "1 60 180 TREATMENT//mechanical ventilation - -",
            "1 7200 7200 DIAGNOSIS//ICD//9//0389 - -",
            "1 7200 7200 PROCEDURE//ICD//9//0066 - -",
        ]
    )


def test_a_prescription_is_known_at_the_end_of_its_first_day_and_not_after_the_discharge(tmp_path: Path):
    """Of the day of discharge it would be known only when the patient has left."""
    raw = RawMimic3().stay(1).stay(2, 101, 1001, intime="2151-01-02 12:00:00", outtime="2151-01-02 20:00:00")
    raw.rows["icustays"][0]["outtime"] = "2151-01-02 10:00:00"
    for day in ("01", "02", "06"):
        raw.add("prescriptions", 1, startdate=f"2151-01-{day} 00:00:00", drug=f"Insulin {day}", route="SC")
    assert events(tmp_path, raw, "medication") == "\n".join(
        ["1 720 720 MEDICATION//NAME//INSULIN 01 - SC", "2 720 720 MEDICATION//NAME//INSULIN 02 - SC"]
    )
    ledger = prepare(tmp_path / "raw", tmp_path / "again").ledger["prescriptions"]
    assert ledger["set_aside"] == {"outside every unit stay and what leads to it": 1}


def test_the_service_is_known_at_the_transfer(tmp_path: Path):
    moved = {"transfertime": "2151-01-01 13:00:00", "curr_service": "CSURG", "prev_service": "MED"}
    assert made(tmp_path, "services", moved, modality="demographics") == "60 60 SERVICE//CSURG - -"
