"""A mean over seeds with an interval that knows of other patients and of other trainings.

    value      mean over seeds of v_s, all judged on the same stays
    patients   variance over draws of patients of the mean over seeds (the bootstrap of `wardround.metrics.bootstrap`,
               the same draws for every seed and every method)
    seeds      s^2 / n, s the standard deviation of v_s over the n seeds: what was learned from, split, weights
    interval   value +- t sqrt(patients + seeds), 95 %, t with the degrees of freedom of Satterthwaite (1946), where
               those of the patients count as without end

Three seeds say little of s; t says so: up to 4.3 where the seeds decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

LEVEL = 0.95


@dataclass(frozen=True)
class OfSeed:
    """One seed's value, and what it would have been with each draw of patients (NaN where undefined)."""

    value: float
    draws: np.ndarray

    def __sub__(self, other: "OfSeed") -> "OfSeed":
        """Paired: on the same draws."""
        return OfSeed(self.value - other.value, self.draws - other.draws)


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        value: the mean.
        low, high: of the whole interval; None with one seed, which knows nothing of others.
        patients_low, patients_high: percentiles over draws of patients alone, with the seeds as they are.
        seed_sd: standard deviation over seeds; None with one.
        seeds: how many.
    """

    value: float
    low: float | None
    high: float | None
    patients_low: float
    patients_high: float
    seed_sd: float | None
    seeds: int


def mean_of(parts: Sequence[OfSeed]) -> OfSeed:
    """The mean of several values of one seed, such as those of all sizes: draw by draw."""
    return OfSeed(float(np.mean([one.value for one in parts])), np.mean([one.draws for one in parts], axis=0))


def estimate(seeds: Sequence[OfSeed]) -> Estimate:
    """The mean over seeds with its interval. Raises `ValueError` for no seed."""
    if not seeds:
        raise ValueError("no seed: there is no mean")
    whole = mean_of(seeds)
    draws = whole.draws[~np.isnan(whole.draws)]
    ends = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    n = len(seeds)
    if n == 1:
        return Estimate(whole.value, None, None, float(ends[0]), float(ends[1]), None, 1)
    deviation = float(np.std([one.value for one in seeds], ddof=1))
    half = half_width(float(np.var(draws, ddof=1)), deviation**2 / n, n)
    return Estimate(whole.value, whole.value - half, whole.value + half, float(ends[0]), float(ends[1]), deviation, n)


def half_width(patients: float, seeds: float, n: int) -> float:
    """Half of the interval.

    Args:
        patients, seeds: the two variances of the mean.
        n: how many seeds there are, two or more.
    """
    whole = patients + seeds
    freedom = np.inf if seeds == 0 else (n - 1) * (whole / seeds) ** 2
    return float(student.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(whole))
