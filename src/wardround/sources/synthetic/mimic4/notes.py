"""`discharge`, `radiology` and their details: the notes of MIMIC-IV-Note.

A discharge note is dated the day of the discharge, at midnight, and stored one to five days later; a report is dated
its study. What names a patient, a place or a date is blanked.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool

from wardround.sources.synthetic.made import Draw
from wardround.sources.synthetic.mimic.discharge_prose import Summary, summary_text
from wardround.sources.synthetic.mimic.notes import reports, summaries
from wardround.sources.synthetic.mimic.prose import Words
from wardround.sources.synthetic.mimic.radiology_prose import Report, findings, impression, question
from wardround.sources.synthetic.mimic.roster import DAY_MIN, Roster, stamp
from wardround.sources.synthetic.mimic.studies import Studies
from wardround.sources.synthetic.mimic.ventilator import Ventilator
from wardround.sources.synthetic.mimic.working_diagnosis import working_diagnoses

DISCHARGE, RADIOLOGY = "note/discharge", "note/radiology"
EXAM_CODE: Final = "C11"
EXAMS: Final = ("CHEST (PORTABLE AP)", "CHEST (PA AND LAT)")


def discharge_tables(
    draw: Draw,
    roster: Roster,
    ventilator: Ventilator,
    admissions: pl.DataFrame,
    missing: Mapping[str, Bool[np.ndarray, " stay"]],
) -> dict[str, pl.DataFrame]:
    """The rows of `discharge` and `discharge_detail`, a note a hospital stay.

    Args:
        draw: the chunk.
        roster: its stays with ids and dates.
        ventilator: who was ventilated.
        admissions: the rows of `admissions`, one for each of `roster.one_an_admission`.
        missing: modality -> for each stay, whether there is none: of notes, and of the demographics that they then do
            not tell.
    """
    rng, one = draw.stream("discharge notes"), roster.one_an_admission
    day = roster.discharged[one] // DAY_MIN * DAY_MIN
    stored = roster.discharged[one] + rng.integers(DAY_MIN, 5 * DAY_MIN, one.size)
    text = summaries(roster, ventilator, admissions["discharge_location"].to_list(), missing, _summary_text, rng)
    rows = _notes(roster, one, "DS", (day, stored), text)
    detail = rows.select("note_id", "subject_id", field_name=pl.lit("author"), field_value=pl.lit("___"))
    return {DISCHARGE: rows, f"{DISCHARGE}_detail": detail.with_columns(field_ordinal=pl.lit(1))}


def _summary_text(_: int, summary: Summary, words: Words) -> str:
    """The text of a discharge note."""
    head = (
        "Name:  ___                     Unit No:   ___\n\n"
        "Admission Date:  ___              Discharge Date:   ___\n\n"
        f"Date of Birth:  ___             Sex:   {summary.sex or '___'}\n"
    )
    return summary_text(summary, head, words)


def radiology_tables(
    draw: Draw, roster: Roster, studies: Studies, missing: Mapping[str, Bool[np.ndarray, " stay"]]
) -> dict[str, pl.DataFrame]:
    """The rows of `radiology` and `radiology_detail`, a report a study; `missing` as above."""
    begun = roster.begun[studies.stay]
    times = (begun + studies.minute, begun + studies.reported_min)
    working = working_diagnoses(roster, draw.stream("working diagnoses"))
    text = reports(roster, studies, working, missing, _report_text, draw.stream("reports"))
    rows = _notes(roster, studies.stay, "RR", times, text)
    exam = rows["text"].str.extract(r"^EXAMINATION:  ([^\n]+)", 1)
    fields = (("exam_code", pl.lit(EXAM_CODE)), ("exam_name", exam))
    details = [
        rows.select("note_id", "subject_id", field_name=pl.lit(name), field_value=value, field_ordinal=pl.lit(1))
        for name, value in fields
    ]
    return {RADIOLOGY: rows, f"{RADIOLOGY}_detail": pl.concat(details).sort("note_id", maintain_order=True)}


def _report_text(_: int, report: Report, words: Words) -> str:
    """The text of a report; what names a patient is blanked."""
    exam = EXAMS[0 if report.portable else 1]
    views = "Single portable AP view" if report.portable else "PA and lateral views"
    sections = {
        "EXAMINATION": exam,
        "INDICATION": f"___ year old {report.sex} with {report.reason}  // {question(report, words)}",
        "TECHNIQUE": f"{views} of the chest.",
        "COMPARISON": "None."
        if report.first
        else words.one("Chest radiograph ___.", "___", "Prior radiograph from ___."),
        "FINDINGS": findings(report, words),
        "IMPRESSION": impression(report, words),
    }
    return "\n\n".join(f"{head}:  {text}" for head, text in sections.items()) + "\n"


def _notes(
    roster: Roster, stay: np.ndarray, kind: str, times: tuple[np.ndarray, np.ndarray], text: pl.Series
) -> pl.DataFrame:
    """Rows of notes in the order of `stay`, numbered for each patient, without those that have no text."""
    frame = pl.DataFrame(roster.ids(stay)).with_columns(
        note_type=pl.lit(kind), charttime=stamp(times[0]), storetime=stamp(times[1]), text=text
    )
    frame = frame.with_columns(note_seq=pl.int_range(1, pl.len() + 1).over("subject_id"))
    return frame.with_columns(note_id=pl.format("{}-{}-{}", "subject_id", "note_type", "note_seq")).drop_nulls("text")
