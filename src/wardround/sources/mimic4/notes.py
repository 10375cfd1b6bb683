"""MIMIC-IV-Note 2.2 (Johnson et al., PhysioNet 2023): discharge notes and reports of radiology, by the rules of
`mimic/notes.py`.

`is_patient` is no column of the files: it is looked up in `patients` (`beside.py`).
"""

from typing import Final

import polars as pl

from wardround.sources.conversion import EventTable
from wardround.sources.mimic.note_places import at_time, of_admission
from wardround.sources.mimic.notes import DISCHARGE_NOTE, RADIOLOGY_NOTE, discharge_notes, reports
from wardround.sources.mimic4.columns import ADMISSION
from wardround.sources.mimic4.registered import REGISTERED, registered
from wardround.sources.raw_table import (
    ANY_TEXT,
    ID,
    PROSE,
    TEXT,
    TIME,
    UNREAD,
    Columns,
    Known,
    RawTable,
    at,
    columns,
    discharge_or,
)

_NUMBERED: Final[Columns] = columns("note_id note_seq", TEXT, UNREAD)
"""Two rows that differ in these alone are one."""


def _table(name: str, told: Known) -> RawTable:
    """A table of notes, all that it says told by one rule."""
    said: Columns = {
        "note_type": (TEXT, told),
        **columns("charttime storetime", TIME, told),
        "text": (PROSE, told),
    }
    return RawTable(name, {**_NUMBERED, **ADMISSION, **REGISTERED, **said}, offset="charttime")


DISCHARGE: Final = _table("discharge", discharge_or("charttime", "storetime"))
RADIOLOGY: Final = _table("radiology", at("charttime", "storetime"))

_FIELDS: Final[Columns] = {
    **columns("note_id subject_id field_ordinal", ANY_TEXT, ID),
    "field_name": (TEXT, UNREAD),
    "field_value": (TEXT, UNREAD),
}
UNREAD_TABLES: Final = (RawTable("discharge_detail", _FIELDS), RawTable("radiology_detail", _FIELDS))
"""Who wrote a note, and the name of an examination, which its text says too."""


def _is_addendum(note: str, addendum: str) -> pl.Expr:
    """Whether `note_type` is that of an addendum; null where it is neither."""
    return (
        pl.col("note_type")
        .str.to_uppercase()
        .replace_strict({note: False, addendum: True}, default=None, return_dtype=pl.Boolean)
    )


def _discharge(frame: pl.DataFrame) -> pl.DataFrame:
    return discharge_notes(DISCHARGE, frame, _is_addendum("DS", "AD"))


def _radiology(frame: pl.DataFrame) -> pl.DataFrame:
    return reports(RADIOLOGY, frame, _is_addendum("RR", "AR"))


NOTE_TABLES: Final = (
    EventTable(DISCHARGE, _discharge, (DISCHARGE_NOTE,), place=registered(of_admission("charttime"))),
    EventTable(RADIOLOGY, _radiology, (RADIOLOGY_NOTE,), place=registered(at_time("charttime"))),
)
