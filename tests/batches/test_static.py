"""Batches for static models, worked by hand."""

import numpy as np
import pytest
import torch

from wardround.batches.static import StaticBatches, static_batch
from wardround.batches.store import EventStore

NONE = np.empty(0, np.int64)
STORE = EventStore(
    modalities=("lab", "vitals"),
    stay_ids=np.asarray([10, 11, 12]),
    offsets=np.zeros(4, np.int64),
    minute=NONE.astype(np.int32),
    modality=NONE.astype(np.uint8),
    row=NONE,
    content={"lab": np.asarray([[1, 2], [3, 4]], np.float32), "vitals": np.asarray([[7]], np.float32)},
    last=np.asarray([[1, -1], [-1, -1], [0, 0]]),
    published=NONE.astype(np.float32),
    published_last=np.asarray([-2, np.nan, 0.5], np.float32),
    unknown_items=0,
)
SUBJECT = np.asarray([100, 101, 100])
LABEL = np.asarray([0.0, np.nan, 1.0])


def test_a_batch_by_hand():
    """A modality that is missing is zeros and not observed."""
    batch = static_batch(STORE, SUBJECT, LABEL, np.asarray([2, 0, 1]))
    assert batch.inputs["lab"].tolist() == [[1, 2], [3, 4], [0, 0]]
    assert batch.inputs["vitals"].tolist() == [[7], [0], [0]]
    assert batch.observed.tolist() == [[True, True], [True, False], [False, False]]
    assert batch.subject.tolist() == [100, 100, 101]
    assert batch.label.tolist() == pytest.approx([1, 0, np.nan], nan_ok=True)
    assert batch.published.tolist() == pytest.approx([0.5, -2, np.nan], nan_ok=True)
    assert batch.inputs["lab"].dtype == batch.label.dtype == torch.float32


def test_a_batch_goes_to_a_device_whole():
    moved = static_batch(STORE, SUBJECT, LABEL, np.asarray([0])).to(torch.device("meta"))
    assert {
        t.device.type for t in (*moved.inputs.values(), moved.observed, moved.subject, moved.label, moved.published)
    } == {"meta"}


def stays_of(batches: StaticBatches) -> list[list[float]]:
    return [batch.inputs["lab"][:, 0].tolist() for batch in batches]


def test_an_epoch_in_order():
    batches = StaticBatches(STORE, SUBJECT, LABEL, np.asarray([2, 1, 0]), 2)
    assert len(batches) == 2
    assert stays_of(batches) == [[1, 0], [3]]
    assert batches[1].label.tolist() == [0]
    assert [batch.label.tolist() for batch in batches[1:]] == [[0]]


def test_a_shuffled_epoch_holds_each_member_once_and_is_the_same_when_asked_again():
    members = np.asarray([0, 1, 2, 0, 2, 2])
    epochs = [StaticBatches(STORE, SUBJECT, LABEL, members, 4, (1, epoch)) for epoch in range(5)]
    orders = [[stay for batch in stays_of(epoch) for stay in batch] for epoch in epochs]
    assert all(sorted(order) == [0, 1, 1, 1, 3, 3] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert stays_of(epochs[0]) == stays_of(epochs[0])


def test_no_members_no_batches():
    assert list(StaticBatches(STORE, SUBJECT, LABEL, NONE, 4)) == []
