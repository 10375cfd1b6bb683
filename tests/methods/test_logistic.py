"""Ridge regression on tables: the standardiser by hand, the path of penalties, tensors and back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from wardround.errors import RunError, UsageError
from wardround.methods.logistic import Logistic, LogisticSettings, Standardiser
from wardround.methods.table_model import LabelledRows, mean_loss

NAN = np.nan
SETTINGS = LogisticSettings()
E2 = np.exp(2) - 1


def rows(seed: int, stays: int = 300, hours: bool = False) -> LabelledRows:
    """Column 0 decides, and so does whether column 1 is missing; the others are noise."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(stays, 5)).astype(np.float32)
    gone = rng.random(stays) < 0.4
    values[gone, 1] = NAN
    score = 2 * values[:, 0] + np.where(gone, 2.0, -1.0)
    label = np.exp(score / 3 + 3) if hours else (rng.random(stays) < 1 / (1 + np.exp(-score))).astype(np.float64)
    return LabelledRows(values, label)


def fitted(hours: bool = False, settings: LogisticSettings = SETTINGS) -> Logistic:
    return Logistic.fit(rows(1, hours=hours), rows(2, hours=hours), "hours" if hours else "binary", settings, 0, True)[
        0
    ]


def test_a_standardiser_by_hand():
    """Column 0 is 0 and 2 after the sign-log: median and fill 1, so 0, 2, 1 have mean 1 and spread sqrt(2 / 3). Columns
    1 and 2 are missing in the same stays: one indicator for both. Column 3 is never there and column 4 always 7."""
    values = np.asarray([[0.0, 1.0, 5.0, NAN, 7.0], [E2, NAN, NAN, NAN, 7.0], [NAN, 1.0, 5.0, NAN, 7.0]], np.float32)
    made = Standardiser.fit(values, 5.0)
    assert made.median == pytest.approx([1, np.log(2), np.log(6), 0, np.log(8)])
    assert made.missing.tolist() == [0, 1]
    regressors = made.regressors(values)
    assert regressors.shape == (3, 7)
    assert regressors[:, 0] == pytest.approx([-np.sqrt(1.5), np.sqrt(1.5), 0])
    assert regressors[:, 1:5] == pytest.approx(np.zeros((3, 4)))
    assert regressors[:, 5] == pytest.approx([-np.sqrt(0.5), -np.sqrt(0.5), np.sqrt(2)])
    assert regressors[:, 6] == pytest.approx([-np.sqrt(0.5), np.sqrt(2), -np.sqrt(0.5)])


def test_extreme_values_are_clipped_on_both_sides():
    made = Standardiser.fit(np.linspace(-1, 1, 50, dtype=np.float32)[:, None], 5.0)
    assert made.regressors(np.asarray([[1e30], [-1e30]], np.float32)).tolist() == [[5.0], [-5.0]]


def test_it_learns_what_decides_and_that_something_is_missing():
    seen = rows(3)
    predicted = fitted().predict(seen.values)
    assert ((predicted > 0) & (predicted < 1)).all()
    assert predicted[seen.label == 1].mean() > predicted[seen.label == 0].mean() + 0.3
    gone = np.isnan(seen.values[:, 1])
    assert predicted[gone].mean() > predicted[~gone].mean() + 0.2


def test_hours_are_a_ridge_regression_of_their_log():
    """Against the normal equations."""
    seen = rows(1, hours=True)
    model = fitted(hours=True, settings=LogisticSettings(penalties=(0.5,)))
    x = model.standardiser.regressors(seen.values)
    y = np.log1p(seen.label)
    centred = x - x.mean(axis=0)
    expected = np.linalg.solve(centred.T @ centred + 0.5 * len(y) * np.eye(x.shape[1]), centred.T @ (y - y.mean()))
    assert model.weights == pytest.approx(expected)
    assert model.intercept == pytest.approx(y.mean() - x.mean(axis=0) @ expected)
    assert model.predict(seen.values) == pytest.approx(np.expm1(x @ model.weights + model.intercept))


