"""One file, written whole or not at all: a temporary file beside its place, flushed, then renamed over it."""

import contextlib
import io
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from wardround.errors import StorageError

BUFFER_BYTES: Final = 1 << 20


@contextlib.contextmanager
def storage_errors(path: Path, doing: str) -> Generator[None]:
    """Turn an OSError into a `StorageError` that names the file, what was being done and the remedy.

    Raises:
        StorageError: for any OSError inside the block.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise StorageError(
            f"{doing} {path}: {reason}. Free or fix the disk, then run the same command again."
        ) from error


class WholeFile(io.RawIOBase):
    """A file under construction, that takes all of what it is given, and nothing once it is finished."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._waiting = bytearray()

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Any) -> int:
        """Take `data`; small pieces wait for each other. Raises OSError."""
        view = memoryview(data).cast("B")
        if len(self._waiting) + len(view) < BUFFER_BYTES:
            self._waiting += view
        else:
            self._write_out(self._waiting)
            self._write_out(view)
            self._waiting = bytearray()
        return len(view)

    def _write_out(self, data: bytearray | memoryview) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def finish(self, whole: bool) -> None:
        """Close the descriptor, where `whole` with all that waits and a flush to the disk before; no write comes after.

        Raises:
            OSError: if the disk refuses.
        """
        try:
            if whole:
                self._write_out(self._waiting)
                os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)
            self._descriptor, self._waiting = -1, bytearray()


@contextlib.contextmanager
def whole_file(path: Path) -> Generator[WholeFile]:
    """A temporary file beside `path` that takes its place when the block ends well, and goes when it does not."""
    temporary = path.with_name(f".{path.name}.partial")
    with storage_errors(path, "writing"), contextlib.ExitStack() as undo:
        path.parent.mkdir(parents=True, exist_ok=True)
        undo.callback(_unlink_quietly, temporary)
        file = WholeFile(temporary)
        with contextlib.ExitStack() as stop:
            stop.callback(file.finish, whole=False)
            yield file
            stop.pop_all()
        file.finish(whole=True)
        os.replace(temporary, path)
        undo.pop_all()
        _fsync_folder(path.parent)


def _unlink_quietly(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
