"""Hourly grids, worked by hand and against a loop."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from wardround.batches.grid import Columns, GridBatches, GridSize, grid_batch
from wardround.batches.normaliser import RowLayout
from wardround.batches.store import EventStore

STORE = EventStore(
    modalities=("lab", "vitals"),
    stay_ids=np.asarray([10, 11, 12]),
    offsets=np.asarray([0, 5, 5, 7]),
    minute=np.asarray([-90, 0, 60, 61, 180, 60, 150], np.int32),
    modality=np.asarray([0, 0, 0, 1, 0, 1, 0], np.uint8),
    row=np.asarray([0, 1, 2, 0, 3, 1, 4]),
    content={  # lab: two numbers, which are observed, a code; vitals: one number
        "lab": np.asarray(
            [[1, 2, 1, 1, 0], [3, 0, 1, 0, 0], [0, 4, 0, 1, 1], [5, 6, 1, 1, 0], [7, 0, 1, 0, 0]], np.float32
        ),
        "vitals": np.asarray([[8, 1], [9, 1]], np.float32),
    },
    last=np.asarray([[3, 0], [-1, -1], [4, 1]]),
    published=np.full(7, np.nan, np.float32),
    published_last=np.full(3, np.nan, np.float32),
    unknown_items=0,
    layout={"lab": RowLayout(1, 2), "vitals": RowLayout(1, 1)},
)
LABEL = np.asarray([1.0, np.nan, 0.0])
AT_H = np.asarray([3.0, 1.0, 2.5])


def test_a_batch_by_hand():
    """Before admission stands in the first column, the later value over the earlier; a begun hour ends at the
    prediction."""
    batch = grid_batch(STORE, LABEL, AT_H, np.asarray([2, 1, 0]), most=99)
    assert batch.lengths.tolist() == [4, 2, 4]
    assert batch.hours.tolist() == [[0, 1, 2, 2.5], [0, 1, 0, 0], [0, 1, 2, 3]]
    assert batch.values[2].tolist() == [[3, 2, 0], [0, 4, 0], [0, 0, 8], [5, 6, 0]]
    assert batch.observed[2].int().tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]]
    assert batch.delta_h[2].tolist() == [[0, 0, 0], [1, 1, 1], [2, 1, 2], [3, 2, 1]]
    assert batch.codes[2].squeeze(-1).tolist() == [False, True, True, True]
    assert batch.values[0].tolist() == [[0, 0, 0], [0, 0, 9], [0, 0, 0], [7, 0, 0]]
    assert batch.delta_h[0, :, 2].tolist() == [0, 1, 1, 1.5]
    assert not batch.observed[1].any()
    assert batch.delta_h[1].tolist() == [[0, 0, 0], [1, 1, 1], [0, 0, 0], [0, 0, 0]]
    assert batch.at_h.tolist() == [2.5, 1, 3]
    assert batch.label.tolist() == pytest.approx([0, np.nan, 1], nan_ok=True)
    assert batch.stays.tolist() == [2, 1, 0]


def test_a_long_stay_keeps_its_latest_hours():
    """What came before stands in the first of them."""
    batch = grid_batch(STORE, LABEL, AT_H, np.asarray([0]), most=2)
    assert batch.hours.tolist() == [[2, 3]]
    assert batch.values[0].tolist() == [[3, 4, 8], [5, 6, 0]]
    assert batch.observed[0].int().tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch.delta_h[0].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert batch.codes[0].squeeze(-1).tolist() == [True, True]


def test_what_is_charted_after_a_whole_stay_stands_in_its_last_hour():
    """Without a cut, the store has what became known after the end."""
    batch = grid_batch(STORE, LABEL, np.asarray([2.0, 1.0, 1.0]), np.asarray([0, 2]), most=99)
    assert batch.values[0, 2].tolist() == [5, 6, 8]
    assert batch.values[1].tolist() == [[0, 0, 0], [7, 0, 9], [0, 0, 0]]


def test_every_summary_of_a_number_is_a_number_of_its_own():
    layout = {"lab": RowLayout(2, 1), "vitals": RowLayout(1, 1)}
    rows = np.asarray([[1, 10, 1, 0, 0], [2, 20, 0, 1, 1], [3, 30, 1, 0, 0], [4, 40, 1, 0, 0], [5, 50, 1, 0, 0]])
    store = replace(STORE, layout=layout, content=STORE.content | {"lab": rows.astype(np.float32)})
    batch = grid_batch(store, LABEL, AT_H, np.asarray([0]), most=99)
    assert batch.values[0].tolist() == [[1, 10, 0], [3, 30, 0], [0, 0, 8], [4, 40, 0]]
    assert batch.observed[0].int().tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1], [1, 1, 0]]
    assert batch.codes[0].int().tolist() == [[1, 1], [1, 1], [1, 1], [1, 1]]


@pytest.mark.parametrize("seed", range(5))
def test_hours_since_observed_are_those_of_the_recurrence(seed: int):
    """The paper's: s_t - s_t-1, and on top of it the delta before where the number was not observed then."""
    store, at_h = random_store(seed)
    batch = grid_batch(store, np.zeros(6), at_h, np.arange(6), most=20)
    for stay in range(6):
        hours, delta = batch.hours[stay].double(), torch.zeros(batch.values.shape[2], dtype=torch.float64)
        for t in range(1, int(batch.lengths[stay])):
            step = hours[t] - hours[t - 1]
            delta = torch.where(batch.observed[stay, t - 1], step, step + delta)
            torch.testing.assert_close(batch.delta_h[stay, t].double(), delta, rtol=0, atol=1e-5)
        assert not batch.delta_h[stay, 0].any()
        assert not batch.delta_h[stay, int(batch.lengths[stay]) :].any()


