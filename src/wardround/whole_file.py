"""One file, written whole or not at all: a temporary file beside its place, flushed, then renamed over it.

    .NAME.PID-RANDOM.partial      what will be NAME, by one writer alone: two that write NAME at once do not meet

The writer holds a lock on it (flock, which ends with the process, however that ends), so one that nobody has locked was
left by a killed writer: whoever writes NAME next takes it away. Where the file system has no locks leftovers stay; they
are hidden, and nobody takes them for content.
"""

import contextlib
import fcntl
import io
import os
import re
import secrets
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from wardround.errors import StorageError, WardroundError

BUFFER_BYTES: Final = 1 << 20

_TEMPORARY: Final = re.compile(r"\.(.+)\.[0-9]+-[0-9a-f]{16}\.partial", re.DOTALL)


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
    """A file under construction, that takes all of what it is given, and nothing once it is finished.

    Args:
        path: where no file is yet.

    Raises:
        OSError: if the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
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
            self._write_out_waiting()
            self._write_out(view)
        return len(view)

    def _write_out_waiting(self) -> None:
        """Where the disk refuses, its error holds on to what waited: what comes after waits elsewhere."""
        waiting, self._waiting = self._waiting, bytearray()
        self._write_out(waiting)

    def _write_out(self, data: bytearray | memoryview) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def lock(self) -> bool:
        """Lock the file until `release`; whether it is still there, and not taken for a leftover before it was locked.

        Raises:
            OSError: if the disk refuses.
        """
        with contextlib.suppress(OSError):  # no locks here: then nobody can take it for a leftover either
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        return os.fstat(self._descriptor).st_nlink > 0

    def finish(self) -> None:
        """Write all that waits, and flush it to the disk. Raises OSError."""
        self._write_out_waiting()
        os.fsync(self._descriptor)

    def release(self) -> None:
        """Close the descriptor, and with it the lock; no write comes after. Raises OSError."""
        descriptor, self._descriptor, self._waiting = self._descriptor, -1, bytearray()
        os.close(descriptor)


@contextlib.contextmanager
def one_writer(folder: Path, error: type[WardroundError], doing: str) -> Generator[int]:
    """Keep other writers out of a folder while the block runs: its files under way have names of their own there.

    The lock is on the folder itself (flock): it leaves no file and ends with the process, however that ends. Where the
    file system has no locks nobody is kept out.

    Args:
        folder: made where it is not there, and taken away again where nothing came into it.
        error: what is raised where another holds it.
        doing: what is done in it, for the message.

    Yields:
        The file descriptor that holds the lock: a process that is given it holds it too, for as long as it runs.

    Raises:
        error: where another process, or another part of this one, is in such a block for the folder, or it is a file.
        StorageError: if the disk refuses.
    """
    with storage_errors(folder, "making"), contextlib.ExitStack() as leaving:
        is_new = not folder.exists()
        if not is_new and not folder.is_dir():
            raise error(f"{folder} is a file. Choose another --to.")
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        leaving.callback(os.close, descriptor)
        is_free = _lock_at_once(descriptor)
        kept = leaving.pop_all()
    with kept:
        if not is_free:
            raise error(f"{folder}: another process is {doing} into it. Wait for its end, or choose another --to.")
        try:
            yield descriptor
        finally:
            if is_new:
                with contextlib.suppress(OSError):  # not empty, which is the usual case
                    folder.rmdir()


def _lock_at_once(descriptor: int) -> bool:
    """Lock a file or folder; False where another has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here
        return True
    return True


@contextlib.contextmanager
def whole_file(path: Path) -> Generator[WholeFile]:
    """A temporary file beside `path` that takes its place when the block ends well, and goes when it does not."""
    with storage_errors(path, "writing"), contextlib.ExitStack() as undo:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, path.name)
        temporary, file = _begun(path, undo)
        yield file
        file.finish()
        os.replace(temporary, path)  # still locked: it must not be taken for a leftover before it has its name
        undo.pop_all()
        file.release()
        _fsync_folder(path.parent)


def _begun(path: Path, undo: contextlib.ExitStack) -> tuple[Path, WholeFile]:
    """A locked temporary file for `path`, and in `undo` how to take it away. Raises OSError."""
    while True:
        temporary = _temporary(path)
        undo.callback(_unlink_quietly, temporary)
        file = WholeFile(temporary)
        undo.callback(file.release)
        if file.lock():
            return temporary, file
        undo.pop_all().close()


def _temporary(path: Path) -> Path:
    """A name that no other writer has."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(8)}.partial")


def partial_of(name: str) -> str | None:
    """What a temporary file of this name was to be called; None for a name of another kind."""
    found = _TEMPORARY.fullmatch(name)
    return None if found is None else found[1]


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Take away what killed writers left in a folder; what another writer has locked, or what resists, stays.

    Args:
        folder: where they wrote.
        name: of the file that they wrote; None for any.
    """
    with contextlib.suppress(OSError):
        for found in os.listdir(folder):
            final = partial_of(found)
            if final is not None and name in (None, final):
                _unlink_unlocked(folder / found)


def _unlink_unlocked(path: Path) -> None:
    with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        closing.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)


def _unlink_quietly(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
