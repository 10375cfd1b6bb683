import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.metrics import mae, mse, pearson, r2, spearman

TARGETS_H = np.array([24.0, 48.0, 72.0, 240.0])
PREDICTIONS_H = np.array([30.0, 36.0, 90.0, 200.0])


def test_errors_by_hand():
    assert mae(TARGETS_H, PREDICTIONS_H) == 19
    assert mse(TARGETS_H, PREDICTIONS_H) == (36 + 144 + 324 + 1600) / 4
    assert r2(TARGETS_H, PREDICTIONS_H) == pytest.approx(1 - 2104 / 28_800, abs=1e-15)
    assert spearman(TARGETS_H, PREDICTIONS_H) == pytest.approx(1, abs=1e-15)
    assert spearman(TARGETS_H, np.array([1.0, 3.0, 2.0, 2.0])) == pytest.approx(1.5 / np.sqrt(5 * 4.5), abs=1e-15)


def test_weights_by_hand():
    weights = np.array([[2.0, 0, 1, 1]])
    assert mae(TARGETS_H, PREDICTIONS_H, weights)[0] == (12 + 18 + 40) / 4
    assert r2(TARGETS_H, PREDICTIONS_H, weights)[0] == pytest.approx(1 - 1996 / 31_536, abs=1e-15)


@pytest.mark.parametrize("metric", [r2, pearson, spearman])
def test_no_variation_is_undefined(metric):
    same = np.full(3, 0.1)  # 0.1 * 3 / 3 is not 0.1: a variance would be rounding noise, not 0
    assert np.isnan(metric(same, np.array([1.0, 2.0, 4.0])))
    other_side = metric(np.array([1.0, 2.0, 4.0]), same)
    assert np.isfinite(other_side) if metric is r2 else np.isnan(other_side)
    assert np.isnan(metric(TARGETS_H, PREDICTIONS_H, np.array([[0.0, 0, 5, 0]]))).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-100, 100))
def test_correlations_ignore_scale_and_shift(seed, scale, shift):
    x, y = np.random.default_rng(seed).normal(size=(2, 20))
    assert pearson(scale * x + shift, y) == pytest.approx(pearson(x, y), abs=1e-10)
    assert pearson(-scale * x + shift, y) == pytest.approx(-pearson(x, y), abs=1e-10)
    assert spearman(np.exp(x), y) == spearman(x, y) == pytest.approx(-spearman(-x, y), abs=1e-15)


def test_a_large_shift_does_not_cancel():
    x, y = np.random.default_rng(0).normal(size=(2, 50))
    assert pearson(x + 1e8, y) == pytest.approx(pearson(x, y), abs=1e-6)
    assert pearson(x, x) == pytest.approx(1, abs=1e-15)
    assert pearson(x, x) <= 1
