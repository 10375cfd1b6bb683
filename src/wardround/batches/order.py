"""The order of an epoch: a pure function of seed and epoch, so that a killed training goes on where it was."""

import numpy as np
from jaxtyping import Int


def epoch_order(n: int, shuffle_seed: tuple[int, int] | None) -> Int[np.ndarray, "n"]:
    """A permutation of n places by (seed, epoch); None keeps them in order."""
    if shuffle_seed is None:
        return np.arange(n)
    return np.random.Generator(np.random.PCG64(list(shuffle_seed))).permutation(n)


def within(lengths: Int[np.ndarray, "group"]) -> Int[np.ndarray, "place"]:
    """0 .. n-1 for each length n, one after the other: the place inside its group of everything in some groups."""
    return np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def length_buckets(
    lengths: Int[np.ndarray, "stay"], budget: int, shuffle_seed: tuple[int, int] | None, window: int = 2048
) -> list[Int[np.ndarray, "member"]]:
    """Group stays of like length, so that padding costs little.

    Shuffled stays are sorted by length inside windows, cut into batches of at most `budget` padded events, and the
    batches shuffled.

    Args:
        lengths: events of each stay.
        budget: padded events a batch; a longer stay is a batch of its own.
        shuffle_seed: (seed, epoch); None sorts all by length.
        window: stays sorted together; smaller mixes lengths more.

    Returns:
        Places of the stays of each batch.
    """
    order = epoch_order(len(lengths), shuffle_seed)
    batches: list[np.ndarray] = []
    for begin in range(0, len(order), window if shuffle_seed is not None else max(len(order), 1)):
        part = order[begin : begin + window] if shuffle_seed is not None else order
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += _cut(part, lengths, budget)
    if shuffle_seed is None:
        return batches
    return [batches[place] for place in epoch_order(len(batches), (shuffle_seed[0] + 1, shuffle_seed[1]))]


def _cut(part: np.ndarray, lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    batches: list[np.ndarray] = []
    begin = 0
    for end in range(1, len(part) + 1):
        if end == len(part) or lengths[part[end]] * (end + 1 - begin) > budget:
            batches.append(part[begin:end])
            begin = end
    return batches
