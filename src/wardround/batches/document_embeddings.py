"""What a frozen encoder makes of notes and pictures, kept on disk a row a document: whoever asks next, of whichever
cohort of whichever data, is given what was made before.

    part    an entry of the cache (`array_cache.py`): of some rows the first 16 bytes of their SHA-256, and beside each
            what the encoder made of it. One is written about once a minute, so that no more is lost by a kill

Rows go through the encoder in batches of one shape, those of like length together, and the last is filled up: on one
machine a document gets the same numbers to the bit, whoever is asked with it and in how many pieces.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float32, Int, Shaped, UInt8

from wardround.batches.array_cache import add_array, find_array, keep_array, keys_from
from wardround.batches.embedding_cache import LIMIT_BYTES
from wardround.batches.growing_array import GrowingArray
from wardround.progress import progress

FORMAT: Final = 1
"""Of a part; another one when the same encoder and row may give other numbers."""

PART_S: Final = 60.0
PART_ROWS: Final = 4096
"""A part is written after so long, or of so many rows."""

READ_ROWS: Final = 256
"""Rows of tokens or pixels that are in memory at a time."""

DIGEST_BYTES: Final = 16
_DIGEST: Final = ("high", "low")


@dataclass(frozen=True)
class FrozenEncoder:
    """An encoder of documents that does not learn.

    Attributes:
        weights: its weights, by name.
        beside: what decides its answers beside them, as JSON.
        embed: a batch of rows -> what it makes of each; what it makes of one hangs on no other.
        length: rows -> what of each decides the shape of a batch.
        batch: rows of every batch.
    """

    weights: Mapping[str, np.ndarray]
    beside: Sequence[object]
    embed: Callable[[Shaped[np.ndarray, "row ..."]], Float32[np.ndarray, "row embed"]]
    length: Callable[[Shaped[np.ndarray, "row ..."]], Int[np.ndarray, "row"]]
    batch: int

    def key(self, rows: np.ndarray) -> str:
        """The hash of all that decides what it makes of a row."""
        said = {"format": FORMAT, "beside": list(self.beside), "rows": [str(rows.dtype), list(rows.shape[1:])]}
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
        for name in sorted(self.weights):
            array = self.weights[name]
            add_array(digest, [name, str(array.dtype), list(array.shape)], array)
        return digest.hexdigest()


def document_embeddings(
    folder: Path,
    encoder: FrozenEncoder,
    content: Shaped[np.ndarray, "row ..."],
    wanted: Int[np.ndarray, "wanted"],
    doing: str,
    quiet: bool = False,
) -> tuple[Float32[np.ndarray, "document embed"], Int[np.ndarray, "wanted"]]:
    """What an encoder makes of some rows, each document once.

    Args:
        folder: the cache; made where it is absent. Where it may not be written to nothing is kept.
        encoder: frozen.
        content: rows of tokens or pixels, mapped.
        wanted: which of them.
        doing: what is said on stderr while rows go through the encoder.
        quiet: no progress on stderr.

    Returns:
        What was made, mapped from a temporary file, and where in it each wanted row is.

    Raises:
        StorageError: where the disk refuses.
    """
    key = encoder.key(content)
    rows = _documents(content, wanted, encoder.length)
    documents = rows.unique(_DIGEST, keep="first", maintain_order=True).with_row_index("document")
    place = np.full(documents.height, -1, np.int64)
    parts = _parts(folder, key)
    first = next(parts, None)
    width = encoder.embed(content[:0]).shape[1] if first is None else (first.shape[1] - DIGEST_BYTES) // 4
    with GrowingArray(folder.parent, np.float32, width) as made:
        for part in chain([] if first is None else [first], parts):
            entry, document = _found(part, documents, place)
            place[document] = made.length + np.arange(len(document))
            made.add(np.ascontiguousarray(part[entry, DIGEST_BYTES:]).view("<f4"))
        missing = np.flatnonzero(place < 0)
        if len(missing):
            with progress(documents.height, doing, quiet=quiet, done=documents.height - len(missing)) as bar:
                for part, document in _made(folder, key, encoder, content, documents, missing, bar.advance):
                    place[document] = made.length + np.arange(len(document))
                    made.add(part)
        of_row = rows.join(documents, on=_DIGEST, how="left", maintain_order="left")["document"].to_numpy()
        return made.finish(), place[of_row.astype(np.int64)]


def _documents(content: np.ndarray, wanted: np.ndarray, length: Callable[[np.ndarray], np.ndarray]) -> pl.DataFrame:
    """`high, low, row, length` of each wanted row: its hash, where it is, and how long."""
    digests, lengths = [np.empty((0, 2), "<u8")], [np.empty(0, np.int64)]
    for begin in range(0, len(wanted), READ_ROWS):
        rows = np.ascontiguousarray(content[wanted[begin : begin + READ_ROWS]])
        of_rows = b"".join(hashlib.sha256(row.data).digest()[:DIGEST_BYTES] for row in rows)
        digests.append(np.frombuffer(of_rows, "<u8").reshape(-1, 2))
        lengths.append(length(rows).astype(np.int64))
    high, low = np.concatenate(digests).astype(np.uint64).T
    return pl.DataFrame({"high": high, "low": low, "row": wanted.astype(np.int64), "length": np.concatenate(lengths)})


def _parts(folder: Path, key: str) -> Iterator[UInt8[np.ndarray, "row byte"]]:
    """The parts of an encoder that are whole."""
    for part_key in keys_from(folder, key[:16], key[16:]):
        part = find_array(folder, part_key)
        if part is not None:
            yield part


def _found(
    part: UInt8[np.ndarray, "row byte"], documents: pl.DataFrame, place: Int[np.ndarray, "document"]
) -> tuple[Int[np.ndarray, "found"], Int[np.ndarray, "found"]]:
    """Rows of a part and the documents that they are of, of those that have no place yet."""
    high, low = np.ascontiguousarray(part[:, :DIGEST_BYTES]).view("<u8").astype(np.uint64).T
    entries = pl.DataFrame({"high": high, "low": low}).with_row_index("entry")
    joined = entries.join(documents.select(*_DIGEST, "document"), on=_DIGEST, maintain_order="left")
    entry, document = (joined[name].to_numpy().astype(np.int64) for name in ("entry", "document"))
    fresh = place[document] < 0
    return entry[fresh], document[fresh]


def _made(
    folder: Path,
    key: str,
    encoder: FrozenEncoder,
    content: np.ndarray,
    documents: pl.DataFrame,
    missing: np.ndarray,
    advance: Callable[[int], None],
) -> Iterator[tuple[Float32[np.ndarray, "row embed"], Int[np.ndarray, "row"]]]:
    """Run documents through the encoder; each part is written before it is given."""
    row, length = documents["row"].to_numpy(), documents["length"].to_numpy()
    waiting: list[tuple[np.ndarray, np.ndarray]] = []
    begun_s = time.monotonic()
    batches = list(_batches(missing, length[missing], encoder.batch))
    for number, batch in enumerate(batches):
        filled = np.concatenate([batch, np.repeat(batch[-1:], encoder.batch - len(batch))])
        waiting.append((encoder.embed(content[row[filled]])[: len(batch)].astype("<f4"), batch))
        advance(len(batch))
        rows = sum(len(each) for _, each in waiting)
        if rows >= PART_ROWS or time.monotonic() - begun_s >= PART_S or number + 1 == len(batches):
            made, document = (np.concatenate(column) for column in zip(*waiting, strict=True))
            _keep(folder, key, documents, made, document)
            yield made, document
            waiting, begun_s = [], time.monotonic()


def _batches(missing: np.ndarray, length: np.ndarray, batch: int) -> Iterator[Int[np.ndarray, "row"]]:
    """Documents of the same length, a batch at a time."""
    for one in np.unique(length):
        alike = missing[length == one]
        for begin in range(0, len(alike), batch):
            yield alike[begin : begin + batch]


def _keep(folder: Path, key: str, documents: pl.DataFrame, made: np.ndarray, document: np.ndarray) -> None:
    """Write a part, named by the encoder and by which rows it holds."""
    digest = documents[document].select(*_DIGEST).to_numpy().astype("<u8")
    part = np.concatenate([np.ascontiguousarray(digest).view(np.uint8), made.view(np.uint8)], axis=1)
    of_rows = hashlib.sha256(digest.tobytes()).hexdigest()
    keep_array(folder, key[:16] + of_rows[:16] + key[16:], len(part), [part], LIMIT_BYTES)
