"""The order of an epoch: which stays together, and in which turn."""

import numpy as np
import pytest

from wardround.batches.order import epoch_order, length_buckets

LENGTHS = np.asarray([3, 1, 4, 1, 5, 9, 2, 6, 5, 3])


def as_lists(batches: list[np.ndarray]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


def test_without_a_seed_all_is_in_order():
    assert epoch_order(4, None).tolist() == [0, 1, 2, 3]


def test_an_epoch_is_a_permutation_of_its_own():
    orders = {tuple(epoch_order(50, (seed, epoch))) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert epoch_order(50, (0, 1)).tolist() == epoch_order(50, (0, 1)).tolist()
    assert epoch_order(6, (3, 2)).tolist() == [4, 0, 1, 2, 3, 5], (
        "numpy's PCG64: a resumed training needs the same for ever"
    )


def test_batches_by_length_by_hand():
    """At most 12 padded events: 1 1 2 3 | 3 4 5 would be 15, so 3 4 | 5 5 | 6 | 9."""
    assert as_lists(length_buckets(LENGTHS, 12, None)) == [[1, 3, 6, 0], [9, 2], [4, 8], [7], [5]]


def test_a_stay_longer_than_the_budget_is_a_batch_of_its_own():
    assert as_lists(length_buckets(np.asarray([50, 2, 60]), 10, None)) == [[1], [0], [2]]


def test_stays_without_events_cost_nothing():
    assert as_lists(length_buckets(np.asarray([0, 0, 0, 2]), 4, None)) == [[0, 1, 2], [3]]


def test_nothing_gives_no_batch():
    for seed in (None, (0, 0)):
        assert length_buckets(np.empty(0, np.int64), 10, seed) == []


@pytest.mark.parametrize("budget", [1, 12, 30, 10_000])
@pytest.mark.parametrize("window", [3, 2048])
def test_shuffled_batches_hold_every_stay_once_within_the_budget(budget: int, window: int):
    lengths = np.random.default_rng(1).integers(0, 12, 200)
    for epoch in range(4):
        batches = length_buckets(lengths, budget, (7, epoch), window)
        assert sorted(np.concatenate(batches)) == list(range(200))
        assert all(len(batch) == 1 or len(batch) * lengths[batch].max() <= budget for batch in batches)


def test_a_shuffled_epoch_is_the_same_when_asked_again_and_another_with_another_seed():
    first = as_lists(length_buckets(LENGTHS, 12, (1, 0)))
    assert first == as_lists(length_buckets(LENGTHS, 12, (1, 0)))
    assert first != as_lists(length_buckets(LENGTHS, 12, (1, 1)))
    assert first != as_lists(length_buckets(LENGTHS, 12, (2, 0)))


def test_short_batches_do_not_all_come_first():
    lengths = np.random.default_rng(1).integers(1, 100, 2000)
    longest = [lengths[batch].max() for batch in length_buckets(lengths, 500, (0, 0), window=200)]
    assert abs(np.corrcoef(np.arange(len(longest)), longest)[0, 1]) < 0.2
