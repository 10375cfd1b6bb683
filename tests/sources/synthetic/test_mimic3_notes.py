"""The notes of the synthetic MIMIC-III: what they tell, and what they leave untold."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from synthetic_mimic3 import raw, time, truth_of, without_odd
from wardround.sources.synthetic import SyntheticMimic3Settings, synthesise_mimic3
from wardround.sources.synthetic.mimic.discharge_prose import STORIES
from wardround.sources.synthetic.mimic.radiology_prose import GRADES
from wardround.sources.synthetic.mimic.working_diagnosis import WORKING
from wardround.sources.synthetic.mimic3.billing_list import PRIMARY


@pytest.fixture(scope="module")
def whole(whole_mimic3: Path) -> Path:
    return whole_mimic3


def test_ages_in_notes_are_those_of_the_day(whole: Path):
    notes = without_odd(raw(whole, "NOTEEVENTS")).join(raw(whole, "PATIENTS"), on="SUBJECT_ID")
    notes = notes.join(without_odd(raw(whole, "ADMISSIONS")).select("HADM_ID", "ADMITTIME"), on="HADM_ID")
    lived = (pl.coalesce(time("CHARTTIME"), time("ADMITTIME")) - time("DOB")).dt.total_days() / 365.25
    age = pl.col("TEXT").str.extract(r"(\d+) year old").cast(pl.Int64)
    assert notes.filter(lived < 89).select(((age + 0.5 - lived).abs() < 0.51).fill_null(False).all()).item()
    assert notes.filter(lived > 250)["TEXT"].str.contains("[**Age over 90 **] year old", literal=True).all()


def test_notes_do_not_tell_the_demographics_that_are_missing(tmp_path: Path):
    """As those of the synthetic MIMIC-IV; the control are the patients whose demographics are there."""
    settings = SyntheticMimic3Settings(missing_demographics=0.5, missing_discharge_note=0.3, missing_radiology_note=0.3)
    synthesise_mimic3(tmp_path, 80, 2, settings, quiet=True)
    notes = raw(tmp_path, "NOTEEVENTS").join(raw(tmp_path, "PATIENTS"), on="SUBJECT_ID")
    known = notes["GENDER"].is_not_null()
    assert known.any()
    assert not known.all()
    for tells in (r"year old (wo)?man", r"(\d|Age over 90 \*\*\]) year old"):
        assert notes["TEXT"].str.contains(tells).equals(known), tells
    summaries = notes.filter(CATEGORY="Discharge summary")
    assert summaries["TEXT"].str.contains("Sex:   [MF]\n").equals(summaries["GENDER"].is_not_null())


def test_notes_tell_what_is_planted(whole: Path):
    notes = without_odd(raw(whole, "NOTEEVENTS"))
    truth = truth_of(whole, "visits").with_columns(HADM_ID=pl.col("hospital_stay_id").cast(pl.String))
    told = notes.filter(pl.col("CATEGORY") == "Discharge summary").join(truth, on="HADM_ID", how="full")
    assert told.null_count().select("TEXT", "cause").sum_horizontal().item() == 0
    assert told["TEXT"].str.contains("expired on|passed away|pronounced dead").equals(told["died"])
    for cause, words in zip(told["cause"], told["TEXT"], strict=True):
        assert STORIES[cause].diagnosis in words
    assert told["CHARTTIME"].null_count() == told["STORETIME"].null_count() == told.height
    assert told["TEXT"].str.contains(r"Admission Date:  \[\*\*2\d{3}-\d+-\d+\*\*\]").all()
    assert not notes["TEXT"].str.contains("(^|[^_])___([^_]|$)").any(), "blanks are MIMIC-III's"

    reports = truth_of(whole, "reports").with_columns(ROW_ID=pl.col("row_id").cast(pl.String))
    seen = notes.filter(pl.col("CATEGORY") == "Radiology").join(reports, on="ROW_ID", how="full")
    assert seen.null_count().select("TEXT", "opacity").sum_horizontal().item() == 0
    assert seen["TEXT"].str.contains("FINAL REPORT").all()
    for grade, name in enumerate(GRADES[1:], start=1):
        here = seen.filter(pl.col("grade") == grade)["TEXT"]
        assert here.len() > 3
        assert here.str.contains(f"(?i)impression: .*{name} (left|right) .* opacity").all()
    assert np.corrcoef(seen["opacity"], seen["severity"])[0, 1] > 0.5


def surest(notes: pl.DataFrame, visits: pl.DataFrame) -> float:
    """Of all lines (without numbers) in notes of 15 hospital stays or more: the highest share of any condition."""
    without_numbers = pl.col("TEXT").str.replace_all(r"\[\*\*.*?\*\*\]|\d+", "#").str.split("\n").alias("line")
    lines = notes.select("HADM_ID", without_numbers).explode("line").unique()
    had = visits.select(pl.col("hospital_stay_id").cast(pl.String).alias("HADM_ID"), pl.col("^had_.*$"))
    shares = lines.join(had, on="HADM_ID").group_by("line").agg(pl.len(), pl.col("^had_.*$").mean())
    often = shares.filter(pl.col("len") >= 15)
    assert often.height > 20
    return often.select(pl.max_horizontal("^had_.*$")).max().item()


def test_no_line_of_a_report_determines_what_is_billed(whole: Path):
    notes, visits = without_odd(raw(whole, "NOTEEVENTS")), truth_of(whole, "visits")
    reports = notes.filter(pl.col("CATEGORY") == "Radiology")
    told = reports.join(without_odd(raw(whole, "ADMISSIONS")).select("HADM_ID", "DIAGNOSIS"), on="HADM_ID")
    assert told["TEXT"].str.extract("Admitting Diagnosis: (.*)").equals(told["DIAGNOSIS"])
    assert surest(reports, visits) < 0.8
    # the negative control: the diagnosis of a discharge summary, written afterwards, does
    assert surest(notes.filter(pl.col("CATEGORY") == "Discharge summary"), visits) == 1
    for word in {word for words in WORKING.values() for word in words}:
        assert len({PRIMARY[cause][0] for cause, words in WORKING.items() if word in words}) > 3, word
