"""MEDS rows as events: what each code is, the stay that a row belongs to, and when it was known.

A row belongs to the stay that its id column names; without one, to the stay of its patient in whose time it lies. The
time of a unit stay begins with the hospital stay (and `before_h` before that), or where the stay before it in the same
hospital stay ended, and lasts until the next one, or the end of the hospital stay. A row without a time is static: an
event at the start of every stay of its patient, unless its value would only be known at discharge.
"""

from functools import partial
from typing import Final

import polars as pl

from wardround.events import MODALITIES
from wardround.sources.conversion import (
    NOT_A_NUMBER,
    WITHIN_MINUTE,
    EventTable,
    candidates,
    with_reason,
)
from wardround.sources.meds.columns import event_columns
from wardround.sources.meds.mapping import Mapping, Meaning
from wardround.sources.meds.modifiers import as_read, modified
from wardround.sources.meds.stays import stay_number, told_by
from wardround.sources.stay_clock import on_stay_clock, stay_windows

TELLS: Final = "tells of the stay or the patient"
UNMAPPED: Final = "code of no modality"
OUTSIDE: Final = "outside every stay"
NO_STAY: Final = "subject without a stay"
NEVER_KNOWN: Final = "known at discharge, which is not known"
STATIC_DISCHARGE: Final = "known at discharge, but of no stay's time"
NO_SUCH_STAY: Final = "no such stay"
OTHERS_STAY: Final = "stay of another subject"
NAN: Final = f"{NOT_A_NUMBER}: numeric_value"


class CodeBook:
    """What each code of a data set is, remembered once it was asked."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self._outcomes = (mapping.stays.ends, mapping.around.ends, mapping.died, mapping.death)
        self._known: dict[str, tuple[int | None, str | None]] = {}

    def entry(self, code: str) -> tuple[int | None, str | None]:
        """(number of its entry in `[[events]]`, None), or (None, why it becomes no event)."""
        if code not in self._known:
            self._known[code] = self._looked_up(code)
        return self._known[code]

    def _looked_up(self, code: str) -> tuple[int | None, str | None]:
        if any(codes.has(code) for codes in self._outcomes):
            return None, TELLS
        for number, meaning in enumerate(self.mapping.events):
            if meaning.codes.has(code):
                return number, None
        for left_out in self.mapping.left_out:
            if left_out.codes.has(code):
                return None, left_out.why
        return None, TELLS if any(codes.has(code) for codes in told_by(self.mapping)) else UNMAPPED

    def table(self, codes: pl.Series) -> pl.DataFrame:
        """`code, entry, why`, a row each of some codes."""
        distinct = codes.drop_nulls().unique().to_list()
        entries = [self.entry(code) for code in distinct]
        return pl.DataFrame(
            {"code": distinct, "entry": [each for each, _ in entries], "why": [why for _, why in entries]},
            schema={"code": pl.String, "entry": pl.Int64, "why": pl.String},
        )


def event_table(mapping: Mapping) -> EventTable:
    """The table `data`, read as a mapping says."""
    used = {meaning.modality for meaning in mapping.events}
    modifiers = tuple(as_read(mapping.modifiers or ()))
    return EventTable(
        event_columns(mapping.id_columns, modifiers=modifiers),
        partial(_converted, meanings=mapping.events, modifiers=modifiers),
        tuple(name for name in MODALITIES if name in used),
        place=partial(_placed, book=CodeBook(mapping)),
        again=partial(event_table, mapping),
    )


def _placed(rows: pl.DataFrame, stays: pl.DataFrame, book: CodeBook) -> pl.DataFrame:
    """Rows with `entry` (what the code is), `stay_id` (null for a static row), the times of the stay, and reasons.

    Args:
        rows: typed rows of the table `data`.
        stays: `stays.parquet` of the whole data set.
        book: what the codes are.
    """
    rows = rows.join(book.table(rows["code"]), on="code", how="left", maintain_order="left")
    for unusable, reason in (
        (pl.col("subject_id").is_null(), "no subject id"),
        (pl.col("code").is_null() | (pl.col("code") == ""), "no code"),
    ):
        rows = with_reason(rows, unusable, reason)
    rows = rows.with_columns(reason=pl.coalesce("reason", "why"))
    rows = with_reason(rows, ~pl.col("subject_id").is_in(stays["subject_id"].implode()), NO_STAY)
    rows = _in_stays(rows, stays, book.mapping)
    timed = pl.col("time").is_not_null()
    rows = with_reason(rows, timed & pl.col("stay_id").is_null(), OUTSIDE)
    rows = with_reason(rows, timed & ~pl.col("stay_id").is_in(stays["stay_id"].implode()), NO_SUCH_STAY)
    over = pl.when(pl.col("hospital_end").is_not_null()).then(pl.max_horizontal("hospital_end", "end"))
    times = stays.select("stay_id", "start", _subject="subject_id", discharged=over)
    of_subject = stays.group_by("subject_id").agg(stays_of_subject=pl.col("stay_id"))
    rows = rows.join(of_subject, on="subject_id", how="left", maintain_order="left")
    rows = rows.join(times, on="stay_id", how="left", maintain_order="left")
    return with_reason(rows, pl.col("_subject") != pl.col("subject_id"), OTHERS_STAY).drop("_subject")


def _in_stays(rows: pl.DataFrame, stays: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Rows with `stay_id`: what the id column says, else by time; null for static rows and where there is none."""
    windows = stay_windows(stays, mapping.before_h).rename({"stay_id": "_by_time"})
    rows = rows.with_row_index("_place").sort("time")
    rows = rows.join_asof(
        windows.sort("opens"), left_on="time", right_on="opens", by="subject_id", strategy="backward",
        check_sortedness=False,
    )  # fmt: skip
    inside = (pl.col("time") <= pl.col("closes")).fill_null(True)
    rows = rows.with_columns(stay_id=pl.when(inside).then("_by_time")).sort("_place")
    if mapping.stays.id_column is not None:
        named = stay_number(rows[mapping.stays.id_column])
        rows = rows.with_columns(stay_id=named.fill_null(rows["stay_id"]))
    static = pl.col("time").is_null()
    rows = rows.with_columns(stay_id=pl.when(~static).then("stay_id"))
    return rows.drop("_place", "_by_time", "opens", "closes")