def test_the_logistic_gradient_is_zero():
    """mean (p - y) x + penalty w = 0, and mean (p - y) = 0."""
    seen = rows(1)
    model = fitted(settings=LogisticSettings(penalties=(0.1,)))
    x, residual = model.standardiser.regressors(seen.values), model.predict(seen.values) - seen.label
    assert residual @ x / len(x) + 0.1 * model.weights == pytest.approx(np.zeros(x.shape[1]), abs=1e-4)
    assert residual.mean() == pytest.approx(0, abs=1e-4)


def test_the_penalty_is_the_one_of_the_lowest_validation_loss():
    model, history = Logistic.fit(rows(1), rows(2), "binary", SETTINGS, 0, True)
    losses = [row["val_loss"] for row in history]
    penalty = SETTINGS.penalties[int(np.argmin(losses))]
    alone = Logistic.fit(rows(1), rows(2), "binary", LogisticSettings(penalties=(penalty,)), 0, True)[0]
    assert model.weights == pytest.approx(alone.weights, abs=1e-3)
    val = rows(2)
    logit = np.log(model.predict(val.values) / (1 - model.predict(val.values)))
    assert mean_loss("binary", logit, val.label) == pytest.approx(min(losses))
    assert [row["penalty"] for row in history] == list(SETTINGS.penalties[: len(history)])


def test_the_path_ends_when_two_weaker_penalties_did_not_help():
    noise = np.random.default_rng(4).normal(size=(60, 40)).astype(np.float32)
    label = (np.arange(60) % 3 == 0).astype(np.float64)
    train, val = LabelledRows(noise[:30], label[:30]), LabelledRows(noise[30:], label[30:])
    _, history = Logistic.fit(train, val, "binary", SETTINGS, 0, True)
    losses = [row["val_loss"] for row in history]
    assert len(history) == int(np.argmin(losses)) + 3 < len(SETTINGS.penalties)


def test_a_stay_is_predicted_alone_as_among_others():
    model, values = fitted(), rows(3).values
    together = model.predict(values)
    assert (model.predict(values[::-1])[::-1] == together).all()
    assert [model.predict(values[n : n + 1])[0] for n in range(20)] == together[:20].tolist()


@pytest.mark.parametrize("hours", [False, True])
def test_it_comes_back_from_its_tensors(hours: bool):
    model, values = fitted(hours=hours), rows(3).values
    again = Logistic.load(model.state_dict(), model.kind, SETTINGS, 5)
    assert (again.predict(values) == model.predict(values)).all()


def test_other_tensors_are_refused():
    whole = fitted().state_dict()
    others = [
        {},
        {name: tensor for name, tensor in whole.items() if name != "missing"},
        whole | {"more": torch.zeros(1)},
        whole | {"weights": whole["weights"].float()},
        whole | {"weights": whole["weights"][:-1]},
        whole | {"missing": whole["missing"][None]},
        whole | {"missing": whole["missing"] + 100},
        whole | {"missing": whole["missing"] - 100},
        whole | {"spread": whole["spread"] * 0},
        whole | {"spread": whole["spread"] * NAN},
    ]
    for tensors in others:
        with pytest.raises(RunError, match="Train again"):
            Logistic.load(tensors, "binary", SETTINGS, 5)
    with pytest.raises(RunError, match="not a regression on 6 columns"):
        Logistic.load(whole, "binary", SETTINGS, 6)


@pytest.mark.parametrize(("label", "rate"), [(0.0, 1 / 302), (1.0, 301 / 302)])
def test_one_outcome_alone_gives_its_rate_after_one_more_of_each(label: float, rate: float):
    seen = rows(1)
    alone = LabelledRows(seen.values, np.full(300, label))
    model, _ = Logistic.fit(alone, alone, "binary", SETTINGS, 0, True)
    assert model.predict(seen.values) == pytest.approx(np.full(300, rate))


def test_a_weak_penalty_that_needs_more_steps_is_no_fault():
    few = replace(SETTINGS, steps=1)
    assert np.isfinite(fitted(settings=few).weights).all()


@pytest.mark.parametrize(
    "values",
    [{"penalties": ()}, {"penalties": (1.0, 1.0)}, {"penalties": (1.0, 0.0)}, {"clip": 0.0}, {"steps": 0}],
)
def test_settings_that_cannot_be(values: dict):
    with pytest.raises(UsageError, match=r"must|above 0"):
        LogisticSettings(**values)
