"""Documents: the notes and pictures of a DATA folder, which an item of a line stands for.

    text     what one modality of notes has at one minute of a stay's clock, joined in the order of the line: one event
    picture  one file, named by its path below the folder of pictures

The lines (`lines.py`) hold which item stands for which document, and where in the shards its words are. Equal texts of
a shard are one document. What they say is read from the shards when it is asked for, shard by shard.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Int, Int32, Int64, UInt8

from wardround import files
from wardround.errors import DataError
from wardround.events import EVENT_COLUMNS, IMAGES, MODALITIES, TEXTS

DOCUMENTS: Final = (*TEXTS, *IMAGES)
"""Modalities whose events are documents."""

BETWEEN: Final = "\n"
"""Notes of one minute are joined by it."""

NONE: Final = np.int32(-1)
"""The document of an item that has none."""

_TEXT: Final = {"modality": EVENT_COLUMNS["modality"], "text_value": EVENT_COLUMNS["text_value"]}


@dataclass(frozen=True)
class Documents:
    """Which items stand for documents, and where these are.

    Attributes:
        data: the DATA folder.
        item: places of the items of notes and pictures in `Lines`, rising.
        document: of each of them.
        modality: of each document, an index into `wardround.events.MODALITIES`.
        shard: in which file of DATA each document is.
        offsets: document i is made of the rows `rows[offsets[i]:offsets[i + 1]]` of its shard.
        rows: in the order in which they are joined.
        digest: the first 16 bytes of the SHA-256 of each document: its text, or the path of its picture.
    """

    data: Path
    item: Int64[np.ndarray, "document_item"]
    document: Int32[np.ndarray, "document_item"]
    modality: UInt8[np.ndarray, "document"]
    shard: Int32[np.ndarray, "document"]
    offsets: Int64[np.ndarray, "document_plus_one"]
    rows: Int32[np.ndarray, "document_row"]
    digest: UInt8[np.ndarray, "document byte"]

    def of_items(self, item: Int[np.ndarray, "item"]) -> Int[np.ndarray, "item"]:
        """The document of some items, -1 where they have none."""
        if not len(self.item):
            return np.full(len(item), NONE, np.int32)
        place = np.minimum(np.searchsorted(self.item, item), len(self.item) - 1)
        return np.where(self.item[place] == item, self.document[place], NONE)

    def members(self, modality: str) -> Int[np.ndarray, "document"]:
        """The documents of a modality."""
        return np.flatnonzero(self.modality == MODALITIES.index(modality))

    def texts(self, wanted: Int[np.ndarray, "wanted"]) -> Iterator[tuple[int, str]]:
        """What some documents say: place in `wanted` and text, or path of a picture; shard by shard.

        Raises:
            DataError: where a shard is not what it was when the lines were made.
        """
        by_shard = np.argsort(self.shard[wanted], kind="stable")
        edges = np.flatnonzero(np.diff(self.shard[wanted[by_shard]])) + 1
        for places in np.split(by_shard, edges) if len(by_shard) else ():
            path = self.data / "data" / f"{self.shard[wanted[places[0]]]}.parquet"
            column = files.read_columns(path, {"text_value": _TEXT["text_value"]})["text_value"]
            for place in places.tolist():
                number = int(wanted[place])
                rows = self.rows[self.offsets[number] : self.offsets[number + 1]]
                yield place, BETWEEN.join(column.gather(rows.tolist()).to_list())
            del column  # before the next one is read: one shard's words are in memory


ARRAYS: Final = ("item", "document", "modality", "shard", "offsets", "rows", "digest")
"""What the lines keep of them, a file each."""


_GROWING: Final = {
    "item": np.int64,
    "document": np.int32,
    "modality": np.uint8,
    "shard": np.int32,
    "lengths": np.int64,
    "rows": np.int32,
    "digest": np.uint8,
}


def shard_texts(path: Path) -> pl.DataFrame:
    """`row` and `text` of the notes and pictures of a shard; nothing is read of one that has none.

    Raises:
        DataError: counting those that say nothing, by modality.
    """
    frame = files.read_columns(path, {"modality": _TEXT["modality"]}).with_row_index("row")
    frame = frame.filter(pl.col("modality").is_in(list(DOCUMENTS)))
    if frame.is_empty():
        return frame.select("row", text=pl.lit(None, pl.String))
    said = files.read_columns(path, {"text_value": _TEXT["text_value"]})["text_value"]
    frame = frame.with_columns(text=said.gather(frame["row"]))
    silent = frame.filter(pl.col("text").is_null()).group_by("modality").len().sort("modality")
    if silent.height:
        counts = ", ".join(f"{count} events of {name}" for name, count in silent.iter_rows())
        raise DataError(
            f"{path}: {counts} have no text_value, which holds a note's text or a picture's path. Prepare again."
        )
    return frame.select("row", "text")


class DocumentsBuilder:
    """Documents under construction, shard by shard: some 50 bytes a note, as they are written."""

    def __init__(self) -> None:
        self._length = 0
        self._parts: dict[str, list[np.ndarray]] = {name: [np.empty(0, kind)] for name, kind in _GROWING.items()}

    def add(self, shard: int, items: pl.DataFrame) -> None:
        """Take a shard.

        Args:
            shard: its number.
            items: `item, stay_id, minute, modality, row, text` of its notes and pictures, by item.
        """
        known: dict[tuple[int, bytes], int] = {}
        made: dict[str, list[int]] = {name: [] for name in ("item", "document", "modality", "lengths", "rows")}
        digests = bytearray()
        is_text = pl.col("modality").is_in([MODALITIES.index(name) for name in TEXTS])
        event = pl.when(is_text).then(-1).otherwise("item")
        grouped = items.group_by("stay_id", "minute", "modality", event.alias("picture"), maintain_order=True)
        for modality, item, row, text in (
            grouped.agg("item", "row", "text").select("modality", "item", "row", "text").iter_rows()
        ):
            digest = hashlib.sha256(BETWEEN.join(text).encode()).digest()[:16]
            number = known.setdefault((modality, digest), self._length + len(known))
            if number == self._length + len(made["modality"]):
                made["modality"].append(modality)
                made["lengths"].append(len(row))
                made["rows"] += row
                digests += digest
            made["item"] += item
            made["document"] += [number] * len(item)
        self._length += len(known)
        for name, values in made.items():
            self._parts[name].append(np.asarray(values, _GROWING[name]))
        self._parts["shard"].append(np.full(len(known), shard, np.int32))
        self._parts["digest"].append(np.frombuffer(bytes(digests), np.uint8))

    def arrays(self) -> dict[str, np.ndarray]:
        """`ARRAYS`, to be written."""
        made = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        order = np.argsort(made["item"], kind="stable")
        return {
            "item": made["item"][order],
            "document": made["document"][order],
            "modality": made["modality"],
            "shard": made["shard"],
            "offsets": np.concatenate([[0], np.cumsum(made["lengths"])]).astype(np.int64),
            "rows": made["rows"],
            "digest": made["digest"].reshape(-1, 16),
        }
