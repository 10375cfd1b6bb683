"""An epoch is a sequence of batches, each made when asked for."""

import pytest

from wardround.batches.epoch import EpochBatches


class Squares(EpochBatches[int]):
    """Three batches, and a list of those that were made."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def __len__(self) -> int:
        return 3

    def batch(self, number: int) -> int:
        self.made.append(number)
        return number**2


def test_a_batch_is_made_when_it_is_asked_for():
    epoch = Squares()
    assert epoch[2] == epoch[-1] == 4
    assert epoch.made == [2, 2]


def test_an_epoch_is_gone_through_as_often_as_wanted():
    epoch = Squares()
    assert list(epoch) == list(epoch) == [0, 1, 4]
    assert list(reversed(epoch)) == [4, 1, 0]


def test_some_batches():
    assert [Squares()[1:], Squares()[::-2], Squares()[5:]] == [[1, 4], [4, 0], []]


@pytest.mark.parametrize("beyond", [3, -4])
def test_beyond_the_last_there_is_none(beyond: int):
    with pytest.raises(IndexError, match=f"batch {beyond} of 3"):
        Squares()[beyond]
