"""`NOTEEVENTS`: discharge summaries and reports of chest X-rays, and the truth about the latter.

A summary has the day of the discharge alone; a report the time of its study, and nothing of when it was stored. What
names a patient, a place or a date stands in brackets of two asterisks; a date is there, shifted as all dates are.
"""

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool

from wardround.sources.synthetic.latent import LATTICE
from wardround.sources.synthetic.made import Draw
from wardround.sources.synthetic.mimic.discharge_prose import Summary, summary_text
from wardround.sources.synthetic.mimic.notes import REPORTED, reports, summaries
from wardround.sources.synthetic.mimic.prose import Words
from wardround.sources.synthetic.mimic.radiology_prose import Report, findings, impression, question
from wardround.sources.synthetic.mimic.roster import DAY_MIN, Roster, moments, stamp
from wardround.sources.synthetic.mimic.studies import Studies
from wardround.sources.synthetic.mimic.ventilator import Ventilator
from wardround.sources.synthetic.mimic3.people import OLDEST, age_at

EXAMS: Final = ("CHEST (PORTABLE AP)", "CHEST (PA & LAT)")
LINE: Final = " " + "_" * 78
BLANK: Final = "___"
HOSPITAL: Final = "[**Hospital1 18**]"
A_BLANK: Final = re.compile(r"(?<!_)___(?!_)")
DAY: Final = "%Y-%-m-%-d"


