"""Batches of stays on an hourly grid: numbers, which of them were observed, and how long ago; padded on the right.

    column k       what became known in the hour that ends at `hours[k]`; of several values of a number the last
    first column   all that was known by then: the time before unit admission, or before the latest `most` hours
    last column    ends at the prediction time, with what is known of a begun hour
    delta_h        s_k - s_j for the latest column j < k that observed the number, s_k - s_0 where none did

Notes and pictures are not read: they have no hour's value. Made from the events of a store, so that the future is cut
off where it is for every other model. Source of delta: Che et al., Scientific Reports 8:6085, 2018, in closed form.
"""

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wardround.batches.documents import DOCUMENTS
from wardround.batches.length_batches import LengthBatches
from wardround.batches.order import length_buckets
from wardround.batches.store import EventStore


class GridSize(NamedTuple):
    """How large grids are.

    Attributes:
        budget: padded hours a batch.
        most: columns of a stay, its latest.
    """

    budget: int
    most: int


@dataclass(frozen=True)
class GridBatch:
    """Stays on an hourly grid.

    Attributes:
        values: z-scores; 0 where not observed.
        observed: whether the hour has a value of the number.
        delta_h: hours since the number was last observed before this hour, or since the first one.
        codes: whether the code was there by then (a category, a diagnosis, a drug).
        hours: from unit admission to the end of each column; 0 in the padding.
        lengths: columns of each stay, 1 or more.
        at_h: hours from unit admission to the prediction.
        label: 0/1 or hours, at the prediction time; NaN where unknown.
        stays: places in the store.
    """

    values: Float[Tensor, "stay hour number"]
    observed: Bool[Tensor, "stay hour number"]
    delta_h: Float[Tensor, "stay hour number"]
    codes: Bool[Tensor, "stay hour code"]
    hours: Float[Tensor, "stay hour"]
    lengths: Int[Tensor, " stay"]
    at_h: Float[Tensor, " stay"]
    label: Float[Tensor, "stay *label"]
    stays: Int[Tensor, " stay"]

    def to(self, device: torch.device) -> "GridBatch":
        """The batch on a device."""
        return replace(self, **{field.name: getattr(self, field.name).to(device) for field in fields(self)})

    def __len__(self) -> int:
        """Stays of the batch."""
        return len(self.lengths)

    def part(self, begin: int, end: int) -> "GridBatch":
        """The stays `begin:end` of the batch, padded as they are."""
        return replace(self, **{field.name: getattr(self, field.name)[begin:end] for field in fields(self)})


