"""Embeddings on disk by hash: a frozen encoder meets each row once, and every later epoch, run and evaluation reads the
answer.

The key is the hash of the encoder's weights and of its input rows, so a cache can be stale in no way but by a collision
of SHA-256.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32

from wardround import files
from wardround.errors import DataError
from wardround.whole_file import whole_file

Rows = Float32[np.ndarray, "row feature"]

BLOCK_ROWS: Final = 65_536
"""Rows that are embedded, and kept in memory, at a time."""


def cache_key(weights: Mapping[str, np.ndarray], rows: Rows) -> str:
    """The hash of an encoder and of what it is given."""
    digest = hashlib.sha256()
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
        folder: the cache; made where it is absent.
        weights: of the encoder.
        rows: its inputs.
        embed: the encoder, for rows that are not in the cache.

    Raises:
        StorageError: where the cache cannot be written.
    """
    path = folder / f"{cache_key(weights, rows)[:32]}.npy"
    if not path.is_file():
        _write_embeddings(path, rows, embed)
    return files.map_array(path, DataError)


def _write_embeddings(path: Path, rows: Rows, embed: Callable[[Rows], Rows]) -> None:
    """An npy file, block by block. Raises `StorageError`."""
    block = embed(rows[:BLOCK_ROWS])
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(rows), block.shape[1])}
    with whole_file(path) as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(block.astype("<f4").tobytes())
        for begin in range(BLOCK_ROWS, len(rows), BLOCK_ROWS):
            stream.write(embed(rows[begin : begin + BLOCK_ROWS]).astype("<f4").tobytes())
