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
from wardround.engines.ray_cluster import ONE_CORE
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

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

RETRIES: Final = 3
"""A task is begun again so often where its worker or node is lost."""
LEAVE_S: Final = 60.0
"""Tasks that write are waited for, where the command stops early."""
PACKAGES: Final = ("wardround", "polars", "pyarrow")
"""Of one version everywhere, whatever Ray itself asks for."""


@dataclass(frozen=True)
class RayEngine:
    """Tasks of the cluster that this process is connected to.

    Attributes:
        workers: tasks at once.
        cpus: that the cluster has for them.
        versions: package -> the version that workers must have.
    """

    workers: int
    cpus: int
    versions: dict[str, str]
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
        tasks = _Tasks(remote, ray.put(job), waits_for_them=folder is not None)
        begun = workers + 1 if workers >= self.cpus else workers
        yield from in_order(tasks, items, begun, ahead)


@contextlib.contextmanager
def ray_engine(workers: int, cpus: int, packages: Sequence[str] = ()) -> Generator[RayEngine]:
    """The engine, on the connection that there is.

    Args:
        workers: tasks at once.
        cpus: of the cluster.
        packages: that workers must have in the version that is here, besides `PACKAGES`.
    """
    send_frames_as_buffers()
    try:
        yield RayEngine(workers, cpus, versions_of([*PACKAGES, *packages]))
    finally:
        send_frames_as_ever()


@dataclass(frozen=True)
class _Tasks:
    work: Any
    job: Any
    waits_for_them: bool

    def begin(self, item: Any) -> Any:
        return self.work.remote(self.job, item)

    def is_done(self, handle: Any) -> bool:
        return bool(_waited([handle], 1, 0)[0])

    def wait_for_any(self, handles: Sequence[Any]) -> None:
        _waited(handles, 1, None)

    def result(self, handle: Any) -> Any:
        with _errors():
            result = ray.get(handle)
        if isinstance(result, Failed):
            raise result.error
        return result

    def leave(self, handles: Sequence[Any]) -> None:
        """Those that write come to an end first, unless that takes too long."""
        left = list(handles)
        if left and self.waits_for_them:
            left = _waited(left, len(left), LEAVE_S)[1]
        for handle in left:
            ray.cancel(handle, force=True)


def _waited(handles: Sequence[Any], count: int, timeout_s: float | None) -> tuple[list[Any], list[Any]]:
    """Those that are done, and the others, once so many are done or the time is over."""
    wait: Any = ray.wait  # pyright: ignore[reportUnknownVariableType]
    return wait(list(handles), num_returns=count, timeout=timeout_s, fetch_local=False)


@contextlib.contextmanager
def _errors() -> Generator[None]:
    """What Ray raises, as an error of ours; what is a fault in a task's code stays what it is."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        if _is_of_imports(error):
            raise ClusterError(
                "A node of the Ray cluster lacks a package that the command needs: install the same packages on every "
                "node."
            ) from None
        raise
    except ray.exceptions.RayError as error:
        raise ClusterError(
            f"The Ray cluster lost a task {RETRIES + 1} times ({type(error).__name__}). "
            "Run the same command again to go on."
        ) from None


def _is_of_imports(error: Exception) -> bool:
    cause = getattr(error, "cause", None)
    return isinstance(cause, ImportError) or "No module named" in str(cause) or "failed to import" in str(cause)
