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
        columns = list(zip(labels.T, predicted.T, strict=True))
        found = np.stack([np.asarray(metric(truth, said, weights=weights)) for truth, said in columns])
        return mean_over_labels(found, np.stack([_has_both(truth, weights) for truth, _ in columns]))

    return mean


def mean_over_labels(found: np.ndarray, has_both: np.ndarray) -> PerDraw:
    """The mean of a metric, draw by draw where there are draws.

    Args:
        found: "label *draw", NaN where the metric is undefined.
        has_both: "label *draw", whether both classes of the label are there.
    """
    counts = has_both & ~np.isnan(found)
    return ratio(np.where(counts, found, 0.0).sum(axis=0), counts.sum(axis=0, dtype=float))


def _has_both(labels: np.ndarray, weights: Weights | None) -> TruePerDraw:
    """Whether both classes of a label were drawn, by draw."""
    weights = np.ones(len(labels)) if weights is None else weights
    positive = (weights * labels).sum(axis=-1)
    return (positive > 0) & (positive < weights.sum(axis=-1))
