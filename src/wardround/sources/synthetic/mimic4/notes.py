"""`discharge`, `radiology` and their details: the notes of MIMIC-IV-Note.

A discharge note is dated the day of the discharge, at midnight, and stored one to five days later; a report is dated
its study. Only notes that are not missing are composed; the words of one hang on no other's.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.made import Draw
from wardround.sources.synthetic.mimic4.billing import worst_severity
from wardround.sources.synthetic.mimic4.discharge_prose import STORIES, Summary, summary_text
from wardround.sources.synthetic.mimic4.prose import Words, draw_words
from wardround.sources.synthetic.mimic4.radiology_prose import Report, report_text
from wardround.sources.synthetic.mimic4.roster import DAY_MIN, Roster, stamp
from wardround.sources.synthetic.mimic4.studies import Studies
from wardround.sources.synthetic.mimic4.ventilator import Ventilator
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES

DISCHARGE, RADIOLOGY = "note/discharge", "note/radiology"
GRADES: Final = (0.5, 1.5, 2.5)
"""Severities, as told, at which a course is mildly complicated, complicated, critical."""
SHOCK: Final = 1.8
"""Severity, as told, above which pressors were given."""
EXAM_CODE: Final = "C11"


def discharge_tables(
    draw: Draw, roster: Roster, ventilator: Ventilator, admissions: pl.DataFrame, missing: np.ndarray
) -> dict[str, pl.DataFrame]:
    """The rows of `discharge` and `discharge_detail`, a note a hospital stay.

    Args:
        draw: the chunk.
        roster: its stays with ids and dates.
        ventilator: who was ventilated.
        admissions: the rows of `admissions`, one for each of `roster.one_an_admission`.
        missing: for each stay, whether there is no note.
    """
    rng, one, stays = draw.stream("discharge notes"), roster.one_an_admission, roster.stays
    known = ~missing[one]
    told = worst_severity(roster) + stays.blur["discharge_note"][one]
    group = np.searchsorted(one, roster.first_of_admission)
    tube = np.zeros(one.size, dtype=bool)
    np.logical_or.at(tube, np.repeat(group, stays.hours), ventilator.on)
    days = np.bincount(group, stays.unit_min, one.size) // DAY_MIN
    female: list[bool] = stays.of_stay("female")[one].tolist()
    has = stays.of_stay("comorbidity")[one]
    causes: list[int] = stays.of_stay("cause")[one].tolist()

    def text(place: int, words: Words) -> str:
        history = tuple(name for name, yes in zip(COMORBIDITY_NAMES, has[place], strict=True) if yes)
        severity = float(told[place])
        outcome = (bool(stays.died[one[place]]), str(admissions["discharge_location"][place]))
        ill = (bisect_right(GRADES, severity), int(days[place]), bool(tube[place]), severity > SHOCK)
        return summary_text(
            Summary("F" if female[place] else "M", CAUSE_NAMES[causes[place]], history, *ill, *outcome), words
        )

    day = roster.discharged[one] // DAY_MIN * DAY_MIN
    stored = roster.discharged[one] + rng.integers(DAY_MIN, 5 * DAY_MIN, one.size)
    rows = _notes(roster, one, "DS", (day, stored), _composed(known, draw_words(one.size, rng), text))
    detail = rows.select("note_id", "subject_id", field_name=pl.lit("author"), field_value=pl.lit("___"))
    return {DISCHARGE: rows, f"{DISCHARGE}_detail": detail.with_columns(field_ordinal=pl.lit(1))}


def radiology_tables(draw: Draw, roster: Roster, studies: Studies, missing: np.ndarray) -> dict[str, pl.DataFrame]:
    """The rows of `radiology` and `radiology_detail`, a report a study; `missing` as above."""
    rng, stays = draw.stream("reports"), roster.stays
    first = np.append(True, studies.stay[1:] != studies.stay[:-1])
    female, cause = (stays.of_stay(name)[studies.stay] for name in ("female", "cause"))

    def text(place: int, words: Words) -> str:
        told = {name: getattr(studies, name)[place].item() for name in REPORTED}
        sex, reason = "woman" if female[place] else "man", STORIES[CAUSE_NAMES[cause[place]]].complaint.lower()
        return report_text(Report(sex=sex, reason=reason, first=bool(first[place]), **told), words)

    begun = roster.begun[studies.stay]
    times = (begun + studies.minute, begun + studies.reported_min)
    known = ~missing[studies.stay]
    rows = _notes(roster, studies.stay, "RR", times, _composed(known, draw_words(known.size, rng), text))
    exam = rows["text"].str.extract(r"^EXAMINATION:  ([^\n]+)", 1)
    fields = (("exam_code", pl.lit(EXAM_CODE)), ("exam_name", exam))
    details = [
        rows.select("note_id", "subject_id", field_name=pl.lit(name), field_value=value, field_ordinal=pl.lit(1))
        for name, value in fields
    ]
    return {RADIOLOGY: rows, f"{RADIOLOGY}_detail": pl.concat(details).sort("note_id", maintain_order=True)}


REPORTED: Final = ("portable", "grade", "left", "zone", "effusion", "oedema", "large_heart", "tube")
"""Fields of `Report` that are those of a study."""


def _composed(known: np.ndarray, words: Iterable[Words], text: Callable[[int, Words], str]) -> pl.Series:
    """The texts of the notes that there are, null for the others."""
    texts = [text(place, own) if known[place] else None for place, own in enumerate(words)]
    return pl.Series(texts, dtype=pl.String)


def _notes(
    roster: Roster, stay: np.ndarray, kind: str, times: tuple[np.ndarray, np.ndarray], text: pl.Series
) -> pl.DataFrame:
    """Rows of notes in the order of `stay`, numbered for each patient, without those that have no text."""
    frame = pl.DataFrame(roster.ids(stay)).with_columns(
        note_type=pl.lit(kind), charttime=stamp(times[0]), storetime=stamp(times[1]), text=text
    )
    frame = frame.with_columns(note_seq=pl.int_range(1, pl.len() + 1).over("subject_id"))
    return frame.with_columns(note_id=pl.format("{}-{}-{}", "subject_id", "note_type", "note_seq")).drop_nulls("text")
