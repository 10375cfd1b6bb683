"""MIMIC-IV-Note as events: where a note lies and when it is known, expected tables written out."""

import json
from pathlib import Path

import polars as pl
import pytest

from raw_mimic4 import RawMimic4, events, prepare
from wardround.errors import BrokenFileError, SourceError
from wardround.sources.csv_reader import read_blocks
from wardround.sources.mimic4.beside import on_disk
from wardround.sources.mimic4.notes import DISCHARGE, RADIOLOGY

HOUR, DAY = 60, 24 * 60
DISCHARGED = 5 * DAY
"""Minutes from the admission to the unit of stay 1 (1 January, noon) to the discharge (6 January, noon)."""


def noted(folder: Path, raw: RawMimic4, modality: str) -> tuple[str, dict[str, int]]:
    """Events of a modality as "stay minute known code text", and what was set aside for which reason."""
    made = events(folder, raw, modality)
    table = modality.removesuffix("_note")
    ledger = json.loads((folder / "data" / "ledger.json").read_text())["tables"][table]
    assert ledger["rows_in"] == ledger["rows_out"] + sum(ledger["set_aside"].values()) == len(raw.rows[f"note/{table}"])
    return made.replace(" - ", " "), ledger["set_aside"]


def two_stays() -> RawMimic4:
    """Stays 1 and 2 in hospital stay 1001 of patient 101; the second one begins on the 4th at midnight."""
    return RawMimic4().stay(1).stay(2, 101, 1001, intime="2151-01-04 00:00:00", outtime="2151-01-05 00:00:00")


# Discharge notes: of the hospital stay as a whole, never known before its end


@pytest.mark.parametrize(
    ("values", "known"),
    [
        ({}, DISCHARGED + DAY + 21 * HOUR),
        ({"storetime": "2151-01-05 09:00:00"}, DISCHARGED),
        ({"storetime": ""}, 4 * DAY + 12 * HOUR + 30 * DAY),
        ({"storetime": "", "charttime": "2150-11-20 00:00:00"}, DISCHARGED),
        ({"note_type": "AD", "storetime": "2151-01-20 12:00:00"}, 19 * DAY),
        ({"note_type": "AD", "storetime": "2151-01-03 12:00:00"}, DISCHARGED),
    ],
)
def test_a_discharge_note_is_known_when_stored_and_not_before_the_discharge(
    tmp_path: Path, values: dict[str, object], known: int
):
    prepared = prepare_one(tmp_path, "discharge", values)
    assert prepared["known"].to_list() == [known]
    addendum = "//addendum" * (values.get("note_type") == "AD")
    assert prepared["code"].to_list() == [f"NOTE//discharge{addendum}"]


def prepare_one(folder: Path, table: str, values: dict[str, object]) -> pl.DataFrame:
    raw = RawMimic4().stay(1).note(table, 1, **values)
    written = raw.write(folder / "raw")
    timeline = prepare(written, folder / "data", notes=written).timeline
    return timeline.filter(pl.col("code").str.starts_with("NOTE//"))


def test_a_discharge_note_is_of_every_unit_stay_of_the_hospital_stay(tmp_path: Path):
    raw = two_stays().note("discharge", 1, text="A.").note("discharge", 1, hadm_id="", text="B.")
    raw.note("discharge", 1, hadm_id="", charttime="2151-01-06 13:00:00", text="after the discharge")
    made, set_aside = noted(tmp_path, raw, "discharge_note")
    assert made == "\n".join(
        [
            "1 7200 9900 NOTE//discharge A.",
            "1 7200 9900 NOTE//discharge B.",
            "2 3600 6300 NOTE//discharge A.",
            "2 3600 6300 NOTE//discharge B.",
        ]
    )
    assert set_aside == {"outside every unit stay and what leads to it": 1}


