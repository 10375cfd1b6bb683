"""MIMIC: unit stays with their patient and hospital stay, and the demographics known at unit admission.

Each odd row has one rule. A row of `icustays` is set aside where it cannot be placed (no id, an id that it shares, no
admission time, one that lies in an earlier stay of the same patient). A value that cannot be right becomes null and is
counted (`_DOUBTS`); the stay stays, with its events.

A unit or hospital stay ends with the death in it, whenever its discharge was written. Who died in hospital is what
`hospital_expire_flag` says; a time of death in a hospital stay that it calls survived leaves no label.

How old a patient was, and in which year, each database tells in its own way (`mimic3/stays.py`, `mimic4/stays.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from wardround.events import MINUTE_US
from wardround.sources.conversion import YEAR_MIN, candidates, in_canonical_units, melted, with_reason
from wardround.sources.mimic.demographic_codes import ETHNICITIES, SEXES
from wardround.sources.raw_table import ADMIT, RawTable
from wardround.sources.side_table import Doubt
from wardround.sources.units import Quantity

OLDEST: Final = 90
"""What MIMIC hides the ages of 90 and more behind, as all its users write it (`PAPERS.md`)."""
YEAR: Final = pl.duration(minutes=YEAR_MIN)

_FLAG: Final = pl.col("hospital_expire_flag")
FLAG_DOUBT: Final = Doubt("hospital_expire_flag", ~_FLAG.is_in([0, 1]), "hospital_expire_flag not 0 or 1")


def stay_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of `icustays` with the reason why a row is no stay.

    Args:
        frame: the typed table with `stay_id`, `row` and `reason`.
    """
    for unusable, reason in _rules():
        frame = with_reason(frame, unusable, reason)
    return _without_overlaps(frame)


def _rules() -> list[tuple[pl.Expr, str]]:
    """(which rows are no stay, why), in the order in which a row is counted."""
    free = pl.col("reason").is_null()
    return [
        (pl.col("stay_id").is_null(), "blank stay id"),
        (pl.col("subject_id").is_null(), "no subject id"),
        (pl.col("intime").is_null(), "no time"),
        (pl.struct(pl.all().exclude("row", "reason")).is_first_distinct().not_(), "duplicate row"),
        (free & (free.sum().over("stay_id") > 1), "stay id used for different rows"),
    ]


def _without_overlaps(frame: pl.DataFrame) -> pl.DataFrame:
    """Of stays of one patient that overlap, the earlier stays: a row cannot say which of two it is of."""
    usable = frame.filter(pl.col("reason").is_null()).sort("subject_id", "intime", "stay_id")
    until = pl.max_horizontal("intime", "outtime").cum_max().shift(1).over("subject_id")
    inside = usable.filter(pl.col("intime") < until)["stay_id"]
    return with_reason(frame, pl.col("stay_id").is_in(inside.implode()), "begins inside an earlier stay of the patient")


_IN, _OUT = pl.col("intime"), pl.col("outtime")
_ADMITTED, _DISCHARGED, _DEATH = pl.col("admittime"), pl.col("dischtime"), pl.col("deathtime")
_AWAY: Final = "more than a year from unit admission"
_OTHERS: Final = pl.col("admissions.subject_id") != pl.col("subject_id")
_DOUBTS: Final = (
    *(Doubt(name, _OTHERS, "hospital stay of another patient") for name in ("admittime", "dischtime", "deathtime")),
    Doubt("hospital_expire_flag", _OTHERS, "hospital stay of another patient"),
    Doubt("age", pl.col("age") < 0, "admitted before birth"),
    Doubt("outtime", _OUT <= _IN, "unit discharge not after admission"),
    Doubt("outtime", _OUT - _IN > YEAR, f"unit discharge {_AWAY}"),
    Doubt("admittime", (_IN - _ADMITTED).abs() > YEAR, f"hospital admission {_AWAY}"),
    Doubt("dischtime", _DISCHARGED < _IN, "hospital discharge before unit admission"),
    Doubt("dischtime", _DISCHARGED < _ADMITTED, "hospital discharge before hospital admission"),
    Doubt("dischtime", _DISCHARGED - _IN > YEAR, f"hospital discharge {_AWAY}"),
    Doubt("deathtime", (_DEATH < _ADMITTED) & (_DEATH < _IN), "death before admission"),
    Doubt("deathtime", _DEATH < _IN, "death before unit admission"),
    Doubt("deathtime", _DEATH - _IN > YEAR, f"death {_AWAY}"),
    Doubt("dod", pl.col("dod") < _IN.dt.truncate("1d"), "date of death before unit admission"),
    Doubt("hospital_expire_flag", (_FLAG == 0) & (_DEATH <= _DISCHARGED), "died before a discharge alive"),
)
"""Values that cannot be right, in the order in which they are counted."""


