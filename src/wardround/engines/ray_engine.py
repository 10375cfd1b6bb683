"""The engine `ray`: tasks of a Ray cluster.

What all tasks share is put into Ray's store once and items follow one by one, so that memory holds no more than what
is under way. A task whose worker or node is lost is done again elsewhere: all that it may have written is whole or not
there.
"""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import ray
import ray.exceptions

from wardround.engines.order import in_order
from wardround.engines.ray_cluster import ONE_CORE, RETRIES
from wardround.engines.ray_errors import ray_errors
from wardround.engines.ray_worker import (
    Failed,
    Job,
    send_frames_as_buffers,
    send_frames_as_ever,
    versions_of,
    work,
)
from wardround.engines.shared_folder import mark
from wardround.errors import ClusterError
from wardround.stopping import goes_on

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

LEAVE_S: Final = 60.0
"""Tasks that write are waited for, where the command stops early."""
POLL_S: Final = 1.0
"""Whoever waits for tasks looks so often whether it is to stop."""
PACKAGES: Final = ("wardround", "polars", "pyarrow")
"""Of one version everywhere, whatever Ray itself asks for."""


@dataclass(frozen=True)
class RayEngine:
    """Tasks of the cluster that this process is connected to.

    Attributes:
        workers: tasks at once.
        cpus: that the cluster has for them.
        versions: package -> the version that workers must have.
        check: raises where work is to stop; asked while tasks are waited for.
    """

    workers: int
    cpus: int
    versions: dict[str, str]
    check: Callable[[], None]
    is_apart: bool = True

    def map(
        self,
        task: Callable[[Shared, Item], Result],
        shared: Shared,
        items: Iterable[Item],
        workers: int,
        ahead: int | None = 0,
        folder: Path | None = None,
    ) -> Iterator[Result]:
        """As `Engine.map` says. Where there are no cores to spare, one task more is begun, and waits for one."""
        job = Job(task, shared, self.versions, None if folder is None else mark(folder))
        remote = ray.remote(work).options(
            name=getattr(task, "__name__", "work"), num_cpus=1, max_retries=RETRIES, runtime_env=ONE_CORE
        )
        with ray_errors(RETRIES + 1):
            put = ray.put(job)
        tasks = _Tasks(remote, put, folder is not None, self.check)
        begun = workers + 1 if workers >= self.cpus else workers
        yield from in_order(tasks, items, begun, ahead)


@contextlib.contextmanager
def ray_engine(
    workers: int, cpus: int, packages: Sequence[str] = (), check: Callable[[], None] = goes_on
) -> Generator[RayEngine]:
    """The engine, on the connection that there is.

    Args:
        workers: tasks at once.
        cpus: of the cluster.
        packages: that workers must have in the version that is here, besides `PACKAGES`.
        check: raises where work is to stop.
    """
    send_frames_as_buffers()
    try:
        yield RayEngine(workers, cpus, versions_of([*PACKAGES, *packages]), check)
    finally:
        send_frames_as_ever()


@dataclass(frozen=True)
class _Tasks:
    work: Any
    job: Any
    waits_for_them: bool
    check: Callable[[], None]

    def begin(self, item: Any) -> Any:
        with ray_errors(RETRIES + 1):
            return self.work.remote(self.job, item)

    def is_done(self, handle: Any) -> bool:
        return bool(_waited([handle], 1, 0)[0])

    def wait_for_any(self, handles: Sequence[Any]) -> None:
        while not _waited(handles, 1, POLL_S)[0]:
            self.check()

    def result(self, handle: Any) -> Any:
        self.wait_for_any([handle])
        with ray_errors(RETRIES + 1):
            result = ray.get(handle)
        if isinstance(result, Failed):
            raise result.error
        return result

    def leave(self, handles: Sequence[Any]) -> None:
        """Those that write come to an end first, unless that takes too long; of a cluster that fails nothing more is
        asked. What is done is not cancelled: Ray may end this process over that."""
        with contextlib.suppress(ClusterError, ray.exceptions.RayError):
            left = _waited(handles, len(handles), LEAVE_S if self.waits_for_them else 0)[1] if handles else []
            for handle in left:
                ray.cancel(handle, force=True)


def _waited(handles: Sequence[Any], count: int, timeout_s: float) -> tuple[list[Any], list[Any]]:
    """Those that are done, and the others, once so many are done or the time is over. Raises `ClusterError`."""
    wait: Any = ray.wait  # pyright: ignore[reportUnknownVariableType]
    with ray_errors(RETRIES + 1):
        return wait(list(handles), num_returns=count, timeout=timeout_s, fetch_local=False)
