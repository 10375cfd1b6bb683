"""Outputs and losses of what is fitted whole are those of every other method's head."""

import numpy as np
import pytest
import torch

from wardround.methods.boosting import Boosting
from wardround.methods.logistic import Logistic
from wardround.methods.table_model import TableModel, mean_loss, predictions_of
from wardround.methods.target import Target
from wardround.tasks.task import MAX_LOS_H


def test_outputs_become_probabilities_or_hours():
    outputs = np.asarray([0.0, np.log(3.0)])
    assert predictions_of("binary", outputs) == pytest.approx([0.5, 0.75])
    assert predictions_of("hours", outputs) == pytest.approx([0, 2])
    assert predictions_of("hours", np.asarray([-5.0, 1e9])).tolist() == [0, MAX_LOS_H]


@pytest.mark.parametrize("kind", ["binary", "hours"])
def test_outputs_become_what_every_head_makes_of_them(kind: str):
    outputs = np.linspace(-40, 40, 1001)
    expected = Target(kind).prediction(torch.from_numpy(outputs)).numpy()
    assert predictions_of(kind, outputs) == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_losses_by_hand():
    assert mean_loss("binary", np.zeros(2), np.asarray([0.0, 1.0])) == pytest.approx(np.log(2))
    assert mean_loss("hours", np.zeros(2), np.asarray([0.0, np.e - 1])) == pytest.approx(0.5)


def test_both_are_table_models():
    for kind in (Boosting, Logistic):
        assert all(callable(getattr(kind, name)) for name in ("predict", "state_dict"))
        assert issubclass(kind, TableModel)
