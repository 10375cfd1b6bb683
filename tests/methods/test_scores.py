"""Rows that learn next to nothing, worked by hand."""

import numpy as np
import pytest

from wardround.errors import UsageError
from wardround.methods.scores import fit_elapsed, predict_elapsed, score_code
from wardround.tasks.task import TASKS

HOURS = np.asarray([1.0, 2, 3, 4, 5, 6])


def test_published_scores_by_task():
    """APACHE predicts days; hospital stays, whatever has passed of them, and unit stays."""
    assert score_code("mortality") == ("APACHE//IVa//predictedhospitalmortality", 1.0)
    assert score_code("los") == score_code("los_remaining") == ("APACHE//IVa//predictedhospitallos", 24.0)
    assert score_code("los_icu") == ("APACHE//IVa//predictediculos", 24.0)
    assert all(score_code(task) for task in TASKS)


def test_a_task_that_nobody_publishes_a_score_for():
    with pytest.raises(UsageError, match=r"no published score predicts phenotyping\. There is one for: mortality, los"):
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
