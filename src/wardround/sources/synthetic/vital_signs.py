"""Vital signs and consciousness, as functions of the severity seen.

value(h) = level + slope seen(h) + lasting deviation + noise, within the limits of the device
"""

from typing import Final, NamedTuple

import numpy as np

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


def vital_value(name: str, seen: np.ndarray, lasting: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A vital sign (of `VITALS`) at each moment: from the severity seen and the stay's lasting deviation."""
    vital = VITALS[name]
    value = vital.level + vital.slope * seen + vital.lasting * lasting + rng.normal(0, vital.noise, seen.size)
    return np.clip(value, vital.low, vital.high)


def lasting_deviations(stays: Stays, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The lasting deviations of each stay, shared by monitor, cuff and nurse, in standard deviations."""
    return {name: rng.normal(0, 1, stays.size) for name in VITALS}


def mean_pressure(systolic: np.ndarray, diastolic: np.ndarray) -> np.ndarray:
    """Mean of two pressures in mmHg, whole."""
    return np.rint((systolic + 2 * diastolic) / 3)


def coma_scale(stays: Stays, stay: np.ndarray, seen: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Eyes (1-4), Motor (1-6) and Verbal (1-5) of the Glasgow coma scale, lower with severity and in some causes."""
    loss = np.array([COMA.get(name, 0.0) for name in CAUSE_NAMES])[stays.of_stay("cause")[stay]]
    depth = 0.6 * (seen - 1.2) + loss + rng.normal(0, 0.5, stay.size)
    best = {"Eyes": (4, 0.8), "Motor": (6, 0.9), "Verbal": (5, 1.1)}
    return {
        part: np.clip(np.rint(top - slope * np.maximum(depth, 0)), 1, top).astype(np.int64)
        for part, (top, slope) in best.items()
    }