class Columns(NamedTuple):
    """Where the columns of some stays lie.

    Attributes:
        first: the hour at which the first column ends.
        lengths: columns.
    """

    first: Int[np.ndarray, "stay"]
    lengths: Int[np.ndarray, "stay"]

    @classmethod
    def of(cls, at_h: Float[np.ndarray, "stay"], most: int) -> "Columns":
        """The latest `most` columns of stays that are asked at `at_h`."""
        last = np.maximum(np.ceil(at_h), 0).astype(np.int64)
        first = np.maximum(last - most + 1, 0)
        return cls(first, last - first + 1)

    def of_events(self, minute: Int[np.ndarray, "event"], stay: Int[np.ndarray, "event"]) -> Int[np.ndarray, "event"]:
        """The column of each event of a stay, from 0."""
        hour = -(-minute.astype(np.int64) // 60)
        return np.clip(hour - self.first[stay], 0, self.lengths[stay] - 1)


def grid_batch(store: EventStore, label: np.ndarray, at_h: np.ndarray, stays: np.ndarray, most: int) -> GridBatch:
    """The batch of some stays of a store.

    Args:
        store: the cohort's events.
        label, at_h: by stay of the store.
        stays: places in the store.
        most: columns of a stay, its latest.
    """
    columns = Columns.of(at_h[stays], most)
    longest = int(columns.lengths.max(initial=1))
    events = np.diff(store.offsets)[stays]
    stay = np.repeat(np.arange(len(stays)), events)
    event = np.repeat(store.offsets[stays] - (np.cumsum(events) - events), events) + np.arange(int(events.sum()))
    slot = stay * longest + columns.of_events(store.minute[event], stay)
    place = np.arange(longest)
    hours = np.minimum(columns.first[:, None] + place, at_h[stays][:, None]) * (place < columns.lengths[:, None])
    values, observed, codes = _filled(store, event, slot, len(stays) * longest)
    observed = observed.reshape(len(stays), longest, -1)
    return GridBatch(
        values=torch.from_numpy(values).view(observed.shape),
        observed=torch.from_numpy(observed),
        delta_h=torch.from_numpy(_since_observed(observed, hours).astype(np.float32)),
        codes=torch.from_numpy(np.logical_or.accumulate(codes.reshape(len(stays), longest, -1), axis=1)),
        hours=torch.from_numpy(hours.astype(np.float32)),
        lengths=torch.from_numpy(columns.lengths),
        at_h=torch.from_numpy(at_h[stays].astype(np.float32)),
        label=torch.from_numpy(label[stays].astype(np.float32)),
        stays=torch.from_numpy(np.asarray(stays, np.int64)),
    )


def _filled(
    store: EventStore, event: np.ndarray, slot: np.ndarray, slots: int
) -> tuple[Float[np.ndarray, "slot number"], Bool[np.ndarray, "slot number"], Bool[np.ndarray, "slot code"]]:
    """The rows of events at their slots, modality beside modality; events are in order, so that the last one stays."""
    made: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for index, name in enumerate(store.modalities):
        if name in DOCUMENTS:
            continue
        mine = store.modality[event] == index
        rows, at = store.content[name].take(store.row[event[mine]], axis=0), slot[mine]
        layout = store.layout[name]
        z_scores, rest = rows[:, : layout.values], rows[:, layout.values :]
        seen = np.tile(rest[:, : layout.numbers] > 0.5, layout.summaries)
        values = np.zeros((slots, layout.values), np.float32)
        observed = np.zeros((slots, layout.values), bool)
        codes = np.zeros((slots, rest.shape[1] - layout.numbers), bool)
        of_row, number = np.nonzero(seen)
        values[at[of_row], number] = z_scores[of_row, number]
        observed[at[of_row], number] = True
        of_row, code = np.nonzero(rest[:, layout.numbers :] > 0.5)
        codes[at[of_row], code] = True
        made.append((values, observed, codes))
    values, observed, codes = (np.concatenate(parts, axis=1) for parts in zip(*made, strict=True))
    return values, observed, codes


def _since_observed(
    observed: Bool[np.ndarray, "stay hour number"], hours: Float[np.ndarray, "stay hour"]
) -> Float[np.ndarray, "stay hour number"]:
    """Hours from the last column before that observed a number, or from the first one; 0 in the padding."""
    begin = hours[:, :1, None]
    seen = np.maximum.accumulate(np.where(observed, hours[:, :, None], begin), axis=1)
    before = np.concatenate([np.broadcast_to(begin, seen[:, :1].shape), seen[:, :-1]], axis=1)
    return np.maximum(hours[:, :, None] - before, 0)


@dataclass(frozen=True)
class GridBatches(LengthBatches[GridBatch]):
    """The batches of one epoch, by length, made when asked for.

    Attributes:
        size: of the grids.
        shuffle_seed: (seed, epoch) to shuffle by; None goes by length.
    """

    size: GridSize
    shuffle_seed: tuple[int, int] | None = None

    def buckets(self) -> list[Int[np.ndarray, "member"]]:
        """Which of the members make each batch: places among them."""
        lengths = Columns.of(self.at_h[self.members], self.size.most).lengths
        return length_buckets(lengths, self.size.budget, self.shuffle_seed)

    def of(self, stays: Int[np.ndarray, "stay"]) -> GridBatch:
        """The batch of some stays of the store."""
        return grid_batch(self.store, self.label, self.at_h, stays, self.size.most)
