"""How far long work has come: a bar with the time left on a terminal, plain lines elsewhere, nothing when quiet.

    for row in progress(rows, "reading vitals"): ...
    with progress(1_000, "training") as bar:
        bar.advance(note="loss 0.41")

Everything goes to stderr, so that `--json` on stdout stays clean. Notes never hold a value from a patient's row.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any, ClassVar, Generic, Protocol, TextIO, TypeVar, overload, runtime_checkable

from wardround.launcher import is_first_process

Item = TypeVar("Item")
LINE_EVERY_S = 5.0
DRAW_EVERY_S = 0.1
BAR_WIDTH = 20
DEFAULT_COLUMNS = 80
ERASE_REST = "\x1b[K"
"""What a terminal takes for: nothing more stands on this line."""


@runtime_checkable
class _Display(Protocol):
    def show(self, done: int, note: str) -> None: ...

    def close(self, done: int) -> None: ...


class _Silent:
    """Shows nothing."""

    def show(self, done: int, note: str) -> None:
        """Show nothing."""

    def close(self, done: int) -> None:
        """Show nothing."""


class _Lines:
    """One line at the start, one about every `every_s` seconds, one at the end."""

    def __init__(self, description: str, total: int | None, done: int, stream: TextIO, every_s: float):
        self._description, self._total, self._stream, self._every_s = description, total, stream, every_s
        self._first_done, self._start_s = done, time.monotonic()
        self._last_s = self._start_s
        self._write(self._count(done))

    def show(self, done: int, note: str) -> None:
        """Write a line if the last one is `every_s` old."""
        now_s = time.monotonic()
        if now_s - self._last_s < self._every_s:
            return
        self._last_s = now_s
        self._write(", ".join(part for part in (self._count(done), self._left(done, now_s), note) if part))

    def close(self, done: int) -> None:
        """Write the last line: how much was done, in what time."""
        early = "stopped at " if self._total is not None and done < self._total else ""
        self._write(f"{early}{self._count(done)} in {_duration(time.monotonic() - self._start_s)}")

    def _count(self, done: int) -> str:
        return f"{done:,}" if self._total is None else f"{done:,} of {self._total:,}"

    def _left(self, done: int, now_s: float) -> str:
        if self._total is None or done <= self._first_done:
            return ""
        left_s = (now_s - self._start_s) / (done - self._first_done) * max(0, self._total - done)
        return f"about {_duration(left_s)} left"

    def _write(self, text: str) -> None:
        self._stream.write(f"{self._description}: {text}\n")
        self._stream.flush()


class _Bar(_Lines):
    """The lines above in one place, each drawn over the last, behind a bar where the total is known.

    Of work inside work, each bar has a line of its own: one that finds another's on the line begins a new one.
    """

    _on_the_line: ClassVar["_Bar | None"] = None

    def close(self, done: int) -> None:
        """Leave the last line on the screen."""
        super().close(done)
        self._stream.write("\n")
        _Bar._on_the_line = None

    def _count(self, done: int) -> str:
        if not self._total:
            return super()._count(done)
        full = min(BAR_WIDTH, BAR_WIDTH * done // self._total)
        return f"{100 * done // self._total:3}% [{'#' * full}{'.' * (BAR_WIDTH - full)}] {super()._count(done)}"

    def _write(self, text: str) -> None:
        if _Bar._on_the_line not in (None, self):
            self._stream.write("\n")
        _Bar._on_the_line = self
        width = _columns(self._stream) - 1
        self._stream.write(f"\r{f'{self._description}: {text}'[:width]}{ERASE_REST}")
        self._stream.flush()


def _columns(stream: TextIO) -> int:
    """The width of the terminal that a stream writes to."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_COLUMNS
    except (OSError, ValueError):  # no terminal
        return DEFAULT_COLUMNS


def _duration(seconds: float) -> str:
    """A length of time as people say it: `4 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Progress(Generic[Item]):
    """Work under way: iterate over it, or use it in a `with` block and call `advance`."""

    def __init__(self, items: Iterable[Item], done: int, display: _Display):
        self._items, self._done, self._display, self._closed = items, done, display, False

    def advance(self, count: int = 1, note: str = "") -> None:
        """Say that `count` more are done; `note` is shown beside the count where there is room."""
        self._done += count
        self._display.show(self._done, note)

    def close(self) -> None:
        """Show the last state; more calls do nothing."""
        if not self._closed:
            self._closed = True
            self._display.close(self._done)

    def __iter__(self) -> Iterator[Item]:
        with self:
            for item in self._items:
                yield item
                self.advance()

    def __enter__(self) -> "Progress[Item]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Within:
    """A part of long work that tells which share of it is done.

    Args:
        bar: of the whole work.
        size: how much of it the part is.
        note: shown beside the count while the part is under way.
    """

    def __init__(self, bar: Progress[Any], size: int, note: str):
        self._bar, self._size, self._note, self._done = bar, size, note, 0

    def reached(self, share: float) -> None:
        """Say that `share` of the part is done; it never goes back."""
        more = max(0, int(self._size * min(share, 1.0)) - self._done)
        self._done += more
        self._bar.advance(more, self._note)


@overload
def progress(
    work: int, description: str, *, quiet: bool = ..., done: int = ..., every_s: float = ...
) -> Progress[int]: ...


@overload
def progress(
    work: Iterable[Item], description: str, *, quiet: bool = ..., done: int = ..., every_s: float = ...
) -> Progress[Item]: ...


def progress(
    work: Any, description: str, *, quiet: bool = False, done: int = 0, every_s: float = LINE_EVERY_S
) -> Progress[Any]:
    """Report how far some work has come, on stderr.

    Args:
        work: the things to go through, or how many there are.
        description: what is being done, in a few words.
        quiet: show nothing at all; of several processes the first alone shows anything.
        done: how many were done before, when work is taken up again.
        every_s: seconds between two lines where stderr is not a terminal.

    Returns:
        A `Progress`: iterate over it, or call its `advance` in a `with` block.
    """
    items = range(done, work) if isinstance(work, int) else work
    total = work if isinstance(work, int) else len(work) + done if isinstance(work, Sized) else None
    if quiet or not is_first_process():
        return Progress(items, done, _Silent())
    if sys.stderr.isatty():
        return Progress(items, done, _Bar(description, total, done, sys.stderr, DRAW_EVERY_S))
    return Progress(items, done, _Lines(description, total, done, sys.stderr, every_s))


def say(line: str, quiet: bool = False) -> None:
    """A line on stderr that a person should read before long work begins, unless `quiet`; of several processes the
    first alone says it."""
    if not quiet and is_first_process():
        sys.stderr.write(f"{line}\n")
