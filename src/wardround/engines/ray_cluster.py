"""The Ray cluster that work goes to: the one that this process is connected to, that of `RAY_ADDRESS`, else one of this
machine, which nobody else can reach and which goes with the block.

What we start listens on 127.0.0.1 alone, asks its callers for a token that only they know, shows no dashboard, tells
nobody of its use, and keeps its files below the system's folder for temporary ones.
"""

import contextlib
import importlib.util
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from wardround.cores import usable_cores
from wardround.engines.own_processes import own_folder
from wardround.errors import ClusterError, UsageError

ADDRESS: Final = "RAY_ADDRESS"
LOOPBACK: Final = "127.0.0.1"
ANSWER_S: Final = 5.0
TLS: Final = "RAY_USE_TLS"
NO_SETTINGS: Final = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + NO_SETTINGS
"""What a client of HTTP/2 says first, and a server too: a frame of settings, here none."""
STORE_BYTES: Final = 256 * 2**20
STORE_BYTES_PER_WORKER: Final = 128 * 2**20
"""Of memory for what travels: a block, the events of another, and what waits to be written."""
ONE_MACHINE: Final = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""At 0 Ray is for one machine only, on Linux too: without it 127.0.0.1 is taken for the machine's outer address, and
every process of Ray's listens on all of them."""
AUTH_MODE: Final = "RAY_AUTH_MODE"
ONE_CORE: Final = {"env_vars": {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}}
"""The environment of a worker."""
RETRIES: Final = 3
"""A task is begun again so often where its worker or node is lost."""
EVERYWHERE: Final = {"RAY_DEDUP_LOGS_SKIP_REGEX": ".", "RAY_task_oom_retries": str(RETRIES)}
"""Else what Ray has to tell of workers that were lost stands on stdout, between the lines of a result; and a task that
a node ends for want of memory is begun again without end."""
OURS: Final = {
    ONE_MACHINE: "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    AUTH_MODE: "token",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Of a cluster of one machine: no reports to Ray's makers, a token that callers need, no warning of what comes."""


def refuse_without_ray() -> None:
    """Raises `UsageError` where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--engine ray needs Ray: pip install 'wardround[ray]', on every node.")


@contextlib.contextmanager
def connected(workers: int | None) -> Generator[int]:
    """A connection to a cluster for as long as the block lasts; what was there before stays.

    Args:
        workers: of a cluster that is started for this; None for one a core.

    Yields:
        How many tasks the cluster can do at once.

    Raises:
        ClusterError: where it does not answer, or does not start.
    """
    with contextlib.ExitStack() as stack:
        address = os.environ.get(ADDRESS, "")
        if not _is_connected():
            stack.enter_context(_settings(EVERYWHERE))
            if address in ("", "local"):
                stack.enter_context(_own_cluster(workers or usable_cores()))
            else:
                _refuse_silent(address)
                stack.enter_context(_settings({ONE_MACHINE: "0"} if _is_loopback(address) else {}))
                thread = stack.enter_context(_ours_to_end(f"The Ray cluster at {ADDRESS}={address} cannot be used"))
                _init(thread, address=address)
        yield _cpus()


def _is_connected() -> bool:
    """Whether this process is; Ray is not imported for the answer, its settings may still come."""
    return "ray" in sys.modules and sys.modules["ray"].is_initialized()


def _is_loopback(address: str) -> bool:
    """Whether a cluster is asked for on this machine's address for itself."""
    host = address.rpartition(":")[0].strip("[]")
    return host in ("localhost", "::1") or host.startswith("127.")


def _refuse_silent(address: str) -> None:
    """Raises `ClusterError` where nobody listens at an address, or what does is no Ray: Ray itself would go on trying
    for minutes, and with some, such as a web server, for ever."""
    host, _, port = address.rpartition(":")
    if "/" in host or not host or not port.isdecimal():
        raise ClusterError(
            f"{ADDRESS}={address}: give the address of the cluster's head node as HOST:PORT, or unset it."
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S) as connection:
            is_ray = os.environ.get(TLS, "0") not in ("", "0") or _speaks_http2(connection)
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"No Ray cluster answers at {ADDRESS}={address} ({type(error).__name__}). Start it, or unset {ADDRESS} to "
            "work on this machine alone."
        ) from None
    if not is_ray:
        raise ClusterError(
            f"What answers at {ADDRESS}={address} is no Ray cluster. Give the address that `ray start --head` prints, "
            f"or unset {ADDRESS} to work on this machine alone."
        )


