"""Weighted mid-ranks: the one treatment of ties that AUROC, adaptive calibration error and Spearman share.

    r_i = (weight of the stays below i) + (weight of the stays tied with i, i included) / 2

With weights of one it is the usual mid-rank minus one half (Kendall 1945). An integer weight equals that many copies
of the row, and the order of the rows does not matter. The sort is done once for all draws: draws differ in their
weights only.
"""

import numpy as np

from wardround.metrics.inputs import PerStay, Weights


def mid_ranks(values: PerStay, weights: Weights) -> Weights:
    """Weighted mid-rank of every stay, in the order given.

    Args:
        values: "stay", finite, any unit.
        weights: "stay" or "draw stay", already checked.

    Returns:
        Ranks in the shape of `weights`, from 0 to the sum of the weights. Raises nothing.
    """
    _, group_of_stay, group_sizes = np.unique(values, return_inverse=True, return_counts=True)
    sorted_weights = np.take(weights, np.argsort(values), axis=-1)
    weight_through = np.take(np.cumsum(sorted_weights, axis=-1), np.cumsum(group_sizes) - 1, axis=-1)
    rank_of_group = weight_through.copy()
    rank_of_group[..., 1:] += weight_through[..., :-1]
    return np.take(rank_of_group / 2, group_of_stay, axis=-1)
