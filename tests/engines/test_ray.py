"""`--engine ray` on two nodes: the same bytes as by threads, whoever is killed; errors that arrive as ours.

One cluster serves the module. Its workers have a package of a test's own beside ours, which offers the source `caught`:
eICU whose conversion does what a file in a folder says, so that a worker can be met at its work.
"""

import contextlib
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import raw_meds
from installed import install
from raw_eicu import Data
from two_nodes import LOOPBACK, listening, process_tree, raylet_of, two_nodes
from wardround import errors
from wardround.cli import main
from wardround.engines import ray_cluster
from wardround.engines.engine import open_engine
from wardround.engines.shared_folder import Mark
from wardround.errors import BrokenFileError, ClusterError, UsageError
from wardround.sources import memory_plan
from wardround.sources.eicu import EICU
from wardround.sources.pipeline import prepare
from wardround.sources.registry import find_source
from wardround.sources.synthetic import LAYOUTS, synthesise
from wardround.stopping import Stopped

pytestmark = pytest.mark.slow

PACKAGE = '''
import contextlib, os, signal, time
from dataclasses import replace
from pathlib import Path

from wardround import errors
from wardround.cli import main
from wardround.errors import BrokenFileError
from wardround.sources.eicu import EICU

ORDERS = Path({folder!r})


def asked(order):
    """Whether an order was given and nobody took it yet; whoever does says who it is."""
    with contextlib.suppress(FileNotFoundError):
        os.rename(ORDERS / order, ORDERS / f"{{order}}-taken")
        (ORDERS / f"{{order}}.{{os.getpid()}}").touch()
        return True
    return False


def obeying(table):
    def convert(rows):
        if asked(f"sleep-{{os.getppid()}}") or asked("sleep"):
            time.sleep(60)
        if asked("nap"):
            time.sleep(1)
        if asked("break"):
            raise BrokenFileError("lab.csv.gz cannot be read to its end: cut or changed. Get it again.")
        if asked("divide"):
            raise ZeroDivisionError("a fault in a source")
        return table.convert(rows)

    return replace(table, convert=convert)


CAUGHT = replace(
    EICU, name="caught", dataset="eicu", stays_per_shard=20,
    paper_tables=(), all_tables=tuple(obeying(table) for table in EICU.all_tables),
)


def parent(pause_s, _):
    time.sleep(pause_s)
    return os.getppid()


def threads(_, name):
    import polars
    return polars.thread_pool_size()


def fail(kind, message):
    raise getattr(errors, kind)(message)


def die(_, item):
    os.kill(os.getpid(), signal.SIGKILL)
'''


@dataclass(frozen=True)
class Place:
    """What the tests of the module share."""

    raw: Path
    local: Data
    orders: Path
    cluster: Any

    def order(self, name: str) -> Callable[[], int]:
        """Give an order; returns a wait for the process that took it."""
        for old in self.orders.glob(f"{name}[-.]*"):
            old.unlink()
        (self.orders / name).touch()

        def taken() -> int:
            for _ in range(3_000):
                for found in self.orders.glob(f"{name}.*"):
                    return int(found.suffix[1:])
                time.sleep(0.01)
            raise TimeoutError(name)

        return taken

    def prepare(self, to: Path, engine: str = "ray", workers: int | None = None) -> Data:
        prepare(find_source("caught"), self.raw, to, workers=workers, quiet=True, engine=engine)
        return Data(to)


OWN_CLUSTER = """
import json, operator, os, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from two_nodes import listening, process_tree
from wardround.engines.engine import open_engine
from wardround.errors import ClusterError

stops = []
signal.signal(signal.SIGTERM, lambda *_: stops.append(1))
before = signal.getsignal(signal.SIGTERM)
with open_engine("ray", 1) as engine:
    assert list(engine.map(operator.add, 1, range(5), 1)) == [1, 2, 3, 4, 5]
    assert signal.getsignal(signal.SIGTERM) == before
    tree = sorted(process_tree(os.getpid()))
    heard = sorted(set(listening(set(tree))))
    from wardround.engines import ray_engine
    ray_engine.RETRIES = 0
    try:
        list(engine.map(operator.call, signal.raise_signal, [signal.SIGKILL], 1))
    except ClusterError as error:
        lost = str(error)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(4)  # for what Ray might say of both, and do: its own handler ends the process after 3 s
    closed = [oct(each.stat().st_mode & 0o777) for each in Path(os.environ["TMPDIR"]).glob("wr-*")]
    facts = {"lost": lost, "listening": heard, "tree": tree, "workers": engine.workers, "stops": stops, "modes": closed}
    print(json.dumps(facts))
"""


