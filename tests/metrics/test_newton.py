import numpy as np
import pytest
from scipy.special import expit

from wardround.metrics import newton


def score(theta, labels, columns, offset, weights):
    """Gradient of the log likelihood per unit of weight: zero at the maximum."""
    return (weights * (labels - expit(offset + columns @ theta))) @ columns / weights.sum()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 16.0])
def test_every_draw_reaches_its_maximum_even_from_afar(scale):
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    columns = np.stack([np.ones(200), x], axis=1)
    labels = (rng.random(200) < expit(0.3 + x)).astype(float)
    offset = scale * rng.normal(size=200)  # large offsets: most probabilities are saturated, plain Newton diverges
    weights = rng.poisson(1.0, (30, 200)).astype(float)
    theta = newton.fit_logistic(labels, columns, offset, weights)
    for row, fitted in zip(weights, theta, strict=True):
        assert np.abs(score(fitted, labels, columns, offset, row)).max() < 1e-11


def test_a_draw_that_does_not_converge_is_nan(monkeypatch):
    monkeypatch.setattr(newton, "MAX_STEPS", 1)
    labels, columns = np.array([0.0, 1.0, 1.0]), np.ones((3, 1))
    assert np.isnan(newton.fit_logistic(labels, columns, np.zeros(3), np.ones((1, 3)))).all()


@pytest.mark.parametrize("seed", range(20))
def test_saturated_offsets_make_newton_overshoot_and_it_comes_back(seed):
    rng = np.random.default_rng(seed)
    offset = rng.choice([-16.0, 16.0], 40) + rng.normal(size=40)
    labels, columns = (np.arange(40) < 4).astype(float), np.ones((40, 1))
    (theta,) = newton.fit_logistic(labels, columns, offset, np.ones((1, 40)))
    assert np.abs(score(theta, labels, columns, offset, np.ones(40))).max() < 1e-9
