"""A large population of the same settings, on which mortality and missingness are set to what was asked for."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from wardround.sources.synthetic.latent import solved_chain
from wardround.sources.synthetic.population import (
    USUAL,
    WHOLE_COHORT,
    Admissions,
    Hospitals,
    Visiting,
    draw_admissions,
)
from wardround.sources.synthetic.settings import stream
from wardround.sources.synthetic.stays import run_stays

REFERENCE_PATIENTS: Final = 20_000
BISECTIONS: Final = 16


@dataclass(frozen=True)
class Reference:
    """What the population is like.

    Attributes:
        shift: the constant in every frailty m that gives the mortality asked for.
        severity: at unit admission, of every unit stay that happened; as places on the lattice.
        died_share: share of unit stays that belong to a hospital stay with in-hospital death.
    """

    shift: float
    severity: Float[np.ndarray, " stay"]
    died_share: float


def draw_reference(mortality: float, hospitals: Hospitals, seed: int, visiting: Visiting = USUAL) -> Reference:
    """Solve for `shift`, by bisection over one population, and run that population.

    The mean true risk at the first unit admission of a hospital stay becomes `mortality`, to 0.001: over the stays that
    happen, each drawn one weighted by the probability that its patient survives those before it. Only the `USUAL`
    patients, few of whom come back, are solved over all drawn stays, as ever, so that their cohorts stay as they are:
    their mortality is lower by less than 1 % of itself.

    Args:
        mortality: expected in-hospital deaths per hospital stay.
        hospitals: the cohort's hospitals.
        seed: the cohort's seed.
        visiting: how its patients come back.

    Returns:
        The population's shift, severities and share of deaths.
    """
    risk = solved_chain().risk
    low, high = -4.0, 4.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        drawn = _admissions(middle, hospitals, seed, visiting)
        of_stay = risk[drawn.level, drawn.start]
        weight = None if visiting == USUAL else _happening(drawn, of_stay)
        too_many = np.average(of_stay, weights=weight) > mortality
        low, high = (low, middle) if too_many else (middle, high)
    drawn = _admissions(low, hospitals, seed, visiting)
    stays = run_stays(drawn, 4 * drawn.patient.size, {}, stream(seed, WHOLE_COHORT, "reference stays"))
    return Reference(low, stays.path[stays.start].astype(np.float64), float(stays.died.mean()))


def _happening(drawn: Admissions, risk: Float[np.ndarray, " stay"]) -> Float[np.ndarray, " stay"]:
    """P(a patient survives all hospital stays before this one), a value a stay."""
    survived = np.log1p(-risk)
    before = np.cumsum(survived) - survived
    first = np.flatnonzero(drawn.sequence == 0)
    return np.exp(before - before[first][np.cumsum(drawn.sequence == 0) - 1])


def _admissions(shift: float, hospitals: Hospitals, seed: int, visiting: Visiting) -> Admissions:
    rng = stream(seed, WHOLE_COHORT, "reference")
    return draw_admissions(REFERENCE_PATIENTS, shift, 0.0, hospitals, rng, visiting)
