"""MEDS: stays, and what is known of their patients, gathered from the rows whose codes the mapping names for it.

A stay is a row that opens one. Its id is the number in the mapping's column, a hash of it where it is no number, and a
hash of the patient and the time where there is no column. Age counts from birth. A patient with codes of two sexes has
none.

Died in hospital: where the mapping names discharge codes that say so, the code that ended the hospital stay decides,
and a stay without an end has no label. Where it names none, a death between the start and the end of the hospital stay
decides; one on the day of discharge but later is after it, and one without a time leaves the label open.

A hospital stay ends with the death in it, whenever its discharge was written: nobody is asked about the dead. Where the
discharge says "alive" after a death, the stay has no label, and is counted.
"""

from collections.abc import Iterable
from typing import Final

import polars as pl

from wardround.errors import UsageError
from wardround.events import MINUTE_US, TIME
from wardround.sources.conversion import YEAR_MIN, candidates, with_reason
from wardround.sources.csv_reader import RawRows
from wardround.sources.meds.columns import STAY, STAYS
from wardround.sources.meds.mapping import Mapping, Span
from wardround.sources.meds.patterns import Codes
from wardround.sources.meds.spans import OPENING, around, ended
from wardround.sources.side_table import Doubt
from wardround.sources.subjects import subject_number

YEAR: Final = pl.duration(minutes=YEAR_MIN)
YEAR_DAYS: Final = 365.25
OLDEST: Final = 120.0


def told_by(mapping: Mapping) -> tuple[Codes, ...]:
    """The codes that tell of stays and patients."""
    spans = [codes for span in (mapping.stays, mapping.around) for codes in (span.opens, span.ends)]
    return (*spans, mapping.birth, mapping.died, mapping.death, *mapping.sexes.values())


def stay_block(frames: Iterable[pl.DataFrame], mapping: Mapping) -> RawRows:
    """The rows of the table `stays` from rows of shards; a part of them at a time is held, and only those that tell.

    Args:
        frames: rows with `subject_id, time, code` and the mapping's id columns.
        mapping: what the codes mean.

    Raises:
        UsageError: where codes that say "died" end no hospital stay: all who live would have a label, and no one else.
    """
    wanted = [pl.col("subject_id", "time", "code"), *map(pl.col, mapping.id_columns)]
    kept = [_only(frame.select(wanted), told_by(mapping)) for frame in frames]
    rows = pl.concat(kept)
    _refuse_died_that_ends_nothing(rows["code"], mapping)
    unit = _spans(rows, mapping.stays)
    hospital = unit if mapping.hospital is None else _spans(rows, mapping.hospital)
    hospital_id = pl.col(mapping.around.id_column) if mapping.around.id_column is not None else pl.lit(None, pl.String)
    opened = unit.with_columns(id=hospital_id.alias("id")).rename({"start": "time"}).drop("end_code")
    inside = around(opened.select("subject_id", "time", "id"), hospital)
    stays = pl.concat([opened.rename({"time": "start"}), inside], how="horizontal")
    stays = stays.join(_patients(rows, mapping), on="subject_id", how="left", maintain_order="left")
    stays = stays.with_columns(_deaths(mapping))
    stays = stays.with_columns(map(_until_death, ("hospital_end",) if mapping.hospital else ("end", "hospital_end")))
    return RawRows(stays.select(STAYS.read), 0, 0, is_typed=True)


def _refuse_died_that_ends_nothing(codes: pl.Series, mapping: Mapping) -> None:
    died = [code for code in codes.unique() if mapping.died.has(code)]
    count = sum(not mapping.around.ends.has(code) for code in died)
    if count:
        span = "stays" if mapping.hospital is None else "hospital"
        raise UsageError(
            f"the mapping: {count} of {len(died)} codes that [labels] died names end no stay. Name them in "
            f"[{span}] ends too; codes that tell of death at any time go under [labels] death."
        )


def _only(rows: pl.DataFrame, sets: Iterable[Codes]) -> pl.DataFrame:
    """The rows of codes that are in one of the sets."""
    sets = list(sets)
    codes = rows["code"].drop_nulls().unique()
    return rows.filter(pl.col("code").is_in([code for code in codes if any(each.has(code) for each in sets)]))


