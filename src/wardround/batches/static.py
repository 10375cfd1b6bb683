"""Batches of stays for static models and pretraining: one row a modality, as the stay stood at its prediction time."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from wardround.batches.epoch import EpochBatches
from wardround.batches.order import epoch_order
from wardround.batches.store import EventStore


@dataclass(frozen=True)
class StaticBatch:
    """Stays as sets of modality rows.

    Attributes:
        inputs: modality -> rows: features, tokens or pixels; zeros where missing (an encoder never reads them).
        observed: which modalities a stay has.
        subject: the patient of each stay.
        label: 0/1 or hours; NaN where unknown.
        published: log odds of a published equation; NaN where unknown.
    """

    inputs: dict[str, Shaped[Tensor, "stay ..."]]
    observed: Bool[Tensor, "stay modality"]
    subject: Int[Tensor, " stay"]
    label: Float[Tensor, "stay *label"]
    published: Float[Tensor, " stay"]

    def to(self, device: torch.device) -> "StaticBatch":
        """The batch on a device."""
        inputs = {name: rows.to(device) for name, rows in self.inputs.items()}
        rest = (self.observed, self.subject, self.label, self.published)
        return StaticBatch(inputs, *(one.to(device) for one in rest))

    def __len__(self) -> int:
        """Stays of the batch."""
        return len(self.subject)

    def part(self, begin: int, end: int) -> "StaticBatch":
        """The stays `begin:end` of the batch."""
        inputs = {name: rows[begin:end] for name, rows in self.inputs.items()}
        rest = (self.observed, self.subject, self.label, self.published)
        return StaticBatch(inputs, *(one[begin:end] for one in rest))


def static_batch(store: EventStore, subject: np.ndarray, label: np.ndarray, stays: np.ndarray) -> StaticBatch:
    """The batch of some stays of a store.

    Args:
        store: the cohort's events.
        subject, label: by stay of the store.
        stays: places in the store.
    """
    last = store.last[stays]
    inputs: dict[str, Tensor] = {}
    for index, name in enumerate(store.modalities):
        content = store.content[name]
        rows = np.zeros((len(stays), *content.shape[1:]), content.dtype)
        have = last[:, index] >= 0
        rows[have] = content[last[have, index]]
        inputs[name] = torch.from_numpy(rows)
    return StaticBatch(
        inputs,
        torch.from_numpy(last >= 0),
        torch.from_numpy(np.ascontiguousarray(subject[stays])),
        torch.from_numpy(label[stays].astype(np.float32)),
        torch.from_numpy(store.published_last[stays]),
    )


@dataclass(frozen=True)
class StaticBatches(EpochBatches[StaticBatch]):
    """The batches of one epoch, made when asked for.

    Attributes:
        store, subject, label: the cohort.
        members: places in the store to go through.
        batch_size: stays a batch.
        shuffle_seed: (seed, epoch) to shuffle by; None keeps the order.
    """

    store: EventStore
    subject: Int[np.ndarray, "stay"]
    label: Float[np.ndarray, "stay *label"]
    members: Int[np.ndarray, "member"]
    batch_size: int
    shuffle_seed: tuple[int, int] | None = None

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self.members) // self.batch_size)

    def batch(self, number: int) -> StaticBatch:
        """The batch of that number."""
        order = epoch_order(len(self.members), self.shuffle_seed)
        part = order[number * self.batch_size : (number + 1) * self.batch_size]
        return static_batch(self.store, self.subject, self.label, self.members[part])