def _speaks_http2(connection: socket.socket) -> bool:
    """Whether the other side answers as HTTP/2 begins (RFC 9113, 3.4), on which Ray's own protocol stands. Raises
    OSError, also where it does not answer in time."""
    connection.sendall(PREFACE)
    head = b""
    while len(head) < len(NO_SETTINGS):
        more = connection.recv(len(NO_SETTINGS) - len(head))
        if not more:
            break
        head += more
    return head[3:5] == NO_SETTINGS[3:5]


@contextlib.contextmanager
def _own_cluster(cpus: int) -> Generator[None]:
    """A cluster of this machine alone."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(_settings(_own_settings()))
        folder = stack.enter_context(own_folder())
        thread = stack.enter_context(_ours_to_end("Ray does not start on this machine"))
        _init(
            thread,
            address="local",
            num_cpus=cpus,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=STORE_BYTES + STORE_BYTES_PER_WORKER * cpus,
            _node_ip_address=LOOPBACK,
            _temp_dir=str(folder),
        )
        _refuse_other_address()
        yield


@contextlib.contextmanager
def _ours_to_end(trouble: str) -> Generator[ThreadPoolExecutor]:
    """End the connection, and what was started with it, at the end; what fails before says `trouble`.

    Yields:
        The thread to begin it in, which stays until then: processes of Ray's end with the thread that started them.
    """
    import ray

    try:
        with ThreadPoolExecutor(1) as thread:
            try:
                yield thread
            finally:
                ray.shutdown()
    except _Trouble as error:
        said = (str(error.__cause__).strip().splitlines() or [""])[0]
        raise ClusterError(f"{trouble} ({type(error.__cause__).__name__}: {said[:200]}).") from error.__cause__


class _Trouble(Exception):
    """Ray's own exception, its cause, while it connects."""


def _init(thread: ThreadPoolExecutor, **options: Any) -> None:
    """`ray.init` without a word on stderr, in another thread: in this one it would take SIGTERM for itself, and
    an interrupt in the midst of it ends in a crash. Ctrl-C is put off until it is through.

    Raises:
        _Trouble: what Ray raises.
        KeyboardInterrupt: on Ctrl-C meanwhile.
    """
    import ray

    def begin() -> None:
        ray.init(log_to_driver=False, logging_level=logging.CRITICAL, runtime_env=ONE_CORE, **options)

    with _interrupt_put_off():
        try:
            thread.submit(begin).result()
        except Exception as error:  # whatever Ray raises
            raise _Trouble from error
        finally:
            _take_sigterm_back()


def _take_sigterm_back() -> None:
    """Ray's core puts a handler of its own over Python's, which aborts three seconds after a SIGTERM."""
    handler = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is threading.main_thread() and handler is not None:
        signal.signal(signal.SIGTERM, handler)


@contextlib.contextmanager
def _interrupt_put_off() -> Generator[None]:
    """Ctrl-C in the block counts at its end; in the main thread, which alone handles signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    made: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: made.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if made:
        raise KeyboardInterrupt


def _refuse_other_address() -> None:
    """Raises `ClusterError` where what was started can be reached from outside."""
    import ray

    address: str = ray.util.get_node_ip_address()  # pyright: ignore[reportUnknownVariableType]
    if address != LOOPBACK:
        raise ClusterError(
            f"Ray listens on {address}. Set {ONE_MACHINE}=0, or connect to a cluster of your own (RAY_ADDRESS)."
        )


def _cpus() -> int:
    """Tasks at once. Raises `ClusterError` where there is no core for any."""
    import ray

    from wardround.engines.ray_errors import ray_errors

    with ray_errors(tries=1):
        cpus = int(ray.cluster_resources().get("CPU", 0))
    if cpus < 1:
        raise ClusterError("The Ray cluster has no CPU: start its nodes with --num-cpus.")
    return cpus


def _own_settings() -> dict[str, str]:
    """Settings of Ray for a cluster of one machine. Ray takes them up once a process: those of the first cluster are
    those of the next.

    Raises:
        ClusterError: where it has taken up others before.
    """
    if not _TAKEN_UP:
        if "ray" in sys.modules and (os.environ.get(ONE_MACHINE) != "0" or AUTH_MODE not in os.environ):
            raise ClusterError(
                "Ray was imported before, and would listen on all addresses of this machine, or to everybody. Connect "
                f"to a cluster of your own first (ray.init), or set {ONE_MACHINE}=0 and {AUTH_MODE}=token before Ray "
                "is imported."
            )
        _TAKEN_UP.update({**OURS, "RAY_AUTH_TOKEN": secrets.token_hex(32)})
    return _TAKEN_UP


_TAKEN_UP: Final = dict[str, str]()


@contextlib.contextmanager
def _settings(variables: Mapping[str, str]) -> Generator[None]:
    """Variables of the environment, of this process and those that it starts, for as long as the block lasts; what a
    person set stays as it is."""
    ours = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