def _spans(rows: pl.DataFrame, span: Span) -> pl.DataFrame:
    """`subject_id, start, end, end_code, id, stay` and the id columns: a row for each that opens one."""
    named = rows.with_columns(id=pl.col(span.id_column) if span.id_column is not None else pl.lit(None, pl.String))
    openings = _only(named, [span.opens])
    made = ended(openings, _only(named, [span.ends]).select(OPENING.keys()))
    return made.with_columns(pl.col("id").alias(STAY)).rename({"time": "start"}).drop("code")


def _patients(rows: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """`subject_id, birth, death, death_undated, sex`, a row a patient; of several births or deaths the first, of two
    sexes none."""
    births = _only(rows, [mapping.birth]).group_by("subject_id").agg(birth=pl.col("time").min())
    deaths = (
        _only(rows, [mapping.death])
        .group_by("subject_id")
        .agg(death=pl.col("time").min(), death_undated=pl.col("time").is_null().all())
    )
    said = [
        _only(rows, [codes]).select("subject_id", sex=pl.lit(sex, pl.String)) for sex, codes in mapping.sexes.items()
    ]
    sexes = pl.concat([rows.head(0).select("subject_id", sex=pl.lit(None, pl.String)), *said]).unique()
    sexes = sexes.filter(pl.len().over("subject_id") == 1)
    subjects = rows.select(pl.col("subject_id").drop_nulls().unique())
    for each in (births, deaths, sexes):
        subjects = subjects.join(each, on="subject_id", how="left")
    return subjects


def _deaths(mapping: Mapping) -> list[pl.Expr]:
    """`died_in_hospital, died_in_unit` from the code that ended the hospital stay, and the time of death."""
    unknown = pl.lit(None, pl.Boolean)
    named, timed = bool(mapping.died), bool(mapping.death)
    undated = pl.col("death_undated").fill_null(False)
    by_time = [
        pl.when((pl.col(end) >= pl.col("start")) & ~undated).then(
            pl.col("death").is_between(start, end).fill_null(False)
        )
        for start, end in (("hospital_start", "hospital_end"), ("start", "end"))
    ]
    in_hospital = by_time[0] if timed else unknown
    if named:
        in_hospital = pl.col("end_code").map_elements(mapping.died.has, return_dtype=pl.Boolean)
    in_unit = by_time[1] if timed else unknown
    return [in_hospital.alias("died_in_hospital"), in_unit.alias("died_in_unit")]


def _until_death(end: str) -> pl.Expr:
    """An end, or the death before it: a bed may be given up hours after."""
    inside = pl.col("death").is_between("start", pl.max_horizontal("end", "hospital_end"))
    return pl.min_horizontal(end, pl.when(inside.fill_null(False)).then("death")).alias(end)


def stay_number(ids: pl.Series) -> pl.Series:
    """Ids as a column writes them to stay ids: the number where it is one, else a hash; null stays null."""
    numbers = ids.cast(pl.Int64, strict=False)
    plain = numbers.cast(pl.String) == ids
    words = ids.filter(plain.fill_null(False).not_()).drop_nulls().unique()
    hashed = {word: subject_number(f"meds stay:{word}") for word in words}
    of_words = ids.replace_strict(hashed, default=None, return_dtype=pl.Int64)
    return numbers.zip_with(plain.fill_null(False), of_words)


def stay_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of `stays` with `stay_id`, `age`, the reason why a row is no stay, and without values that cannot be right.

    Returns:
        The rows with `stay_id`, `age`, `reason`, and `doubtful`: why values of a stay were made null.
    """
    keys = frame.select(key=pl.concat_str(pl.lit("meds stay of "), "subject_id", pl.lit(" at "), pl.col("start")))[
        "key"
    ]
    hashed = {key: subject_number(key) for key in keys.drop_nulls().unique()}
    by_time = keys.replace_strict(hashed, default=None, return_dtype=pl.Int64)
    frame = frame.with_columns(stay_number(frame[STAY]).fill_null(by_time).alias("stay_id"))
    free = pl.col("reason").is_null()
    for unusable, reason in (
        (pl.col("subject_id").is_null(), "no subject id"),
        (pl.col("start").is_null(), "no time"),
        (pl.struct(pl.all().exclude("row", "reason")).is_first_distinct().not_(), "duplicate row"),
        (free & (free.sum().over("stay_id") > 1), "stay id used for different rows"),
    ):
        frame = with_reason(frame, unusable, reason)
    age = (pl.col("start") - pl.col("birth")).dt.total_minutes() / (YEAR_DAYS * 24 * 60)
    return _without_doubtful(frame.with_columns(age=age))


_END, _HOSPITAL_END = pl.col("end"), pl.col("hospital_end")
_DEAD_BEFORE_LEAVING: Final = pl.col("death").is_between(pl.col("start"), _HOSPITAL_END)
_AWAY: Final = "more than a year from unit admission"
_DOUBTS: Final = (
    Doubt("age", ~pl.col("age").is_between(0, OLDEST), "impossible age"),
    Doubt("end", pl.col("start") > _END, "unit discharge before admission"),
    Doubt("end", _END - pl.col("start") > YEAR, f"unit discharge {_AWAY}"),
    Doubt("hospital_start", pl.col("start") - pl.col("hospital_start") > YEAR, f"hospital admission {_AWAY}"),
    Doubt("hospital_end", pl.col("start") > _HOSPITAL_END, "hospital discharge before unit admission"),
    Doubt("hospital_end", _HOSPITAL_END - pl.col("start") > YEAR, f"hospital discharge {_AWAY}"),
    Doubt("died_in_hospital", _DEAD_BEFORE_LEAVING & ~pl.col("died_in_hospital"), "died before a discharge alive"),
)


def _without_doubtful(frame: pl.DataFrame) -> pl.DataFrame:
    """Values of stays that cannot be right made null, each with its reason in the list `doubtful`."""
    frame = frame.with_columns(doubtful=pl.lit([], pl.List(pl.String)))
    for doubt in _DOUBTS:
        wrong = pl.col("reason").is_null() & doubt.wrong.fill_null(False)
        also = pl.concat_list("doubtful", pl.lit(doubt.why))
        frame = frame.with_columns(
            pl.when(~wrong).then(doubt.column).alias(doubt.column),
            doubtful=pl.when(wrong).then(also).otherwise("doubtful"),
        )
    return frame


def stays(rows: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Stays from the rows of `stay_rows` that have no reason against them.

    Returns:
        A row a stay with the `STAY_COLUMNS` that MEDS knows, sorted by subject and start.
    """
    rows = rows.filter(pl.col("reason").is_null())
    year = pl.col("start").dt.year().cast(pl.Int32) if mapping.dates == "real" else pl.lit(None, pl.Int32)
    los_us = (pl.col("hospital_end") - pl.col("hospital_start")).dt.total_microseconds()
    return rows.select(
        "subject_id",
        "stay_id",
        *(pl.col(name).cast(TIME) for name in ("start", "end", "hospital_start", "hospital_end")),
        pl.col("age").cast(pl.Float32),
        "sex",
        hospital_id=pl.lit(None, pl.Int64),
        year=year,
        orphan=pl.lit(False),
        died_in_hospital="died_in_hospital",
        died_in_unit="died_in_unit",
        los_h=(los_us / (60 * MINUTE_US)).cast(pl.Float32),
    ).sort("subject_id", "start", "stay_id")


def ages(rows: pl.DataFrame, _paper: bool) -> pl.DataFrame:
    """Each stay's age as an event known at admission; and a candidate that becomes none for each doubtful value."""
    rows = rows.filter(pl.col("reason").is_null())
    rows = rows.with_columns(minute=pl.lit(0, pl.Int64), available_minute=pl.lit(0, pl.Int64))
    aged = candidates(rows.drop_nulls("age"), "demographics", pl.lit("AGE"), pl.col("age"))
    doubtful = rows.explode("doubtful", empty_as_null=True).drop_nulls("doubtful").with_columns(reason="doubtful")
    return pl.concat([aged, candidates(doubtful, "demographics", pl.lit(None, pl.String))])
