"""A metric of several labels: its mean over the labels that have both classes and in which it is defined.

The same rule holds in every draw of a bootstrap. Arrays are "stay label"; weights as in `inputs.py`.
"""

from collections.abc import Callable

import numpy as np

from wardround.metrics.inputs import PerDraw, TruePerDraw, Weights, ratio


def macro(metric: Callable[..., PerDraw]) -> Callable[..., PerDraw]:
    """The metric of labels and predictions "stay label".

    Args:
        metric: of one label: metric(labels, predictions, weights=...).

    Raises nothing; what it returns raises `ValueError` as `metric` does.
    """

    def mean(labels: np.ndarray, predicted: np.ndarray, weights: Weights | None = None) -> PerDraw:
        total, count = np.asarray(0.0), np.asarray(0.0)
        for column in range(labels.shape[1]):
            found = np.asarray(metric(labels[:, column], predicted[:, column], weights=weights))
            counts = ~np.isnan(found) & _has_both(labels[:, column], weights)
            total, count = total + np.where(counts, found, 0.0), count + counts
        return ratio(total, count)

    return mean


def _has_both(labels: np.ndarray, weights: Weights | None) -> TruePerDraw:
    """Whether both classes of a label were drawn, by draw."""
    weights = np.ones(len(labels)) if weights is None else weights
    positive = (weights * labels).sum(axis=-1)
    return (positive > 0) & (positive < weights.sum(axis=-1))