def told(rows: pl.DataFrame, doubts: Sequence[Doubt] = ()) -> pl.DataFrame:
    """Good rows of `stay_rows` with their patient and hospital stay, without values that cannot be right.

    Args:
        rows: `stay_rows` with the columns of `patients` and `admissions`, and `age` (years).
        doubts: values that cannot be right in this database alone; counted first.

    Returns:
        The rows with `died`, `death` and the ends of the stays, and `doubtful`: why values of a stay were made null.
    """
    frame = rows.filter(pl.col("reason").is_null()).with_columns(doubtful=pl.lit([], pl.List(pl.String)))
    for doubt in (*doubts, *_DOUBTS):
        wrong = doubt.wrong.fill_null(False) & pl.col(doubt.column).is_not_null()
        also = pl.concat_list("doubtful", pl.lit(doubt.why))
        frame = frame.with_columns(
            pl.when(~wrong).then(doubt.column).alias(doubt.column),
            doubtful=pl.when(wrong).then(also).otherwise("doubtful"),
        )
    frame = frame.with_columns(pl.col("age").clip(upper_bound=OLDEST))
    in_it = _DEATH.is_between(_IN, pl.max_horizontal("outtime", "dischtime").fill_null(_DEATH)).fill_null(False)
    dead = pl.when(in_it).then("deathtime")
    return frame.with_columns(
        unit_end=pl.min_horizontal("outtime", dead),
        hospital_end=pl.min_horizontal("dischtime", dead),
        died=_FLAG == 1,
    )


def stays(frame: pl.DataFrame) -> pl.DataFrame:
    """Stays from rows that are `told`, with `year` (null where it is not known).

    Returns:
        A row a stay with the `STAY_COLUMNS` that MIMIC knows, and `hadm_id`, sorted by subject and start.
    """
    los_us = (pl.col("hospital_end") - pl.col("admittime")).dt.total_microseconds()
    return frame.select(
        "subject_id",
        "stay_id",
        "hadm_id",
        start="intime",
        end="unit_end",
        hospital_start="admittime",
        hospital_end="hospital_end",
        age=pl.col("age").cast(pl.Float32),
        sex=pl.col("gender").replace_strict(SEXES, default=None, return_dtype=pl.String),
        hospital_id=pl.lit(None, pl.Int64),
        year=pl.col("year").cast(pl.Int32),
        orphan=pl.lit(False),
        died_in_hospital="died",
        died_in_unit=pl.when(~pl.col("died")).then(False).when(pl.col("died")).then(_DEATH <= _OUT),
        los_h=(los_us / (60 * MINUTE_US)).cast(pl.Float32),
        death=pl.coalesce("deathtime", pl.col("dod").dt.truncate("1d") + pl.duration(days=1)),
    ).sort("subject_id", "start", "stay_id")


_NUMBERS: Final = {
    "age": ("AGE", Quantity("years", 0, 120)),
    "before_unit": ("BEFORE_UNIT//h", Quantity("h", 0, 24 * 366)),
}
"""Name -> (code, range). A hospital admission after the unit's is not known yet at unit admission: set aside."""

ETHNICITY: Final = "ETHNICITY"


@dataclass(frozen=True)
class Word:
    """A column of words that demographics are made of.

    Attributes:
        table, column: where it stands.
        prefix: of the code.
        same: word -> the one that eICU, or MIMIC-IV, has for the same.
    """

    table: RawTable
    column: str
    prefix: str
    same: Mapping[str, str] = field(default_factory=dict[str, str])


def demographics(frame: pl.DataFrame, words: Sequence[Word], paper: bool) -> pl.DataFrame:
    """Demographics candidates, known at unit admission; and for each value that `told` made null a candidate that
    becomes no event, so that the ledger counts it.

    Args:
        frame: rows that are `told`.
        words: the columns of words.
        paper: only the eight static features of the paper: without the unit, and the hours before it.
    """
    frame = frame.with_columns(
        minute=pl.lit(0, pl.Int64),
        available_minute=pl.lit(0, pl.Int64),
        age=pl.col("age").cast(pl.Float64),
        before_unit=(_IN - _ADMITTED).dt.total_microseconds() / (60 * MINUTE_US),
    )
    doubtful = frame.explode("doubtful").drop_nulls("doubtful").with_columns(reason="doubtful")
    uncoded = candidates(doubtful, "demographics", pl.lit(None, pl.String))
    return pl.concat([_numbers(frame, paper), *_codes(frame, words, paper), uncoded])


def _numbers(frame: pl.DataFrame, paper: bool) -> pl.DataFrame:
    long = melted(frame, ["age"] if paper else list(_NUMBERS))
    quantities = {name: quantity for name, (_, quantity) in _NUMBERS.items()}
    unit = pl.col("name").replace_strict({name: quantity.unit for name, quantity in quantities.items()})
    long = in_canonical_units(long.with_columns(unit=unit), quantities, "name", "number", "unit")
    code = pl.col("name").replace_strict({name: code for name, (code, _) in _NUMBERS.items()})
    return candidates(long, "demographics", code, pl.col("number"))


def _codes(frame: pl.DataFrame, words: Sequence[Word], paper: bool) -> list[pl.DataFrame]:
    made: list[pl.DataFrame] = []
    for each in words:
        if paper and each.table.name == "icustays":
            continue
        if each.table.columns[each.column][1] is not ADMIT:
            raise ValueError(f"{each.table.name}.{each.column} is not declared as known at admission")
        word = pl.col(each.column).replace(each.same)
        if each.prefix == ETHNICITY:
            word = pl.concat_str(_ethnic_group(each.column), pl.lit("|"), word)
        made.append(candidates(frame.drop_nulls(each.column), "demographics", pl.lit(f"{each.prefix}//") + word))
    return made


def _ethnic_group(column: str) -> pl.Expr:
    """eICU's group of a race: the first that it begins with."""
    groups = [
        pl.when(pl.col(column).str.to_uppercase().str.starts_with(begin)).then(pl.lit(group))
        for begin, group in ETHNICITIES.items()
    ]
    return pl.coalesce(*groups, pl.lit("Other/Unknown"))
