"""What a process of a Ray cluster does for us: it looks whether it is fit, then does one task.

Ray carries what a task is given in its own way (cloudpickle, over the cluster's own connections): functions by the name
of their module, where packages are installed alike, and tables as Arrow buffers (`frames.py`). Nothing of it is read
from a file. An error of ours is a result, so that it arrives as what it is and not as a traceback of Ray's.
"""

import importlib.metadata
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from wardround.engines.frames import from_buffer, to_buffer
from wardround.engines.shared_folder import Mark
from wardround.errors import ClusterError, WardroundError


@dataclass(frozen=True)
class Job:
    """What all tasks of a call share.

    Attributes:
        task: a function of what they share and an item.
        shared: that.
        versions: package -> its version where the work is handed out.
        mark: of the folder that they work in; None where they touch no disk.
    """

    task: Callable[[Any, Any], Any]
    shared: Any
    versions: Mapping[str, str]
    mark: Mark | None


@dataclass(frozen=True)
class Failed:
    """The end of a task that raised an error of ours."""

    error: WardroundError


def work(job: Job, item: Any) -> Any:
    """Do one task: its result, or `Failed`."""
    send_frames_as_buffers()
    try:
        _refuse_other_versions(job.versions)
        if job.mark is not None:
            job.mark.check(platform.node())
        return job.task(job.shared, item)
    except WardroundError as error:
        return Failed(error)


def send_frames_as_buffers() -> None:
    """Tables that leave this process are buffers, which are not copied where they arrive."""
    import ray

    ray.util.register_serializer(pl.DataFrame, serializer=to_buffer, deserializer=from_buffer)


def send_frames_as_ever() -> None:
    """Undo it."""
    import ray

    ray.util.deregister_serializer(pl.DataFrame)


def versions_of(packages: Sequence[str]) -> dict[str, str]:
    """Package -> its version here, "none" where it is not installed."""
    return {package: _version(package) for package in packages}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _refuse_other_versions(versions: Mapping[str, str]) -> None:
    """Raises `ClusterError` where a package is of another version here: the bytes might depend on who made them."""
    for package, version in versions.items():
        here = _version(package)
        if here != version:
            raise ClusterError(
                f"node {platform.node()} has {package} {here}, and {version} is where the command runs: install "
                "the same packages on every node."
            )
