"""The engine `local`: threads of this process."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from wardround.cores import usable_cores
from wardround.engines.order import in_order

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_WORKERS: Final = 4
"""Where nobody says how many: more share one reader, and gain little."""


def usual_workers() -> int:
    """Threads where nobody says how many: one a core, four at most."""
    return min(usable_cores(), MOST_WORKERS)


@dataclass(frozen=True)
class LocalEngine:
    """Threads of this process.

    Attributes:
        asked: how many; None for the usual number.
    """

    asked: int | None = None
    is_apart: bool = False

    @property
    def workers(self) -> int:
        """Threads."""
        return usual_workers() if self.asked is None else self.asked

    def map(
        self,
        task: Callable[[Shared, Item], Result],
        shared: Shared,
        items: Iterable[Item],
        workers: int,
        ahead: int | None = 0,
        folder: Path | None = None,  # noqa: ARG002 (threads see what this process sees)
    ) -> Iterator[Result]:
        """As `Engine.map` says. One task more than there are workers is begun, and waits beside them for a thread."""
        if workers <= 1:
            yield from map(partial(task, shared), items)
            return
        with ThreadPoolExecutor(workers) as threads:
            yield from in_order(_Threads(threads, partial(task, shared)), items, workers + 1, ahead)


@dataclass(frozen=True)
class _Threads(Generic[Item, Result]):
    threads: ThreadPoolExecutor
    task: Callable[[Item], Result]

    def begin(self, item: Item) -> "Future[Result]":
        return self.threads.submit(self.task, item)

    def is_done(self, handle: "Future[Result]") -> bool:
        return handle.done()

    def wait_for_any(self, handles: Sequence["Future[Result]"]) -> None:
        wait(handles, return_when=FIRST_COMPLETED)

    def result(self, handle: "Future[Result]") -> Result:
        return handle.result()

    def leave(self, handles: Sequence["Future[Any]"]) -> None:
        for handle in handles:
            handle.cancel()
