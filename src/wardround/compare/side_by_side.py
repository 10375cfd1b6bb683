"""Cells of a comparison side by side: each in one of some processes, which share nothing but the folder.

A cell waits while another makes what both need: the encoders, the search, or the run itself where two rows are the
same. What a process says of its work comes as lines of JSON (`worker.py`). Nothing hangs on how many there are but the
time: a cell is made of its own inputs, with its own seed.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, Final, cast

from wardround.compare.cells import Cell, Hashes
from wardround.compare.work import is_done
from wardround.errors import RunError, StorageError
from wardround.progress import Progress
from wardround.stopping import StopRequest

LOOK_S: Final = 0.2
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
    """

    recipe: Path
    seed: int
    hashes: Hashes
    to: Path

    def words(self) -> list[str]:
        """The command of a process."""
        hashes = json.dumps([self.hashes.data, self.hashes.test_data])
        return [sys.executable, "-m", WORKER, str(self.recipe), str(self.seed), hashes, str(self.to)]


def side_by_side(
    orders: Orders, cells: Sequence[Cell], workers: int, stop: StopRequest, bar: Progress[Any]
) -> dict[Cell, str]:
    """Do all cells that are not done, `workers` at a time.

    Returns:
        cell -> why it gave no numbers.

    Raises:
        Stopped: after SIGTERM, once every process has left what it did; the same call goes on.
        RunError: where a process ended by itself, but for a signal: that one is its cell's failure alone.
        StorageError: if the disk refuses.
    """
    waiting = [cell for cell in cells if not is_done(cell, orders.to)]
    failed: dict[Cell, str] = {}
    with _Crew(orders, min(workers, len(waiting))) as crew:
        while waiting or crew.busy:
            stop.check()
            for cell in crew.begin(waiting):
                waiting.remove(cell)
                bar.advance(0, cell.name)
            for cell, word in crew.hear():
                bar.advance(word.get("advanced", 0), word.get("note", cell.name))
                if "why" in word:
                    failed[cell] = word["why"]
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


@dataclass
class _Crew:
    """The processes of a comparison; at the end of the block none is left.

    Attributes:
        orders: what each is told.
        size: how many there are.
    """

    orders: Orders
    size: int
    _workers: list[_Worker] = field(default_factory=list[_Worker])
    _made: set[str] = field(default_factory=set[str])
    _heard: "SimpleQueue[tuple[_Worker, str | None]]" = field(
        default_factory=lambda: SimpleQueue[tuple[_Worker, str | None]]()
    )

    def __enter__(self) -> "_Crew":
        for _ in range(self.size):
            self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for worker in self._workers:
            if kind is KeyboardInterrupt:
                worker.process.kill()
            else:
                worker.process.terminate()  # within a cell it keeps what it did, and leaves
        for worker in self._workers:
            worker.close()

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
            making = {need for other in self._workers if other.cell for need in needs(other.cell)} - self._made
            free = next((cell for cell in waiting if cell not in begun and not making & needs(cell)), None)
            if free is not None:
                worker.begin(free)
                begun.append(free)
        return begun

    def hear(self) -> Iterator[tuple[Cell, dict[str, Any]]]:
        """The next word of a process about its cell, where one comes within a moment."""
        try:
            worker, line = self._heard.get(timeout=LOOK_S)
        except Empty:
            return
        word, cell = self._ended(worker) if line is None else json.loads(line), worker.cell
        if "refused" in word:
            raise StorageError(word["refused"])
        if cell is None:
            return
        if word.get("ended"):
            worker.cell = None
            self._made |= set() if "why" in word else needs(cell)
        yield cell, word

    def _ended(self, worker: _Worker) -> dict[str, Any]:
        """The word of a process that is no more. One that a signal ended, as the system does where memory is short, has
        another put in its place; what ends it otherwise would end any other."""
        code = worker.close()
        self._workers.remove(worker)
        if code >= 0:
            raise RunError(f"a process of this comparison ended with exit code {code}; what it said stands above.")
        self._start()
        why = (
            f"its process was ended by signal {-code}. Where nobody did that, memory was short: take fewer --workers, "
            "or make its batches or its model smaller."
        )
        return {"ended": True, "advanced": 1, "why": why}

    def _start(self) -> None:
        cores = max(1, len(os.sched_getaffinity(0)) // self.size)
        environment = {name: str(cores) for name in THREADS} | dict(os.environ)
        process = subprocess.Popen(
            self.orders.words(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        worker = _Worker(process)
        self._workers.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()

    def _listen(self, worker: _Worker) -> None:
        """Pass on what a process says, and that it is no more."""
        with cast("IO[str]", worker.process.stdout) as said:
            for line in said:
                self._heard.put((worker, line))
        self._heard.put((worker, None))


def needs(cell: Cell) -> set[str]:
    """The folders that a cell makes where they are not there."""
    named = {"encoders": cell.encoders, "searches": cell.search, "runs": cell.run}
    return {f"{kind}/{name}" for kind, name in named.items() if name is not None}
