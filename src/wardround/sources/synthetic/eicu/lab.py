"""`lab`: draws, results and when they were known.

At admission some panels are drawn for all; afterwards each panel is drawn in an hour with a probability that grows
with the severity seen. A result is known a log-normal lag after the draw; in some hospitals' rows at the draw itself
(1 in 12), and some are revised one to three days later (1 in 70).
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.eicu.lab_list import CENSORED, PANELS, SHIFTS, TESTS, LabTest, Panel
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES
from wardround.sources.synthetic.stays import Stays

NO_LAG_SHARE: Final = 1 / 12
REVISED_SHARE: Final = 1 / 70


def lab_table(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `lab`: offsets in minutes from unit admission, values in the units of `lab_list.py`."""
    hours = stays.every_hour()
    parts: list[pl.DataFrame] = []
    for name, panel in PANELS.items():
        stay, offset = _draws(stays, hours, panel, rng)
        seen = stays.seen("lab", stay, offset // 60)
        known = offset + _lag(panel, offset.size, rng)
        parts += [_results(stays, test, stay, offset, known, seen, rng) for test in TESTS if test.panel == name]
    return pl.concat(parts)


def _draws(
    stays: Stays, hours: tuple[np.ndarray, np.ndarray], panel: Panel, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Stay and offset of each draw of a panel, none after the stay's end."""
    first = np.flatnonzero(rng.random(stays.size) < panel.at_admission)
    stay, hour = hours
    rate = panel.per_hour * np.exp(panel.by_severity * stays.seen("lab", stay, hour))
    drawn = rng.random(stay.size) < np.minimum(rate, 0.5)
    stay = np.concatenate([first, stay[drawn]])
    later = hour[drawn] * 60 + rng.integers(0, 60, int(drawn.sum()))
    offset = np.concatenate([rng.integers(-75, 1, first.size), later])
    inside = offset <= stays.unit_min[stay]
    return stay[inside], offset[inside]


def _lag(panel: Panel, size: int, rng: np.random.Generator) -> np.ndarray:
    """Minutes from draw to result."""
    lag = panel.lag_min * rng.lognormal(0, 0.6, size)
    lag = np.where(rng.random(size) < NO_LAG_SHARE, 0, np.maximum(lag, 1))
    lag = np.where(rng.random(size) < REVISED_SHARE, lag + rng.uniform(1440, 4320, size), lag)
    return np.rint(lag).astype(np.int64)


def _results(
    stays: Stays,
    test: LabTest,
    stay: np.ndarray,
    offset: np.ndarray,
    known: np.ndarray,
    seen: np.ndarray,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """One row a draw of one test."""
    lasting = rng.normal(0, test.lasting, stays.size) + _shift(stays, test.name)
    value = test.slope * seen + lasting[stay] + rng.normal(0, test.noise, stay.size)
    value = test.level * np.exp(value) if test.log else test.level + value
    value = np.clip(value, test.low, test.high).round(test.decimals)
    number, text = _written(pl.Series(value), test)
    size = stay.size
    return pl.DataFrame(
        {
            "stay": stay,
            "labresultoffset": offset,
            "labtypeid": np.full(size, test.type_id),
            "labname": _constant(test.name, size),
            "labresult": number,
            "labresulttext": text,
            "labmeasurenamesystem": _constant(test.unit, size),
            "labmeasurenameinterface": _constant(test.unit_sent, size),
            "labresultrevisedoffset": known,
        }
    )


def _shift(stays: Stays, test: str) -> np.ndarray:
    """What cause of admission and comorbidities add to a test, a value a stay."""
    by_cause = np.array([SHIFTS.get(name, {}).get(test, 0.0) for name in CAUSE_NAMES])
    by_comorbidity = np.array([SHIFTS.get(name, {}).get(test, 0.0) for name in COMORBIDITY_NAMES])
    return by_cause[stays.of_stay("cause")] + stays.of_stay("comorbidity") @ by_comorbidity


def _written(value: pl.Series, test: LabTest) -> tuple[pl.Series, pl.Series]:
    """Number and text of a result; the number is blank where only a bound is reported."""
    text = (value if test.decimals else value.cast(pl.Int64)).cast(pl.String)
    for bound, sign in _bounds(test.name):
        outside = value < bound if sign == "<" else value > bound
        text = text.set(outside, f"{sign}{bound:g}")
        value = value.set(outside, None)
    return value, text


def _bounds(name: str) -> Iterator[tuple[float, str]]:
    below, above = CENSORED.get(name, (None, None))
    if below is not None:
        yield below, "<"
    if above is not None:
        yield above, ">"


def _constant(value: str | None, size: int) -> pl.Series:
    return pl.Series([value], dtype=pl.String).new_from_index(0, size)
