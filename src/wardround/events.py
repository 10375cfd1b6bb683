"""The vocabulary of the project: what an event is, which modalities exist, how time is written.

An *event* is one row: subject, stay, time, code, value, modality, and `available_time`, the moment at which the ward
could have known it. The columns are those of MEDS 0.4 with three more (MEDS allows extra columns), so a DATA folder is
a MEDS data set.

Time is integer microseconds of a naive local clock (no time zone exists in the raw databases, and a cast through one
has moved admissions by an hour elsewhere). Offsets are integer minutes; nothing here goes through floating-point time.
"""

from datetime import datetime
from typing import Final

import polars as pl
import pyarrow as pa

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US

TIME: Final = pl.Datetime("us")

EVENT_COLUMNS: Final[dict[str, pl.DataType]] = {
    "subject_id": pl.Int64(),
    "time": TIME,
    "code": pl.String(),
    "numeric_value": pl.Float32(),
    "text_value": pl.String(),
    "stay_id": pl.Int64(),
    "modality": pl.String(),
    "available_time": TIME,
}

TIME_IS: Final = "time_is"
KNOWN, HAPPENED = "known", "happened"
"""In `metadata/dataset.json`: whether `time` is when a thing was known, or when it happened. A DATA folder's is the
latter."""

MEDS_EVENT_SCHEMA: Final = pa.schema(
    [
        pa.field("subject_id", pa.int64(), nullable=False),
        pa.field("time", pa.timestamp("us")),
        pa.field("code", pa.string(), nullable=False),
        pa.field("numeric_value", pa.float32()),
        pa.field("text_value", pa.large_string()),
        pa.field("stay_id", pa.int64()),
        pa.field("modality", pa.string()),
        pa.field("available_time", pa.timestamp("us")),
    ]
)
"""The columns above as MEDS 0.4 spells their types on disk."""

STAY_COLUMNS: Final[dict[str, pl.DataType]] = {
    "subject_id": pl.Int64(),
    "stay_id": pl.Int64(),
    "start": TIME,
    "end": TIME,
    "hospital_start": TIME,
    "hospital_end": TIME,
    "age": pl.Float32(),
    "sex": pl.String(),
    "hospital_id": pl.Int64(),
    "year": pl.Int32(),
    "orphan": pl.Boolean(),
    "died_in_hospital": pl.Boolean(),
    "died_in_unit": pl.Boolean(),
    "los_h": pl.Float32(),
    "n_events": pl.Int64(),
    "modalities": pl.List(pl.String()),
    "in_unit_until": TIME,
    "death": TIME,
}
"""A row a stay. `start, end` are the unit's; `los_h` is hospital discharge - hospital admission in hours (the paper's
length of stay). A null `end`, `hospital_end` or `los_h` is not known: the raw time was blank or cannot be right. The
outcome columns are read by `tasks` alone: no feature ever comes from this table.

`in_unit_until` is a time at which a stay is known to be still in the unit, where a database does not publish `end`.
`death` is when the patient died, in hospital or after it, a date alone at the end of its day; null of those who live
and where a database does not say."""

OPTIONAL_STAY_COLUMNS: Final = frozenset({"in_unit_until", "death"})
"""What a DATA folder may come without; read as null."""

SORT_WITHIN_SUBJECT: Final = (
    "subject_id",
    "time",
    "stay_id",
    "available_time",
    "modality",
    "code",
    "numeric_value",
    "text_value",
)
"""MEDS wants subject and time; the rest is the tie-break for rows of the same minute, so that no order of the input
shows."""

PAPER_EICU: Final = ("demographics", "diagnosis", "treatment", "medication", "lab", "aps")
"""The six modalities of arXiv 2604.18753 on eICU, in the paper's order."""

BEYOND_PAPER: Final = (
    *("vitals", "infusion", "intake_output", "history", "score", "blood_gas", "neurology", "severity"),
    *("microbiology", "charting"),
    *("discharge_note", "radiology_note", "cxr"),
)
"""A new name goes to the end: cached lines hold places in `MODALITIES`."""

MODALITIES: Final = (*PAPER_EICU, *BEYOND_PAPER)
"""All modality names, in the order that breaks ties. `score` holds published risk scores as a database stores them: a
comparator, never an input. `severity` holds scores that are computed here from a stay's own values (`concepts`): an
input, and the first term of a head (`models/published_risk.py`). `charting` holds what nurses chart in words, and the
settings of monitors and beds, and that a specimen was taken: kept for concepts, never an input."""

TEXTS: Final = ("discharge_note", "radiology_note")
"""Modalities of prose: an event is a note, `text_value` its text as it was written."""

IMAGES: Final = ("cxr",)
"""Modalities of pictures: an event is a picture, `text_value` the path of its file below the folder of pictures."""

DERIVED: Final = {"severity": ("APACHE//IV//acute_physiology_points", "APACHE//IV//hospital_mortality_logit")}
"""Modality -> codes of the events that are computed here (`concepts`). No source may bring one: it would be taken for
what was computed."""

NOT_INPUTS: Final = frozenset({"score", "charting"})
INPUT_MODALITIES: Final = tuple(name for name in MODALITIES if name not in NOT_INPUTS)
"""What a model may be given, and is given where no modality is named."""


def calendar_start(stay_index: int) -> datetime:
    """Unit admission on the synthetic calendar of databases that hold offsets only.

    Each hospital stay of a subject gets its own year, so that no two of its stays interleave (`AVAILABILITY.md`).

    Args:
        stay_index: 0 for the subject's first hospital stay, 1 for the next, ...

    Returns:
        1 July, 00:00 of year 2001 + `stay_index`; mid-year, since offsets reach months before admission.

    Raises:
        ValueError: if `stay_index` is negative.
    """
    if stay_index < 0:
        raise ValueError(f"stay_index must be 0 or more, got {stay_index}")
    return datetime(2001 + stay_index, 7, 1)