@dataclass(frozen=True)
class Alone:
    """A process with a cluster of its own, and the folders in which that may leave something."""

    process: "subprocess.Popen[str]"
    temporary: Path
    home: Path


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    """Begun before the cluster of the module: both wait more than they work."""
    temporary, home = Path(tempfile.mkdtemp(prefix="o-", dir="/tmp")), tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = kept | {"TMPDIR": str(temporary), "HOME": str(home)}
    command = [sys.executable, "-c", OWN_CLUSTER, str(Path(__file__).parents[1])]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        yield Alone(process, temporary, home)
    shutil.rmtree(temporary)


@pytest.fixture(scope="module")
def place(alone: Alone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Two nodes, this process connected to them; a raw folder and what threads make of it."""
    import ray

    folder = tmp_path_factory.mktemp("place")
    (folder / "orders").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        code = PACKAGE.format(folder=str(folder / "orders"))
        install(
            patch,
            folder / "p",
            "wardround-caught",
            "wardround_caught",
            code,
            "sources: caught = wardround_caught:CAUGHT",
        )
        for name, value in (("LEAST_ROWS", 100), ("MOST_BLOCK_ROWS", 2_000)):
            patch.setattr(memory_plan, name, value)
        path = os.pathsep.join([str(folder / "p"), *filter(None, [os.environ.get("PYTHONPATH")])])
        patch.setenv("PYTHONPATH", path)
        settings, layout = LAYOUTS["eicu"]
        synthesise(layout(settings(), 0), folder / "raw", 80, True)
        prepare(find_source("caught"), folder / "raw", folder / "local", workers=1, quiet=True)
        with two_nodes() as cluster:
            patch.setenv("RAY_ADDRESS", cluster.address)
            with open_engine("ray", None):  # whoever opens one inside finds the connection
                yield Place(folder / "raw", Data(folder / "local"), folder / "orders", cluster)
        assert not ray.is_initialized()


@contextlib.contextmanager
def meanwhile(do: Callable[[], None]) -> Iterator[None]:
    """Do something in a thread beside the block; its failure is that of the block."""
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(do)
        yield
        done.result()


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()


def is_there(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def tasks() -> Any:
    """The module that workers have, with tasks of a line."""
    return importlib.import_module("wardround_caught")


def test_both_nodes_make_the_bytes_that_threads_make(place: Place, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    import ray

    assert len(list((place.local.folder / "data").iterdir())) == 4
    nodes = {raylet_of(node) for node in (place.cluster.head_node, *place.cluster.worker_nodes)}
    with open_engine("ray", None) as engine:
        assert (engine.workers, engine.is_apart) == (2, True)
        assert {*engine.map(tasks().parent, 0.3, range(4), 2)} == nodes
        assert [*engine.map(tasks().threads, None, [0], 1)] == [1], "a worker has one core"
    words = ["prepare", "caught", str(place.raw), "--to", str(tmp_path / "data"), "--engine", "ray"]
    assert main(words) == 0
    told = capfd.readouterr()
    assert told.out.endswith(" is complete\n")
    assert {line.partition(":")[0] for line in told.err.splitlines()} == {"reading tables, MiB", "writing shards"}
    assert Data(tmp_path / "data").hashes() == place.local.hashes()
    assert ray.is_initialized(), "who was connected before stays it"


def test_nobody_outside_this_machine_is_heard(place: Place):
    """Control: a socket of this process on all addresses is seen."""
    of_cluster = process_tree(os.getpid())
    assert len(of_cluster) > 5
    assert set(listening(of_cluster)) == {LOOPBACK}
    with socket.create_server(("", 0)):
        assert set(listening(of_cluster)) == {LOOPBACK, "0.0.0.0"}


def test_a_table_that_a_mapping_makes_is_made_by_workers(place: Place, tmp_path: Path):
    """MEDS: no installed source has it, so that what the mapping says travels."""
    raw = raw_meds.tiny().write(tmp_path / "raw")
    made: list[dict[str, str]] = []
    for engine in ("local", "ray"):
        source = find_source("meds", [raw], raw / "mapping.toml")
        prepare(source, raw, tmp_path / engine, workers=2, quiet=True, engine=engine)
        made.append(Data(tmp_path / engine).hashes())
    assert made[0] == made[1]


def test_a_worker_that_is_killed_at_its_work_is_made_good(place: Place, tmp_path: Path):
    taken, killed = place.order("sleep"), []

    def kill() -> None:
        pid = taken()
        killed.append((pid, command_of(pid)))
        os.kill(pid, signal.SIGKILL)

    with meanwhile(kill):
        data = place.prepare(tmp_path / "data")
    ((pid, command),) = killed
    assert command.startswith("ray::convert"), "it was one of Ray's, at a task of ours"
    assert not is_there(pid)
    assert data.hashes() == place.local.hashes()


def test_an_error_of_a_worker_arrives_as_it_is(place: Place):
    message = "table lab: column labresult is not what it was. Get it again."
    with open_engine("ray", 2) as engine:
        for kind in (errors.SourceError, errors.BrokenFileError, errors.DataError, errors.StorageError):
            with pytest.raises(kind) as caught:
                list(engine.map(tasks().fail, kind.__name__, [message], 2))
            assert type(caught.value) is kind
            assert str(caught.value) == message


def test_prepare_says_what_it_says_with_threads(place: Place, tmp_path: Path):
    said: list[str] = []
    for engine in ("local", "ray"):
        place.order("break")
        with pytest.raises(BrokenFileError) as caught:
            place.prepare(tmp_path / engine, engine)
        said.append(str(caught.value))
        assert not (tmp_path / engine).exists(), "work on broken inputs is not gone on with"
    assert said == ["lab.csv.gz cannot be read to its end: cut or changed. Get it again."] * 2


def test_a_fault_in_a_source_is_not_dressed_up(place: Place, tmp_path: Path):
    place.order("divide")
    with pytest.raises(ZeroDivisionError, match="a fault in a source"):
        place.prepare(tmp_path / "data")


def test_workers_that_die_at_every_try_end_it(place: Place, monkeypatch: pytest.MonkeyPatch):
    from wardround.engines import ray_engine

    monkeypatch.setattr(ray_engine, "RETRIES", 0)
    lost = r"lost a task 1 times \(WorkerCrashedError\)\. Run the same command again to go on\."
    with open_engine("ray", 2) as engine, pytest.raises(ClusterError, match=lost):
        list(engine.map(tasks().die, None, [0], 2))


def test_workers_that_are_not_alike_are_refused(place: Place):
    with open_engine("ray", 2) as engine:
        with pytest.raises(ClusterError, match="lacks the package raw_meds: install the same"):
            list(engine.map(of_this_module, None, [0], 2))
        other = replace(engine, versions={"polars": "0.1"})
        with pytest.raises(ClusterError, match=r"node .* has polars [\d.]+, and 0\.1 is where the command runs"):
            list(other.map(tasks().parent, 0, [0], 2))


def of_this_module(_: None, item: int) -> int:
    return item


def test_a_folder_that_workers_do_not_see_is_refused(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from wardround.engines import ray_engine

    monkeypatch.setattr(ray_engine, "mark", lambda folder: Mark(folder, "elsewhere"))
    with pytest.raises(ClusterError, match=rf"{tmp_path}/data/\.work is not the same folder on node .* shared|disk"):
        place.prepare(tmp_path / "data")
    monkeypatch.undo()
    assert place.prepare(tmp_path / "data", "local").hashes() == place.local.hashes()


def test_sigterm_stops_it_and_threads_go_on(place: Place, tmp_path: Path):
    records = tmp_path / "data" / ".work" / "tables"
    before = signal.getsignal(signal.SIGTERM)

    def stop() -> None:
        while not (records.is_dir() and any(records.glob("*.json"))):
            time.sleep(0.01)
        place.order("nap")()
        os.kill(os.getpid(), signal.SIGTERM)

    with meanwhile(stop), pytest.raises(Stopped, match=r"Stopped as asked \(SIGTERM\)\. Run the same command again"):
        place.prepare(tmp_path / "data")
    assert any(records.glob("*.json"))
    assert not (tmp_path / "data" / "manifest.json").exists()
    assert signal.getsignal(signal.SIGTERM) == before
    assert place.prepare(tmp_path / "data", "local").hashes() == place.local.hashes()


def test_a_source_of_this_process_alone_is_refused(place: Place, tmp_path: Path):
    with pytest.raises(UsageError, match="'notebook' is of this process alone"):
        prepare(replace(EICU, name="notebook"), place.raw, tmp_path / "data", quiet=True, engine="ray")


def test_a_cluster_of_our_own_is_heard_by_nobody_and_leaves_nothing(alone: Alone):
    """Started for one call: it listens on 127.0.0.1 alone, says nothing, and goes with its files."""
    out, err = alone.process.communicate(timeout=120)
    assert (alone.process.returncode, err) == (0, "")
    said = json.loads(out)  # nothing else is said, not of the worker that was lost either
    assert said["lost"].startswith("The Ray cluster lost a task 1 times (WorkerCrashedError)")
    assert said["listening"] == [LOOPBACK]
    assert (len(said["tree"]) > 3, said["workers"]) == (True, 1)
    assert (said["stops"], said["modes"]) == ([1], ["0o700"])
    assert [pid for pid in said["tree"] if is_there(pid)] == []
    assert [*alone.temporary.iterdir(), *alone.home.iterdir()] == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:9", r"No Ray cluster answers at RAY_ADDRESS=127\.0\.0\.1:9 \(ConnectionRefusedError\)\. Start it"),
        ("auto", "give the address of the cluster's head node as HOST:PORT, or unset it"),
        ("ray://127.0.0.1:9", "as HOST:PORT"),
        ("127.0.0.1:99999", "No Ray cluster answers"),
    ],
)
def test_an_address_at_which_nobody_answers(address: str, said: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ray_cluster, "_is_connected", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(ClusterError, match=said), open_engine("ray", 1):
        pass


@pytest.mark.parametrize(
    ("address", "is_loopback"),
    [("127.0.0.1:6379", True), ("localhost:6379", True), ("[::1]:6379", True), ("10.0.0.1:6379", False)],
)
def test_a_cluster_on_127_0_0_1_is_looked_for_there(address: str, is_loopback: bool, monkeypatch: pytest.MonkeyPatch):
    """Ray took it for the outer address, at which such a cluster does not listen, and tried on for minutes."""
    asked: list[str | None] = []
    monkeypatch.setattr(ray_cluster, "_is_connected", lambda: False)
    monkeypatch.setattr(ray_cluster, "_refuse_silent", lambda _: None)
    monkeypatch.setattr(ray_cluster, "_cpus", lambda: 1)
    monkeypatch.setattr(ray_cluster, "_init", lambda *_, **__: asked.append(os.environ.get(ray_cluster.ONE_MACHINE)))
    monkeypatch.delenv(ray_cluster.ONE_MACHINE, raising=False)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with ray_cluster.connected(1):
        pass
    assert asked == ["0" if is_loopback else None]
    assert ray_cluster.ONE_MACHINE not in os.environ


@pytest.mark.parametrize(
    ("says", "said"),
    [
        (b"HTTP/1.0 400 Bad request\r\n\r\n", "What answers at RAY_ADDRESS=.* is no Ray cluster"),
        (b"-ERR", "is no Ray cluster"),
        (None, r"No Ray cluster answers at RAY_ADDRESS=.* \(TimeoutError\)"),
    ],
)
def test_an_address_at_which_something_else_answers(says: bytes | None, said: str, monkeypatch: pytest.MonkeyPatch):
    """Ray itself waits for it, for minutes or without end, and takes no interrupt meanwhile."""
    monkeypatch.setattr(ray_cluster, "_is_connected", lambda: False)
    monkeypatch.setattr(ray_cluster, "ANSWER_S", 0.5)
    with socket.create_server((LOOPBACK, 0)) as server:
        monkeypatch.setenv("RAY_ADDRESS", f"{LOOPBACK}:{server.getsockname()[1]}")

        def answer() -> None:
            if says is not None:
                with server.accept()[0] as caller:
                    caller.recv(100)
                    caller.sendall(says)

        with meanwhile(answer), pytest.raises(ClusterError, match=said), open_engine("ray", 1):
            pass


def test_ctrl_c_while_ray_starts_is_put_off_until_it_has(monkeypatch: pytest.MonkeyPatch):
    """In the midst of it an interrupt crashed the interpreter, some times."""
    import ray

    through: list[str] = []

    def start(**_: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        through.append("started")

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(ray, "init", start)
    with ThreadPoolExecutor(1) as thread, pytest.raises(KeyboardInterrupt):
        ray_cluster._init(thread, address="local")
    assert through == ["started"]
    assert signal.getsignal(signal.SIGINT) == before


def test_ray_that_would_listen_to_everybody_is_not_started(monkeypatch: pytest.MonkeyPatch):
    """It was imported before, and took up its settings."""
    import ray

    monkeypatch.setattr(ray_cluster, "_is_connected", lambda: False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.delenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER")
    monkeypatch.setattr(ray, "init", lambda **_: pytest.fail("it was started"))
    with pytest.raises(ClusterError, match="imported before, and would listen on all"), open_engine("ray", 1):
        pass


def test_a_node_that_is_killed_at_its_work_is_made_good(place: Place, tmp_path: Path):
    """The last: the cluster has one node afterwards."""
    (node,) = place.cluster.worker_nodes
    raylet = raylet_of(node)
    taken, killed = place.order(f"sleep-{raylet}"), list[int]()

    def kill() -> None:
        killed.append(taken())
        for pid in process_tree(raylet):
            os.kill(pid, signal.SIGKILL)

    with meanwhile(kill):
        data = place.prepare(tmp_path / "data")
    assert killed
    assert not any(is_there(pid) for pid in (*killed, raylet))
    assert data.hashes() == place.local.hashes()
