"""The values beside the weights, by hand."""

import numpy as np
import pytest

from wardround.tasks.task import TASKS
from wardround.train.validation import fitted_values


def test_the_threshold_is_of_validation_and_the_prevalence_of_training():
    train, val = np.asarray([0.0, 0, 0, 1]), np.asarray([0.0, 1, 1])
    fitted = fitted_values(TASKS["mortality"], train, val, np.asarray([0.2, 0.3, 0.6]))
    assert fitted == {"threshold": 0.3, "train_prevalence": 0.25}


@pytest.mark.parametrize("val", [[0.0, 0.0], [1.0, 1.0]])
def test_where_validation_has_one_class_the_threshold_is_the_training_prevalence(val: list[float]):
    fitted = fitted_values(TASKS["mortality"], np.asarray([0.0, 1, 0, 0]), np.asarray(val), np.asarray([0.2, 0.3]))
    assert fitted["threshold"] == 0.25


def test_hours_by_hand():
    label, predicted = np.asarray([10.0, 20, 90]), np.asarray([12.0, 20, 80])
    assert fitted_values(TASKS["los"], label, label, predicted) == {"train_median_h": 20}
