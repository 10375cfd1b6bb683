"""Embeddings on disk by hash: a frozen encoder meets the rows of a cohort once, and every later epoch, run and
evaluation of it reads the answer. Notes and pictures, which cost most, are kept one by one: `document_embeddings.py`.

The key is the hash of the encoder's weights and of its input rows, so other ones have another entry; the key cannot see
the encoder's code, whose changes ask for another `FORMAT`. How entries are checked and the cache is bounded:
`array_cache.py`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32, Shaped

from wardround.batches.array_cache import add_array, array_once
from wardround.progress import progress

Rows = Shaped[np.ndarray, "row ..."]
"""Features, tokens or pixels."""

FORMAT: Final = 3
"""Of an entry; another one when the same encoder and rows may give other numbers."""

BLOCK_ROWS: Final = 65_536
"""Rows that are embedded, and kept in memory, at a time."""

LIMIT_BYTES: Final = 32 << 30
"""Of all entries of a cache together, those that are in use included."""


def cache_key(weights: Mapping[str, np.ndarray], rows: Rows, beside: Sequence[object] = ()) -> str:
    """The hash of the format, of an encoder (its weights, and what decides its answers beside them, as JSON) and of
    what it is given."""
    digest = hashlib.sha256(json.dumps({"format": FORMAT, "beside": list(beside)}, sort_keys=True).encode())
    for name in sorted(weights):
        add_array(digest, [name, str(weights[name].dtype), list(weights[name].shape)], weights[name])
    add_array(digest, list(rows.shape), rows)
    return digest.hexdigest()


def cached_embeddings(
    folder: Path,
    weights: Mapping[str, np.ndarray],
    rows: Rows,
    embed: Callable[[Rows], np.ndarray],
    beside: Sequence[object] = (),
    limit_bytes: int = LIMIT_BYTES,
    doing: str = "",
    quiet: bool = True,
) -> Float32[np.ndarray, "row embed"]:
    """The embeddings of some rows, memory-mapped from `folder` where they were made before.

    Args:
        folder: the cache; made where it is absent. Where it may not be written to, what it lacks goes to a temporary
            file.
        weights: of the encoder.
        rows: its inputs.
        embed: the encoder, for rows that are not in the cache.
        beside: what decides the encoder's answers beside its weights, as JSON.
        limit_bytes: what the cache may hold after it took a new entry; this one stays, and those that this process
            still looks into.
        doing: what is said on stderr where there are many rows.
        quiet: no progress on stderr.

    Raises:
        StorageError: where the disk refuses.
    """

    def blocks() -> Iterator[Float32[np.ndarray, "row embed"]]:
        begins = range(0, max(len(rows), 1), BLOCK_ROWS)  # one where there is no row: it has the width
        for begin in progress(begins, doing, quiet=quiet or len(begins) == 1):
            yield embed(rows[begin : begin + BLOCK_ROWS]).astype("<f4")

    return array_once(folder, cache_key(weights, rows, beside), len(rows), blocks, limit_bytes)
