"""MIMIC: notes as events, their text as it was written.

A discharge note tells of a hospital stay up to its end: it happens then, or on the day that it is charted where that
is later, and is known when it is stored, and not before the discharge. (It is charted at a date alone. Taken for its
midnight, a note before the end of the unit stay would say that the patient left hospital on that day.) A report is
known when it is stored. Where no such time is written, or one before the study, a report is known a day after its
study, and a discharge note 30 days after it was charted: by then the law asks for the finished record of a hospital
stay (42 CFR 482.24(c)(4)(vii)). An addendum has times of its own, by the same rules.
"""

from typing import Final

import polars as pl

from wardround.sources.conversion import candidates, with_reason
from wardround.sources.mimic.placing import clocked
from wardround.sources.raw_table import RawTable
from wardround.sources.stay_clock import on_stay_clock

DISCHARGE_NOTE, RADIOLOGY_NOTE = "discharge_note", "radiology_note"
DISCHARGE_MIN: Final = 30 * 24 * 60
REPORT_MIN: Final = 24 * 60

NO_TEXT: Final = "no text"
UNKNOWN_TYPE: Final = "note of an unknown type"


def discharge_notes(table: RawTable, frame: pl.DataFrame, addendum: pl.Expr) -> pl.DataFrame:
    """Candidates of discharge notes, in each unit stay of their hospital stay.

    Args:
        table: what is declared of the rows: `text` waits for the discharge and a time that it was stored.
        frame: rows with their `stays` and `charttime`.
        addendum: whether a row is one; null where its type is not known.

    Raises:
        ValueError: where the text is declared to be known otherwise.
    """
    frame = _read(frame, addendum)
    stored = [name for name in table.told_after_discharge("text") if name != table.offset]
    charted = pl.col("charttime")
    written = pl.coalesce(pl.max_horizontal(stored), charted + pl.duration(minutes=DISCHARGE_MIN))
    frame = with_reason(frame.explode("stays").unnest("stays"), charted.is_null(), "no time")
    known = pl.max_horizontal("discharged", charted, written)
    frame = on_stay_clock(frame.with_columns(time=charted, known=known))  # which sets aside what is charted a year off
    frame = on_stay_clock(frame.with_columns(time=pl.max_horizontal("discharged", charted)))
    return _candidates(frame, DISCHARGE_NOTE, "discharge")


def reports(table: RawTable, frame: pl.DataFrame, addendum: pl.Expr) -> pl.DataFrame:
    """Candidates of reports of radiology.

    Args:
        table: what is declared of the rows.
        frame: placed rows with `charttime`.
        addendum: whether a row is one; null where its type is not known.

    Raises:
        ValueError: where the text is declared to be known at no time of the row.
    """
    stored = [name for name in table.known_at("text") if name != table.offset]
    told = [pl.when(pl.col(name) >= pl.col("charttime")).then(name).alias(name) for name in stored]
    frame = clocked(_read(frame.with_columns(told), addendum), table, "text", REPORT_MIN)
    return _candidates(frame, RADIOLOGY_NOTE, "radiology")


def _read(frame: pl.DataFrame, addendum: pl.Expr) -> pl.DataFrame:
    frame = frame.with_columns(addendum=addendum)
    frame = with_reason(frame, pl.col("addendum").is_null(), UNKNOWN_TYPE)
    return with_reason(frame, pl.col("text").is_null(), NO_TEXT)


def _candidates(frame: pl.DataFrame, modality: str, kind: str) -> pl.DataFrame:
    code = pl.when("addendum").then(pl.lit(f"NOTE//{kind}//addendum")).otherwise(pl.lit(f"NOTE//{kind}"))
    return candidates(frame, modality, code, text=pl.col("text"))
