"""The batches of one epoch of stays that are lines: those of like length together, so that padding costs little."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Int

from wardround.batches.epoch import EpochBatches
from wardround.batches.store import EventStore

T = TypeVar("T")


@dataclass(frozen=True)
class LengthBatches(EpochBatches[T]):
    """What the shapes of lines share; a subclass says which members make each batch, and how one is made.

    Attributes:
        store, label, at_h: the cohort.
        members: places in the store to go through.
    """

    store: EventStore
    label: Float[np.ndarray, "stay *label"]
    at_h: Float[np.ndarray, "stay"]
    members: Int[np.ndarray, "member"]

    @abstractmethod
    def buckets(self) -> list[Int[np.ndarray, "member"]]:
        """Which of the members make each batch: places among them."""

    @abstractmethod
    def of(self, stays: Int[np.ndarray, "stay"]) -> T:
        """The batch of some stays of the store."""

    @cached_property
    def plan(self) -> list[Int[np.ndarray, "member"]]:
        """`buckets`, made once."""
        return self.buckets()

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.plan)

    def batch(self, number: int) -> T:
        """The batch of that number."""
        return self.of(self.members[self.plan[number]])
