"""Embeddings on disk by hash: a frozen encoder meets each row once, and every later epoch, run and evaluation reads the
answer.

The key is the hash of the encoder's weights and of its input rows, so other ones have another entry; the key cannot see
the encoder's code, whose changes ask for another `FORMAT`. The hash of each entry lies beside it and is checked at each
opening: one that was torn or changed is made again.

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
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32

from wardround import files
from wardround.batches.growing_array import GrowingArray
from wardround.errors import DataError, StorageError
from wardround.whole_file import remove_leftovers, whole_file

Rows = Float32[np.ndarray, "row feature"]

FORMAT: Final = 2
"""Of an entry; another one when the same encoder and rows may give other numbers."""

BLOCK_ROWS: Final = 65_536
"""Rows that are embedded, and kept in memory, at a time."""

LIMIT_BYTES: Final = 32 << 30
"""Of all entries of a cache together, those that are in use included."""

_ENTRY: Final = re.compile(r"[0-9a-f]{32}\.npy")

_mapped: Final[dict[Path, list[weakref.ref[np.ndarray]]]] = {}
"""The entries that this process has opened; a reference dies with the last array that looks into its entry."""


def cache_key(weights: Mapping[str, np.ndarray], rows: Rows) -> str:
    """The hash of the format, of an encoder and of what it is given."""
    digest = hashlib.sha256(json.dumps({"format": FORMAT}).encode())
    for name in sorted(weights):
        digest.update(json.dumps([name, str(weights[name].dtype), list(weights[name].shape)]).encode())
        digest.update(np.ascontiguousarray(weights[name]).tobytes())
    digest.update(json.dumps(list(rows.shape)).encode())
    digest.update(np.ascontiguousarray(rows).view(np.uint8).reshape(-1).data)
    return digest.hexdigest()


def cached_embeddings(
    folder: Path,
    weights: Mapping[str, np.ndarray],
    rows: Rows,
    embed: Callable[[Rows], Rows],
    limit_bytes: int = LIMIT_BYTES,
) -> Float32[np.ndarray, "row embed"]:
    """The embeddings of some rows, memory-mapped from `folder` where they were made before.

    Args:
        folder: the cache; made where it is absent. Where it may not be written to, what it lacks goes to a temporary
            file.
        weights: of the encoder.
        rows: its inputs.
        embed: the encoder, for rows that are not in the cache.
        limit_bytes: what the cache may hold after it took a new entry; this one stays, and those that this process
            still looks into.

    Raises:
        StorageError: where the disk refuses.
    """
    path = folder.absolute() / f"{cache_key(weights, rows)[:32]}.npy"
    entry = _entry(path)
    if entry is None and os.access(folder if folder.exists() else folder.parent, os.W_OK):
        digest = _write_embeddings(path, rows, embed)
        files.write_json(_hash_file(path), {"sha256": digest})
        with contextlib.suppress(DataError):  # removed again already, by another process
            entry = _opened(path)
        _remove_unused(path, limit_bytes)
    return _embedded_elsewhere(folder, rows, embed) if entry is None else entry


def _hash_file(path: Path) -> Path:
    return path.with_suffix(".json")


def _entry(path: Path) -> Float32[np.ndarray, "row embed"] | None:
    """An entry, opened and marked as used; None where it or its hash is not there, or they do not agree.

    Raises:
        StorageError: where the disk refuses.
    """
    if not path.is_file():
        return None
    try:
        if files.read_json(_hash_file(path)) != {"sha256": files.sha256(path)}:
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


def _opened(path: Path) -> Float32[np.ndarray, "row embed"]:
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


def _embedded_elsewhere(folder: Path, rows: Rows, embed: Callable[[Rows], Rows]) -> Float32[np.ndarray, "row embed"]:
    """Without a cache, block by block. Raises `StorageError`."""
    block = embed(rows[:BLOCK_ROWS])
    with GrowingArray(folder, np.float32, block.shape[1]) as made:
        made.add(block)
        for begin in range(BLOCK_ROWS, len(rows), BLOCK_ROWS):
            made.add(embed(rows[begin : begin + BLOCK_ROWS]))
        return made.finish()


def _write_embeddings(path: Path, rows: Rows, embed: Callable[[Rows], Rows]) -> str:
    """Write an entry, block by block; returns its SHA-256. Raises `StorageError`."""
    digest = hashlib.sha256()
    with whole_file(path) as stream:
        for piece in _npy_pieces(rows, embed):
            digest.update(piece)
            stream.write(piece)
    return digest.hexdigest()


def _npy_pieces(rows: Rows, embed: Callable[[Rows], Rows]) -> Iterator[bytes]:
    """The bytes of an npy file: its header, then blocks of rows."""
    block, header = embed(rows[:BLOCK_ROWS]), io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (len(rows), block.shape[1])}
    np.lib.format.write_array_header_1_0(header, shape)
    yield header.getvalue()
    yield block.astype("<f4").tobytes()
    for begin in range(BLOCK_ROWS, len(rows), BLOCK_ROWS):
        yield embed(rows[begin : begin + BLOCK_ROWS]).astype("<f4").tobytes()
