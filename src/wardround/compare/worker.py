"""A process that does cells of a comparison, one after the other, as `side_by_side.py` asks for them.

    python -m wardround.compare.worker RECIPE SEED HASHES TO

Names of runs come in, a line each. What goes out is lines of JSON:

    {"advanced": 1, "note": "..."}          cells and trials that are done since, for the bar
    {"ended": true, "why": "..."}           the cell is done, or failed for a reason
    {"refused": "..."}                      the disk refuses: nothing more will come

Whatever else writes to its output, a library it may be, writes to stderr. At SIGTERM, or where its input ends, it
leaves as one process would: what it did is kept.
"""

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from wardround.compare.cells import Cell, Hashes, cells_of
from wardround.compare.recipe_file import read_recipe
from wardround.compare.work import Work
from wardround.errors import StorageError, WardroundError
from wardround.stopping import Stopped, StopRequest, stop_on_sigterm

LOOK_S: Final = 0.2
"""How often to look whether to stop, while there is nothing to do."""

CHANGED: Final = "the recipe was changed after the comparison began: run the same command again."


@dataclass(frozen=True)
class _Says:
    """A bar that tells another process.

    Attributes:
        to: where its lines go.
    """

    to: TextIO

    def advance(self, count: int = 1, note: str = "") -> None:
        """Say that `count` more are done."""
        self.say({"advanced": count, "note": note})

    def say(self, word: dict[str, Any]) -> None:
        """A line."""
        with contextlib.suppress(BrokenPipeError):  # nobody listens any more: the end of the input says so too
            self.to.write(f"{json.dumps(word)}\n")
            self.to.flush()


def main(words: list[str]) -> None:
    """Do what is asked for until the input ends, or SIGTERM comes.

    Args:
        words: the recipe's file, the seed of draws and searches, hashes of the data as a JSON list, the comparison's
            folder.

    Raises:
        UsageError: where the recipe cannot be read.
        StorageError: if the disk refuses.
    """
    path, seed, hashes, to = words
    says = _Says(_output_kept_apart())
    with stop_on_sigterm() as stop, contextlib.suppress(Stopped):
        recipe = read_recipe(Path(path), int(seed))
        data, test_data = json.loads(hashes)
        found = Hashes(data, test_data)
        cells = {cell.run: cell for cell in cells_of(recipe, found)}
        for name in _asked_for(stop):
            work = Work(recipe, found, Path(to), stop, says)
            says.say({"ended": True} | _done(work, cells.get(name), says))


def _done(work: Work, cell: Cell | None, says: _Says) -> dict[str, str]:
    """Do a cell; why it failed, where it did."""
    if cell is None:
        says.advance()
        return {"why": CHANGED}
    try:
        work.run([cell])
    except StorageError as error:
        says.say({"refused": str(error)})
        raise
    return {"why": work.failed[cell]} if work.failed else {}


def _output_kept_apart() -> TextIO:
    """What was the standard output; what is written to that from now on goes to stderr."""
    kept = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return kept


def _asked_for(stop: StopRequest) -> Iterator[str]:
    """The lines of the input. Where it ends, whoever asked is gone: that is SIGTERM. Raises `Stopped` there."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(line.strip())
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        stop.check()
        with contextlib.suppress(queue.Empty):
            yield lines.get(timeout=LOOK_S)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except WardroundError as error:
        sys.exit(f"wardround compare: {error}")
