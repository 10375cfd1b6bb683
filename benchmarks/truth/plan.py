"""Which cohorts are made, what is trained on each, in which order, and what is left of the time.

    condition   rate and mechanism of missingness
    cohort      condition, number of stays, seed: its own patients, its own split
    cell        cohort and method

The seed is of the patients, the split, the weights and the batches: what differs between seeds is all that differs
between one study and its repetition.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import mean
from typing import cast

from wardround.sources.synthetic import SyntheticSettings
from wardround.sources.synthetic.settings import Mechanism

NO_MECHANISM = "none"
"""Where nothing is missing there is no why: the raw tables are the same for every mechanism, so one stands for all."""
PAIRS = ("mlp", "trajectory")
"""What is trained twice, on random and on aligned encoders."""
REFERENCE = "boosting"
RANDOM, ALIGNED = "random", "aligned"


@dataclass(frozen=True)
class Condition:
    """Which share of (stay, modality) pairs is missing, and why."""

    rate: float
    mechanism: str

    @property
    def name(self) -> str:
        """As in file names: `40-severity`."""
        return f"{self.rate * 100:g}-{self.mechanism}"

    @property
    def settings(self) -> SyntheticSettings:
        """What the synthetic cohort is asked to be. Raises `UsageError` for a mechanism that is not there."""
        if self.mechanism == NO_MECHANISM:
            return SyntheticSettings(missing_rate=0.0)
        return SyntheticSettings(missing_rate=self.rate, mechanism=cast(Mechanism, self.mechanism))


@dataclass(frozen=True)
class Cohort:
    """The stays that one round of trainings learns from."""

    condition: Condition
    size: int
    seed: int

    @property
    def name(self) -> str:
        """As in file names: `500-40-severity-seed0`."""
        return f"{self.size}-{self.condition.name}-seed{self.seed}"


@dataclass(frozen=True)
class Method:
    """What is trained, and on which encoders; None where it has none."""

    model: str
    encoders: str | None = None

    @property
    def name(self) -> str:
        """As in the tables and in file names: `mlp-aligned`."""
        return self.model if self.encoders is None else f"{self.model}-{self.encoders}"


METHODS = (
    *(Method(model, encoders) for model, encoders in product(PAIRS, (RANDOM, ALIGNED))),
    Method(REFERENCE),
)


@dataclass(frozen=True)
class Cell:
    """One training and its judgement."""

    cohort: Cohort
    method: Method

    @property
    def name(self) -> str:
        """As in file names."""
        return f"{self.cohort.name}-{self.method.name}"


@dataclass(frozen=True)
class Plan:
    """What is studied; seeds, sizes, rates and mechanisms may grow from call to call, and what is done is kept."""

    sizes: Sequence[int] = (500, 1000, 2000)
    rates: Sequence[float] = (0.0, 0.4, 0.8)
    mechanisms: Sequence[str] = ("random", "severity", "outcome")
    seeds: int = 3

    def conditions(self) -> list[Condition]:
        """By rising rate; a rate of 0 once."""
        found = [Condition(rate, why if rate else NO_MECHANISM) for rate, why in product(self.rates, self.mechanisms)]
        return sorted(dict.fromkeys(found), key=lambda one: one.rate)

    def cohorts(self) -> list[Cohort]:
        """A seed after the other and small before large, so that a study which is stopped is balanced."""
        order = product(range(self.seeds), sorted(self.sizes), self.conditions())
        return [Cohort(condition, size, seed) for seed, size, condition in order]


def cells_of(cohort: Cohort) -> list[Cell]:
    """The cells of a cohort, the two of a pair beside each other."""
    return [Cell(cohort, method) for method in METHODS]


def share_of(cohorts: Sequence[Cohort], share: tuple[int, int]) -> list[Cohort]:
    """Every n-th cohort from the i-th on (from 1), for n calls side by side."""
    place, of = share
    return list(cohorts[place - 1 :: of])


def expected_s(cohort: Cohort, seconds: Mapping[Cohort, float]) -> float | None:
    """Seconds that a cohort will take: the mean of those of its size and rate, else its stays times the mean seconds a
    stay; None where nothing was measured.

    Small cohorts come first and cost more a stay, so the second is rather too much than too little.
    """
    alike = [s for other, s in seconds.items() if (other.size, other.condition.rate) == _alike(cohort)]
    if alike:
        return mean(alike)
    return cohort.size * mean(s / other.size for other, s in seconds.items()) if seconds else None


def left_s(cohorts: Iterable[Cohort], seconds: Mapping[Cohort, float]) -> float | None:
    """Seconds that several cohorts will take together."""
    each = [expected_s(cohort, seconds) for cohort in cohorts]
    return None if None in each else sum(one for one in each if one is not None)


def _alike(cohort: Cohort) -> tuple[int, float]:
    return cohort.size, cohort.condition.rate