def random_store(seed: int) -> tuple[EventStore, np.ndarray]:
    rng = np.random.default_rng(seed)
    at_h = rng.uniform(0, 40, 6)
    lengths = rng.integers(0, 30, 6)
    offsets = np.r_[0, np.cumsum(lengths)]
    n = int(offsets[-1])
    minute = np.concatenate(
        [np.sort(rng.integers(-200, int(60 * h) + 1, k)) for h, k in zip(at_h, lengths, strict=True)]
    )
    modality = rng.integers(0, 2, n).astype(np.uint8)
    observed = rng.random((n, 2)) < 0.5
    lab = np.concatenate([rng.normal(size=(n, 2)) * observed, observed, rng.random((n, 1)) < 0.2], axis=1)
    vitals = np.concatenate([rng.normal(size=(n, 1)), np.ones((n, 1))], axis=1)
    content = {"lab": lab.astype(np.float32), "vitals": vitals.astype(np.float32)}
    rows = {"minute": minute.astype(np.int32), "modality": modality, "row": np.arange(n), "content": content}
    nothing = {"published": np.full(n, np.nan, np.float32), "published_last": np.full(6, np.nan, np.float32)}
    stays = {"stay_ids": np.arange(6), "offsets": offsets, "last": np.full((6, 2), -1)}
    return replace(STORE, **stays, **rows, **nothing), at_h


def test_a_grid_does_not_hang_on_who_else_is_in_the_batch():
    store, at_h = random_store(9)
    together = grid_batch(store, np.zeros(6), at_h, np.arange(6), most=12)
    for stay in range(6):
        alone = grid_batch(store, np.zeros(6), at_h, np.asarray([stay]), most=12)
        length = int(alone.lengths[0])
        for name in ("values", "observed", "delta_h", "codes", "hours"):
            assert torch.equal(getattr(alone, name)[0], getattr(together, name)[stay, :length])


def test_columns_of_events_and_of_stays():
    columns = Columns.of(np.asarray([24.0, 24.5, 0.0, 100.0]), most=30)
    assert columns.first.tolist() == [0, 0, 0, 71]
    assert columns.lengths.tolist() == [25, 26, 1, 30]
    found = columns.of_events(np.asarray([-5000, 1, 60, 61, 1440, 5999]), np.asarray([0, 0, 0, 0, 0, 3]))
    assert found.tolist() == [0, 1, 1, 2, 24, 29]


def test_a_batch_has_parts_and_goes_to_a_device_whole():
    batch = grid_batch(STORE, LABEL, AT_H, np.arange(3), most=99)
    assert len(batch) == 3
    part = batch.part(1, 3)
    assert part.stays.tolist() == [1, 2]
    assert part.values.shape == (2, 4, 3)
    moved = batch.to(torch.device("meta"))
    assert {getattr(moved, field.name).device.type for field in fields(moved)} == {"meta"}


def test_an_epoch_by_length_and_a_shuffled_one():
    batches = GridBatches(STORE, LABEL, AT_H, np.asarray([0, 1, 2]), GridSize(8, 99))
    assert len(batches) == 2
    assert [batch.stays.tolist() for batch in batches] == [[1, 0], [2]]
    epochs = [
        [batch.stays.tolist() for batch in GridBatches(STORE, LABEL, AT_H, np.arange(3), GridSize(4, 99), (0, n))]
        for n in range(6)
    ]
    assert all(sorted(stay for batch in epoch for stay in batch) == [0, 1, 2] for epoch in epochs)
    assert len({str(epoch) for epoch in epochs}) > 1
