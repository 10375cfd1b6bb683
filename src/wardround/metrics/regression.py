"""Regression: how far is a predicted length of stay from the observed one, and does its order hold?

Targets and predictions share one unit, hours in this library: then `mae` is in hours, `mse` in hours squared, and the
others have no unit. Shapes, weights and refusals: `inputs.py`.
"""

import numpy as np
from jaxtyping import Float

from wardround.metrics.inputs import PerDraw, PerStay, TruePerDraw, Weights, checked_values, checked_weights, ratio
from wardround.metrics.ranks import mid_ranks


def mae(targets: PerStay, predictions: PerStay, weights: Weights | None = None) -> PerDraw:
    """Mean of |prediction - target|, in their unit. Raises ValueError: see `inputs.py`."""
    targets, predictions, weights = _checked(targets, predictions, weights)
    return ratio(weights @ np.abs(predictions - targets), weights.sum(axis=-1))


def mse(targets: PerStay, predictions: PerStay, weights: Weights | None = None) -> PerDraw:
    """Mean of (prediction - target)^2, in their unit squared. Raises ValueError: see `inputs.py`."""
    targets, predictions, weights = _checked(targets, predictions, weights)
    return ratio(weights @ (predictions - targets) ** 2, weights.sum(axis=-1))


def r2(targets: PerStay, predictions: PerStay, weights: Weights | None = None) -> PerDraw:
    """1 - (squared error) / (squared deviation of the targets from their mean); below 0: worse than that mean.

    NaN where all targets are equal. Raises ValueError: see `inputs.py`.
    """
    targets, predictions, weights = _checked(targets, predictions, weights)
    spread = _dot(weights, _centred(targets, weights) ** 2)
    return 1 - ratio(weights @ (predictions - targets) ** 2, spread, defined=_varies(targets, weights))


def pearson(targets: PerStay, predictions: PerStay, weights: Weights | None = None) -> PerDraw:
    """Pearson's linear correlation. NaN where either side does not vary. Raises ValueError: see `inputs.py`."""
    return _correlation(*_checked(targets, predictions, weights))


def spearman(targets: PerStay, predictions: PerStay, weights: Weights | None = None) -> PerDraw:
    """Spearman's rank correlation: Pearson's of the weighted mid-ranks, ranked anew in every draw.

    NaN where either side does not vary. Raises ValueError: see `inputs.py`.
    """
    targets, predictions, weights = _checked(targets, predictions, weights)
    return _correlation(mid_ranks(targets, weights), mid_ranks(predictions, weights), weights)


def _checked(targets: PerStay, predictions: PerStay, weights: Weights | None) -> tuple[PerStay, PerStay, Weights]:
    truth = checked_values("targets", targets)
    return truth, checked_values("predictions", predictions, truth.shape), checked_weights(weights, truth.size)


def _correlation(x: PerStay | Weights, y: PerStay | Weights, weights: Weights) -> PerDraw:
    dx, dy = _centred(x, weights), _centred(y, weights)
    scale = np.sqrt(_dot(weights, dx**2)) * np.sqrt(_dot(weights, dy**2))
    varies = _varies(x, weights) & _varies(y, weights)
    return np.clip(ratio(_dot(weights, dx * dy), scale, defined=varies), -1.0, 1.0)


def _centred(values: PerStay | Weights, weights: Weights) -> Float[np.ndarray, "*draw stay"]:
    """Values minus their weighted mean in each draw; exact differences, for moments of raw values cancel."""
    return values - np.expand_dims(np.nan_to_num(ratio(_dot(weights, values), weights.sum(axis=-1))), -1)


def _varies(values: PerStay | Weights, weights: Weights) -> TruePerDraw:
    """Whether the values that count in a draw differ; exact, where a variance would be rounding noise."""
    lowest = np.where(weights > 0, values, np.inf).min(axis=-1)
    return np.where(weights > 0, values, -np.inf).max(axis=-1) > lowest


def _dot(weights: Weights, values: PerStay | Weights) -> PerDraw:
    return np.einsum("...s,...s->...", weights, values)
