"""`vitalPeriodic`, `vitalAperiodic` and `nurseCharting`: what the monitor stored and what the nurse wrote.

The monitor stores a row every `vitals_every_min` minutes; the cuff measures in four of five hours; the nurse charts
every two to six hours, entered up to an hour and a half later. Temperature by probe and arterial pressure exist in
some stays only.
"""

from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.stays import Stays
from wardround.sources.synthetic.vital_signs import (
    VITALS,
    coma_scale,
    lasting_deviations,
    mean_pressure,
    vital_value,
)

EMPTY_PERIODIC: Final = ("etco2", "pasystolic", "padiastolic", "pamean", "icp")
EMPTY_APERIODIC: Final = ("paop", "cardiacoutput", "cardiacinput", "svr", "svri", "pvr", "pvri")


def vital_tables(stays: Stays, every_min: int, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """The rows of the three tables.

    Args:
        stays: the unit stays.
        every_min: minutes between rows of `vitalPeriodic`, a divisor of 60.
        rng: the source of chance.

    Returns:
        Table -> rows; temperature in C (and F in `nurseCharting`), pressures in mmHg, rates a minute, saturation in %.
    """
    lasting = lasting_deviations(stays, rng)
    return {
        "vitalPeriodic": _periodic(stays, every_min, lasting, rng),
        "vitalAperiodic": _aperiodic(stays, lasting, rng),
        "nurseCharting": _nurse(stays, lasting, rng),
    }


def _periodic(stays: Stays, every_min: int, lasting: dict[str, np.ndarray], rng: np.random.Generator) -> pl.DataFrame:
    count = 60 // every_min
    stay, hour = (np.repeat(part, count) for part in stays.every_hour())
    offset = hour * 60 + np.tile(np.arange(count) * every_min, stays.path.size)
    phase = rng.integers(0, 5, stays.size)
    offset = np.where(offset == 0, 0, offset + phase[stay])
    inside = offset <= stays.unit_min[stay]
    stay, hour, offset = stay[inside], hour[inside], offset[inside]
    seen = stays.seen("vitals", stay, hour)
    probe, line, central = (rng.random(stays.size) < share for share in (0.25, 0.3, 0.1))
    value = {name: vital_value(name, seen, lasting[name][stay], rng) for name in VITALS}
    systolic, diastolic = np.rint(value["systolic"]), np.rint(value["diastolic"])
    columns = {
        "temperature": _where(probe[stay], value["temperature"].round(2)),
        "sao2": _where(rng.random(stay.size) < 0.92, np.rint(value["sao2"])),
        "heartrate": _where(rng.random(stay.size) < 0.98, np.rint(value["heartrate"])),
        "respiration": _where(rng.random(stay.size) < 0.88, np.rint(value["respiration"])),
        "systemicsystolic": _where(line[stay], systolic),
        "systemicdiastolic": _where(line[stay], diastolic),
        "systemicmean": _where(line[stay], mean_pressure(systolic, diastolic)),
        "cvp": _where(central[stay], np.clip(np.rint(9 + seen + rng.normal(0, 3, stay.size)), -5, 40)),
    }
    for lead in ("st1", "st2", "st3"):
        columns[lead] = _where(central[stay], rng.normal(0, 0.5, stay.size).round(1))
    columns |= {name: _empty(stay.size) for name in EMPTY_PERIODIC}
    return pl.DataFrame({"stay": stay, "observationoffset": offset, **columns})


def _aperiodic(stays: Stays, lasting: dict[str, np.ndarray], rng: np.random.Generator) -> pl.DataFrame:
    stay, hour = stays.every_hour()
    offset = hour * 60 + rng.integers(0, 60, stay.size)
    measured = (rng.random(stay.size) < 0.8) & (offset <= stays.unit_min[stay])
    stay, hour, offset = stay[measured], hour[measured], offset[measured]
    seen = stays.seen("vitals", stay, hour)
    systolic = np.rint(vital_value("systolic", seen, lasting["systolic"][stay], rng))
    diastolic = np.rint(vital_value("diastolic", seen, lasting["diastolic"][stay], rng))
    columns = {
        "noninvasivesystolic": systolic.astype(np.int64),
        "noninvasivediastolic": diastolic.astype(np.int64),
        "noninvasivemean": mean_pressure(systolic, diastolic).astype(np.int64),
        **{name: _empty(stay.size) for name in EMPTY_APERIODIC},
    }
    return pl.DataFrame({"stay": stay, "observationoffset": offset, **columns})


def _nurse(stays: Stays, lasting: dict[str, np.ndarray], rng: np.random.Generator) -> pl.DataFrame:
    """One row a value that the nurse wrote; category, label and name are spelt as in the published table."""
    stay, hour = stays.every_hour()
    offset = hour * 60 + rng.integers(0, 60, stay.size)
    charted = (rng.random(stay.size) < rng.uniform(1 / 6, 1 / 2, stays.size)[stay]) & (offset <= stays.unit_min[stay])
    stay, offset = stay[charted], offset[charted]
    entered = offset + np.floor(rng.exponential(20, stay.size)).clip(0, 90).astype(np.int64)
    seen = stays.seen("vitals", stay, offset // 60)
    value = {name: vital_value(name, seen, lasting[name][stay], rng) for name in VITALS}
    whole = {name: np.rint(part).astype(np.int64) for name, part in value.items()}
    coma = coma_scale(stays, stay, seen, rng)
    fahrenheit = (value["temperature"] * 9 / 5 + 32).round(1)
    signs, pressure, scale = "Vital Signs", "Non-Invasive BP", "Glasgow coma score"
    cells: list[tuple[str, str, str, np.ndarray, float]] = [
        (signs, "Heart Rate", "Heart Rate", whole["heartrate"], 0.95),
        (signs, "Respiratory Rate", "Respiratory Rate", whole["respiration"], 0.95),
        (signs, "O2 Saturation", "O2 Saturation", whole["sao2"], 0.9),
        (signs, pressure, f"{pressure} Systolic", whole["systolic"], 0.8),
        (signs, pressure, f"{pressure} Diastolic", whole["diastolic"], 0.8),
        (signs, "Temperature", "Temperature (C)", value["temperature"].round(1), 0.5),
        (signs, "Temperature", "Temperature (F)", fahrenheit, 0.2),
        ("Scores", scale, "GCS Total", np.sum([*coma.values()], axis=0), 0.6),
        *(("Scores", scale, part, values, 0.6) for part, values in coma.items()),
    ]
    parts: list[pl.DataFrame] = []
    for category, label, name, values, share in cells:
        kept = rng.random(stay.size) < share
        constant = [pl.Series([text]).new_from_index(0, int(kept.sum())) for text in (category, label, name)]
        text = pl.Series(values[kept]).cast(pl.String)
        parts.append(
            pl.DataFrame([stay[kept], offset[kept], entered[kept], *constant, text], schema=list(NURSE_COLUMNS))
        )
    return pl.concat(parts)


NURSE_COLUMNS: Final = (
    "stay",
    "nursingchartoffset",
    "nursingchartentryoffset",
    "nursingchartcelltypecat",
    "nursingchartcelltypevallabel",
    "nursingchartcelltypevalname",
    "nursingchartvalue",
)


def _where(present: np.ndarray, value: np.ndarray) -> pl.Series:
    return pl.Series(value).set(pl.Series(~present), None)


def _empty(size: int) -> pl.Series:
    return pl.Series([None], dtype=pl.Float64).new_from_index(0, size)
