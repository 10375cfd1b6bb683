"""Intervals over patients and seeds: their two ends by hand, and whether they cover."""

import numpy as np
import pytest
from truth.spread import OfSeed, estimate, half_width, mean_of


def test_where_only_patients_vary_the_interval_is_the_normal_one():
    assert half_width(0.04, 0.0, 3) == pytest.approx(1.959964 * 0.2)


def test_where_only_seeds_vary_the_interval_is_students():
    assert half_width(0.0, 0.04, 3) == pytest.approx(4.302653 * 0.2)
    assert half_width(0.0, 0.04, 5) == pytest.approx(2.776445 * 0.2)


def test_a_mean_over_seeds_with_both_parts():
    draws = [np.array([0.6, 0.8, 0.7, 0.7]), np.array([0.7, 0.9, 0.8, 0.8])]
    found = estimate([OfSeed(0.70, draws[0]), OfSeed(0.80, draws[1])])
    patients, seeds = np.var([0.65, 0.85, 0.75, 0.75], ddof=1), 0.005 / 2
    half = half_width(patients, seeds, 2)
    assert (found.value, found.low, found.high) == pytest.approx((0.75, 0.75 - half, 0.75 + half))
    assert found.seed_sd == pytest.approx(np.std([0.7, 0.8], ddof=1))
    assert (found.patients_low, found.patients_high) == pytest.approx(
        np.quantile([0.65, 0.85, 0.75, 0.75], [0.025, 0.975])
    )


def test_one_seed_says_nothing_of_others_and_none_is_refused():
    found = estimate([OfSeed(0.7, np.array([0.6, 0.8, np.nan]))])
    assert (found.low, found.high, found.seed_sd, found.seeds) == (None, None, None, 1)
    assert 0.6 <= found.patients_low <= found.patients_high <= 0.8
    with pytest.raises(ValueError, match="no seed"):
        estimate([])


def test_differences_and_means_are_paired_by_draw():
    first, second = OfSeed(0.8, np.array([0.7, 0.9])), OfSeed(0.6, np.array([0.55, 0.65]))
    assert (first - second).draws == pytest.approx([0.15, 0.25])
    assert mean_of([first, second]).draws == pytest.approx([0.625, 0.775])


@pytest.mark.parametrize(("patients_sd", "seeds_sd"), [(1.0, 0.1), (1.0, 1.0), (0.1, 1.0)])
def test_three_seeds_cover(patients_sd: float, seeds_sd: float):
    """Truth 0; a study draws patients once, for all seeds, and each seed its own training."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(800):
        shared = rng.normal(0, patients_sd)
        values = shared + rng.normal(0, seeds_sd, 3)
        noise = rng.normal(0, patients_sd, 200)
        found = estimate([OfSeed(value, value + noise) for value in values])
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0 <= found.high
    assert 0.925 <= covered / 800 <= 0.995
