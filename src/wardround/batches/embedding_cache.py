"""Embeddings on disk by hash: a frozen encoder meets each row once, and every later epoch, run and evaluation reads the
answer.

The key is the hash of the encoder's weights and of its input rows, so other ones have another entry; the key cannot see
the encoder's code, whose changes ask for another `FORMAT`. The hash of each entry lies beside it and is checked at each
opening: one that was torn or changed is made again.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32

from wardround import files
from wardround.batches.growing_array import GrowingArray
from wardround.errors import DataError
from wardround.whole_file import whole_file

Rows = Float32[np.ndarray, "row feature"]

FORMAT: Final = 2
"""Of an entry; another one when the same encoder and rows may give other numbers."""

BLOCK_ROWS: Final = 65_536
"""Rows that are embedded, and kept in memory, at a time."""


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
    folder: Path, weights: Mapping[str, np.ndarray], rows: Rows, embed: Callable[[Rows], Rows]
) -> Float32[np.ndarray, "row embed"]:
    """The embeddings of some rows, memory-mapped from `folder` where they were made before.

    Args:
        folder: the cache; made where it is absent. Where it may not be written to, what it lacks goes to a temporary
            file.
        weights: of the encoder.
        rows: its inputs.
        embed: the encoder, for rows that are not in the cache.

    Raises:
        StorageError: where the disk refuses.
    """
    path = folder / f"{cache_key(weights, rows)[:32]}.npy"
    if not _is_as_written(path):
        if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
            return _embedded_elsewhere(folder, rows, embed)
        _write_embeddings(path, rows, embed)
        files.write_json(_hash_file(path), {"sha256": files.sha256(path)})
    return files.map_array(path, DataError)


def _hash_file(path: Path) -> Path:
    return path.with_suffix(".json")


def _is_as_written(path: Path) -> bool:
    """Whether an entry and its hash are there, and agree. Raises `StorageError`."""
    if not path.is_file():
        return False
    try:
        return files.read_json(_hash_file(path)) == {"sha256": files.sha256(path)}
    except DataError:  # no hash, or a torn one
        return False


def _embedded_elsewhere(folder: Path, rows: Rows, embed: Callable[[Rows], Rows]) -> Float32[np.ndarray, "row embed"]:
    """Without a cache, block by block. Raises `StorageError`."""
    block = embed(rows[:BLOCK_ROWS])
    with GrowingArray(folder, np.float32, block.shape[1]) as made:
        made.add(block)
        for begin in range(BLOCK_ROWS, len(rows), BLOCK_ROWS):
            made.add(embed(rows[begin : begin + BLOCK_ROWS]))
        return made.finish()


def _write_embeddings(path: Path, rows: Rows, embed: Callable[[Rows], Rows]) -> None:
    """An npy file, block by block. Raises `StorageError`."""
    block = embed(rows[:BLOCK_ROWS])
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(rows), block.shape[1])}
    with whole_file(path) as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(block.astype("<f4").tobytes())
        for begin in range(BLOCK_ROWS, len(rows), BLOCK_ROWS):
            stream.write(embed(rows[begin : begin + BLOCK_ROWS]).astype("<f4").tobytes())
