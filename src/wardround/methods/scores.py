"""Rows that learn nothing, or next to nothing: what a model has to beat.

score     the unit's own published prediction: APACHE IVa hospital mortality, or its predicted hospital stay, known at
          24 h; only for stays that have one
elapsed   hours in hospital so far, and nothing else: for lengths of stay, the median label of training stays in bins of
          the elapsed hours; for mortality, their death rate
"""

from typing import Final

import numpy as np
from jaxtyping import Float

from wardround.errors import UsageError

ROWS: Final = ("score", "elapsed")
"""The names on the command line."""

SCORE_CODES: Final = {
    "mortality": ("APACHE//IVa//predictedhospitalmortality", 1.0),
    "los": ("APACHE//IVa//predictedhospitallos", 24.0),
    "los_remaining": ("APACHE//IVa//predictedhospitallos", 24.0),
    "los_icu": ("APACHE//IVa//predictediculos", 24.0),
}
"""Task -> (event code of the published prediction, factor into the task's unit). APACHE's stays are days from hospital
admission: what is left of one is the prediction less the hours elapsed."""


def score_code(task: str) -> tuple[str, float]:
    """The code and factor of a task's published prediction. Raises `UsageError` where there is none."""
    if task not in SCORE_CODES:
        raise UsageError(f"no published score predicts {task}. There is one for: {', '.join(SCORE_CODES)}.")
    return SCORE_CODES[task]


def fit_elapsed(
    elapsed_h: Float[np.ndarray, "stay"], label: Float[np.ndarray, "stay"], binary: bool, bins: int = 10
) -> tuple[list[float], list[float]]:
    """Equal-mass bins of elapsed hours and the label of each: the median of hours (what the mean absolute error asks
    for), or the rate.

    Args:
        elapsed_h, label: of training stays.
        binary: rate instead of median.
        bins: at most so many.

    Returns:
        Inner edges and a value for each bin.
    """
    edges = np.unique(np.quantile(elapsed_h, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, elapsed_h, side="right")
    whole = label.mean() if binary else np.median(label)
    values: list[float] = []
    for bin_ in range(len(edges) + 1):
        inside = label[place == bin_]
        values.append(float(whole if len(inside) == 0 else inside.mean() if binary else np.median(inside)))
    return [float(edge) for edge in edges], values


def predict_elapsed(
    elapsed_h: Float[np.ndarray, "stay"], edges: list[float], values: list[float]
) -> Float[np.ndarray, "stay"]:
    """The value of each stay's bin."""
    return np.asarray(values)[np.searchsorted(np.asarray(edges), elapsed_h, side="right")]
