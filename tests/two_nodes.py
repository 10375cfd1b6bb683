"""A Ray cluster of two nodes with one core each on this machine, which nobody else can reach.

Its processes are ended by their ids. Ray is told before its import that there is one machine only: else every process
of it would listen on all addresses.
"""

import contextlib
import ipaddress
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] = "."

LOOPBACK = "127.0.0.1"
PATIENCE = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1_000,
    "health_check_failure_threshold": 3,
}
"""A node that is killed is missed within seconds."""


@contextlib.contextmanager
def two_nodes() -> Iterator[Any]:
    """The cluster, with `address`, `head_node` and `worker_nodes`."""
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="wr-", dir="/tmp")
    os.environ["RAY_TMPDIR"] = folder
    node = {"num_cpus": 1, "num_gpus": 0, "node_ip_address": LOOPBACK, "include_dashboard": False}
    cluster = Cluster(head_node_args={**node, "_system_config": PATIENCE}, initialize_head=True)
    try:
        cluster.add_node(**node)
        yield cluster
    finally:
        cluster.shutdown()
        del os.environ["RAY_TMPDIR"]
        while Path(folder).exists():  # the last process may still be writing
            shutil.rmtree(folder, ignore_errors=True)
            time.sleep(0.1)


def raylet_of(node: Any) -> int:
    """The process id of a node's own process, whose children are its workers."""
    return node.all_processes["raylet"][0].process.pid


def process_tree(pid: int) -> set[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found, queue = set[int](), [pid]
    while queue:
        one = queue.pop()
        found.add(one)
        queue += children.get(one, [])
    return found


def listening(pids: set[int]) -> list[str]:
    """The addresses on which some processes listen (TCP), as the system tells them: `127.0.0.1`, `::`, ..."""
    sockets = set[str]()
    for pid in pids:
        with contextlib.suppress(OSError):
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    sockets.add(os.readlink(link).removeprefix("socket:[").removesuffix("]"))
    found: list[str] = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[3] == "0A" and cells[9] in sockets:
                found.append(_address(bytes.fromhex(cells[1].partition(":")[0])))
    return found


def _address(raw: bytes) -> str:
    """Of four bytes or sixteen, each four of them the wrong way round."""
    whole = ipaddress.ip_address(b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4)))
    mapped = getattr(whole, "ipv4_mapped", None)
    return str(mapped or whole)
