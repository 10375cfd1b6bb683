"""Which modalities of a stay are missing, by a mechanism that is known.

    random     P(missing) = rate
    severity   P(missing) = sigmoid(a_m + sign_m strength z),  z = severity at unit admission, standardised
    outcome    P(missing) = sigmoid(a_m + sign_m strength y),  y = 1 for in-hospital death, else 0

Each pair of stay and modality is drawn on its own. `sign_m` says how a modality goes with illness: most are recorded
more often in the sicker (-1), `RARER_IN_THE_SICK` less often (+1). `a_m` is solved on the population of
`reference.py`, so that the share of unit stays without the modality is the rate asked for. Rows are made for every stay
and taken away afterwards. Records that several stays share (a discharge note of two unit stays) are there for all of
them or for none: they take the probability and the lot of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.reference import Reference
from wardround.sources.synthetic.settings import CohortSettings
from wardround.sources.synthetic.stays import Stays

RARER_IN_THE_SICK: Final = frozenset({"medication", "intake_output", "history", "demographics", "discharge_note"})


@dataclass(frozen=True)
class Missing:
    """Per modality: the probability of being missing, and whether it is."""

    prob: dict[str, Float[np.ndarray, " stay"]]
    mask: dict[str, Bool[np.ndarray, " stay"]]

    def seen(self, rows: pl.DataFrame, modality: str | None) -> pl.DataFrame:
        """The rows of a table that are not missing; all of them where they are of no modality.

        Args:
            rows: with `stay`, its place.
            modality: that they are of.
        """
        if modality is None:
            return rows
        return rows.filter(pl.Series(~self.mask[modality]).gather(rows["stay"]))


def draw_missing(
    stays: Stays,
    rates: Mapping[str, float],
    decided_with: Mapping[str, Int[np.ndarray, " stay"]],
    settings: CohortSettings,
    reference: Reference,
    rng: np.random.Generator,
) -> Missing:
    """Draw what is missing.

    Args:
        stays: the unit stays.
        rates: modality -> share of the stays that lack it.
        decided_with: modality -> for each stay, the place of the one whose lot it shares; absent where none is shared.
        settings: mechanism and strength.
        reference: the population on which the intercepts are solved.
        rng: the source of chance.

    Returns:
        Probability and mask, an entry a modality, each with a value a stay.
    """
    mean, deviation = reference.severity.mean(), reference.severity.std()
    known = {
        "random": (np.zeros(stays.size), np.zeros(1), np.ones(1)),
        "severity": ((stays.path[stays.start] - mean) / deviation, (reference.severity - mean) / deviation, None),
        "outcome": (
            stays.died.astype(float),
            np.arange(2.0),
            np.array([1 - reference.died_share, reference.died_share]),
        ),
    }
    value, population, weight = known[settings.mechanism]
    prob: dict[str, np.ndarray] = {}
    mask: dict[str, np.ndarray] = {}
    for name, rate in rates.items():
        slope = (1 if name in RARER_IN_THE_SICK else -1) * settings.missing_strength
        own = sigmoid(_intercept(slope * population, weight, rate) + slope * value)
        drawn = rng.random(stays.size) < own
        lot = decided_with.get(name, np.arange(stays.size))
        prob[name], mask[name] = own[lot], drawn[lot]
    return Missing(prob, mask)


def _intercept(score: np.ndarray, weight: np.ndarray | None, rate: float) -> float:
    """The a with mean sigmoid(a + score) = rate, by bisection; -inf where the rate is 0."""
    if rate == 0:
        return -np.inf
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if np.average(sigmoid(middle + score), weights=weight) > rate else (middle, high)
    return low