def note_rows(
    draw: Draw,
    roster: Roster,
    ventilator: Ventilator,
    studies: Studies,
    people: Mapping[str, pl.DataFrame],
    missing: Mapping[str, Bool[np.ndarray, " stay"]],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of `NOTEEVENTS`, and those of `truth/reports.parquet`.

    Args:
        draw: the chunk.
        roster: its stays with ids and dates.
        ventilator: who was ventilated.
        studies: chest X-rays.
        people: the rows of `PATIENTS` and `ADMISSIONS`.
        missing: modality -> for each stay, whether there is none: of notes, and of the demographics that they then do
            not tell.

    Returns:
        Rows without those that are missing; and of each report its `row_id`, `stay_id, hospital_stay_id, severity` at
        the hour of the study, `opacity` and what else there was to see (`mimic/studies.py`).
    """
    one, number = roster.one_an_admission, draw.made.rows["NOTEEVENTS"] + 1
    told = _summaries(draw, roster, ventilator, people, missing)
    seen = _reports(draw, roster, studies, people, missing)
    ids = pl.Series(number + np.arange(one.size + seen.height))
    rows = pl.concat([told, seen], how="diagonal_relaxed").with_columns(row_id=ids)
    hour = studies.minute // 60
    truth = pl.DataFrame(
        {
            "row_id": ids[one.size :],
            "stay_id": roster.stay_id[studies.stay],
            "hospital_stay_id": roster.hadm_id[studies.stay],
            "severity": LATTICE[roster.stays.state_at(studies.stay, hour)],
            "opacity": studies.opacity,
            **{name: getattr(studies, name) for name in REPORTED},
        }
    )
    return rows.drop_nulls("text"), truth.filter(seen["text"].is_not_null())


def _summaries(
    draw: Draw,
    roster: Roster,
    ventilator: Ventilator,
    people: Mapping[str, pl.DataFrame],
    missing: Mapping[str, Bool[np.ndarray, " stay"]],
) -> pl.DataFrame:
    one, rng = roster.one_an_admission, draw.stream("discharge notes")
    days = [_days(minute) for minute in (roster.admitted[one], roster.discharged[one])]
    age = age_at(roster, people["PATIENTS"], one, roster.admitted[one])
    person = np.searchsorted(roster.one_a_patient, roster.first_of_patient[one])
    birth = people["PATIENTS"].select(pl.col("dob").str.to_datetime().dt.to_string(DAY).fill_null("Date"))
    born: list[str] = birth.to_series().gather(person).to_list()

    def text(place: int, summary: Summary, words: Words) -> str:
        came, went = (day[place] for day in days)
        head = (
            f"Admission Date:  [**{came}**]              Discharge Date:   [**{went}**]\n\n"
            f"Date of Birth:  [**{born[place]}**]             Sex:   {summary.sex or '[**Sex**]'}\n"
        )
        return _bracketed(summary_text(summary, head, words), _years(age[place]), went, words)

    goes_to: list[str] = people["ADMISSIONS"]["discharge_location"].to_list()
    frame = pl.DataFrame(roster.ids(one)).with_columns(
        chartdate=_date(roster.discharged[one]),
        category=pl.lit("Discharge summary"),
        description=pl.lit("Report"),
        text=summaries(roster, ventilator, goes_to, missing, text, rng),
    )
    return frame.with_columns(charttime=pl.lit(None, pl.String))


def _reports(
    draw: Draw,
    roster: Roster,
    studies: Studies,
    people: Mapping[str, pl.DataFrame],
    missing: Mapping[str, Bool[np.ndarray, " stay"]],
) -> pl.DataFrame:
    minute = roster.begun[studies.stay] + studies.minute
    when, day = moments(minute).dt.to_string("%-I:%M %p").to_list(), _days(minute)
    age = age_at(roster, people["PATIENTS"], studies.stay, minute)

    def text(place: int, report: Report, words: Words) -> str:
        made = _report(report, f"[**{day[place]}**] {when[place]}", words)
        return _bracketed(made, _years(age[place]), day[place], words)

    return pl.DataFrame(roster.ids(studies.stay)).with_columns(
        chartdate=_date(minute),
        charttime=stamp(minute),
        category=pl.lit("Radiology"),
        description=pl.Series(EXAMS).gather(np.where(studies.portable, 0, 1)),
        text=reports(roster, studies, people["ADMISSIONS"]["diagnosis"], missing, text, draw.stream("reports")),
    )


def _report(report: Report, when: str, words: Words) -> str:
    why = question(report, words)
    exam = EXAMS[0 if report.portable else 1]
    views = "Single portable AP view" if report.portable else "PA and lateral views"
    before = "None." if report.first else words.one("[**Date**] radiograph.", "Multiple prior studies.")
    return "\n".join(
        (
            when,
            f" {exam:<64}Clip # [**Clip Number (Radiology) {words.number()}**]",
            f" Reason: {why}",
            f" Admitting Diagnosis: {report.reason.upper()}",
            LINE,
            " [**Hospital 2**] MEDICAL CONDITION:",
            f"  {BLANK} year old {report.sex} with {report.reason}",
            " REASON FOR THIS EXAMINATION:",
            f"  {why}",
            LINE,
            f"{'FINAL REPORT':>45}",
            f" {views} of the chest.\n",
            f" COMPARISON:  {before}\n",
            f" FINDINGS:  {findings(report, words)}\n",
            f" IMPRESSION:  {impression(report, words)}\n",
        )
    )


def _years(age: int | None) -> str:
    if age is None:
        return "[**Age**]"
    return str(age) if age <= OLDEST else "[**Age over 90 **]"


def _bracketed(text: str, years: str, day: str, words: Words) -> str:
    """A text whose blanks say what was taken away, as MIMIC-III's do."""
    for blank, shown in (
        (f"{BLANK} year old", f"{years} year old"),
        (f"on {BLANK}", f"on [**{day}**]"),
        (f"{BLANK} cm", f"{2 + words.number() % 5} cm"),
        (f"Attending:\n{BLANK}", f"Attending:\n[**First Name3 (LF) {words.number()}**]"),
        (f"Social History:\n{BLANK}", f"Social History:\nLives in [**Location (un) {words.number()}**]."),
        (f"Followup Instructions:\n{BLANK}", "Followup Instructions:\nPlease call [**Telephone/Fax (1) 1989**]."),
        (f"Mr./Ms. {BLANK}", f"Mr./Ms. [**Known lastname {words.number()}**]"),
        (f"Dear {BLANK}", f"Dear [**Known lastname {words.number()}**]"),
    ):
        text = text.replace(blank, shown)
    return A_BLANK.sub(HOSPITAL, text)


def _days(minute: np.ndarray) -> list[str]:
    return moments(minute).dt.to_string(DAY).to_list()


def _date(minute: np.ndarray) -> pl.Series:
    return moments(minute // DAY_MIN * DAY_MIN).dt.to_string("%Y-%m-%d")
