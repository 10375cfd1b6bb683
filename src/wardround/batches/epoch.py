"""The batches of one epoch as a sequence: each made when asked for, so a training can be taken up anywhere in it."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class EpochBatches(Sequence[T], Generic[T]):
    """A sequence of batches; a subclass says how many there are and makes one."""

    @abstractmethod
    def batch(self, number: int) -> T:
        """The batch of that number, from 0."""

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        """One batch, or some. Raises `IndexError` beyond the last."""
        if isinstance(index, slice):
            return [self.batch(number) for number in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        return self.batch(index % len(self))
