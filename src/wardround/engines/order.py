"""The order and the bounds of tasks under way, the same whoever does them."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item", contravariant=True)
Handle = TypeVar("Handle")
Result = TypeVar("Result", covariant=True)


@runtime_checkable
class Pool(Protocol[Item, Handle, Result]):
    """Whoever does tasks, one by one."""

    def begin(self, item: Item) -> Handle:
        """Hand a task over."""
        ...

    def is_done(self, handle: Handle) -> bool:
        """Whether it has come to an end, good or bad."""
        ...

    def wait_for_any(self, handles: Sequence[Handle]) -> None:
        """Wait until one of some is done."""
        ...

    def result(self, handle: Handle) -> Result:
        """Wait for one. Raises what it raised."""
        ...

    def leave(self, handles: Sequence[Handle]) -> None:
        """Nobody will ask for these any more."""
        ...


def in_order(
    pool: Pool[Item, Handle, Result], items: Iterable[Item], begun: int, ahead: int | None
) -> Iterator[Result]:
    """Do a task for each item; results come in the order of the items.

    Args:
        pool: who does them.
        items: asked for one by one, when another may begin.
        begun: tasks that are begun and not done, at most.
        ahead: results that may wait for those before them, beside so many tasks; None for any number.
    """
    under_way: deque[Handle] = deque()
    waiting = iter(items)

    def first() -> Result:
        result = pool.result(under_way[0])  # who stops waiting leaves it with the others
        under_way.popleft()
        return result

    try:
        while True:
            while under_way and pool.is_done(under_way[0]):
                yield first()
            unfinished = [handle for handle in under_way if not pool.is_done(handle)]
            if ahead is not None and len(under_way) >= begun + ahead:
                yield first()
            elif len(unfinished) >= begun:
                pool.wait_for_any(unfinished)
            else:
                try:
                    item = next(waiting)
                except StopIteration:
                    break
                under_way.append(pool.begin(item))
                del item
        while under_way:
            yield first()
    finally:
        pool.leave(under_way)