def _converted(rows: pl.DataFrame, meanings: tuple[Meaning, ...], modifiers: tuple[str, ...]) -> pl.DataFrame:
    """Candidates of placed rows: code with its modifiers and values as they are, known when the mapping says."""
    rows = rows.with_columns(code=modified("code", modifiers)).drop(modifiers)
    rows = rows.join(_rules(meanings), on="entry", how="left", maintain_order="left")
    rows = with_reason(rows, pl.col("time").is_null() & (pl.col("kind") == "discharge"), STATIC_DISCHARGE)
    static = pl.col("time").is_null() & pl.col("reason").is_null()
    timed = _known(rows.filter(~static)).drop("known", "stays_of_subject")
    everywhere = rows.filter(static).drop("stay_id").explode("stays_of_subject").rename({"stays_of_subject": "stay_id"})
    at_start = everywhere.with_columns(pl.lit(0, pl.Int64).alias(name) for name in _CLOCK)
    return _valued(pl.concat([timed, at_start.select(timed.columns)]))


_CLOCK: Final = tuple(name for pair in WITHIN_MINUTE.items() for name in pair)


def _rules(meanings: tuple[Meaning, ...]) -> pl.DataFrame:
    """`entry, modality, kind, delay_min`, a row each of `[[events]]`."""
    rules = [(number, each.modality, each.known.kind, each.known.delay_min) for number, each in enumerate(meanings)]
    kinds = {"entry": pl.Int64, "modality": pl.String, "kind": pl.String, "delay_min": pl.Int64}
    return pl.DataFrame(rules, schema=kinds, orient="row")


def _known(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with when they happened and were known, on the clock of their stay; or the reason why that cannot be."""
    time, kind = pl.col("time"), pl.col("kind")
    delayed = time + pl.duration(minutes=pl.col("delay_min"))
    known = (
        pl.when(kind == "end of day").then(time.dt.truncate("1d") + pl.duration(days=1))
        .when(kind == "discharge").then(pl.max_horizontal("time", "discharged"))
        .otherwise(delayed)
    )  # fmt: skip
    rows = with_reason(rows, (kind == "discharge") & pl.col("discharged").is_null(), NEVER_KNOWN)
    return on_stay_clock(rows.with_columns(known=known))


def _valued(rows: pl.DataFrame) -> pl.DataFrame:
    """Candidates; a NaN is a value that is missing, counted where its row becomes an event without it."""
    is_nan = pl.col("numeric_value").is_nan().fill_null(False)
    number, nan = pl.when(~is_nan).then("numeric_value"), rows.filter(is_nan)
    text = pl.when(pl.col("text_value") != "").then("text_value")
    made = candidates(rows, pl.col("modality"), pl.col("code"), number, text)
    missing = candidates(nan.with_columns(reason=pl.lit(NAN)), pl.col("modality"), pl.col("code"))
    return pl.concat([made, missing])
