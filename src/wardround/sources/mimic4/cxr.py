"""MIMIC-CXR-JPG 2.0.0 and 2.1.0 (Johnson et al., arXiv 1901.07042): chest X-rays as events, each the path of its file.

A picture is of the unit stay in whose time its study lies (`mimic/placing.py`), and known at the time of its study. Of
the views AP alone is read, that of portable X-rays at the bedside. `is_patient` and `file` are no columns of the
tables: they are looked up in `patients` and among the files that are there (`cxr_files.py`). The labels of CheXpert and
NegBio are what programs read in the reports, known when those are, and are not read.
"""

from typing import Final

import polars as pl

from wardround.events import TIME as LOCAL
from wardround.sources.conversion import NOT_A_TIME, EventTable, candidates, with_reason
from wardround.sources.mimic.placing import Place, by_time
from wardround.sources.mimic4.registered import REGISTERED, registered
from wardround.sources.raw_table import ANY_TEXT, ID, INTEGER, UNREAD, Columns, RawTable, at, columns
from wardround.sources.stay_clock import on_stay_clock

CXR: Final = "cxr"
VIEW: Final = "AP"
FILE: Final = "file"

OTHER_VIEW: Final = f"view other than {VIEW}"
NO_VIEW: Final = "view not told"
NO_FILE: Final = "file is not there"

_STUDY: Final = at("studydate", "studytime")
METADATA: Final = RawTable(
    "mimic-cxr-2.0.0-metadata",
    {
        "dicom_id": (ANY_TEXT, ID),
        **columns("subject_id study_id", INTEGER, ID),
        **REGISTERED,
        FILE: (ANY_TEXT, _STUDY),
        **columns("studydate studytime viewposition", ANY_TEXT, _STUDY),
        **columns("performedprocedurestepdescription rows columns", ANY_TEXT, UNREAD),
        **columns("procedurecodesequence_codemeaning viewcodesequence_codemeaning", ANY_TEXT, UNREAD),
        "patientorientationcodesequence_codemeaning": (ANY_TEXT, UNREAD),
    },
    optional=False,
    offset="studydate",
)

_STUDY_IDS: Final[Columns] = columns("subject_id study_id", INTEGER, ID)
_FINDINGS: Final = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture"),
    *("Lung Lesion", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia", "Pneumothorax"),
    "Support Devices",
)
_LABELS: Final[Columns] = {name.lower(): (ANY_TEXT, UNREAD) for name in _FINDINGS}
_OPACITY, _AIRSPACE = ({name: (ANY_TEXT, UNREAD)} for name in ("lung opacity", "airspace opacity"))
UNREAD_TABLES: Final = (
    RawTable("mimic-cxr-2.0.0-split", {**_STUDY_IDS, "dicom_id": (ANY_TEXT, ID), **columns("split", ANY_TEXT, UNREAD)}),
    RawTable("mimic-cxr-2.0.0-chexpert", {**_STUDY_IDS, **_LABELS, **_OPACITY}),
    RawTable("mimic-cxr-2.0.0-negbio", {**_STUDY_IDS, **_LABELS, **_OPACITY}),
    RawTable("mimic-cxr-2.1.0-test-set-labeled", {"study_id": (INTEGER, ID), **_LABELS, **_AIRSPACE}),
)
"""The split into training and test is by study, and not that of a run (`tasks/splits.py`)."""


def _on_time(place: Place) -> Place:
    """The rule, for rows whose date and time of study are put together first, as `study`."""

    def placed(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
        day, clock = study_day(pl.col("studydate")), time_of_day(pl.col("studytime"))
        rows = rows.with_columns(_day=day, _clock=clock)
        for column, read in (("studydate", "_day"), ("studytime", "_clock")):
            unreadable = pl.col(column).is_not_null() & pl.col(read).is_null()
            rows = with_reason(rows, unreadable, f"{NOT_A_TIME}: {column}")
        rows = rows.with_columns(study=pl.col("_day") + pl.col("_clock")).drop("_day", "_clock")
        return place(rows, stays)

    return placed


def study_day(text: pl.Expr) -> pl.Expr:
    """Midnight of a date as DICOM writes it, `YYYYMMDD`; null for all else."""
    return text.str.strip_suffix(".0").str.to_datetime("%Y%m%d", time_unit="us", strict=False).cast(LOCAL)


def time_of_day(text: pl.Expr) -> pl.Expr:
    """Time since midnight as DICOM writes it, `HHMMSS.ffffff`, without its leading zeros where a program took it for a
    number; null for all else."""
    parts = text.str.extract_groups(r"^(?<clock>[0-9]{1,6})(?:\.(?<rest>[0-9]*))?$")
    clock = parts.struct.field("clock").str.zfill(6)
    hour, minute, second = (clock.str.slice(place, 2).cast(pl.Int64) for place in (0, 2, 4))
    rest = parts.struct.field("rest").fill_null("").str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64)
    valid = (hour < 24) & (minute < 60) & (second < 60)
    return pl.when(valid).then(pl.duration(hours=hour, minutes=minute, seconds=second, microseconds=rest))


def pictures(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of chest X-rays, known at the time of their study: `text_value` is the path of the file.

    Raises:
        ValueError: where the file is declared to be known otherwise.
    """
    if set(METADATA.known_at(FILE)) != {"studydate", "studytime"}:
        raise ValueError(f"{METADATA.name}.{FILE} is not declared as known at the time of the study")
    view = pl.col("viewposition").str.to_uppercase()
    frame = with_reason(frame, view.is_null(), NO_VIEW)
    frame = with_reason(frame, view != VIEW, OTHER_VIEW)
    frame = with_reason(frame, pl.col(FILE).is_null(), NO_FILE)
    frame = on_stay_clock(frame.with_columns(time="study", known="study"))
    return candidates(frame, CXR, pl.lit(f"CXR//{VIEW}"), text=pl.col(FILE))


CXR_TABLES: Final = (EventTable(METADATA, pictures, (CXR,), place=registered(_on_time(by_time("study")))),)
