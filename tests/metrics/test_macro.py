"""The mean over labels: by hand, and as the table of several labels has it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.metrics.bootstrap import metric_draws
from wardround.metrics.calibration import brier
from wardround.metrics.discrimination import auroc, ppv
from wardround.metrics.macro import macro
from wardround.metrics.tables import multilabel_table

LABELS = np.asarray([[1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]])
PROBS = np.asarray([[0.9, 0.5, 0.6], [0.1, 0.5, 0.7], [0.8, 0.5, 0.5], [0.2, 0.5, 0.55]])


def test_by_hand_a_label_of_one_class_has_no_part():
    """1 and 3/4; the second label never happens, whatever its Brier score would be."""
    assert macro(auroc)(LABELS, PROBS) == pytest.approx((1 + 0.75) / 2)
    one, three = (brier(LABELS[:, column], PROBS[:, column]) for column in (0, 2))
    assert macro(brier)(LABELS, PROBS) == pytest.approx((one + three) / 2)


def test_where_the_metric_of_a_label_is_undefined_the_others_are_left():
    def flagged(labels, probs, weights=None):
        return ppv(labels, probs, 0.95, weights=weights)

    probs = PROBS.copy()
    probs[1, 2] = 0.99  # the one stay that is flagged
    assert macro(flagged)(LABELS, probs) == 1.0
    assert np.isnan(macro(flagged)(LABELS, PROBS))


def test_without_a_label_of_both_classes_there_is_no_mean():
    assert np.isnan(macro(auroc)(LABELS[:, 1:2], PROBS[:, 1:2]))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), stays=st.integers(4, 30), labels=st.integers(1, 4))
def test_value_and_draws_are_those_of_the_table(seed: int, stays: int, labels: int):
    rng = np.random.default_rng(seed)
    truth, probs = rng.integers(0, 2, (stays, labels)), rng.random((stays, labels)).round(1)
    subject, names = rng.integers(0, stays, stays), [f"l{place}" for place in range(labels)]
    table = multilabel_table(truth, probs, subject, np.full(labels, 0.5), names, draws=20, seed=1)["metrics"]["auroc"]
    value = macro(auroc)(truth, probs)
    drawn = metric_draws({"auroc": macro(auroc)}, subject, truth, probs, draws=20, seed=1)["auroc"]
    assert (table["value"] is None) == np.isnan(value)
    if table["value"] is not None:
        assert table["value"] == pytest.approx(value)
    assert table["dropped"] == np.isnan(drawn).sum()
    if table["low"] is not None:
        assert (table["low"], table["high"]) == pytest.approx(np.nanquantile(drawn, [0.025, 0.975]))
