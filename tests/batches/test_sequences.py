"""Batches for trajectory models, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from wardround.batches.sequences import SequenceBatches, sequence_batch
from wardround.batches.store import EventStore

STORE = EventStore(
    modalities=("lab", "vitals"),
    stay_ids=np.asarray([10, 11, 12]),
    offsets=np.asarray([0, 3, 3, 5]),
    minute=np.asarray([0, 30, 90, -60, 600], np.int32),
    modality=np.asarray([0, 1, 0, 1, 0], np.uint8),
    row=np.asarray([0, 0, 1, 1, 2]),
    content={"lab": np.asarray([[1, 1], [2, 2], [3, 3]], np.float32), "vitals": np.asarray([[7], [8]], np.float32)},
    last=np.asarray([[1, 0], [-1, -1], [2, 1]]),
    published=np.asarray([np.nan, np.nan, -2, -1, 0.5], np.float32),
    published_last=np.asarray([-2, np.nan, 0.5], np.float32),
    unknown_items=0,
)
LABEL = np.asarray([1.0, np.nan, 0.0])
AT_H = np.asarray([24.0, 24.0, 12.5])


def test_a_batch_by_hand():
    """Padded on the right to the longest."""
    batch = sequence_batch(STORE, LABEL, AT_H, np.asarray([2, 1, 0]))
    assert batch.modality.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert batch.hours.tolist() == [[-1, 10, 0], [0, 0, 0], [0, 0.5, 1.5]]
    assert batch.lengths.tolist() == [2, 0, 3]
    assert batch.slots["lab"].tolist() == [1, 6, 8]
    assert batch.rows["lab"].tolist() == [[3, 3], [1, 1], [2, 2]]
    assert batch.slots["vitals"].tolist() == [0, 7]
    assert batch.rows["vitals"].tolist() == [[8], [7]]
    assert batch.at_h.tolist() == [12.5, 24, 24]
    expected = [[-1, 0.5, np.nan], [np.nan] * 3, [np.nan, np.nan, -2]]
    np.testing.assert_array_equal(batch.published.numpy(), expected)
    assert batch.label.tolist() == pytest.approx([0, np.nan, 1], nan_ok=True)
    assert batch.stays.tolist() == [2, 1, 0]


def test_a_stay_without_events_is_a_line_of_padding():
    batch = sequence_batch(STORE, LABEL, AT_H, np.asarray([1]))
    assert (batch.modality.tolist(), batch.lengths.tolist(), batch.hours.tolist()) == ([[0]], [0], [[0]])
    assert batch.rows["lab"].shape == (0, 2)


def test_data_without_any_event_makes_batches_too():
    none = np.empty(0, np.int64)
    empty = replace(
        STORE, published=none.astype(np.float32),
        offsets=np.zeros(4, np.int64), minute=none.astype(np.int32), modality=none.astype(np.uint8), row=none,
        content={"lab": np.empty((0, 2), np.float32), "vitals": np.empty((0, 1), np.float32)}, last=np.full((3, 2), -1),
    )  # fmt: skip
    batch = sequence_batch(empty, LABEL, AT_H, np.asarray([0, 1, 2]))
    assert (batch.lengths.tolist(), batch.at_h.tolist()) == ([0, 0, 0], [24, 24, 12.5])
    assert [one.lengths.tolist() for one in SequenceBatches(empty, LABEL, AT_H, np.asarray([0, 2]), 10)] == [[0, 0]]


def test_a_batch_goes_to_a_device_whole():
    moved = sequence_batch(STORE, LABEL, AT_H, np.asarray([0, 2])).to(torch.device("meta"))
    tensors = [
        *moved.rows.values(),
        *moved.slots.values(),
        moved.modality,
        moved.hours,
        moved.published,
        moved.lengths,
        moved.at_h,
        moved.label,
        moved.stays,
    ]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_an_epoch_by_length():
    batches = SequenceBatches(STORE, LABEL, AT_H, np.asarray([0, 1, 2]), 4)
    assert len(batches) == 2
    assert [batch.stays.tolist() for batch in batches] == [[1, 2], [0]]
    assert batches[1].modality.shape == (1, 3)


def test_a_shuffled_epoch_is_a_function_of_its_seed():
    epochs = [
        [batch.stays.tolist() for batch in SequenceBatches(STORE, LABEL, AT_H, np.arange(3), 3, (0, n))]
        for n in range(6)
    ]
    assert all(sorted(stay for batch in epoch for stay in batch) == [0, 1, 2] for epoch in epochs)
    assert len({str(epoch) for epoch in epochs}) > 1
    assert epochs[0] == [batch.stays.tolist() for batch in SequenceBatches(STORE, LABEL, AT_H, np.arange(3), 3, (0, 0))]
