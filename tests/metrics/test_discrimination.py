import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve, roc_curve

from wardround.metrics import (
    accuracy,
    auprc,
    auroc,
    choose_threshold,
    event1,
    f1,
    ppv,
    pr_points,
    roc_points,
    sensitivity,
    specificity,
)

LABELS = np.array([1, 0, 1, 0, 0, 1])
PROBS = np.array([0.9, 0.8, 0.5, 0.5, 0.2, 0.1])
cohorts = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=40)


def test_ranking_metrics_by_hand():
    # positive against negative: 0.9 beats 3; 0.5 beats one, ties one, loses one; 0.1 beats none
    assert auroc(LABELS, PROBS) == 4.5 / 9
    # precision where positives enter: 1 of 1, then 2 of 4 (the tied pair enters at once), then 3 of 6
    assert auprc(LABELS, PROBS) == pytest.approx((1 + 2 / 4 + 3 / 6) / 3, abs=1e-15)


def test_metrics_at_a_threshold_by_hand():
    # at or above 0.5: two of three positives, two of three negatives
    expected = {sensitivity: 2 / 3, specificity: 1 / 3, ppv: 2 / 4, f1: 4 / 7, accuracy: 3 / 6, event1: 2 / 4}
    assert {metric: metric(LABELS, PROBS, 0.5) for metric in expected} == expected


def test_weights_by_hand():
    weights = np.array([[0.0, 1, 2, 1, 3, 1], [1, 1, 1, 1, 1, 0]])
    # first draw: 3 positives x 5 negatives; the two at 0.5 beat 3 and tie 1 each
    np.testing.assert_allclose(auroc(LABELS, PROBS, weights), [2 * 3.5 / 15, 4.5 / 6], atol=1e-15)
    np.testing.assert_allclose(sensitivity(LABELS, PROBS, 0.5, weights), [2 / 3, 1], atol=1e-15)
    np.testing.assert_allclose(ppv(LABELS, PROBS, 0.5, weights), [2 / 4, 2 / 4], atol=1e-15)


def test_one_class_is_undefined():
    ones, zeros, probs = np.ones(3), np.zeros(3), np.array([0.2, 0.6, 0.7])
    assert np.isnan([auroc(ones, probs), auroc(zeros, probs), auprc(zeros, probs)]).all()
    assert np.isnan([sensitivity(zeros, probs, 0.5), specificity(ones, probs, 0.5), event1(zeros, probs, 0.5)]).all()
    assert np.isnan([ppv(ones, probs, 0.8), f1(zeros, probs, 0.8)]).all()
    assert auprc(ones, probs) == 1
    assert event1(ones, probs, 0.8) == 0
    assert f1(zeros, probs, 0.5) == 0


def test_the_threshold_is_the_lowest_of_the_best():
    # both 0.8 (2 of 4 found, all right) and 0.1 (4 found among 8 flagged) give event1 = 1/2
    labels = np.array([1, 1, 0, 0, 0, 0, 1, 1])
    probs = np.array([0.9, 0.8, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1])
    assert event1(labels, probs, 0.8) == event1(labels, probs, 0.1) == 0.5
    assert choose_threshold(labels, probs) == 0.1
    shuffled = np.random.default_rng(0).permutation(8)
    assert choose_threshold(labels[shuffled], probs[shuffled]) == 0.1


def test_a_threshold_without_a_positive_is_refused():
    with pytest.raises(ValueError, match="no positive"):
        choose_threshold(np.zeros(3), np.array([0.1, 0.2, 0.3]))
    with pytest.raises(ValueError, match="threshold"):
        ppv(LABELS, PROBS, np.nan)


@settings(max_examples=60, deadline=None)
@given(cohorts)
def test_auroc_looks_at_order_only_and_is_antisymmetric(rows):
    labels, scores = np.array(rows, dtype=float).T
    found = auroc(labels, scores)
    np.testing.assert_equal(auroc(labels, np.exp(scores) - 100), found)
    np.testing.assert_equal(auroc(labels[::-1], scores[::-1]), found)
    np.testing.assert_allclose(auroc(1 - labels, scores), 1 - found, atol=1e-15)
    np.testing.assert_allclose(auroc(labels, -scores), 1 - found, atol=1e-15)


@settings(max_examples=60, deadline=None)
@given(cohorts)
def test_curves_are_those_of_scikit_learn(rows):
    labels, scores = np.array(rows, dtype=float).T
    labels[:2] = 0, 1
    roc, pr = roc_points(labels, scores), pr_points(labels, scores)
    false_rate, true_rate, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(roc.false_positive_rate, false_rate, atol=1e-15)
    np.testing.assert_allclose(roc.true_positive_rate, true_rate, atol=1e-15)
    np.testing.assert_array_equal(roc.thresholds, thresholds)
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    np.testing.assert_allclose(pr.precision, precision[::-1], atol=1e-15)
    np.testing.assert_allclose(pr.recall, recall[::-1], atol=1e-15)
    np.testing.assert_array_equal(pr.thresholds[1:], thresholds[::-1])
    assert np.trapezoid(roc.true_positive_rate, roc.false_positive_rate) == pytest.approx(auroc(labels, scores))


def test_curves_need_their_classes():
    probs = np.array([0.2, 0.6])
    for labels in (np.ones(2), np.zeros(2)):
        with pytest.raises(ValueError, match="ROC curve is undefined"):
            roc_points(labels, probs)
    with pytest.raises(ValueError, match="precision-recall curve is undefined"):
        pr_points(np.zeros(2), probs)
