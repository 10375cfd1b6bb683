"""Weighted mid-ranks: the one treatment of ties that AUROC, adaptive calibration error and Spearman share.

    r_i = (weight of the stays below i) + (weight of the stays tied with i, i included) / 2

With weights of one it is the usual mid-rank minus one half (Kendall 1945). An integer weight equals that many copies
of the row, and the order of the rows does not matter. The sort is done once for all draws: draws differ in their
weights only.
"""

import numpy as np
from jaxtyping import Int

from wardround.metrics.inputs import PerStay, Weights


def mid_ranks(values: PerStay, weights: Weights) -> Weights:
    """Weighted mid-rank of every stay, in the order given.

    Args:
        values: "stay", finite, any unit.
        weights: "stay" or "draw stay", already checked.

    Returns:
        Ranks in the shape of `weights`, from 0 to the sum of the weights. Raises nothing.
    """
    order = order_of(values)
    sorted_values = values if order is None else values[order]
    sorted_weights = weights if order is None else np.take(weights, order, axis=-1)
    is_last = np.append(sorted_values[1:] != sorted_values[:-1], True)
    through = np.cumsum(sorted_weights, axis=-1)
    if is_last.all():  # no ties: a stay is its own group
        rank = 2 * through
        rank -= sorted_weights
    else:
        last = np.flatnonzero(is_last)
        of_group = np.take(through, last, axis=-1)
        of_group[..., 1:] += of_group[..., :-1].copy()
        rank = np.repeat(of_group, np.diff(last, prepend=-1), axis=-1)
    rank /= 2
    if order is None:
        return rank
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return np.take(rank, place, axis=-1)


def order_of(values: PerStay) -> Int[np.ndarray, "stay"] | None:
    """The places of the values from the lowest to the highest; None where they rise already, so that draws that were
    put in order once need not be again."""
    return None if (values[1:] >= values[:-1]).all() else np.argsort(values, kind="stable")
