"""Points that may be shown: 11 patients or more each, and curves that still end where the raw ones do."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.evaluate.points import (
    calibration_points,
    hours_points,
    patient_groups,
    ranking_curves,
    risk_bars,
    wilson,
)
from wardround.evaluate.small_cells import MINIMUM


def sample(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.random(n) < 0.3
    return label, np.clip(0.2 * label + rng.random(n) * 0.7, 0, 1), np.arange(n) * 2 // 3


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(0, 30), min_size=1, max_size=200),
    each=st.integers(1, 4),
    most=st.sampled_from([1, 5, 40]),
)
def test_groups_hold_enough_patients_and_never_part_equals(values: list[int], each: int, most: int):
    found, subject = np.array(values, float), np.arange(len(values)) // each
    group = patient_groups(found, subject, most)
    numbers = np.unique(group)
    assert numbers.tolist() == list(range(len(numbers)))
    patients = [len(np.unique(subject[group == number])) for number in numbers]
    assert min(patients) >= min(MINIMUM, len(np.unique(subject)))
    for below, above in pairwise(numbers):
        assert found[group == below].max() < found[group == above].min()


def test_ten_stays_of_one_patient_are_one_patient():
    subject = np.r_[np.zeros(50, int), np.arange(1, 12)]
    group = patient_groups(np.arange(61.0), subject, 40)
    assert np.unique(group).tolist() == [0]


def test_curves_rise_from_nothing_to_everything():
    roc, pr = ranking_curves(*sample(600))
    assert (roc[0]["fpr"], roc[0]["tpr"], roc[-1]["fpr"], roc[-1]["tpr"]) == (0, 0, 1, 1)
    assert 600 / 40 * 0.5 < len(roc) <= 42
    assert pr[-1]["recall"] == 1
    assert pr[-1]["precision"] == pytest.approx(sample(600)[0].mean(), abs=1e-4)
    for rows, x, y in ((roc, "fpr", "tpr"), (pr, "recall", "precision")):
        assert np.all(np.diff([row[x] for row in rows]) >= 0)
        assert all(row["low"] <= row[y] + 0.05 and row[y] - 0.05 <= row["high"] for row in rows)


def test_neighbouring_points_of_a_curve_differ_by_eleven_stays():
    label, prob, subject = sample(300)
    roc, _ = ranking_curves(label, prob, subject)
    flagged = [row["fpr"] * (~label).sum() + row["tpr"] * label.sum() for row in roc]
    assert np.diff(flagged).min() > MINIMUM - 0.1


@pytest.mark.parametrize("label", [np.zeros(60, bool), np.ones(60, bool)])
def test_one_class_has_no_curve(label: np.ndarray):
    assert ranking_curves(label, np.linspace(0, 1, 60), np.arange(60)) == ([], [])


def test_few_patients_have_no_points():
    label, prob, subject = np.arange(10) % 2 == 0, np.linspace(0, 1, 10), np.arange(10)
    assert ranking_curves(label, prob, subject) == ([], [])
    assert calibration_points(label, prob, subject) == []
    assert risk_bars(label, prob, subject) == []
    assert hours_points(prob, prob, subject) == []


def test_equal_predictions_are_one_point():
    label = np.arange(40) % 4 == 0
    rows = calibration_points(label, np.full(40, 0.25), np.arange(40))
    assert [(row["predicted"], row["observed"], row["n_stays"]) for row in rows] == [(0.25, 0.25, 40)]
    assert len(risk_bars(label, np.full(40, 0.25), np.arange(40))) >= 1


def test_calibration_counts_everyone_once():
    label, prob, subject = sample(500)
    rows = calibration_points(label, prob, subject)
    assert sum(row["n_stays"] for row in rows) == 500
    assert sum(row["n_stays"] * row["observed"] for row in rows) == pytest.approx(label.sum(), abs=0.1)
    assert all(row["low"] <= row["observed"] <= row["high"] for row in rows)


def test_wilson_is_the_textbook_one():
    assert wilson(0, 20) == (0.0, 0.1611)  # Brown, Cai, DasGupta 2001: z^2 / (n + z^2)
    assert wilson(5, 10) == (0.2366, 0.7634)
    assert wilson(20, 20) == (0.8389, 1.0)


def test_bars_of_an_outcome_cover_its_stays():
    label, prob, subject = sample(400)
    rows = risk_bars(label, prob, subject)
    width = (prob.max() - prob.min()) / 24
    for outcome in (False, True):
        bars = [row for row in rows if row["outcome"] == outcome]
        assert sum(row["share"] * (row["end"] - row["begin"]) / width for row in bars) == pytest.approx(1, abs=0.02)
        assert all(a["end"] == b["begin"] for a, b in pairwise(bars))


def test_hours_are_the_median_of_the_group():
    actual, predicted = np.arange(22.0), np.r_[np.full(11, 10.0), np.full(11, 30.0)]
    rows = hours_points(actual, predicted, np.arange(22))
    assert rows == [
        {"predicted": 10.0, "actual": 5.0, "low": 2.5, "high": 7.5, "n_stays": 11},
        {"predicted": 30.0, "actual": 16.0, "low": 13.5, "high": 18.5, "n_stays": 11},
    ]
