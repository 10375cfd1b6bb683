"""MIMIC-III, noteevents: discharge summaries and reports of radiology as events, by the rules of `mimic/notes.py`.

What nurses, physicians and others write is not read, nor what is marked as an error. A summary has a day alone, and so
have some reports: they were charted by the end of it.
"""

from dataclasses import replace
from typing import Final

import polars as pl

from wardround.sources.conversion import EventTable, with_reason
from wardround.sources.mimic.note_places import at_time, of_admission
from wardround.sources.mimic.notes import DISCHARGE_NOTE, RADIOLOGY_NOTE, discharge_notes, reports
from wardround.sources.mimic.placing import midnight_after
from wardround.sources.mimic3.columns import ADMISSION
from wardround.sources.mimic3.placing import not_in_error
from wardround.sources.raw_table import (
    ANY_TEXT,
    ID,
    INTEGER,
    PROSE,
    TIME,
    UNREAD,
    RawTable,
    at,
    columns,
    discharge_or,
    end_of_day,
)

_WRITTEN: Final = at("charttime", "storetime")
NOTEEVENTS: Final = RawTable(
    "noteevents",
    {
        **ADMISSION,
        "chartdate": (TIME, end_of_day("chartdate")),
        **columns("charttime storetime", TIME, _WRITTEN),
        **columns("category description", ANY_TEXT, _WRITTEN),
        "text": (PROSE, _WRITTEN),
        "iserror": (INTEGER, ID),
        "cgid": (ANY_TEXT, UNREAD),
    },
    offset="charttime",
)
"""`iserror` says which rows are not true, and becomes nothing else."""

SUMMARIES: Final = replace(
    NOTEEVENTS, columns={**NOTEEVENTS.columns, "text": (PROSE, discharge_or("charttime", "storetime"))}
)
"""Of a discharge summary the text waits for the discharge too."""

UNREAD_CATEGORY: Final = "category that is not read"

_CATEGORY: Final = pl.col("category").str.to_lowercase()
_IS_SUMMARY: Final = (_CATEGORY == "discharge summary").fill_null(False)
_IS_REPORT: Final = (_CATEGORY == "radiology").fill_null(False)
_IS_ADDENDUM: Final = (pl.col("description").str.to_lowercase() == "addendum").fill_null(False)
_CHARTED: Final = pl.coalesce("charttime", midnight_after(NOTEEVENTS, "chartdate"))

_summary_place = of_admission("charttime", "chartdate")
_report_place = at_time("charted")


def _place(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Summaries with all `stays` of their hospital stay, reports with the stay in whose time they lie."""
    rows = with_reason(not_in_error(rows, "iserror"), ~(_IS_SUMMARY | _IS_REPORT), UNREAD_CATEGORY)
    rows = rows.with_columns(charted=_CHARTED)
    placed = _summary_place(rows.filter(_IS_SUMMARY), stays), _report_place(rows.filter(~_IS_SUMMARY), stays)
    return pl.concat(placed, how="diagonal")


def _notes(frame: pl.DataFrame) -> pl.DataFrame:
    frame = frame.with_columns(charttime="charted")
    summaries = frame.filter(_IS_SUMMARY).drop("stay_id", "start")
    of_reports = frame.filter(~_IS_SUMMARY).drop("stays")
    made = discharge_notes(SUMMARIES, summaries, _IS_ADDENDUM), reports(NOTEEVENTS, of_reports, _IS_ADDENDUM)
    return pl.concat(made)


NOTE_TABLE: Final = EventTable(NOTEEVENTS, _notes, (DISCHARGE_NOTE, RADIOLOGY_NOTE), place=_place)
