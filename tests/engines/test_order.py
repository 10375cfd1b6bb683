"""The order and the bounds of tasks under way, by workers that end when they are told to."""

import random
from collections.abc import Sequence

import pytest

from wardround.engines.order import in_order


class Workers:
    """Tasks that end in a random order; each gives back its number, or raises where that is `bad`."""

    def __init__(self, seed: int, bad: int = -1) -> None:
        self.rng, self.bad = random.Random(seed), bad
        self.begun: list[int] = []
        self.done: set[int] = set()
        self.left: list[int] = []
        self.most_unfinished = self.most_held = 0
        self.given = 0

    def begin(self, item: int) -> int:
        self.begun.append(item)
        self.most_unfinished = max(self.most_unfinished, len(set(self.begun) - self.done))
        self.most_held = max(self.most_held, len(self.begun) - self.given)
        return item

    def is_done(self, handle: int) -> bool:
        return handle in self.done

    def wait_for_any(self, handles: Sequence[int]) -> None:
        assert not self.done & set(handles), "nobody waits for what is done"
        self.done.add(self.rng.choice(handles))

    def result(self, handle: int) -> int:
        self.done.add(handle)
        self.given += 1
        if handle == self.bad:
            raise ValueError("no good")
        return handle

    def leave(self, handles: Sequence[int]) -> None:
        self.left = list(handles)


@pytest.mark.parametrize("ahead", [0, 2, None])
@pytest.mark.parametrize("begun", [1, 2, 5])
def test_results_come_in_order_within_the_bounds(begun: int, ahead: int | None):
    for seed in range(20):
        workers = Workers(seed)
        assert list(in_order(workers, range(30), begun, ahead)) == list(range(30))
        assert workers.most_unfinished == begun
        assert ahead is None or workers.most_held <= begun + ahead
        assert workers.left == []


def test_where_any_number_may_wait_nobody_is_idle_for_the_first():
    """Control: with a bound the others wait for a first that takes long."""

    class Slow(Workers):
        def wait_for_any(self, handles: Sequence[int]) -> None:
            self.done.add(max(handles))

    held = {}
    for ahead in (0, None):
        workers = Slow(0)
        assert list(in_order(workers, range(30), 2, ahead)) == list(range(30))
        held[ahead] = workers.most_held
    assert held == {0: 2, None: 30}


def test_items_are_asked_for_one_by_one():
    asked: list[int] = []

    def items():
        for number in range(30):
            asked.append(number)
            yield number

    results = in_order(Workers(0), items(), 3, 0)
    assert next(results) == 0
    assert len(asked) <= 3
    results.close()


def test_an_error_ends_it_and_those_under_way_are_left():
    workers = Workers(0, bad=4)
    with pytest.raises(ValueError, match="no good"):
        list(in_order(workers, range(30), 3, 2))
    assert max(workers.begun) < 4 + 3 + 2
    assert workers.left == [item for item in workers.begun if item >= 4], "that one too: it may not be over"
    assert workers.left


def test_whoever_asks_no_more_leaves_those_under_way():
    workers = Workers(0)
    results = in_order(workers, range(30), 3, 0)
    next(results)
    results.close()
    assert workers.left == [item for item in workers.begun if item > 0]
