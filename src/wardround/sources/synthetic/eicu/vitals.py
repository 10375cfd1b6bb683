"""`vitalPeriodic`, `vitalAperiodic` and `nurseCharting`: what the monitor stored and what the nurse wrote.

    value(h) = level + slope seen(h) + lasting deviation + noise, within the limits of the device

The monitor stores a row every `vitals_every_min` minutes; the cuff measures in four of five hours; the nurse charts
every two to six hours, entered up to an hour and a half later. Temperature by probe and arterial pressure exist in
some stays only.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from wardround.sources.synthetic.population import CAUSE_NAMES
from wardround.sources.synthetic.stays import Stays


class Vital(NamedTuple):
    """A vital sign: level at severity 0, change by severity, spreads between and within stays, limits."""

    level: float
    slope: float
    lasting: float
    noise: float
    low: float
    high: float


VITALS: Final = {
    "temperature": Vital(36.9, 0.05, 0.35, 0.25, 32.0, 41.5),
    "sao2": Vital(97.4, -0.7, 1.3, 1.4, 50, 100),
    "heartrate": Vital(83, 4.5, 11, 6, 25, 210),
    "respiration": Vital(18.5, 1.5, 2.8, 3.0, 4, 55),
    "systolic": Vital(125, -6.0, 13, 9, 45, 230),
    "diastolic": Vital(65, -3.2, 7, 6, 20, 130),
}
COMA: Final = {"cardiac arrest": 1.8, "intracranial haemorrhage": 1.6, "overdose": 1.3, "stroke": 0.8}
"""Cause of admission -> lasting loss of consciousness, in units of severity."""

EMPTY_PERIODIC: Final = ("etco2", "pasystolic", "padiastolic", "pamean", "icp")
EMPTY_APERIODIC: Final = ("paop", "cardiacoutput", "cardiacinput", "svr", "svri", "pvr", "pvri")


def _value(name: str, seen: np.ndarray, lasting: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    vital = VITALS[name]
    value = vital.level + vital.slope * seen + vital.lasting * lasting + rng.normal(0, vital.noise, seen.size)
    return np.clip(value, vital.low, vital.high)


def _lasting(stays: Stays, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The lasting deviations of each stay, shared by monitor, cuff and nurse, in standard deviations."""
    return {name: rng.normal(0, 1, stays.size) for name in VITALS}


def _mean_pressure(systolic: np.ndarray, diastolic: np.ndarray) -> np.ndarray:
    return np.rint((systolic + 2 * diastolic) / 3)


def vital_tables(stays: Stays, every_min: int, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """The rows of the three tables.

    Args:
        stays: the unit stays.
        every_min: minutes between rows of `vitalPeriodic`, a divisor of 60.
        rng: the source of chance.

    Returns:
        Table -> rows; temperature in C (and F in `nurseCharting`), pressures in mmHg, rates a minute, saturation in %.
    """
    lasting = _lasting(stays, rng)
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
    value = {name: _value(name, seen, lasting[name][stay], rng) for name in VITALS}
    systolic, diastolic = np.rint(value["systolic"]), np.rint(value["diastolic"])
    columns = {
        "temperature": _where(probe[stay], value["temperature"].round(2)),
        "sao2": _where(rng.random(stay.size) < 0.92, np.rint(value["sao2"])),
        "heartrate": _where(rng.random(stay.size) < 0.98, np.rint(value["heartrate"])),
        "respiration": _where(rng.random(stay.size) < 0.88, np.rint(value["respiration"])),
        "systemicsystolic": _where(line[stay], systolic),
        "systemicdiastolic": _where(line[stay], diastolic),
        "systemicmean": _where(line[stay], _mean_pressure(systolic, diastolic)),
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
    systolic = np.rint(_value("systolic", seen, lasting["systolic"][stay], rng))
    diastolic = np.rint(_value("diastolic", seen, lasting["diastolic"][stay], rng))
    columns = {
        "noninvasivesystolic": systolic.astype(np.int64),
        "noninvasivediastolic": diastolic.astype(np.int64),
        "noninvasivemean": _mean_pressure(systolic, diastolic).astype(np.int64),
        **{name: _empty(stay.size) for name in EMPTY_APERIODIC},
    }
    return pl.DataFrame({"stay": stay, "observationoffset": offset, **columns})


def coma_scale(stays: Stays, stay: np.ndarray, seen: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Eyes (1-4), Motor (1-6) and Verbal (1-5) of the Glasgow coma scale, lower with severity and in some causes."""
    loss = np.array([COMA.get(name, 0.0) for name in CAUSE_NAMES])[stays.of_stay("cause")[stay]]
    depth = 0.6 * (seen - 1.2) + loss + rng.normal(0, 0.5, stay.size)
    best = {"Eyes": (4, 0.8), "Motor": (6, 0.9), "Verbal": (5, 1.1)}
    return {
        part: np.clip(np.rint(top - slope * np.maximum(depth, 0)), 1, top).astype(np.int64)
        for part, (top, slope) in best.items()
    }


def _nurse(stays: Stays, lasting: dict[str, np.ndarray], rng: np.random.Generator) -> pl.DataFrame:
    """One row a value that the nurse wrote; category, label and name are spelt as in the published table."""
    stay, hour = stays.every_hour()
    offset = hour * 60 + rng.integers(0, 60, stay.size)
    charted = (rng.random(stay.size) < rng.uniform(1 / 6, 1 / 2, stays.size)[stay]) & (offset <= stays.unit_min[stay])
    stay, offset = stay[charted], offset[charted]
    entered = offset + np.floor(rng.exponential(20, stay.size)).clip(0, 90).astype(np.int64)
    seen = stays.seen("vitals", stay, offset // 60)
    value = {name: _value(name, seen, lasting[name][stay], rng) for name in VITALS}
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
