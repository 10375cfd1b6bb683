from functools import partial

import numpy as np
import pytest

import wardround.metrics as metrics

BINARY = {
    name: getattr(metrics, name)
    for name in ["auroc", "auprc", "brier", "bss", "ace", "calibration_slope", "calibration_intercept"]
} | {
    name: partial(getattr(metrics, name), threshold=0.5)
    for name in ["sensitivity", "specificity", "ppv", "f1", "accuracy", "event1"]
}
REGRESSION = {name: getattr(metrics, name) for name in ["mae", "mse", "r2", "pearson", "spearman"]}
CURVES = {name: getattr(metrics, name) for name in ["roc_points", "pr_points", "calibration_curve", "choose_threshold"]}
LABELS = np.array([0, 1, 0, 1, 1])
PROBS = np.array([0.1, 0.3, 0.4, 0.4, 0.9])


@pytest.mark.parametrize("metric", [*BINARY.values(), *REGRESSION.values(), *CURVES.values()])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(metric, bad):
    for position in range(2):
        arrays = [LABELS.astype(float), PROBS.copy()]
        arrays[position][2] = bad
        with pytest.raises(ValueError, match="1 of 5 values are NaN or infinite"):
            metric(*arrays)


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize("metric", [*BINARY.values(), *REGRESSION.values(), *CURVES.values()])
@pytest.mark.parametrize(
    ("labels", "probs"),
    [(LABELS, PROBS[:4]), (LABELS, PROBS[:, None]), (LABELS[None], PROBS), (LABELS[:0], PROBS[:0])],
)
def test_wrong_shapes_are_refused(metric, labels, probs):
    with pytest.raises(ValueError, match="expected"):
        metric(labels, probs)


@pytest.mark.parametrize("metric", [*BINARY.values(), *CURVES.values()])
@pytest.mark.parametrize("label", [2, -1, 0.5])
def test_labels_other_than_0_and_1_are_refused(metric, label):
    with pytest.raises(ValueError, match="1 of 5 values are neither 0 nor 1"):
        metric(np.array([0, 1, 0, label, 1]), PROBS)


@pytest.mark.parametrize("name", ["brier", "bss", "ace", "calibration_slope", "calibration_intercept"])
@pytest.mark.parametrize("prob", [-0.01, 1.01])
def test_probabilities_outside_0_to_1_are_refused_where_their_size_matters(name, prob):
    with pytest.raises(ValueError, match=r"1 of 5 values lie outside \[0, 1\]"):
        BINARY[name](LABELS, np.array([0.1, 0.3, prob, 0.4, 0.9]))


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize("metric", [*BINARY.values(), *REGRESSION.values()])
@pytest.mark.parametrize(
    "weights",
    [np.ones(4), np.ones((2, 4)), np.ones((1, 1, 5)), *(np.array([1, 1, bad, 1, 1]) for bad in (-1, np.nan, np.inf))],
)
def test_bad_weights_are_refused(metric, weights):
    with pytest.raises(ValueError, match="weights"):
        metric(LABELS.astype(float), PROBS, weights=weights)


@pytest.mark.parametrize("name", [*BINARY, *REGRESSION])
def test_one_row_of_weights_gives_a_float_and_a_block_gives_one_number_a_draw(name):
    metric = (BINARY | REGRESSION)[name]
    labels = LABELS.astype(float)
    assert isinstance(metric(labels, PROBS), float)
    assert isinstance(metric(labels, PROBS, weights=np.ones(5)), float)
    block = metric(labels, PROBS, weights=np.ones((3, 5)))
    assert block.shape == (3,)
    np.testing.assert_allclose(block, metric(labels, PROBS), rtol=1e-12)


@pytest.mark.parametrize("name", [*BINARY, *REGRESSION])
def test_a_draw_without_weight_is_undefined(name):
    weights = np.stack([np.zeros(5), np.ones(5)])
    found = (BINARY | REGRESSION)[name](LABELS.astype(float), PROBS, weights=weights)
    assert np.isnan(found[0])
    assert np.isfinite(found[1])


def test_a_message_never_shows_a_value():
    with pytest.raises(ValueError) as caught:
        metrics.brier(LABELS, np.array([0.1, 0.3, 73.25, 0.4, 0.9]))
    assert "73" not in str(caught.value)


@pytest.mark.parametrize("kind", [bool, np.int8, np.float32])
def test_labels_may_be_booleans_integers_or_floats(kind):
    assert metrics.auroc(LABELS.astype(kind), PROBS) == metrics.auroc(LABELS, PROBS)
