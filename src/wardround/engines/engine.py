"""An engine: one task done for many items, some at a time, the results in the order of the items.

    with open_engine("ray", workers=None) as engine:
        for result in engine.map(task, shared, items, engine.workers):
            ...

The bytes of what is made depend on neither the engine nor its workers: a task is a function of what all tasks share
and its item, and what it writes is whole or not there (`files.py`), so that it may be done twice.
"""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from wardround.engines.local import LocalEngine
from wardround.errors import UsageError
from wardround.stopping import goes_on

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


@runtime_checkable
class Engine(Protocol):
    """Whoever does tasks."""

    @property
    def workers(self) -> int:
        """Tasks at once: as many as were asked for, else as many as there are cores for."""
        ...

    @property
    def is_apart(self) -> bool:
        """Whether each worker is a process with memory of its own, maybe on another machine."""
        ...

    def map(
        self,
        task: Callable[[Shared, Item], Result],
        shared: Shared,
        items: Iterable[Item],
        workers: int,
        ahead: int | None = 0,
        folder: Path | None = None,
    ) -> Iterator[Result]:
        """Do a task for each item.

        Args:
            task: a function of a module.
            shared: what it needs for every item; large things belong here.
            items: asked for one by one, when there is room for another task.
            workers: tasks at once, at most.
            ahead: results that may wait for those before them, beside the tasks under way; None for any number.
            folder: an absolute path that tasks read or write below, which every worker has to see; None where they
                touch no disk.

        Yields:
            The results, in the order of the items.

        Raises:
            ClusterError: where workers are lost time and again, do not see the folder, or have other packages.
            WardroundError: what a task raises; tasks that did not begin are then never done.
        """
        ...


@contextlib.contextmanager
def open_engine(
    name: str, workers: int | None, packages: Sequence[str] = (), check: Callable[[], None] = goes_on
) -> Generator[Engine]:
    """An engine for as long as the block lasts.

    Args:
        name: "local" or "ray".
        workers: tasks at once; None for as many as there are cores for.
        packages: that workers need to have in the version that is here, besides our own and those that decide bytes.
        check: raises where work is to stop; asked while a cluster's tasks are waited for, which may take long.

    Raises:
        UsageError: for a name that does not exist; where its package is not installed.
        ClusterError: where a cluster does not answer, or does not start.
    """
    refuse_unusable(name)
    if name == "local":
        yield LocalEngine(workers)
        return
    from wardround.engines.ray_cluster import connected

    with connected(workers) as cpus:
        # late: it imports Ray, which takes its settings as it is imported
        from wardround.engines.ray_engine import ray_engine

        with ray_engine(workers or cpus, cpus, packages, check) as engine:
            yield engine


def refuse_unusable(name: str) -> None:
    """Raises `UsageError` where there is no engine of that name, or its package is not installed."""
    if name not in ("local", "ray"):
        raise UsageError(f"no engine {name!r}. There are: local, ray.")
    if name == "ray":
        from wardround.engines.ray_cluster import refuse_without_ray

        refuse_without_ray()
