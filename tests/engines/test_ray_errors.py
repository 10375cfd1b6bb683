"""What Ray raises and how long it is waited for, without a cluster: Ray's own calls are played."""

import os
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

import two_nodes  # noqa: F401 (settings of Ray, which it takes up as it is imported)
from wardround.engines import own_processes, ray_cluster
from wardround.errors import ClusterError
from wardround.stopping import Stopped, StopRequest

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra `ray`")


def said_of(error: Exception) -> str:
    from wardround.engines.ray_errors import ray_errors

    with pytest.raises(ClusterError) as caught, ray_errors(4):
        raise error
    return str(caught.value)


def of_ray(name: str, *words: object) -> Exception:
    from ray import exceptions

    return getattr(exceptions, name)(*words)


def of_task(cause: Exception) -> Exception:
    """The end of a task that raised something, as `ray.get` raises it."""
    from ray.exceptions import RayTaskError

    return RayTaskError("work", "Traceback", cause).as_instanceof_cause()


NO_ROOM = "The Ray cluster has no room for what travels to its workers"
LOST = "The Ray cluster lost a task 4 times"
MEMORY = (
    "A node of the Ray cluster is short of memory: a task was ended for that 4 times. Give fewer --workers, a smaller"
)


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("WorkerCrashedError", [], f"{LOST} (WorkerCrashedError). Run the same command again to go on."),
        ("NodeDiedError", ["node 3"], f"{LOST} (NodeDiedError)"),
        ("ObjectLostError", ["0" * 56, None, "here"], f"{LOST} (ObjectLostError)"),
        ("OutOfMemoryError", ["killed: 0.98 of 4 GB"], MEMORY),
        ("ObjectStoreFullError", ["full"], f"{NO_ROOM} (ObjectStoreFullError): give its store more memory, or free"),
        ("OutOfDiskError", ["full"], f"{NO_ROOM} (OutOfDiskError)"),
        ("RuntimeEnvSetupError", ["no"], "A node of the Ray cluster cannot start a worker"),
        ("RaySystemError", ["gcs"], "The Ray cluster failed (RaySystemError): its log says why. Run the same"),
        ("LocalRayletDiedError", [], "The Ray cluster failed (LocalRayletDiedError)"),
    ],
)
def test_each_trouble_of_a_cluster_has_its_words(name: str, words: list[object], said: str):
    assert said_of(of_ray(name, *words)).startswith(said)


def test_a_package_that_a_node_lacks_is_named():
    for cause in (
        ModuleNotFoundError("No module named 'pyarrow.dataset'", name="pyarrow.dataset"),
        of_ray("RaySystemError", "No module named 'pyarrow'"),
        RuntimeError("The remote function failed to import on the worker. ... No module named 'pyarrow'"),
    ):
        assert said_of(of_task(cause)) == (
            "A node of the Ray cluster lacks the package pyarrow: install the same packages, in the same versions, on "
            "every node."
        )


def test_what_a_node_cannot_unpack_is_a_matter_of_its_packages():
    error = of_task(of_ray("RaySystemError", "Can't get attribute 'convert'"))
    assert said_of(error).startswith("A node of the Ray cluster lacks what is needed to unpack a task: install")


@pytest.mark.parametrize(
    "cause",
    [
        ImportError("cannot import name 'frist' from 'polars'", name="polars"),
        ModuleNotFoundError("No module named 'wardround_nowhere'", name="wardround_nowhere"),
        ModuleNotFoundError("No module named 'wardround_nowhere.inside'", name="wardround_nowhere.inside"),
        ModuleNotFoundError("a text of its own"),
        KeyError("No module named 'pyarrow'"),
    ],
)
def test_a_fault_of_a_source_is_no_lack_of_a_node(cause: Exception):
    from wardround.engines.ray_errors import ray_errors

    with pytest.raises(type(cause)) as caught, ray_errors(4):
        raise of_task(cause)
    assert not isinstance(caught.value, ClusterError)


