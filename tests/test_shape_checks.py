"""A wrong shape or type in any call of the package fails the test that makes it: here are some, planted."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

import wardround
from shape_checks import UNCHECKED, unchecked
from wardround.files import read_json
from wardround.metrics.calibration import brier
from wardround.metrics.tables import multilabel_table
from wardround.models.fusion import ConcatenationFusion

STAYS = np.array([0.0, 1.0, 1.0])


def test_labels_and_probabilities_of_other_numbers_of_stays_are_caught():
    with pytest.raises(TypeCheckError, match="probs"):
        brier(STAYS, np.array([0.5, 0.5]))


def test_an_axis_too_many_is_caught():
    with pytest.raises(TypeCheckError, match="labels"):
        brier(STAYS[None], STAYS)


def test_thresholds_of_another_number_of_labels_are_caught():
    grid = np.zeros((3, 2))
    with pytest.raises(TypeCheckError, match="thresholds"):
        multilabel_table(grid, grid, np.arange(3), np.zeros(4), ["first", "second"])


def test_a_tensor_without_its_modality_axis_is_caught():
    with pytest.raises(TypeCheckError):
        ConcatenationFusion(2, 3, 4, 1)(torch.zeros(5, 6))


def test_a_plain_type_is_caught():
    with pytest.raises(TypeCheckError, match="path"):
        read_json("settings.json")


def test_a_user_gets_the_package_s_own_refusal():
    with unchecked(), pytest.raises(ValueError, match="expected shape"):
        brier(STAYS, np.array([0.5, 0.5]))
    with pytest.raises(TypeCheckError):
        brier(STAYS, np.array([0.5, 0.5]))


def test_every_module_is_checked():
    names = [module.name for module in pkgutil.walk_packages(wardround.__path__, "wardround.")]
    seen = {name for name in names if _is_checked(importlib.import_module(name))}
    assert len(names) > 100
    assert set(names) - seen == {UNCHECKED, "wardround.testing"}


def _is_checked(module) -> bool:
    return type(inspect.getattr_static(module, "__loader__")).__name__ == "_JaxtypingLoader"
