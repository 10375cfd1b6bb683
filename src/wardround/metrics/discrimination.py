"""Discrimination: does a higher score mean the event? Ranking metrics, metrics at a threshold, and the two curves.

A stay is predicted positive when its score is at or above the threshold. Ranking metrics take any finite score, for
only its order counts. Shapes, weights and refusals: `inputs.py`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from wardround.metrics.inputs import (
    Labels,
    PerDraw,
    PerStay,
    Weights,
    checked_labels,
    checked_values,
    checked_weights,
    ratio,
)
from wardround.metrics.ranks import mid_ranks, order_of


def auroc(labels: Labels, scores: PerStay, weights: Weights | None = None) -> PerDraw:
    """P(score of a positive > score of a negative) + P(tie) / 2, by the rank-sum form (Hanley and McNeil 1982).

        AUROC = (sum over positives of w r - P^2 / 2) / (P N),   r mid-ranks, P and N the weight of the classes

    NaN where one class is absent. Raises ValueError: see `inputs.py`.
    """
    truth, scores, weights = _checked(labels, scores, weights)
    positive_weights = weights * truth
    n_positive = positive_weights.sum(axis=-1)
    n_negative = weights.sum(axis=-1) - n_positive
    rank_sum = (positive_weights * mid_ranks(scores, weights)).sum(axis=-1)
    return ratio(rank_sum - n_positive**2 / 2, n_positive * n_negative)


def auprc(labels: Labels, scores: PerStay, weights: Weights | None = None) -> PerDraw:
    """Average precision: sum over distinct thresholds, from the highest, of (R_k - R_{k-1}) P_k; no interpolation.

    The same sum as scikit-learn's `average_precision_score`: tied stays enter together. NaN where there is no positive.
    Raises ValueError: see `inputs.py`.
    """
    cuts = _count_by_cut(*_checked(labels, scores, weights))
    precision = cuts.true_positives / np.maximum(cuts.flagged, np.finfo(float).tiny)  # 0 while nothing is flagged
    gained = np.diff(cuts.true_positives, axis=-1)
    return ratio((gained * precision[..., 1:]).sum(axis=-1), gained.sum(axis=-1))


def sensitivity(labels: Labels, scores: PerStay, threshold: float, weights: Weights | None = None) -> PerDraw:
    """Recall, TP / (TP + FN). NaN where there is no positive. Raises ValueError: see `inputs.py`."""
    table = _confusion(labels, scores, threshold, weights)
    return ratio(table.tp, table.tp + table.fn)


def specificity(labels: Labels, scores: PerStay, threshold: float, weights: Weights | None = None) -> PerDraw:
    """TN / (TN + FP). NaN where there is no negative. Raises ValueError: see `inputs.py`."""
    table = _confusion(labels, scores, threshold, weights)
    return ratio(table.tn, table.tn + table.fp)


def ppv(labels: Labels, scores: PerStay, threshold: float, weights: Weights | None = None) -> PerDraw:
    """Positive predictive value, TP / (TP + FP). NaN where none is predicted. Raises ValueError: see `inputs.py`."""
    table = _confusion(labels, scores, threshold, weights)
    return ratio(table.tp, table.tp + table.fp)


def f1(labels: Labels, scores: PerStay, threshold: float, weights: Weights | None = None) -> PerDraw:
    """2 TP / (2 TP + FP + FN). NaN where nothing is positive or predicted so. Raises ValueError: see `inputs.py`."""
    table = _confusion(labels, scores, threshold, weights)
    return ratio(2 * table.tp, 2 * table.tp + table.fp + table.fn)


def accuracy(labels: Labels, scores: PerStay, threshold: float, weights: Weights | None = None) -> PerDraw:
    """(TP + TN) / all. NaN where all weights are 0. Raises ValueError: see `inputs.py`."""
    table = _confusion(labels, scores, threshold, weights)
    return ratio(table.tp + table.tn, table.tp + table.fp + table.fn + table.tn)


def event1(labels: Labels, scores: PerStay, threshold: float, weights: Weights | None = None) -> PerDraw:
    """min(sensitivity, PPV) = TP / max(TP + FN, TP + FP): Event 1 of the PhysioNet Challenge 2012 (Silva et al.).

    0 where positives exist and none is predicted; NaN where there is no positive. Raises ValueError: see `inputs.py`.
    """
    table = _confusion(labels, scores, threshold, weights)
    n_positive, n_flagged = table.tp + table.fn, table.tp + table.fp
    return ratio(table.tp, np.maximum(n_positive, n_flagged), defined=n_positive > 0)


def choose_threshold(labels: Labels, scores: PerStay) -> float:
    """The score that, as threshold, maximises `event1`; of equally good ones the lowest. Use on validation stays only.

    Raises ValueError when there is no positive (event1 is undefined then), and as in `inputs.py`.
    """
    cuts = _count_by_cut(*_checked(labels, scores, None))
    n_positive = cuts.true_positives[-1]
    if n_positive == 0:
        raise ValueError("labels: no positive stay, a threshold cannot be chosen; fix one beforehand")
    reached = cuts.true_positives / np.maximum(n_positive, cuts.flagged)
    return float(cuts.thresholds[np.flatnonzero(reached == reached.max())[-1]])


class RocPoints(NamedTuple):
    """Vertices of the ROC curve, from threshold +inf down. A vertex can be one patient: bin before publishing."""

    false_positive_rate: Float[np.ndarray, "cut"]
    true_positive_rate: Float[np.ndarray, "cut"]
    thresholds: Float[np.ndarray, "cut"]


class PrPoints(NamedTuple):
    """Vertices of the precision-recall curve, from threshold +inf (precision 1 by convention, recall 0) down."""

    recall: Float[np.ndarray, "cut"]
    precision: Float[np.ndarray, "cut"]
    thresholds: Float[np.ndarray, "cut"]


def roc_points(labels: Labels, scores: PerStay) -> RocPoints:
    """One vertex for every distinct score. Raises ValueError when a class is absent, and as in `inputs.py`."""
    cuts = _count_by_cut(*_checked(labels, scores, None))
    false_positives = cuts.flagged - cuts.true_positives
    if not (cuts.true_positives[-1] > 0 and false_positives[-1] > 0):
        raise ValueError("labels: one class only, expected both; a ROC curve is undefined")
    found = cuts.true_positives / cuts.true_positives[-1]
    return RocPoints(false_positives / false_positives[-1], found, cuts.thresholds)


def pr_points(labels: Labels, scores: PerStay) -> PrPoints:
    """One vertex for every distinct score. Raises ValueError when there is no positive, and as in `inputs.py`."""
    cuts = _count_by_cut(*_checked(labels, scores, None))
    if cuts.true_positives[-1] == 0:
        raise ValueError("labels: no positive stay, a precision-recall curve is undefined")
    precision = np.concatenate([[1.0], cuts.true_positives[1:] / cuts.flagged[1:]])
    return PrPoints(cuts.true_positives / cuts.true_positives[-1], precision, cuts.thresholds)


class _Confusion(NamedTuple):
    tp: PerDraw
    fp: PerDraw
    fn: PerDraw
    tn: PerDraw


class _Cuts(NamedTuple):
    """Weight of the stays at or above each distinct score; the first cut, +inf, is above all."""

    thresholds: Float[np.ndarray, "cut"]
    true_positives: Float[np.ndarray, "*draw cut"]
    flagged: Float[np.ndarray, "*draw cut"]


def _checked(labels: Labels, scores: PerStay, weights: Weights | None) -> tuple[PerStay, PerStay, Weights]:
    truth = checked_labels(labels)
    return truth, checked_values("scores", scores, truth.shape), checked_weights(weights, truth.size)


def _confusion(labels: Labels, scores: PerStay, threshold: float, weights: Weights | None) -> _Confusion:
    truth, scores, weights = _checked(labels, scores, weights)
    if np.isnan(threshold):
        raise ValueError("threshold: NaN, expected a number")
    flagged = scores >= threshold
    cells = np.stack([truth * flagged, (1 - truth) * flagged, truth * ~flagged, (1 - truth) * ~flagged], axis=-1)
    return _Confusion(*np.moveaxis(weights @ cells, -1, 0))


def _count_by_cut(truth: PerStay, scores: PerStay, weights: Weights) -> _Cuts:
    order = order_of(scores)
    if order is not None:
        truth, scores, weights = truth[order], scores[order], np.take(weights, order, axis=-1)
    truth, scores, weights = truth[::-1], scores[::-1], weights[..., ::-1]  # from the highest
    last_of_ties = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    return _Cuts(
        np.concatenate([[np.inf], scores[last_of_ties]]),
        _running_sum(weights * truth, last_of_ties),
        _running_sum(weights, last_of_ties),
    )


def _running_sum(sorted_weights: Weights, last_of_ties: np.ndarray) -> Float[np.ndarray, "*draw cut"]:
    """0, then the sum through the end of each run of ties."""
    sums = np.zeros((*sorted_weights.shape[:-1], last_of_ties.size + 1))
    running = np.cumsum(sorted_weights, axis=-1)
    sums[..., 1:] = running if len(last_of_ties) == running.shape[-1] else np.take(running, last_of_ties, axis=-1)
    return sums
