"""Challenge 2012: the lines of records as events.

Each odd line has one rule: -1 stands for a value that is missing; a value that no living patient has is implausible (a
pulse or pressure of 0, 462 cm, pH 99); pH 735 lost its point and is 7.35; 98.6 degrees are Fahrenheit; a time outside
the record's 48 h, or of another form than hh:mm, places nothing; a descriptor at another time than 00:00 is none. Lines
of one minute and parameter with different values (two urine outputs, two pressures) are all kept.
"""

from typing import Final

import polars as pl

from wardround.sources.challenge2012.columns import OBSERVATIONS, RECORD
from wardround.sources.challenge2012.stays import MISSING, RECORD_H
from wardround.sources.challenge2012.variables import ADMISSION_WEIGHT, CATEGORIES, MODALITIES, VARIABLES, Variable
from wardround.sources.conversion import (
    IMPLAUSIBLE,
    NOT_A_TIME,
    EventTable,
    candidates,
    in_canonical_units,
    timed,
    with_reason,
)
from wardround.sources.units import is_fahrenheit

_ADMISSION_WEIGHT: Final = "Weight at admission"
_NUMBERS: Final[dict[str, Variable]] = {**VARIABLES, _ADMISSION_WEIGHT: ADMISSION_WEIGHT}
_DESCRIPTORS: Final = (RECORD, *CATEGORIES, *(name for name, each in _NUMBERS.items() if each.descriptor))
_CODES: Final = {(name, value): code for name, of in CATEGORIES.items() for value, code in of.items()}


def observations(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of the lines of some records, each known at its own time."""
    frame = timed(_with_minutes(frame), OBSERVATIONS, "Value")
    at_admission = pl.col("minute") == 0
    weight = (pl.col("Parameter") == "Weight") & at_admission
    name = pl.when(weight).then(pl.lit(_ADMISSION_WEIGHT)).otherwise("Parameter")
    frame = frame.with_columns(name=name, number=pl.col("Value"))
    for unusable, reason in [
        (pl.col("minute") < 0, "time before unit admission"),
        (pl.col("minute") > RECORD_H * 60, f"time after the record's {RECORD_H} h"),
        (pl.col("name") == RECORD, "states the RecordID"),
        (~pl.col("name").is_in([*_NUMBERS, *CATEGORIES]).fill_null(False), "unknown parameter"),
        (pl.col("name").is_in(_DESCRIPTORS) & ~at_admission, "descriptor after admission"),
        (pl.col("number").is_null(), "no value"),
        (pl.col("number") == MISSING, "missing (-1)"),
    ]:
        frame = with_reason(frame, unusable, reason)
    categories = pl.col("name").is_in(list(CATEGORIES))
    return pl.concat([_categories(frame.filter(categories)), _numbers(frame.filter(~categories.fill_null(False)))])


def _with_minutes(frame: pl.DataFrame) -> pl.DataFrame:
    """`Time` from hh:mm to minutes; a sign is read, so that a time before admission is named as that."""
    parts = pl.col("Time").str.extract_groups(r"^(-?)([0-9]{1,3}):([0-5][0-9])$")
    frame = frame.with_columns(parts.struct.rename_fields(["_sign", "_h", "_min"]).alias("_parts")).unnest("_parts")
    frame = with_reason(frame, pl.col("Time").is_not_null() & pl.col("_min").is_null(), f"{NOT_A_TIME}: Time")
    minutes = pl.col("_h").cast(pl.Int64) * 60 + pl.col("_min").cast(pl.Int64)
    signed = pl.when(pl.col("_sign") == "-").then(-minutes).otherwise(minutes)
    return frame.with_columns(Time=signed).drop("_sign", "_h", "_min")


def _categories(frame: pl.DataFrame) -> pl.DataFrame:
    """Names in numbers: the sex, the unit's type."""
    codes = [
        pl.when((pl.col("name") == name) & (pl.col("number") == value)).then(pl.lit(code))
        for (name, value), code in _CODES.items()
    ]
    frame = frame.with_columns(code=pl.coalesce(codes))
    return candidates(with_reason(frame, pl.col("code").is_null(), IMPLAUSIBLE), "demographics", pl.col("code"))


def _numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Measured quantities in their canonical units, modality by modality."""
    published = pl.col("name").replace_strict({n: v.unit for n, v in _NUMBERS.items()}, default="")
    without_point = (pl.col("name") == "pH") & pl.col("number").is_between(630, 820)
    fahrenheit = (pl.col("name") == "Temp") & is_fahrenheit(pl.col("number"))
    unit = pl.when(without_point).then(pl.lit("hundredths")).when(fahrenheit).then(pl.lit("F")).otherwise(published)
    quantities = {name: variable.quantity for name, variable in _NUMBERS.items()}
    frame = in_canonical_units(frame.with_columns(unit=unit), quantities, "name", "number", "unit")
    code = pl.col("name").replace_strict({n: v.code for n, v in _NUMBERS.items()}, default=None, return_dtype=pl.String)
    modality = {name: variable.modality for name, variable in _NUMBERS.items()}
    frame = frame.with_columns(
        of=pl.col("name").replace_strict(modality, default=MODALITIES[0], return_dtype=pl.String)
    )
    made = [candidates(frame.filter(pl.col("of") == each), each, code, pl.col("number")) for each in MODALITIES]
    return pl.concat(made)


OBSERVATION_TABLE: Final = EventTable(OBSERVATIONS, observations, MODALITIES)
