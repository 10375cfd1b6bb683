"""Batches of stays for trajectory models: events in the order in which they became known, padded on the right."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from wardround.batches.length_batches import LengthBatches
from wardround.batches.order import length_buckets, within
from wardround.batches.store import EventStore

_OF_STAYS: Final = ("modality", "hours", "published", "lengths", "at_h", "label", "stays")


@dataclass(frozen=True)
class SequenceBatch:
    """Stays as lines of events.

    Attributes:
        rows: modality -> the inputs of its events (features, tokens or pixels), one after the other.
        slots: modality -> where each of them stands, `stay * events + event`.
        modality: of each event; 0 in the padding.
        hours: from unit admission to when each event became known; 0 in the padding.
        published: log odds of a published equation as known after each event; NaN where unknown, and in the padding.
        lengths: events of each stay.
        at_h: hours from unit admission to the prediction.
        label: 0/1 or hours, at the prediction time; NaN where unknown.
        stays: places in the store.
    """

    rows: dict[str, Shaped[Tensor, "row ..."]]
    slots: dict[str, Int[Tensor, " row"]]
    modality: Int[Tensor, "stay event"]
    hours: Float[Tensor, "stay event"]
    published: Float[Tensor, "stay event"]
    lengths: Int[Tensor, " stay"]
    at_h: Float[Tensor, " stay"]
    label: Float[Tensor, "stay *label"]
    stays: Int[Tensor, " stay"]

    def to(self, device: torch.device) -> "SequenceBatch":
        """The batch on a device."""
        moved = {name: getattr(self, name).to(device) for name in _OF_STAYS}
        both = {name: {m: t.to(device) for m, t in getattr(self, name).items()} for name in ("rows", "slots")}
        return replace(self, **moved, **both)

    def __len__(self) -> int:
        """Stays of the batch."""
        return len(self.lengths)

    def part(self, begin: int, end: int) -> "SequenceBatch":
        """The stays `begin:end` of the batch, padded as they are."""
        cut = {name: getattr(self, name)[begin:end] for name in _OF_STAYS}
        first, last = begin * self.modality.shape[1], end * self.modality.shape[1]
        inside = {name: (slots >= first) & (slots < last) for name, slots in self.slots.items()}
        rows = {name: rows[inside[name]] for name, rows in self.rows.items()}
        slots = {name: slots[inside[name]] - first for name, slots in self.slots.items()}
        return replace(self, rows=rows, slots=slots, **cut)


def sequence_batch(store: EventStore, label: np.ndarray, at_h: np.ndarray, stays: np.ndarray) -> SequenceBatch:
    """The batch of some stays of a store.

    Args:
        store: the cohort's events.
        label, at_h: by stay of the store.
        stays: places in the store.
    """
    begin, lengths = store.offsets[stays], np.diff(store.offsets)[stays]
    longest = max(int(lengths.max(initial=0)), 1)
    slot = np.repeat(np.arange(len(stays)) * longest, lengths) + within(lengths)
    event = np.repeat(begin, lengths) + within(lengths)
    modality = np.zeros(len(stays) * longest, np.int64)
    hours = np.zeros(len(stays) * longest, np.float32)
    modality[slot] = store.modality[event]
    hours[slot] = store.minute[event] / 60
    published = np.full(len(stays) * longest, np.nan, np.float32)
    published[slot] = store.published[event]
    rows: dict[str, Tensor] = {}
    slots: dict[str, Tensor] = {}
    for index, name in enumerate(store.modalities):
        mine = store.modality[event] == index
        rows[name] = torch.from_numpy(store.content[name].take(store.row[event[mine]], axis=0))
        slots[name] = torch.from_numpy(slot[mine])
    return SequenceBatch(
        rows=rows,
        slots=slots,
        modality=torch.from_numpy(modality).view(len(stays), longest),
        hours=torch.from_numpy(hours).view(len(stays), longest),
        published=torch.from_numpy(published).view(len(stays), longest),
        lengths=torch.from_numpy(lengths.astype(np.int64)),
        at_h=torch.from_numpy(at_h[stays].astype(np.float32)),
        label=torch.from_numpy(label[stays].astype(np.float32)),
        stays=torch.from_numpy(np.asarray(stays, np.int64)),
    )


@dataclass(frozen=True)
class SequenceBatches(LengthBatches[SequenceBatch]):
    """The batches of one epoch, by length, made when asked for.

    Attributes:
        budget: padded events a batch.
        shuffle_seed: (seed, epoch) to shuffle by; None goes by length.
    """

    budget: int
    shuffle_seed: tuple[int, int] | None = None

    def buckets(self) -> list[Int[np.ndarray, "member"]]:
        """Which of the members make each batch: places among them."""
        return length_buckets(np.diff(self.store.offsets)[self.members], self.budget, self.shuffle_seed)

    def of(self, stays: Int[np.ndarray, "stay"]) -> SequenceBatch:
        """The batch of some stays of the store."""
        return sequence_batch(self.store, self.label, self.at_h, stays)
