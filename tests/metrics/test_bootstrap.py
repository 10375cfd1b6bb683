from functools import partial

import numpy as np
import pytest

from wardround.metrics import auroc, bootstrap, brier, mae, sensitivity
from wardround.metrics.bootstrap import (
    bootstrap_difference,
    bootstrap_intervals,
    cluster_weights,
    metric_draws,
    percentile_interval,
)

RNG = np.random.default_rng(7)
IDS = RNG.integers(0, 60, 120)
PROBS = RNG.random(120).round(2)
LABELS = (RNG.random(120) < PROBS).astype(float)


def test_a_patient_is_drawn_with_all_stays_and_as_many_patients_as_there_are():
    ids = np.array(["b", "a", "b", "c", "b"])
    rows = np.concatenate(list(cluster_weights(ids, draws=400, seed=1)))
    assert rows.shape == (400, 5)
    np.testing.assert_array_equal(rows[:, 0], rows[:, 2])
    np.testing.assert_array_equal(rows[:, 0], rows[:, 4])
    np.testing.assert_array_equal(rows[:, 0] + rows[:, 1] + rows[:, 3], 3)
    np.testing.assert_allclose(rows.mean(axis=0), 1, atol=0.15)


def test_same_seed_same_draws_whatever_the_blocks(monkeypatch):
    whole = np.concatenate(list(cluster_weights(IDS, 50, seed=3)))
    for least, most, rows in ((1, 2**22, 7), (20, 2**22, 20), (20, 120 * 9, 9), (20, 100, 1)):
        monkeypatch.setattr(bootstrap, "BLOCK_CELLS", 120 * 7)
        monkeypatch.setattr(bootstrap, "LEAST_DRAWS", least)
        monkeypatch.setattr(bootstrap, "MOST_CELLS", most)
        blocks = list(cluster_weights(IDS, 50, seed=3))
        assert {len(block) for block in blocks[:-1]} == {rows}
        np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert (np.concatenate(list(cluster_weights(IDS, 50, seed=4))) != whole).any()


def test_intervals_are_the_percentiles_of_repeated_rows():
    found = bootstrap_intervals({"auroc": auroc}, IDS, LABELS, PROBS, draws=40, seed=5, level=0.9)["auroc"]
    rows = np.concatenate(list(cluster_weights(IDS, 40, seed=5))).astype(int)
    by_hand = [auroc(np.repeat(LABELS, row), np.repeat(PROBS, row)) for row in rows]
    assert found["value"] == auroc(LABELS, PROBS)
    assert found["low"] == pytest.approx(np.percentile(by_hand, 5), abs=1e-12)
    assert found["high"] == pytest.approx(np.percentile(by_hand, 95), abs=1e-12)
    assert found["dropped"] == 0
    assert {type(number) for number in found.values()} == {float, int}


def test_draws_of_one_class_are_dropped_and_counted():
    labels, ids = np.array([1, 0, 0, 0, 0]), np.arange(5)
    probs = np.array([0.5, 0.1, 0.2, 0.6, 0.3])
    samples = metric_draws({"auroc": auroc}, ids, labels, probs, draws=300, seed=0)["auroc"]
    found = bootstrap_intervals({"auroc": auroc, "brier": brier}, ids, labels, probs, draws=300, seed=0)
    assert found["auroc"]["dropped"] == np.isnan(samples).sum() == pytest.approx(300 * 0.8**5, abs=30)
    assert found["brier"]["dropped"] == 0
    assert 0 <= found["auroc"]["low"] <= 0.75 <= found["auroc"]["high"] <= 1


def test_an_undefined_metric_is_none():
    found = bootstrap_intervals({"auroc": auroc}, np.arange(3), np.zeros(3), np.array([0.1, 0.2, 0.3]), draws=10)
    assert found["auroc"] == {"value": None, "low": None, "high": None, "dropped": 10}
    alone = percentile_interval(0.5, np.full(4, np.nan))
    assert alone == {"value": 0.5, "low": None, "high": None, "dropped": 4}


def test_a_paired_difference_is_narrower_than_two_apart():
    second = np.clip(PROBS + 0.05 * np.random.default_rng(0).normal(size=120), 0, 1)
    found = bootstrap_difference({"brier": brier}, IDS, LABELS, PROBS, second, draws=200, seed=2)["brier"]
    one, other = (
        metric_draws({"brier": brier}, IDS, LABELS, probs, draws=200, seed=2)["brier"] for probs in (PROBS, second)
    )
    assert found["value"] == pytest.approx(brier(LABELS, second) - brier(LABELS, PROBS), abs=1e-15)
    np.testing.assert_allclose([found["low"], found["high"]], np.percentile(other - one, [2.5, 97.5]), atol=1e-15)
    assert found["high"] - found["low"] < np.ptp(np.percentile(one, [2.5, 97.5]))
    same = bootstrap_difference({"mae": mae}, IDS, LABELS, PROBS, PROBS, draws=20)["mae"]
    assert same == {"value": 0.0, "low": 0.0, "high": 0.0, "dropped": 0}


def test_each_side_may_have_its_own_threshold():
    first, second = ({"sensitivity": partial(sensitivity, threshold=at)} for at in (0.7, 0.3))
    found = bootstrap_difference(first, IDS, LABELS, PROBS, PROBS, second_metrics=second, draws=20)["sensitivity"]
    assert found["value"] == sensitivity(LABELS, PROBS, 0.3) - sensitivity(LABELS, PROBS, 0.7)
    with pytest.raises(ValueError, match="second_metrics"):
        bootstrap_difference(first, IDS, LABELS, PROBS, PROBS, second_metrics={"ppv": sensitivity})


@pytest.mark.usefixtures("unchecked_signatures")
def test_bad_input_is_refused():
    intervals = partial(bootstrap_intervals, {"auroc": auroc})
    with pytest.raises(ValueError, match="lengths"):
        intervals(IDS[:5], LABELS, PROBS)
    with pytest.raises(ValueError, match="draws"):
        intervals(IDS, LABELS, PROBS, draws=0)
    for level in (0.0, 1.0, np.nan):
        with pytest.raises(ValueError, match="level"):
            intervals(IDS, LABELS, PROBS, draws=3, level=level)
    with pytest.raises(ValueError, match="1 are NaN"):
        cluster_weights(np.array([1.0, np.nan]))
    for ids in (np.array([]), np.ones((2, 2))):
        with pytest.raises(ValueError, match="one id a stay"):
            cluster_weights(ids)
