"""What the next hospital stay of a patient will be billed with: the true probabilities, and what they reach.

A patient's age, comorbidities and conditions (`conditions.py`) stay; the cause of a hospital stay is that of the one
before with the probability `Visiting.recurrence`, else drawn anew by the comorbidities. Given patient and cause c, the
frailty is Gaussian (`population.py`), the highest severity of the stay has a known law (`latent.peak_probs`), and
each code is given by itself, with a probability that depends on that severity as it is seen, s (`mimic/billing.py`).
So the probability of a condition k is a sum over all of them,

    P(k at the next visit | patient, cause now) = sum over c of P(c | cause now, comorbidities) P(k | patient, c),
    P(k | patient, c) = 1 if c itself is coded so, else
                        sum over s of P(s | patient, c) (1 - product of (1 - P(code | s, patient, c)))

over the codes that mean k. Frailty and highest severity are summed on grids (`STEP`), which is right to about 0.001.
The rest of a hospital stay is independent of the ones before it. So whoever knows the patient for good and the cause of
this stay knows all that can be known of the next, and nothing predicts better than these probabilities.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from wardround.sources.synthetic.latent import LATTICE, peak_probs, place
from wardround.sources.synthetic.mimic3.billing_list import DIAGNOSES, PHENOTYPES, PRIMARY
from wardround.sources.synthetic.mimic3.conditions import CONDITION_NAMES
from wardround.sources.synthetic.population import (
    ADMISSION_SD,
    CAUSE_NAMES,
    CAUSES,
    COMORBIDITY_NAMES,
    LATENT_SD,
    Visiting,
)
from wardround.sources.synthetic.truth import expected_auroc

STEP: Final = 1 / 16
FRAILTIES: Final = np.arange(-8 + STEP / 2, 11, STEP)
"""Middles of the cells of frailty, none of which two places of the lattice share."""
SEEN: Final = np.arange(-6.0, 10.0, 0.5)

NEXT, HAD = "p_next_", "had_"


class Patients(NamedTuple):
    """What of patients stays, an entry a patient: what m gets of it (`Admissions.lasting`), and flags."""

    lasting: Float[np.ndarray, " patient"]
    comorbidity: Bool[np.ndarray, "patient comorbidity"]
    condition: Bool[np.ndarray, "patient condition"]


def effects(names: tuple[str, ...]) -> Float[np.ndarray, "name code"]:
    """What each trait adds to the log odds of each of `DIAGNOSES`."""
    return np.array([[code.more.get(name, 0.0) for code in DIAGNOSES] for name in names])


def lasting_effect(patients: Patients) -> Float[np.ndarray, "patient code"]:
    """What comorbidities and conditions add to the log odds of each of `DIAGNOSES`."""
    return patients.comorbidity @ effects(COMORBIDITY_NAMES) + patients.condition @ effects(CONDITION_NAMES)


def phenotype_probs(patients: Patients, tau: float) -> Float[np.ndarray, "patient cause phenotype"]:
    """P(condition | patient, cause) of a hospital stay.

    Args:
        patients: who.
        tau: standard deviation of the error of those who bill.
    """
    level, slope = np.array([(code.log_odds, code.by_severity) for code in DIAGNOSES]).T
    means = np.array([[code.text in codes for codes in PHENOTYPES.values()] for code in DIAGNOSES]).astype(float)
    by_cause, more = effects(CAUSE_NAMES), lasting_effect(patients)
    table = seen_by_frailty(tau)
    probs = np.empty((more.shape[0], len(CAUSES), len(PHENOTYPES)))
    for number, cause in enumerate(CAUSES):
        seen = _cells(patients.lasting + cause.effect, FRAILTIES, LATENT_SD) @ table
        log_odds = (level + by_cause[number] + more)[:, None, :] + SEEN[:, None] * slope
        none = np.exp(-np.log1p(np.exp(log_odds)) @ means)
        first = np.array([PRIMARY[cause.name][0] in codes for codes in PHENOTYPES.values()])
        probs[:, number] = np.where(first, 1.0, 1 - np.einsum("ps,psk->pk", seen, none))
    return probs


def next_probs(
    probs: Float[np.ndarray, "patient cause phenotype"],
    patients: Patients,
    patient: Int[np.ndarray, " visit"],
    cause: Int[np.ndarray, " visit"],
    visiting: Visiting,
) -> Float[np.ndarray, "visit phenotype"]:
    """P(condition at the next hospital stay) of each visit, a hospital stay of `patient` for `cause`."""
    anew = np.einsum("pc,pck->pk", visiting.cause_probs(patients.comorbidity), probs)
    return visiting.recurrence * probs[patient, cause] + (1 - visiting.recurrence) * anew[patient]


def best_next(visits: pl.DataFrame) -> dict[str, Any]:
    """What the true probabilities reach on visits that have a next one, in expectation over what that is billed with.

    Args:
        visits: the rows of `truth/visits.parquet`.

    Returns:
        `{"next_visit": {"n_visits", "macro_auroc", "macro_brier", "auroc": {condition: value}}}`; values are None where
        there are no two such visits to tell apart.
    """
    asked = visits.drop_nulls("next_hospital_stay_id")
    if asked.height < 2:
        none = dict.fromkeys(PHENOTYPES)
        return {"next_visit": {"n_visits": asked.height, "macro_auroc": None, "macro_brier": None, "auroc": none}}
    probs: Mapping[str, np.ndarray] = {name: asked[f"{NEXT}{name}"].to_numpy() for name in PHENOTYPES}
    auroc = {name: expected_auroc(prob) for name, prob in probs.items()}
    brier = [float((prob * (1 - prob)).mean()) for prob in probs.values()]
    means = {"macro_auroc": float(np.mean([*auroc.values()])), "macro_brier": float(np.mean(brier))}
    return {"next_visit": {"n_visits": asked.height, **means, "auroc": auroc}}


@cache
def seen_by_frailty(tau: float) -> Float[np.ndarray, "frailty seen"]:
    """P(highest severity of a hospital stay, as seen | its frailty), by cells of `FRAILTIES` and of `SEEN`."""
    start = _cells(FRAILTIES, LATTICE, ADMISSION_SD)
    peak = np.einsum("fx,fxy->fy", start, peak_probs()[place(FRAILTIES)])
    return peak @ _cells(LATTICE, SEEN, tau)


def _cells(mean: np.ndarray, middles: np.ndarray, deviation: float) -> Float[np.ndarray, "mean cell"]:
    """The probability of each cell of a grid under a Gaussian; the outer ones reach to infinity."""
    edges = (middles[1:] + middles[:-1]) / 2
    below = _normal_cdf((edges[None, :] - mean[:, None]) / deviation)
    ends = np.zeros((mean.size, 1)), np.ones((mean.size, 1))
    return np.diff(np.concatenate([ends[0], below, ends[1]], axis=1), axis=1)


def _normal_cdf(value: np.ndarray) -> np.ndarray:
    """The standard normal distribution function, to 1.5e-7 (Abramowitz and Stegun, 7.1.26)."""
    scaled = np.abs(value) / np.sqrt(2)
    t = 1 / (1 + 0.3275911 * scaled)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    error = np.copysign(1 - series * np.exp(-scaled * scaled), value)
    return (1 + error) / 2
