"""The laboratory: draws, results and when they are known.

At admission some panels are drawn for all; afterwards each panel is drawn in an hour with a probability that grows
with the severity seen. A result is known a log-normal lag after the draw; in some rows at the draw itself (1 in 12),
and some are revised one to three days later (1 in 70).
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from wardround.sources.synthetic.lab_list import PANELS, SHIFTS, TESTS, LabTest, Panel
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES
from wardround.sources.synthetic.stays import Stays

NO_LAG_SHARE: Final = 1 / 12
REVISED_SHARE: Final = 1 / 70


class Results(NamedTuple):
    """The results of one test, an entry a draw: stay, minutes from unit admission of draw and result, value."""

    test: LabTest
    stay: Int[np.ndarray, " draw"]
    drawn_min: Int[np.ndarray, " draw"]
    known_min: Int[np.ndarray, " draw"]
    value: Float[np.ndarray, " draw"]


def results(stays: Stays, rng: np.random.Generator) -> Iterator[Results]:
    """All results of the stays, test by test, in the units and decimals of `lab_list.py`."""
    hours = stays.every_hour()
    for name, panel in PANELS.items():
        stay, drawn_min = _draws(stays, hours, panel, rng)
        seen = stays.seen("lab", stay, drawn_min // 60)
        known_min = drawn_min + _lag(panel, drawn_min.size, rng)
        for test in TESTS:
            if test.panel == name:
                yield Results(test, stay, drawn_min, known_min, _values(stays, test, stay, seen, rng))


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


def _values(stays: Stays, test: LabTest, stay: np.ndarray, seen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    lasting = rng.normal(0, test.lasting, stays.size) + _shift(stays, test.name)
    value = test.slope * seen + lasting[stay] + rng.normal(0, test.noise, stay.size)
    value = test.level * np.exp(value) if test.log else test.level + value
    return np.clip(value, test.low, test.high).round(test.decimals)


def _shift(stays: Stays, test: str) -> np.ndarray:
    """What cause of admission and comorbidities add to a test, a value a stay."""
    by_cause = np.array([SHIFTS.get(name, {}).get(test, 0.0) for name in CAUSE_NAMES])
    by_comorbidity = np.array([SHIFTS.get(name, {}).get(test, 0.0) for name in COMORBIDITY_NAMES])
    return by_cause[stays.of_stay("cause")] + stays.of_stay("comorbidity") @ by_comorbidity
