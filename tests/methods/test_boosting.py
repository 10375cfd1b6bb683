"""Boosted trees: what they learn, that they stop, and that they come back from their tensors."""

import os
import signal
from dataclasses import replace

import lightgbm
import numpy as np
import pytest
import torch

from wardround.errors import RunError, UsageError
from wardround.methods.boosting import TREES, Boosting, BoostingSettings
from wardround.methods.table_model import LabelledRows
from wardround.stopping import Stopped, stop_on_sigterm

SETTINGS = BoostingSettings(rounds=60, patience=10, learning_rate=0.1, min_leaf_stays=20, threads=1)


def rows(seed: int, stays: int = 400, hours: bool = False) -> LabelledRows:
    """Column 0 decides, also by being missing; columns 1 to 5 are noise."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(stays, 6)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    high = np.where(np.isnan(values[:, 0]), 1.5, values[:, 0])
    label = np.exp(high + 3) if hours else (rng.random(stays) < 1 / (1 + np.exp(-3 * high))).astype(np.float64)
    return LabelledRows(values, label)


def fitted(settings: BoostingSettings = SETTINGS, seed: int = 0, hours: bool = False) -> Boosting:
    return Boosting.fit(
        rows(1, hours=hours), rows(2, hours=hours), "hours" if hours else "binary", settings, seed, True
    )[0]


def test_it_learns_what_decides_missing_values_too():
    seen = rows(3)
    predicted = fitted().predict(seen.values)
    assert ((predicted > 0) & (predicted < 1)).all()
    assert predicted[seen.label == 1].mean() > predicted[seen.label == 0].mean() + 0.3
    gone = np.isnan(seen.values[:, 0])
    assert predicted[gone].mean() > 0.8


def test_hours_are_learned_on_the_log_scale():
    seen = rows(3, hours=True)
    predicted = fitted(hours=True).predict(seen.values)
    assert (predicted >= 0).all()
    assert np.corrcoef(np.log1p(predicted), np.log1p(seen.label))[0, 1] > 0.9


def test_trees_end_where_the_validation_loss_is_lowest():
    model, history = Boosting.fit(rows(1), rows(2), "binary", replace(SETTINGS, rounds=500), 0, True)
    losses = [row["val_loss"] for row in history]
    best = int(np.argmin(losses))
    assert model.text.count("Tree=") == best + 1
    assert len(history) == best + 1 + SETTINGS.patience < 500
    assert [row["epoch"] for row in history] == list(range(len(history)))
    assert history[-1]["train_loss"] < history[0]["train_loss"]


@pytest.mark.parametrize("told", [True, False], ids=["as many as are best", "so many"])
def test_sigterm_is_heard_at_the_end_of_a_tree(told: bool, monkeypatch: pytest.MonkeyPatch):
    grown, update = [], lightgbm.Booster.update

    def grow(*arguments: object, **named: object) -> bool:
        grown.append(1)
        if len(grown) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return update(*arguments, **named)

    monkeypatch.setattr(lightgbm.Booster, "update", grow)
    with stop_on_sigterm(), pytest.raises(Stopped, match="Run the same command again"):
        fitted() if told else Boosting.of_trees(rows(1), "binary", SETTINGS, 60, 0)
    assert len(grown) == 3


def test_the_kept_trees_have_the_loss_that_the_history_says():
    model, history = Boosting.fit(rows(1), rows(2), "binary", SETTINGS, 0, True)
    val = rows(2)
    predicted = model.predict(val.values)
    loss = -np.log(np.where(val.label == 1, predicted, 1 - predicted)).mean()
    assert loss == pytest.approx(min(row["val_loss"] for row in history), rel=1e-6)


def test_the_same_seed_gives_the_same_trees_whatever_the_threads():
    one = fitted().text
    assert fitted().text == one
    assert fitted(replace(SETTINGS, threads=2)).text == one
    assert fitted(seed=1).text != one


def test_a_stay_is_predicted_alone_as_among_others():
    model, values = fitted(), rows(3).values
    together = model.predict(values)
    assert (model.predict(values[::-1])[::-1] == together).all()
    assert [model.predict(values[n : n + 1])[0] for n in range(20)] == together[:20].tolist()


@pytest.mark.parametrize("hours", [False, True])
def test_it_comes_back_from_its_tensors(hours: bool):
    model, values = fitted(hours=hours), rows(3).values
    tensors = model.state_dict()
    assert {name: tensor.dtype for name, tensor in tensors.items()} == {TREES: torch.uint8}
    again = Boosting.load(tensors, model.kind, SETTINGS, 6)
    assert (again.predict(values) == model.predict(values)).all()


def test_other_tensors_are_refused():
    trees = fitted().state_dict()[TREES]
    others = [
        {},
        {"weights": trees},
        {TREES: trees.float()},
        {TREES: trees[None]},
        {TREES: torch.full_like(trees, 200)},
        {TREES: trees[:-5]},
    ]
    for tensors in others:
        with pytest.raises(RunError, match="are not"):
            Boosting.load(tensors, "binary", SETTINGS, 6)
    with pytest.raises(RunError, match="another table than one of 7 columns"):
        Boosting.load({TREES: trees}, "binary", SETTINGS, 7)


def test_too_few_stays_for_a_split_give_the_rate():
    few = LabelledRows(rows(1).values[:12], np.asarray([1.0, 0, 0, 0] * 3))
    model, _ = Boosting.fit(few, few, "binary", SETTINGS, 0, True)
    assert model.predict(few.values) == pytest.approx(np.full(12, 0.25))


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_outcome_alone_still_gives_a_probability(label: float):
    seen = rows(1)
    alone = LabelledRows(seen.values, np.full(len(seen.label), label))
    model, _ = Boosting.fit(alone, alone, "binary", SETTINGS, 0, True)
    predicted = model.predict(seen.values)
    assert np.isfinite(predicted).all()
    assert np.abs(predicted - label).max() < 0.01


@pytest.mark.parametrize(
    "values",
    [
        {"rounds": 0}, {"leaves": 1}, {"threads": -1}, {"l2": -1.0}, {"l2": float("inf")}, {"learning_rate": 0.0},
        {"column_fraction": 1.1}, {"stay_fraction": 0.0}, {"patience": 0}, {"min_leaf_stays": 0},
    ],
)  # fmt: skip
def test_settings_that_cannot_be(values: dict):
    with pytest.raises(UsageError, match="must be"):
        BoostingSettings(**values)
