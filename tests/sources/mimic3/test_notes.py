"""MIMIC-III's noteevents as events: expected tables written out."""

from pathlib import Path

import pytest

from raw_eicu import Data
from raw_mimic3 import RawMimic3, events, prepare
from wardround.sources.mimic3.notes import NOTEEVENTS, SUMMARIES

HOUR, DAY = 60, 24 * 60
SUMMARY = {"category": "Discharge summary", "description": "Report", "chartdate": "2151-01-06", "text": " A stay.\n"}
REPORT = {
    "category": "Radiology",
    "description": "CHEST (PORTABLE AP)",
    "chartdate": "2151-01-01",
    "charttime": "2151-01-01 13:00:00",
    "text": "Clear lungs.",
}
MODALITIES = ("discharge_note", "radiology_note")


def noted(folder: Path, raw: RawMimic3, *notes: dict[str, object]) -> tuple[list[str], dict[str, int]]:
    """Notes of stay 1 as "stay minute known code value text", and what was set aside for which reason."""
    for note in notes:
        raw.add("noteevents", 1, **note)
    made = events(folder, raw, *MODALITIES)
    account = Data(folder / "data").ledger["noteevents"]
    assert account["rows_in"] == account["rows_out"] + sum(account["set_aside"].values()) == len(notes)
    return made.splitlines(), account["set_aside"]


@pytest.mark.parametrize(
    ("note", "line"),
    [
        (REPORT, f"1 60 {60 + DAY} NOTE//radiology - Clear lungs."),
        (REPORT | {"storetime": "2151-01-01 15:00:00"}, "1 60 180 NOTE//radiology - Clear lungs."),
        (REPORT | {"charttime": ""}, f"1 {12 * HOUR} {12 * HOUR + DAY} NOTE//radiology - Clear lungs."),
        (REPORT | {"description": "Addendum"}, f"1 60 {60 + DAY} NOTE//radiology//addendum - Clear lungs."),
        (REPORT | {"category": "RADIOLOGY ", "iserror": 0}, f"1 60 {60 + DAY} NOTE//radiology - Clear lungs."),
    ],
)
def test_a_report_is_known_a_day_after_its_study_where_no_time_is_stored(
    tmp_path: Path, note: dict[str, object], line: str
):
    assert noted(tmp_path, RawMimic3().stay(1), note) == ([line], {})


def test_a_summary_has_a_day_alone_and_is_of_every_unit_stay_of_the_hospital_stay(tmp_path: Path):
    raw = RawMimic3().stay(1).stay(2, 101, 1001, intime="2151-01-04 00:00:00", outtime="2151-01-05 00:00:00")
    notes = [SUMMARY, SUMMARY | {"description": "Addendum", "text": "More."}, SUMMARY | {"hadm_id": "", "text": "Own."}]
    midnight, second = 5 * DAY + 12 * HOUR, 2 * DAY + 12 * HOUR
    expected = [
        f"{stay} {midnight - begins} {midnight - begins + 30 * DAY} {code} - {text}"
        for stay, begins in ((1, 0), (2, second))
        for code, text in (
            ("NOTE//discharge", " A stay."),
            ("NOTE//discharge", "Own."),
            ("NOTE//discharge//addendum", "More."),
        )
    ]
    lines, set_aside = noted(tmp_path, raw, *notes)
    assert ([line for line in lines if line], set_aside) == (expected, {})


def test_a_summary_that_was_stored_is_known_then_and_not_before_the_discharge(tmp_path: Path):
    early, late = ({"storetime": f"2151-01-{day} 12:00:00"} for day in ("04", "09"))
    lines, _ = noted(tmp_path, RawMimic3().stay(1), SUMMARY | early | {"text": "a"}, SUMMARY | late | {"text": "b"})
    midnight = 5 * DAY + 12 * HOUR
    assert lines == [
        f"1 {midnight} {midnight} NOTE//discharge - a",  # the end of its day comes after the discharge
        f"1 {midnight} {8 * DAY} NOTE//discharge - b",
    ]


def test_what_is_no_note_is_counted_by_reason(tmp_path: Path):
    odd = [
        REPORT | {"iserror": 1},
        SUMMARY | {"iserror": 1},
        *(REPORT | {"category": name} for name in ("Nursing/other", "Physician ", "ECG", "Echo", "")),
        REPORT | {"text": ""},
        SUMMARY | {"hadm_id": 5555},
        REPORT | {"hadm_id": 5555},
        REPORT | {"hadm_id": "", "charttime": "2151-02-01 13:00:00"},
        REPORT | {"subject_id": 999, "hadm_id": ""},
        REPORT | {"charttime": "", "chartdate": ""},
        REPORT | {"charttime": "late"},
        REPORT | {"iserror": "maybe"},
        REPORT,
        REPORT | {"cgid": 7},
    ]
    lines, set_aside = noted(tmp_path, RawMimic3().stay(1), *odd)
    assert lines == [f"1 60 {60 + DAY} NOTE//radiology - Clear lungs."]
    assert set_aside == {
        "charted in error": 2,
        "category that is not read": 5,
        "no text": 1,
        "hospital stay without a unit stay": 2,
        "outside every unit stay and what leads to it": 1,
        "subject without a stay": 1,
        "no time": 1,
        "not a time: charttime": 1,
        "not a number: iserror": 1,
        "duplicate row": 1,
    }


def test_a_table_without_rows_is_zero_rows(tmp_path: Path):
    raw = RawMimic3().stay(1)
    raw.rows["noteevents"] = []
    for modalities in ("all", "paper"):
        written = raw.write(tmp_path / f"raw-{modalities}")
        data = prepare(written, tmp_path / modalities, modalities)
        assert data.ledger["noteevents"] == {"rows_in": 0, "rows_out": 0, "set_aside": {}}


def test_what_a_text_waits_for():
    assert NOTEEVENTS.known_at("text") == SUMMARIES.told_after_discharge("text") == ("charttime", "storetime")
    assert NOTEEVENTS.day_of("chartdate") == "chartdate"