@pytest.mark.parametrize(("values", "day"), [({}, 5), ({"charttime": "2151-01-08 12:00:00"}, 7)])
def test_a_discharge_note_happens_at_the_discharge_or_on_a_later_day(
    tmp_path: Path, values: dict[str, object], day: int
):
    """It is charted at the midnight before the discharge: a note before the end of the unit stay would say that the
    patient left on that day."""
    made = prepare_one(tmp_path, "discharge", values | {"hadm_id": 1001})
    assert made["minute"].to_list() == [day * DAY]


def test_a_note_of_nobody_is_set_aside_as_that(tmp_path: Path):
    raw = RawMimic4().stay(1).note("discharge", 1, subject_id="", text="nobody's")
    assert noted(tmp_path, raw, "discharge_note") == ("", {"no subject id": 1})


def test_where_the_discharge_is_not_known_no_discharge_note_is(tmp_path: Path):
    raw = RawMimic4().stay(1, dischtime="").note("discharge", 1)
    made, set_aside = noted(tmp_path, raw, "discharge_note")
    assert (made, set_aside) == ("", {"known at discharge, which is not known": 1})


# Reports: of the unit stay in whose time they lie, known when stored


def test_a_report_is_of_the_unit_stay_in_whose_time_it_lies(tmp_path: Path):
    raw = two_stays()
    for hour, text in (
        ("2150-12-31 05:00:00", "more than a day before the hospital stay"),
        ("2150-12-31 07:00:00", "emergency department"),
        ("2151-01-01 13:00:00", "unit"),
        ("2151-01-03 18:00:00", "ward between"),
        ("2151-01-04 18:00:00", "unit again"),
        ("2151-01-06 11:59:00", "ward at the end"),
        ("2151-01-06 12:01:00", "after the discharge"),
    ):
        raw.note("radiology", 1, charttime=hour, storetime=hour, text=text)
        raw.note("radiology", 1, charttime=hour, storetime=hour, text=f"nameless, {text}", hadm_id="")
    made, set_aside = noted(tmp_path, raw, "radiology_note")
    placed = {line.split(" ", 4)[4]: int(line[0]) for line in made.splitlines()}
    expected = {"emergency department": 1, "unit": 1, "ward between": 2, "unit again": 2, "ward at the end": 2}
    assert placed == expected | {f"nameless, {text}": stay for text, stay in expected.items()}
    assert set_aside == {"outside every unit stay and what leads to it": 4}


@pytest.mark.parametrize(
    ("values", "minute", "known"),
    [
        ({}, 60, 180),
        ({"storetime": ""}, 60, 60 + DAY),
        ({"storetime": "2151-01-01 12:30:00"}, 60, 60 + DAY),
        ({"storetime": "2151-01-01"}, 60, 60 + DAY),
        ({"note_type": "AR", "storetime": "2151-01-02 13:00:00"}, 60, 60 + DAY),
        ({"note_type": "rr"}, 60, 180),
    ],
)
def test_a_report_is_known_when_it_is_stored_else_a_day_later(
    tmp_path: Path, values: dict[str, object], minute: int, known: int
):
    (line,) = prepare_one(tmp_path, "radiology", values).rows()
    addendum = "//addendum" * (values.get("note_type") == "AR")
    assert line == (1, minute, known, f"NOTE//radiology{addendum}", None, "Clear lungs.")


# Identity: one written rule each


