import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from wardround.metrics import ace, brier, bss, calibration_curve, calibration_intercept, calibration_slope
from wardround.metrics.calibration import CLIP_PROB

LABELS = np.array([0, 1, 0, 1])
PROBS = np.array([0.1, 0.4, 0.4, 0.8])


def test_brier_and_skill_by_hand():
    assert brier(LABELS, PROBS) == pytest.approx((0.01 + 0.36 + 0.16 + 0.04) / 4, abs=1e-15)
    assert bss(LABELS, PROBS) == pytest.approx(1 - 0.1425 / 0.25, abs=1e-15)
    assert bss(LABELS, PROBS, 0.1) == pytest.approx(1 - 0.1425 / ((2 * 0.01 + 2 * 0.81) / 4), abs=1e-15)
    weights = np.array([[3.0, 1, 0, 0]])
    assert bss(LABELS, PROBS, weights=weights)[0] == pytest.approx(1 - (0.03 + 0.36) / 4 / (0.25 * 0.75), abs=1e-15)


def test_skill_without_reference_error_is_undefined():
    assert np.isnan(bss(np.ones(4), PROBS))
    assert np.isnan(bss(np.zeros(4), PROBS, 0.0))
    assert bss(np.zeros(4), np.zeros(4), 0.5) == 1
    for bad in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="reference_prevalence"):
            bss(LABELS, PROBS, bad)


def test_adaptive_calibration_error_by_hand():
    labels = np.array([0, 0, 1, 0, 1, 1])
    probs = np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.8])
    assert ace(labels, probs, bins=3) == pytest.approx((0.15 + abs(0.5 - 0.45) + 0.25) / 3, abs=1e-15)
    assert ace(labels, probs, bins=1) == pytest.approx(abs(0.5 - 2.7 / 6), abs=1e-15)
    assert ace(labels, probs, bins=6) == ace(labels, probs, bins=600) == pytest.approx(2.1 / 6, abs=1e-15)
    with pytest.raises(ValueError, match="bins"):
        ace(labels, probs, bins=0)


def test_equal_probabilities_share_a_bin_and_rows_may_come_in_any_order():
    labels = np.array([1, 0, 0, 0, 1, 1])
    probs = np.array([0.3, 0.3, 0.3, 0.3, 0.6, 0.6])  # two bins would split the four; mid-rank 2 of 6 is in the lower
    assert ace(labels, probs, bins=2) == pytest.approx((4 * 0.05 + 2 * 0.4) / 6, abs=1e-15)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(6)
        assert ace(labels[order], probs[order], bins=2) == pytest.approx(ace(labels, probs, bins=2), abs=1e-15)


def test_curve_has_the_bins_of_ace():
    rng = np.random.default_rng(0)
    probs = rng.random(150).round(2)
    labels = rng.random(150) < probs
    curve = calibration_curve(labels, probs)
    share = curve.n_stays / curve.n_stays.sum()
    assert curve.n_stays.sum() == 150
    assert (np.diff(curve.mean_prob) > 0).all()
    gap = np.abs(curve.mean_prob - curve.positive_share)
    assert share @ gap == pytest.approx(ace(labels, probs), abs=1e-15)
    few = calibration_curve(np.array([0, 1, 1]), np.array([0.2, 0.2, 0.7]), bins=2)
    assert [points.tolist() for points in few] == [[0.2, 0.7], [0.5, 1.0], [2, 1]]
    assert calibration_curve(np.array([0, 1, 1]), np.array([0.2, 0.2, 0.7])).n_stays.tolist() == [2, 1]  # 13 empty bins


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.2, 2), st.floats(-2, 2))
def test_slope_and_intercept_undo_a_known_distortion(seed, slope, intercept):
    rng = np.random.default_rng(seed)
    logits = np.clip(rng.normal(-1, 1.5, 400), -6, 6)  # so that no distorted one reaches the cut at 16.1
    labels = rng.random(400) < expit(logits)
    fitted_slope = calibration_slope(labels, expit(logits))
    assert calibration_slope(labels, expit(intercept + slope * logits)) == pytest.approx(fitted_slope / slope, rel=1e-6)
    fitted_intercept = calibration_intercept(labels, expit(logits))
    shifted = calibration_intercept(labels, expit(logits + intercept))
    assert shifted == pytest.approx(fitted_intercept - intercept, abs=1e-7)


def test_a_group_of_equal_probabilities_has_a_closed_form():
    labels, probs = np.array([0, 0, 0, 1, 0, 1, 1]), np.array([0.2] * 4 + [0.7] * 3)
    expected = (logit(2 / 3) - logit(1 / 4)) / (logit(0.7) - logit(0.2))
    assert calibration_slope(labels, probs) == pytest.approx(expected, rel=1e-10)
    assert calibration_intercept(labels[:4], probs[:4]) == pytest.approx(logit(0.25) - logit(0.2), abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "probs"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]),  # separated
        ([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4]),  # separated the wrong way round
        ([0, 0, 1, 1], [0.1, 0.2, 0.2, 0.4]),  # touching: still no finite maximum
        ([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3]),  # one probability
        ([1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4]),
        ([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]),
    ],
)
def test_slope_is_undefined_without_overlap(labels, probs):
    labels, probs = np.array(labels), np.array(probs)
    assert np.isnan(calibration_slope(labels, probs))
    assert np.isnan(calibration_intercept(labels, probs)) == (len(set(labels)) == 1)


def test_an_undefined_draw_leaves_the_others_alone():
    labels, probs = np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.5, 0.7])
    weights = np.array([[1.0, 1, 1, 1], [1, 1, 0, 1], [2, 1, 3, 1], [1, 0, 1, 0]])
    for metric in (calibration_slope, calibration_intercept):
        together = metric(labels, probs, weights)
        apart = [metric(labels, probs, row) for row in weights]
        np.testing.assert_allclose(together, apart, rtol=1e-10)
    assert np.isnan(calibration_slope(labels, probs, weights)).tolist() == [False, True, False, True]
    assert np.isnan(calibration_intercept(labels, probs, weights)).tolist() == [False, False, False, True]


def test_probabilities_of_0_and_1_are_cut():
    labels, probs = np.array([0, 0, 1, 1, 0, 1]), np.array([0.0, 0.4, 0.3, 1.0, 1.0, 0.0])
    cut = np.clip(probs, CLIP_PROB, 1 - CLIP_PROB)
    assert calibration_slope(labels, probs) == calibration_slope(labels, cut)
    assert calibration_intercept(labels, probs) == calibration_intercept(labels, cut)
