"""What a metric takes and what it refuses: the one legend of dimensions of this package.

    stay      one prediction: a row of labels, probabilities or hours
    draw      one bootstrap draw: a row of weights, how often each stay counts in it
    modality, embed, label, bin, cut    as in the function's docstring

Every metric is defined for weights "draw stay" and gives one number a draw. A single row of weights "stay" gives a
float, and so does `weights=None`, which is a row of ones: all reductions run over the last axis. An undefined metric
is NaN here and None in a table. Bad input (NaN, infinity, shapes that do not match, labels other than 0 and 1) raises
ValueError; the message counts the offending values and never shows one.
"""

from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Shaped

Labels: TypeAlias = Shaped[np.ndarray, "stay"]  # 0 and 1, as booleans, integers or floats
PerStay: TypeAlias = Float[np.ndarray, "stay"]  # probabilities, scores or hours
Weights: TypeAlias = Float[np.ndarray, "*draw stay"]  # no draw axis, or one
PerDraw: TypeAlias = float | Float[np.ndarray, "draw"]  # float where the weights had no draw axis

TruePerDraw: TypeAlias = bool | np.bool_ | Bool[np.ndarray, "draw"]


def checked_values(name: str, values: Shaped[np.ndarray, "..."], shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return `values` as float64 of the expected shape (default: one axis, any length).

    Raises:
        ValueError: the shape differs, there are no values, or some are not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 if shape is None else values.shape != shape:
        expected = "one number a stay" if shape is None else f"shape {shape}"
        raise ValueError(f"{name}: shape {values.shape}, expected {expected}")
    if values.size == 0:
        raise ValueError(f"{name}: empty, expected at least one stay")
    n_bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if n_bad:
        raise ValueError(f"{name}: {n_bad} of {values.size} values are NaN or infinite, expected finite numbers")
    return values


def checked_labels(labels: Labels) -> PerStay:
    """Return `labels` as float64 zeros and ones.

    Raises:
        ValueError: not one axis, empty, NaN, or values other than 0 and 1.
    """
    values = checked_values("labels", labels)
    n_bad = int(np.count_nonzero((values != 0) & (values != 1)))
    if n_bad:
        raise ValueError(f"labels: {n_bad} of {values.size} values are neither 0 nor 1")
    return values


def checked_probs(probs: PerStay, n_stays: int) -> PerStay:
    """Return `probs` as float64 in [0, 1], one a stay.

    Raises:
        ValueError: another length, NaN, or values outside [0, 1].
    """
    values = checked_values("probs", probs, (n_stays,))
    n_bad = int(np.count_nonzero((values < 0) | (values > 1)))
    if n_bad:
        raise ValueError(f"probs: {n_bad} of {n_stays} values lie outside [0, 1]")
    return values


def checked_weights(weights: Weights | None, n_stays: int) -> Weights:
    """Return `weights` as float64 "stay" or "draw stay"; None becomes one row of ones.

    Raises:
        ValueError: another number of stays, more than two axes, or weights that are negative, NaN or infinite.
    """
    if weights is None:
        return np.ones(n_stays)
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim not in (1, 2) or weights.shape[-1] != n_stays:
        raise ValueError(f"weights: shape {weights.shape}, expected ({n_stays},) or (draws, {n_stays})")
    # A NaN makes the minimum NaN and an infinity makes the sum infinite: two passes, no temporary.
    if weights.size and not (weights.min() >= 0 and np.isfinite(weights.sum())):
        raise ValueError("weights: some are negative, NaN or infinite; expected counts, 0 or more")
    return weights


def checked_binary(labels: Labels, probs: PerStay, weights: Weights | None) -> tuple[PerStay, PerStay, Weights]:
    """Return labels, probabilities and weights, checked as above.

    Raises:
        ValueError: see `checked_labels`, `checked_probs`, `checked_weights`.
    """
    truth = checked_labels(labels)
    return truth, checked_probs(probs, truth.size), checked_weights(weights, truth.size)


def ratio(part: PerDraw, whole: PerDraw, defined: TruePerDraw = True) -> PerDraw:
    """`part / whole`, NaN where `whole` is not above 0 or `defined` is false: the metric is undefined in that draw."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(np.asarray(defined) & np.greater(whole, 0), np.divide(part, whole), np.nan)
    return found[()]  # without a draw axis, a float
