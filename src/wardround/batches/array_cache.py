"""Arrays on disk by hash: what is slow to make is made once of the same input, and read by every later run.

    KEY.npy, KEY.json      an array; its key and its hash, which are checked at each opening: one that was torn, changed
                           or put in the place of another counts for nothing and is made again

The key is the caller's hash of all that decides the array.

The cache is bounded: once an entry is written those go that were opened longest ago, until the rest fits. Another
process may have one of them mapped, and keeps what it has; one that it was about to open it makes again.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Shaped

from wardround import files
from wardround.batches.growing_array import GrowingArray
from wardround.errors import DataError, StorageError
from wardround.whole_file import remove_leftovers, whole_file

Entry = Shaped[np.ndarray, "row ..."]

_ENTRY: Final = re.compile(r"[0-9a-f]{32}\.npy")

_mapped: Final[dict[Path, list[weakref.ref[np.ndarray]]]] = {}
"""The entries that this process has opened; a reference dies with the last array that looks into its entry."""


def add_array(digest: Any, said: object, array: np.ndarray) -> None:
    """Give the values of an array to a hash, after what is said of it in JSON: its shape at least."""
    digest.update(json.dumps(said).encode())
    digest.update(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data)


def find_array(folder: Path, key: str) -> Entry | None:
    """An entry, memory-mapped and marked as used; None where it or its hash is not there, or they do not agree.

    Args:
        folder: the cache.
        key: a hash in hexadecimal.

    Raises:
        StorageError: where the disk refuses.
    """
    path = _path(folder, key)
    with files.storage_errors(path, "looking for"):
        if not path.is_file():
            return None
    try:
        if files.read_json(_hash_file(path)) != {"key": key, "sha256": files.sha256(path)}:
            return None
        entry = _opened(path)
    except DataError:  # no hash, or a torn one
        return None
    except StorageError:
        if path.is_file() and _hash_file(path).is_file():
            raise
        return None  # another process has removed it meanwhile
    with contextlib.suppress(OSError):  # where the cache may only be read
        os.utime(path)
    return entry


def keys_from(folder: Path, beginning: str, rest: str) -> list[str]:
    """The keys of the entries whose key begins so, in order.

    Args:
        folder: the cache.
        beginning: of the 32 hexadecimal digits that name an entry.
        rest: of each key, behind those.

    Raises:
        StorageError: where the disk refuses.
    """
    with files.storage_errors(folder, "listing"):
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    mine = sorted(name for name in names if name.startswith(beginning) and _ENTRY.fullmatch(name))
    return [name.removesuffix(".npy") + rest for name in mine]


def keep_array(folder: Path, key: str, length: int, blocks: Iterable[Entry], limit_bytes: int) -> Entry | None:
    """Write an entry, block by block, and open it.

    Args:
        folder: the cache; made where it is absent.
        key: a hash in hexadecimal.
        length: rows of all blocks together.
        blocks: one at least, of one type and width. Where the cache may not be written to they are not asked for.
        limit_bytes: what the cache may hold with the new entry; this one stays, and those that this process still looks
            into.

    Returns:
        The entry, memory-mapped; None where the cache may not be written to, or another process has removed it already.

    Raises:
        StorageError: where the disk refuses.
    """
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
        return None
    path, digest, entry = _path(folder, key), hashlib.sha256(), None
    with whole_file(path) as stream:
        for piece in _npy_pieces(length, blocks):
            digest.update(piece)
            stream.write(piece)
    files.write_json(_hash_file(path), {"key": key, "sha256": digest.hexdigest()})
    with contextlib.suppress(DataError):
        entry = _opened(path)
    _remove_unused(path, limit_bytes)
    return entry


def array_once(folder: Path, key: str, length: int, blocks: Callable[[], Iterator[Entry]], limit_bytes: int) -> Entry:
    """An entry, made where it is not there; where the cache may not be written to, in a temporary file.

    Args:
        folder, key, length, limit_bytes: as there.
        blocks: makes the rows: one block at least, of one type and width.

    Raises:
        StorageError: where the disk refuses.
    """
    entry = find_array(folder, key)
    if entry is None:
        entry = keep_array(folder, key, length, blocks(), limit_bytes)
    if entry is not None:
        return entry
    made = blocks()
    block = next(made)
    with GrowingArray(folder, block.dtype.type, block.shape[1:]) as rows:
        rows.add(block)
        for block in made:
            rows.add(block)
        return rows.finish()


def _path(folder: Path, key: str) -> Path:
    return folder.absolute() / f"{key[:32]}.npy"


def _hash_file(path: Path) -> Path:
    return path.with_suffix(".json")


def _opened(path: Path) -> Entry:
    """An entry that is there, mapped, and in use while any array looks into it. Raises `DataError` where it is not."""
    entry = files.map_array(path, DataError)
    _mapped[path] = [*_in_use(path), weakref.ref(entry)]
    return entry


def _in_use(path: Path) -> list[weakref.ref[np.ndarray]]:
    return [entry for entry in _mapped.get(path, ()) if entry() is not None]


def _remove_unused(written: Path, limit_bytes: int) -> None:
    """Remove the entries that were used longest ago, until the rest is within the limit; what resists stays.

    Args:
        written: the entry that was written last; it stays, as do those in use here.
        limit_bytes: of all entries in its folder.

    Raises:
        StorageError: where the folder cannot be listed.
    """
    remove_leftovers(written.parent)
    found: list[tuple[int, int, Path]] = []
    with files.storage_errors(written.parent, "listing"):
        for path in written.parent.iterdir():
            with contextlib.suppress(OSError):  # vanished meanwhile
                if _ENTRY.fullmatch(path.name):
                    found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
    held_bytes = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if held_bytes <= limit_bytes:
            return
        if path != written and not _in_use(path):
            with contextlib.suppress(OSError):
                _hash_file(path).unlink(missing_ok=True)  # first: without it the entry counts for nothing
                path.unlink(missing_ok=True)
                held_bytes -= size


def _npy_pieces(length: int, blocks: Iterable[Entry]) -> Iterator[bytes]:
    """The bytes of an npy file: its header, then blocks of rows."""
    header = io.BytesIO()
    for number, block in enumerate(blocks):
        if number == 0:
            kind = np.lib.format.dtype_to_descr(block.dtype)
            shape = {"descr": kind, "fortran_order": False, "shape": (length, *block.shape[1:])}
            np.lib.format.write_array_header_1_0(header, shape)
            yield header.getvalue()
        yield block.tobytes()
