"""Cells of a comparison side by side: each in one of some processes, which share nothing but the folder.

A cell waits while another makes what both need: the encoders, the search, or the run itself where two rows are the
same. What a process says of its work comes as lines of JSON (`worker.py`). A cell is made of its own inputs, with its
own seed, so that nothing hangs on how many there are, but for a search that minutes end: trials beside others take
longer, and fewer are made.

Processes hold the lock of the comparison's folder with the one that started them: however that ends, nobody else begins
there until the last of them has left. A Ctrl-C on the terminal is not for them, who are in a group of their own.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, Final, cast

from wardround import files
from wardround.compare.cells import Cell, Hashes
from wardround.compare.work import is_done
from wardround.cores import usable_cores
from wardround.errors import RunError, StorageError
from wardround.progress import Progress
from wardround.stopping import StopRequest

HEAR_S: Final = 0.2
"""How long to wait for word of a process before looking whether to stop."""

WORKER: Final = "wardround.compare.worker"

THREADS: Final = ("OMP_NUM_THREADS", "POLARS_MAX_THREADS")
"""How many cores a process takes, as its libraries read it when they are loaded; what a person set stays."""


@dataclass(frozen=True)
class Orders:
    """What every process is told at its start.

    Attributes:
        recipe: the file; a process reads it itself.
        seed: of draws and searches.
        hashes: of the data folders.
        to: the folder of the comparison.
        lock: the descriptor that holds its lock; None where there is none.
    """

    recipe: Path
    seed: int
    hashes: Hashes
    to: Path
    lock: int | None = None

    def words(self) -> list[str]:
        """The command of a process; it finds modules where this one does."""
        hashes = json.dumps([self.hashes.data, self.hashes.test_data])
        return [sys.executable, "-P", "-m", WORKER, str(self.recipe), str(self.seed), hashes, str(self.to)]


def side_by_side(
    orders: Orders, cells: Sequence[Cell], workers: int, stop: StopRequest, bar: Progress[Any]
) -> dict[Cell, str]:
    """Do all cells that are not done, `workers` at a time.

    Returns:
        cell -> why it gave no numbers. One whose process was ended, as the system does where memory is short, is a
        failure of that cell alone.

    Raises:
        Stopped: after SIGTERM, once every process has left what it did; the same call goes on.
        RunError: where a process cannot be started, or ended by itself.
        StorageError: if the disk refuses.
    """
    waiting = [cell for cell in cells if not is_done(cell, orders.to)]
    failed: dict[Cell, str] = {}
    with Crew(orders, min(workers, len(waiting)), stop) as crew:
        crew.start()
        while waiting or crew.busy:
            stop.check()
            for cell in crew.begin(waiting):
                waiting.remove(cell)
                bar.advance(0, cell.name)
            heard = crew.hear()
            if heard is not None:
                cell, word = heard
                bar.advance(word.get("advanced", 0), word.get("note", cell.name))
                failed |= {cell: word["why"]} if "why" in word else {}
    return failed


@dataclass(eq=False)
class _Worker:
    """A process, and the cell that it is at.

    Attributes:
        process: reads names of cells from its input, says how far it is on its output.
        cell: what it does; None between two.
    """

    process: "subprocess.Popen[str]"
    cell: Cell | None = None

    def begin(self, cell: Cell) -> None:
        """Give it a cell."""
        self.cell = cell
        given = cast("IO[str]", self.process.stdin)
        with contextlib.suppress(BrokenPipeError):  # it is no more, which the end of its output says as well
            given.write(f"{cell.run}\n")
            given.flush()

    def close(self) -> int:
        """Wait for its end; its exit code."""
        with contextlib.suppress(BrokenPipeError):
            cast("IO[str]", self.process.stdin).close()
        return self.process.wait()

    def listen(self, heard: "SimpleQueue[tuple[_Worker, str | None]]") -> None:
        """Pass on what it says, and at the end, that it is no more."""
        try:
            with cast("IO[str]", self.process.stdout) as said:
                for line in said:
                    heard.put((self, line))
        finally:
            heard.put((self, None))


@dataclass
class Crew:
    """The processes of a comparison; at the end of the block none is left.

    Attributes:
        orders: what each is told.
        size: how many there are.
        stop: whether to leave: then a process that is no more has left as asked.
    """

    orders: Orders
    size: int
    stop: StopRequest
    _workers: list[_Worker] = field(default_factory=list[_Worker])
    _made: set[str] = field(default_factory=set[str])
    """Needs of cells that ended well."""
    _heard: "SimpleQueue[tuple[_Worker, str | None]]" = field(
        default_factory=lambda: SimpleQueue[tuple[_Worker, str | None]]()
    )
    """Lines of processes; None where one is no more."""

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for worker in self._workers:
            if kind is KeyboardInterrupt:
                worker.process.kill()
            else:
                worker.process.terminate()  # within a cell it keeps what it did, and leaves
        for worker in self._workers:
            worker.close()

    def start(self) -> None:
        """Start the processes. Raises `RunError` where the system starts no more."""
        for _ in range(self.size):
            self._start()

    @property
    def busy(self) -> bool:
        """Whether a cell is under way."""
        return any(worker.cell is not None for worker in self._workers)

    def begin(self, waiting: Sequence[Cell]) -> list[Cell]:
        """Give a cell to each process that has none, as far as there are cells whose needs nobody is making; which."""
        begun: list[Cell] = []
        for worker in self._workers:
            if worker.cell is not None:
                continue
            under_way = set[str]().union(*(needs(other.cell) for other in self._workers if other.cell))
            making = {need for need in under_way if not self._is_made(need)}
            free = next((cell for cell in waiting if cell not in begun and not making & needs(cell)), None)
            if free is not None:
                worker.begin(free)
                begun.append(free)
        return begun

    def hear(self) -> tuple[Cell, dict[str, Any]] | None:
        """The next word of a process about its cell; None where none comes within a moment."""
        try:
            worker, line = self._heard.get(timeout=HEAR_S)
        except Empty:
            return None
        if line is None:
            self.stop.check()
        word = self._ended(worker) if line is None else _word(line)
        if "refused" in word:
            raise StorageError(word["refused"])
        cell = worker.cell
        if cell is None:
            return None
        if word.get("ended"):
            worker.cell = None
            self._made |= set() if "why" in word else needs(cell)
        return cell, word

    def _is_made(self, need: str) -> bool:
        """Whether nobody has to make it any more: encoders that are whole are there for all, whoever made them."""
        return need in self._made or (self.orders.to / need / files.MANIFEST).is_file()

    def _ended(self, worker: _Worker) -> dict[str, Any]:
        """The word of a process that is no more. One that was ended within its cell has another put in its place."""
        code = worker.close()
        self._workers.remove(worker)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if code > 0 or worker.cell is None:
            raise RunError(
                f"a process of this comparison ended ({how}); what it said stands above. The same command goes on."
            )
        self._start()
        why = (
            f"its process was ended ({how}). Where nobody did that, memory was short: take fewer --workers, or make "
            "its batches or its model smaller."
        )
        return {"ended": True, "advanced": 1, "why": why}

    def _start(self) -> None:
        cores = max(1, usable_cores() // self.size)
        environment = {name: str(cores) for name in THREADS} | dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        lock = () if self.orders.lock is None else (self.orders.lock,)
        try:
            process = subprocess.Popen(
                self.orders.words(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=environment,
                pass_fds=lock,
                process_group=0,
            )
        except OSError as error:
            raise RunError(f"another process cannot be started ({error.strerror}): take fewer --workers.") from None
        worker = _Worker(process)
        self._workers.append(worker)
        threading.Thread(target=worker.listen, args=(self._heard,), daemon=True).start()


def _word(line: str) -> dict[str, Any]:
    """What a line says; nothing where it is of something else, which wrote before the process was ready."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}


def needs(cell: Cell) -> set[str]:
    """The folders that a cell makes where they are not there."""
    made = (
        ("runs", cell.run),
        ("encoders", cell.encoders),
        ("encoders", cell.search_encoders),
        ("searches", cell.search),
    )
    return {f"{kind}/{name}" for kind, name in made if name is not None}