@pytest.mark.parametrize("table", ["discharge", "radiology"])
def test_notes_that_are_of_no_unit_stay_are_set_aside_by_reason(tmp_path: Path, table: str):
    raw = RawMimic4().stay(1).stay(3)
    raw.add("hosp/patients", subject_id=900).add("hosp/admissions", subject_id=900, hadm_id=9000)
    others = [row for row in raw.rows["hosp/patients"] if row["subject_id"] == "900"]
    assert len(others) == 1, "a patient of the hospital who was never in a unit"
    raw.note(table, 1, text="good")
    raw.note(table, None, subject_id=777, hadm_id=7777, text="nobody's")
    raw.note(table, None, subject_id=777, text="nobody's, without a hospital stay")
    raw.note(table, None, subject_id=900, text="never in a unit, without a hospital stay")
    raw.note(table, None, subject_id=900, hadm_id=9000, text="never in a unit")
    raw.note(table, 1, hadm_id=raw.ids(3)["hadm_id"], text="another patient's hospital stay")
    raw.note(table, 1, subject_id="", hadm_id="", text="no patient")
    raw.note(table, 1, note_type="XX", text="of a type that there is not")
    raw.note(table, 1, text="")
    raw.note(table, 1, text=" \n ")
    raw.note(table, 1, charttime="", storetime="", text="without a time")
    raw.note(table, 1, charttime="yesterday", text="of no time that can be read")
    raw.note(table, 1, text="good", note_id="another")
    made, set_aside = noted(tmp_path, raw, f"{table}_note")
    assert [line.rpartition(" ")[2] for line in made.splitlines()] == ["good"]
    assert set_aside == {
        "subject that patients does not have": 2,
        "subject without a stay": 1,
        "hospital stay without a unit stay": 1,
        "hospital stay of another patient": 1,
        "no subject id": 1,
        "note of an unknown type": 1,
        "no text": 2,
        "no time": 1,
        "not a time: charttime": 1,
        "duplicate row": 1,
    }


def test_dates_that_were_shifted_otherwise_are_set_aside(tmp_path: Path):
    """A year off: a report is in the time of no stay, a discharge note too far from the one that it names."""
    later = {"charttime": "2153-01-02 00:00:00", "storetime": "2153-01-02 00:00:00"}
    raw = RawMimic4().stay(1).note("discharge", 1, **later).note("radiology", 1, **later)
    raw.note("radiology", 1, hadm_id="", **later)
    assert noted(tmp_path / "d", raw, "discharge_note") == ("", {"more than a year from unit admission": 1})
    assert noted(tmp_path / "r", raw, "radiology_note") == ("", {"outside every unit stay and what leads to it": 2})


def test_a_report_must_lie_in_the_hospital_stay_that_it_names(tmp_path: Path):
    second = {"admittime": "2151-02-01 06:00:00", "dischtime": "2151-02-05 06:00:00"}
    raw = RawMimic4().stay(1).stay(2, 101, 2002, intime="2151-02-01 12:00:00", outtime="2151-02-03 12:00:00", **second)
    raw.note("radiology", 1, hadm_id=2002, text="charted in the first stay, of the second")
    made, set_aside = noted(tmp_path, raw, "radiology_note")
    assert (made, set_aside) == ("", {"not in the time of the hospital stay that it names": 1})


def test_the_rows_of_a_unit_stay_that_overlaps_are_of_the_earlier_one(tmp_path: Path):
    raw = RawMimic4().stay(1).stay(2, 101, 1001, intime="2151-01-02 00:00:00", outtime="2151-01-05 00:00:00")
    sixth = dict.fromkeys(("charttime", "storetime"), "2151-01-02 06:00:00")
    made, _ = noted(tmp_path, raw.note("radiology", 1, **sixth), "radiology_note")
    assert made == "1 1080 1080 NOTE//radiology Clear lungs."


def test_a_report_after_a_death_is_of_no_stay(tmp_path: Path):
    dead = {"deathtime": "2151-01-02 10:00:00", "hospital_expire_flag": 1, "dischtime": "2151-01-02 11:00:00"}
    raw = RawMimic4().stay(1, **dead | {"outtime": "2151-01-02 11:00:00"})
    raw.note("radiology", 1, charttime="2151-01-02 10:30:00")
    assert noted(tmp_path, raw, "radiology_note")[1] == {"outside every unit stay and what leads to it": 1}


# Text, exactly as it was written