class Played:
    """Ray's calls, each as it is told."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.put: Callable[[Any], Any] = lambda value: value
        self.begin: Callable[[Any], Any] = lambda item: item
        self.wait: Callable[[], bool] = lambda: True
        self.cancelled: list[Any] = []
        import ray

        patch.setattr(ray, "put", lambda value: self.put(value))
        patch.setattr(ray, "get", lambda handle: handle)
        patch.setattr(ray, "wait", self._wait)
        patch.setattr(ray, "cancel", lambda handle, force: self.cancelled.append(handle))
        patch.setattr(ray, "remote", lambda _: self)

    def options(self, **_: Any) -> "Played":
        return self

    def remote(self, _: Any, item: Any) -> Any:
        return self.begin(item)

    def _wait(self, handles: list[Any], num_returns: int, timeout: float | None, fetch_local: bool) -> Any:
        assert timeout is not None, "nobody waits without end"
        assert not fetch_local
        return (handles[:num_returns], handles[num_returns:]) if self.wait() else ([], handles)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    return Played(monkeypatch)


def raising(error: Exception) -> Callable[..., Any]:
    def call(*_: Any) -> Any:
        raise error

    return call


def of_item(_: None, item: int) -> int:
    return item


def mapped(check: Callable[[], None] = lambda: None) -> Iterator[int]:
    from wardround.engines.ray_engine import RayEngine

    return RayEngine(1, 2, {}, check).map(of_item, None, range(3), 1)


@pytest.mark.parametrize("call", ["put", "begin", "wait"])
def test_what_any_call_raises_is_said(played: Played, call: str):
    assert list(mapped()) == [0, 1, 2]
    setattr(played, call, raising(of_ray("RaySystemError", "gone")))
    with pytest.raises(ClusterError, match=r"^The Ray cluster failed \(RaySystemError\)"):
        list(mapped())


def test_whoever_waits_hears_that_it_is_to_stop(played: Played):
    request, polls = StopRequest(), list[int]()

    def never() -> bool:
        polls.append(1)
        request.made = len(polls) > 3
        return False

    played.wait = never
    with pytest.raises(Stopped):
        list(mapped(request.check))
    assert played.cancelled == [0]


def test_what_is_done_is_not_cancelled(played: Played, monkeypatch: pytest.MonkeyPatch):
    """Ray ended the process that asked for it: a task that raised was cancelled after its end."""
    import ray

    monkeypatch.setattr(ray, "get", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        list(mapped())
    assert played.cancelled == []


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch):
    """Also where a second cluster follows the first: Ray took its settings up already."""
    import ray

    for name in (*ray_cluster.OURS, *ray_cluster.EVERYWHERE, "RAY_AUTH_TOKEN", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "a person's")
    monkeypatch.setattr(ray_cluster, "_TAKEN_UP", {})
    monkeypatch.setattr(ray_cluster, "_is_connected", lambda: False)
    monkeypatch.setattr(ray_cluster, "_refuse_other_address", lambda: None)
    monkeypatch.setattr(ray_cluster, "_cpus", lambda: 1)
    monkeypatch.setattr(own_processes, "QUIET_S", 0)
    monkeypatch.setattr(ray, "init", lambda **_: None)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    before, inside = dict(os.environ), list[dict[str, str]]()
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "ray")
        settings = ray_cluster._own_settings()
    for _ in range(2):
        with ray_cluster.connected(1):
            inside.append(dict(os.environ))
        assert dict(os.environ) == before
    assert inside[0] == inside[1]
    assert inside[0].items() >= {**settings, **ray_cluster.EVERYWHERE, "RAY_AUTH_MODE": "a person's"}.items()


def test_ray_that_was_imported_with_an_open_door_is_not_started(monkeypatch: pytest.MonkeyPatch):
    """It waited 20 s for itself: it asked for a token, and was started without one."""
    import ray  # noqa: F401

    monkeypatch.setattr(ray_cluster, "_TAKEN_UP", {})
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with pytest.raises(ClusterError, match="and RAY_AUTH_MODE=token before Ray is imported"):
        ray_cluster._own_settings()
