"""Calibration: is a predicted probability of 0.2 followed by the event in 20 of 100 stays?

Probabilities lie in [0, 1]. Shapes, weights and refusals: `inputs.py`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from wardround.metrics.inputs import Labels, PerDraw, PerStay, Weights, checked_binary, ratio
from wardround.metrics.newton import fit_logistic
from wardround.metrics.ranks import mid_ranks

BINS = 15  # the paper's adaptive calibration error
CLIP_PROB = 1e-7  # float32 sigmoids reach exactly 0 and 1; their logit is cut at about +-16.1


def brier(labels: Labels, probs: PerStay, weights: Weights | None = None) -> PerDraw:
    """Mean of (prob - label)^2 (Brier 1950). Raises ValueError: see `inputs.py`."""
    truth, probs, weights = checked_binary(labels, probs, weights)
    return ratio(weights @ (probs - truth) ** 2, weights.sum(axis=-1))


def bss(
    labels: Labels, probs: PerStay, reference_prevalence: float | None = None, weights: Weights | None = None
) -> PerDraw:
    """Brier skill score: 1 - Brier / (Brier of always saying the reference prevalence). Below 0: worse than that.

    Args:
        labels: "stay", 0 or 1.
        probs: "stay", in [0, 1].
        reference_prevalence: for example of the training stays; None takes the prevalence of these labels, draw by
            draw.
        weights: "stay", "draw stay" or None.

    NaN where the reference makes no error, as with one class and None. Raises ValueError: see `inputs.py`, and for a
    reference outside [0, 1].
    """
    truth, probs, weights = checked_binary(labels, probs, weights)
    n_stays, n_positive = weights.sum(axis=-1), weights @ truth
    if reference_prevalence is None:
        reference_error = n_positive * ratio(n_stays - n_positive, n_stays)
    elif 0 <= reference_prevalence <= 1:
        reference_error = weights @ (reference_prevalence - truth) ** 2
    else:
        raise ValueError(f"reference_prevalence: {reference_prevalence}, expected a number in [0, 1] or None")
    return 1 - ratio(weights @ (probs - truth) ** 2, reference_error)


def ace(labels: Labels, probs: PerStay, bins: int = BINS, weights: Weights | None = None) -> PerDraw:
    """Adaptive calibration error (Nixon et al. 2019, arXiv 1904.01685): equal-mass bins along the sorted probabilities.

        ACE = sum over bins of (share of the bin) * |mean prob - share of positives|

    A stay is in bin floor(bins * r / W) with r its mid-rank and W the sum of weights. So equal probabilities always
    share a bin, the order of rows does not matter, and without ties, when `bins` divides the number of stays, every
    share is 1 / bins and this is the paper's formula. With heavy ties some bins are larger and some stay empty.

    ACE is above 0 even under perfect calibration, more so with few stays, and each bootstrap draw adds noise of its
    own: its percentile interval lies too high and can exclude the value. Read the upper end as a bound. NaN where all
    weights are 0. Raises ValueError: see `inputs.py`, and for `bins` below 1.
    """
    truth, probs, weights = checked_binary(labels, probs, weights)
    rows = np.atleast_2d(weights)
    bin_of_stay = _equal_mass_bins(probs, rows, bins)
    cell = bin_of_stay + bins * np.arange(len(rows))[:, None]
    gap = np.bincount(cell.ravel(), (rows * (probs - truth)).ravel(), minlength=bins * len(rows)).reshape(-1, bins)
    error = np.abs(gap).sum(axis=-1)
    return ratio(error if weights.ndim == 2 else error[0], weights.sum(axis=-1))


def calibration_slope(labels: Labels, probs: PerStay, weights: Weights | None = None) -> PerDraw:
    """Slope b of logit P(label) = a + b logit(prob) (Cox 1958); 1 is ideal, below 1 overconfident.

    Undefined, NaN, where the fit has no finite maximum (Albert and Anderson 1984): the positives and the negatives do
    not overlap in probability, in either direction, or one class is absent. Probabilities are cut to [`CLIP_PROB`, 1
    - `CLIP_PROB`]. Raises ValueError: see `inputs.py`.
    """
    truth, probs, weights = checked_binary(labels, probs, weights)
    rows = np.atleast_2d(weights)
    logit = _logit(probs)
    defined = _overlap(truth, logit, rows)
    slope = np.full(len(rows), np.nan)
    if defined.any():
        columns = np.stack([np.ones_like(logit), (logit - logit.mean()) / logit.std()], axis=-1)
        slope[defined] = fit_logistic(truth, columns, np.zeros_like(logit), rows[defined])[:, 1] / logit.std()
    return slope if weights.ndim == 2 else slope[0]


def calibration_intercept(labels: Labels, probs: PerStay, weights: Weights | None = None) -> PerDraw:
    """Intercept a of logit P(label) = a + logit(prob), the slope fixed at 1; 0 is ideal, below 0 risks are too high.

    Calibration in the large, in logits. NaN where one class is absent. Probabilities are cut as for the slope.
    Raises ValueError: see `inputs.py`.
    """
    truth, probs, weights = checked_binary(labels, probs, weights)
    rows = np.atleast_2d(weights)
    n_positive = rows @ truth
    defined = (n_positive > 0) & (rows @ (1 - truth) > 0)
    intercept = np.full(len(rows), np.nan)
    if defined.any():
        ones = np.ones((truth.size, 1))
        intercept[defined] = fit_logistic(truth, ones, _logit(probs), rows[defined])[:, 0]
    return intercept if weights.ndim == 2 else intercept[0]


class CalibrationCurve(NamedTuple):
    """One point a non-empty equal-mass bin, by rising probability."""

    mean_prob: Float[np.ndarray, "bin"]
    positive_share: Float[np.ndarray, "bin"]
    n_stays: Int[np.ndarray, "bin"]


def calibration_curve(labels: Labels, probs: PerStay, bins: int = BINS) -> CalibrationCurve:
    """The points of a calibration plot, in the bins of `ace`. A point with few stays shows patients: hide it.

    Raises ValueError: see `inputs.py`, and for `bins` below 1.
    """
    truth, probs, weights = checked_binary(labels, probs, None)
    bin_of_stay = _equal_mass_bins(probs, weights, bins)
    n_stays = np.bincount(bin_of_stay, minlength=bins)
    filled = n_stays > 0
    sum_prob, sum_label = (np.bincount(bin_of_stay, values, minlength=bins)[filled] for values in (probs, truth))
    return CalibrationCurve(sum_prob / n_stays[filled], sum_label / n_stays[filled], n_stays[filled])


def _equal_mass_bins(probs: PerStay, weights: Weights, bins: int) -> Int[np.ndarray, "*draw stay"]:
    if bins < 1:
        raise ValueError(f"bins: {bins}, expected 1 or more")
    with np.errstate(invalid="ignore"):  # a draw of no weight has no bins: 0 / 0, and no mass to put there
        share_below = np.nan_to_num(bins * mid_ranks(probs, weights) / weights.sum(axis=-1, keepdims=True))
    return np.minimum(share_below.astype(np.int64), bins - 1)


def _logit(probs: PerStay) -> PerStay:
    clipped = np.clip(probs, CLIP_PROB, 1 - CLIP_PROB)
    return np.log(clipped) - np.log1p(-clipped)


def _overlap(truth: PerStay, logit: PerStay, rows: Float[np.ndarray, "draw stay"]) -> np.ndarray:
    """Whether, in each draw, some negative lies above some positive and some positive above some negative."""
    logit_pos, logit_neg = logit[truth == 1], logit[truth == 0]
    in_pos, in_neg = rows[:, truth == 1] > 0, rows[:, truth == 0] > 0
    low_pos, high_pos = _range(logit_pos, in_pos)
    low_neg, high_neg = _range(logit_neg, in_neg)
    return (low_pos < high_neg) & (low_neg < high_pos)


def _range(values: PerStay, included: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lowest = np.where(included, values, np.inf).min(axis=-1, initial=np.inf)
    return lowest, np.where(included, values, -np.inf).max(axis=-1, initial=-np.inf)
