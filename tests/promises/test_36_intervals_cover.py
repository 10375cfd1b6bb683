"""Promise 36: 95 % intervals cover the truth 95 times of 100, because patients are drawn and not stays.

A simulated patient has one outcome, a trait of its own and one to five stays whose scores share that trait, so stays
of one patient resemble each other. The truth is exact: scores are normal within a class. The negative control draws
stays instead of patients, on the same cohorts, and must fail.
"""

import os
from functools import partial

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from wardround.metrics import auroc, bootstrap_difference, bootstrap_intervals, brier, mae, sensitivity

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
RUNS = max(100, round(2000 * SCALE))
DRAWS = 1000 if SCALE >= 1 else 400  # few draws widen no interval, but make its ends rough
PATIENTS = 400
PREVALENCE, SHIFT, SHARED, NOISE = 0.35, 1.0, 0.8, 0.7  # SHARED: part of the score's variance that is the patient's
THRESHOLD = 0.5
METRICS = {"auroc": auroc, "brier": brier, "sensitivity": partial(sensitivity, threshold=THRESHOLD), "mae": mae}

# Promised at 2,000 runs: 93.5 to 96.5 %. With fewer the band is three standard errors of a binomial share.
BAND = max(0.015, 3 * np.sqrt(0.95 * 0.05 / RUNS))


def cohort(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Patient, label, probability and a second, noisier probability of every stay."""
    patient = np.repeat(np.arange(PATIENTS), rng.integers(1, 6, PATIENTS))
    label = (rng.random(PATIENTS) < PREVALENCE).astype(float)[patient]
    score = SHIFT * label + correlated(rng, patient)
    return patient, label, prob_of(score), prob_of(score + NOISE * correlated(rng, patient))


def correlated(rng: np.random.Generator, patient: np.ndarray) -> np.ndarray:
    """Standard normal, with correlation SHARED between stays of one patient."""
    own = rng.normal(size=PATIENTS)[patient]
    return np.sqrt(SHARED) * own + np.sqrt(1 - SHARED) * rng.normal(size=patient.size)


def prob_of(score: np.ndarray) -> np.ndarray:
    return expit(score - 1.2)


def truth() -> dict[str, float]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    positive, negative = prob_of(nodes + SHIFT), prob_of(nodes)
    first = norm.cdf(SHIFT / np.sqrt(2))
    return {
        "auroc": first,
        "brier": PREVALENCE * weights @ (1 - positive) ** 2 + (1 - PREVALENCE) * weights @ negative**2,
        "sensitivity": norm.sf(1.2 - SHIFT),
        "mae": PREVALENCE * weights @ (1 - positive) + (1 - PREVALENCE) * weights @ negative,
        "auroc difference": norm.cdf(SHIFT / np.sqrt(2 * (1 + NOISE**2))) - first,
    }


def coverage(over_stays: bool, runs: int) -> dict[str, float]:
    """Share of simulated cohorts whose interval holds the truth."""
    expected = truth()
    hits = dict.fromkeys(expected, 0)
    for run in range(runs):
        patient, label, prob, noisier = cohort(np.random.default_rng([36, run]))
        ids = np.arange(patient.size) if over_stays else patient
        found = bootstrap_intervals(METRICS, ids, label, prob, draws=DRAWS, seed=run)
        paired = bootstrap_difference({"auroc": auroc}, ids, label, prob, noisier, draws=DRAWS, seed=run)
        found["auroc difference"] = paired["auroc"]
        for name, interval in found.items():
            hits[name] += interval["low"] <= expected[name] <= interval["high"]
    return {name: count / runs for name, count in hits.items()}


@pytest.fixture(scope="module")
def covered() -> dict[str, float]:
    return coverage(over_stays=False, runs=RUNS)


@pytest.mark.parametrize("name", truth())
def test_intervals_over_patients_cover(covered, name):
    print(f"{name}: {100 * covered[name]:.2f} % of {RUNS} intervals cover, band 95 +- {100 * BAND:.1f}")
    assert abs(covered[name] - 0.95) <= BAND


def test_intervals_over_stays_do_not_cover():
    too_narrow = coverage(over_stays=True, runs=100)
    assert max(too_narrow.values()) < 0.95 - 0.065  # three standard errors of 100 runs below what is promised


def test_the_truth_is_that_of_a_large_cohort():
    rng = np.random.default_rng(0)
    labels, probs, noisier = (np.concatenate(side) for side in zip(*(cohort(rng)[1:] for _ in range(400)), strict=True))
    found = {name: metric(labels, probs) for name, metric in METRICS.items()}
    found["auroc difference"] = auroc(labels, noisier) - auroc(labels, probs)
    assert found == pytest.approx(truth(), abs=0.005)