ODD_TEXTS = (
    " \nName:  ___\n\nAdmission Date:  ___\n ",
    'He said "no", then ""nothing"".',
    "one\r\ntwo\rthree\n\n\nfour,five;six\tseven",
    "FINDINGS:" + "\n".join(f'line {number}, "quoted"' for number in range(4000)),
    "Größe 37,2 °C, naïve – µg",
)


@pytest.mark.parametrize("packed", [True, False])
def test_a_text_is_kept_to_the_letter(tmp_path: Path, packed: bool):
    raw = RawMimic4().stay(1)
    for hour, text in enumerate(ODD_TEXTS):
        raw.note("radiology", 1, charttime=f"2151-01-02 0{hour}:00:00", storetime="", text=text)
    written = raw.write(tmp_path / "raw", packed=packed)
    data = prepare(written, tmp_path / "data", notes=written / "note")
    told = data.events.filter(pl.col("modality") == "radiology_note")
    assert told["text_value"].to_list() == list(ODD_TEXTS)
    assert data.ledger["radiology"] == {"rows_in": 5, "rows_out": 5, "set_aside": {}}


def test_blocks_far_smaller_than_the_file_give_the_same_texts(tmp_path: Path):
    """A block must hold the longest row, and may end anywhere in another."""
    raw = RawMimic4().stay(1)
    for number in range(300):
        raw.note("radiology", 1, text=f"{number}:\n" + 'quoted "line"\r\n' * (number % 40))
    path = raw.write(tmp_path / "raw", packed=False) / "note" / "radiology.csv"
    table = on_disk(RADIOLOGY)
    whole = pl.concat(block.frame for block in read_blocks(path, table))
    blocks = list(read_blocks(path, table, block_bytes=2000))
    assert len(blocks) > 50
    assert pl.concat(block.frame for block in blocks).equals(whole)
    assert sum(block.ragged for block in blocks) == 0
    assert whole.height == 300


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_note_that_is_cut_short_is_an_error(tmp_path: Path, cut: int):
    raw = RawMimic4().stay(1).note("discharge", 1, text="one\n" * 30)
    written = raw.write(tmp_path / "raw", packed=False)
    path = written / "note" / "discharge.csv"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(BrokenFileError, match=r"discharge\.csv .*(ends inside a quoted field|does not end with)"):
        prepare(written, tmp_path / "data", notes=written)


# The folder


def test_notes_may_lie_in_a_folder_of_their_own_and_one_table_may_be_absent(tmp_path: Path):
    written = two_stays().note("discharge", 1).write(tmp_path / "raw")
    data = prepare(written, tmp_path / "data", "paper", notes=written / "note")
    assert set(data.events["modality"]) == {"demographics", "discharge_note"}
    assert "radiology" in json.loads((data.folder / "ledger.json").read_text())["absent"]


def test_a_folder_without_notes_is_refused(tmp_path: Path):
    written = RawMimic4().stay(1).write(tmp_path / "raw")
    with pytest.raises(
        SourceError, match=r"neither discharge\.csv\.gz nor radiology\.csv\.gz.*folder of MIMIC-IV-Note"
    ):
        prepare(written, tmp_path / "data", notes=written)


def test_without_the_option_no_note_is_read(tmp_path: Path):
    written = two_stays().note("discharge", 1).write(tmp_path / "raw")
    data = prepare(written, tmp_path / "data")
    assert "discharge" not in data.ledger
    assert "discharge_note" not in data.events["modality"].to_list()


def test_what_a_text_waits_for():
    assert DISCHARGE.told_after_discharge("text") == ("charttime", "storetime")
    assert RADIOLOGY.known_at("text") == ("charttime", "storetime")
    with pytest.raises(ValueError, match="no offset says"):
        DISCHARGE.known_at("text")
    with pytest.raises(ValueError, match="does not wait for the discharge"):
        RADIOLOGY.told_after_discharge("text")
