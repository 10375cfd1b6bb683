"""Rows that learn next to nothing, worked by hand."""

import re

import numpy as np
import pytest

from wardround.errors import UsageError
from wardround.methods.scores import (
    SCORE_CODES,
    ScoreSettings,
    check_score,
    fit_elapsed,
    fit_points,
    known_when,
    predict_elapsed,
    predict_points,
    score_code,
    score_settings,
)
from wardround.tasks.task import TASKS

HOURS = np.asarray([1.0, 2, 3, 4, 5, 6])


def test_published_scores_by_task():
    """APACHE predicts days; hospital stays, whatever has passed of them, and unit stays."""
    assert score_code("mortality") == ("APACHE//IVa//predictedhospitalmortality", 1.0)
    assert score_code("los") == score_code("los_remaining") == ("APACHE//IVa//predictedhospitallos", 24.0)
    assert score_code("los_icu") == ("APACHE//IVa//predictediculos", 24.0)
    assert score_code("mortality_icu") == ("APACHE//IVa//predictedicumortality", 1.0)
    assert {task for task in TASKS if task not in SCORE_CODES} == {
        "mortality_30d",
        "phenotyping",
        "next_visit_phenotyping",
    }


def test_a_task_that_nobody_publishes_a_score_for():
    with pytest.raises(
        UsageError, match=r"no published score predicts phenotyping\. There is one for: mortality, mortality_icu"
    ):
        score_code("phenotyping")


def test_elapsed_hours_are_the_median_of_their_bin():
    """Three bins of two stays; 1000 moves no median of the others."""
    label = np.asarray([10.0, 20, 30, 40, 50, 1000])
    edges, values = fit_elapsed(HOURS, label, binary=False, bins=3)
    assert edges == pytest.approx([1 + 5 / 3, 1 + 10 / 3])
    assert values == [15, 35, 525]
    assert predict_elapsed(np.asarray([0.0, 2.5, 3.9, 99]), edges, values).tolist() == [15, 15, 35, 525]


def test_an_edge_belongs_to_the_bin_above_it_in_fit_and_prediction_alike():
    edges, values = fit_elapsed(np.asarray([1.0, 2, 2, 3]), np.asarray([1.0, 5, 5, 9]), binary=False, bins=2)
    assert (edges, values) == ([2.0], [1.0, 5.0])
    assert predict_elapsed(np.asarray([2.0, 1.99]), edges, values).tolist() == [5, 1]


def test_elapsed_hours_are_the_death_rate_of_their_bin():
    edges, values = fit_elapsed(HOURS, np.asarray([0.0, 0, 1, 0, 1, 1]), binary=True, bins=3)
    assert values == [0, 0.5, 1]
    assert predict_elapsed(HOURS, edges, values).tolist() == [0, 0, 0.5, 0.5, 1, 1]


@pytest.mark.parametrize(("binary", "whole"), [(False, 4.0), (True, 13 / 3)])
def test_where_all_have_waited_as_long_the_empty_bin_says_what_is_true_of_all(binary: bool, whole: float):
    edges, values = fit_elapsed(np.full(3, 7.0), np.asarray([1.0, 4, 8]), binary)
    assert edges == [7]
    assert values == pytest.approx([whole, whole])


def test_fitted_bins_are_json():
    edges, values = fit_elapsed(HOURS, HOURS, binary=False)
    assert {type(number) for number in (*edges, *values)} == {float}
    assert len(values) == len(edges) + 1


def test_the_stored_score_has_no_settings_and_another_one_has():
    assert score_settings([]) is None
    assert score_settings(["of=apache_iva"]) is None
    assert score_settings(["of=sofa"]) == ScoreSettings("sofa")
    with pytest.raises(UsageError, match=r"no score 'saps'\. There are: apache_iva, apache_iv, sapsii, oasis, sofa"):
        score_settings(["of=saps"])


def test_a_clinical_score_is_asked_for_deaths_alone():
    check_score(ScoreSettings("oasis"), "mortality", binary=True)
    check_score(None, "los", binary=False)
    with pytest.raises(UsageError, match="oasis says nothing of los"):
        check_score(ScoreSettings("oasis"), "los", binary=False)


def test_points_mean_what_they_mean_in_the_training_stays():
    """Deaths at a log odds of points / 5 - 2: found again, whatever is missing; the order is that of the points."""
    rng = np.random.default_rng(0)
    points = rng.integers(0, 25, 40_000).astype(float)
    label = (rng.random(points.size) < 1 / (1 + np.exp(2 - points / 5))).astype(float)
    points[:100] = np.nan
    fitted = fit_points(points, label)
    assert fitted["slope"] == pytest.approx(0.2, abs=0.01)
    assert fitted["intercept"] == pytest.approx(-2, abs=0.1)
    predicted = predict_points(np.asarray([np.nan, 0.0, 10.0]), **fitted)
    assert np.isnan(predicted[0])
    assert predicted[1:] == pytest.approx([1 / (1 + np.e**2), 0.5], abs=0.02)


@pytest.mark.parametrize(("label", "rate"), [([0.0, 0.0], 0.001), ([1.0, 1.0], 0.999), ([], 0.5)])
def test_where_all_fare_alike_points_mean_nothing(label: list[float], rate: float):
    fitted = fit_points(np.arange(len(label), dtype=float), np.asarray(label))
    assert fitted["slope"] == 0
    assert predict_points(np.asarray([3.0]), **fitted).item() == pytest.approx(rate)


@pytest.mark.parametrize(("of", "why"), [("apache_iva", "known at 24 h"), ("apache_iv", "and none was known")])
def test_why_nobody_has_a_score_is_when_it_is_known(of: str, why: str):
    """At hour 2 much was measured that the equation is made of; it is known later."""
    assert re.search(why, known_when(score_settings([f"of={of}"])))
