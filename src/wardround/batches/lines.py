"""A stay is a line of events: the DATA folder as memory-mapped ragged arrays, each stay in the order in which it became
known.

    item     one event row: clock minute, modality, code, value
    line     the items of one stay, by (clock, time, modality, code): `AVAILABILITY.md`, "Order of a stay"

The clock is `available_time` in the causal protocol, so that everything known by a prediction time is a prefix of the
line. The derived events of `concepts` stand among the recorded ones; what notes and pictures say is beside them
(`documents.py`). Built once a DATA folder and clock into
`DATA/cache`, shard by shard; opening it checks the hash of each array and maps it.
"""

import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float32, Int, Int32, Int64, UInt8

from wardround import files
from wardround.batches.documents import ARRAYS, Documents, DocumentsBuilder, shard_texts
from wardround.concepts.apache_iv import MODALITY, Clock
from wardround.concepts.derived import DERIVED_CODES, derived_events
from wardround.errors import DataError
from wardround.events import EVENT_COLUMNS, MINUTE_US, MODALITIES, TIME
from wardround.progress import progress
from wardround.tasks.cohort import Window

FORMAT: Final = 7
"""Another number where other lines are made of the same events: derived ones count."""

_ITEM_TYPES: Final = {
    "minute": np.dtype(np.int32),
    "available": np.dtype(np.int32),
    "modality": np.dtype(np.uint8),
    "code": np.dtype(np.int32),
    "value": np.dtype(np.float32),
}


_CODE: Final = {"code": EVENT_COLUMNS["code"]}
_EVENT: Final = {name: kind for name, kind in EVENT_COLUMNS.items() if name not in ("subject_id", "text_value")}


@dataclass(frozen=True)
class Lines:
    """The stays of a DATA folder as lines of items.

    Attributes:
        stay_ids: sorted; place in it is the stay's index.
        offsets: items of stay i are `offsets[i]:offsets[i + 1]`.
        minute: clock minutes from unit admission, begun ones whole, rising within a stay.
        available: minutes from unit admission at which the item became known, whatever the clock.
        modality: index into `wardround.events.MODALITIES`.
        code: index into `codes`.
        value: NaN where the event has no number.
        codes: the code strings of the DATA folder, then those of derived events.
        cache: the folder beside them, where what is made from them may be kept.
        documents_of: the folder of the arrays behind `documents`.
    """

    stay_ids: Int64[np.ndarray, "stay"]
    offsets: Int64[np.ndarray, "stay_plus_one"]
    minute: Int32[np.ndarray, "item"]
    available: Int32[np.ndarray, "item"]
    modality: UInt8[np.ndarray, "item"]
    code: Int32[np.ndarray, "item"]
    value: Float32[np.ndarray, "item"]
    codes: list[str]
    cache: Path
    documents_of: Path

    @cached_property
    def documents(self) -> Documents:
        """Which items are notes and pictures, and where these are."""
        arrays = {name: files.map_array(self.documents_of / f"document_{name}.npy") for name in ARRAYS}
        return Documents(self.cache.parent, **arrays)

    def index_of(self, stay_ids: np.ndarray) -> Int[np.ndarray, "stay"]:
        """Places of stays.

        Raises:
            DataError: counting the ids that are not in the data.
        """
        place = np.searchsorted(self.stay_ids, stay_ids)
        place = np.minimum(place, len(self.stay_ids) - 1)
        unknown = int((self.stay_ids[place] != stay_ids).sum())
        if unknown:
            raise DataError(
                f"{unknown} of {len(stay_ids)} stays are not in this data. Give the data that the run was made with."
            )
        return place


def open_lines(data: Path, window: Window, quiet: bool = False) -> Lines:
    """The lines of a DATA folder on the clock of a protocol, from `DATA/cache`, built there the first time.

    Args:
        data: the DATA folder.
        window: its protocol chooses the clock.
        quiet: no progress on stderr.

    Raises:
        DataError: where the folder is unfinished or changed, or holds events that only wardround makes.
        StorageError: where the cache cannot be written.
    """
    manifest = files.read_manifest(data, "data", DataError)
    folder = data / "cache" / f"lines-{window.clock}-{FORMAT}-{manifest['hash'][:16]}"
    if not (folder / "done.json").is_file():
        files.verify_folder(data, "data")
        _build(data, window.clock, folder, quiet)
    _verify(folder)
    arrays = {name: files.map_array(folder / f"{name}.npy") for name in ("stay_ids", "offsets", *_ITEM_TYPES)}
    codes = _codes(data)["code"].to_list()
    return Lines(**arrays, codes=codes, cache=folder.parent, documents_of=folder)


def _verify(folder: Path) -> None:
    """Each cached array is what was written. Raises `DataError`."""
    for name, digest in files.read_json(folder / "done.json")["files"].items():
        if not (folder / name).is_file() or files.sha256(folder / name) != digest:
            raise DataError(f"{folder / name} differs from what was written. Delete {folder}; it is made again.")


def _build(data: Path, clock: Clock, folder: Path, quiet: bool) -> None:
    """Fill a private folder, then rename it into place: two builders at once do no harm."""
    shards = sorted((data / "data").glob("*.parquet"), key=lambda path: int(path.stem))
    sizes = [_events(path, clock).group_by("stay_id").len() for path in shards]
    counts = pl.concat(sizes).group_by("stay_id").agg(pl.col("len").sum())
    starts = files.read_columns(data / "stays.parquet", {"stay_id": pl.Int64(), "start": TIME})
    if starts["stay_id"].is_duplicated().any() or starts["start"].has_nulls():
        raise DataError(f"{data / 'stays.parquet'} has a stay twice or without its start. Make the folder again.")
    per_stay = starts.sort("stay_id").join(counts, on="stay_id", how="left", maintain_order="left").fill_null(0)
    offsets = np.concatenate([[0], np.cumsum(per_stay["len"].to_numpy())]).astype(np.int64)
    partial = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")
    try:
        reading = progress(shards, "putting events in order, shards", quiet=quiet)
        _fill(partial, data, reading, clock, starts, per_stay["stay_id"].to_numpy(), offsets)
        with files.storage_errors(folder, "writing"):
            if not folder.exists():
                os.replace(partial, folder)
    finally:
        files.remove(partial)


def _codes(data: Path) -> pl.DataFrame:
    """Every code of the lines, in the order of their numbers."""
    recorded = files.read_columns(data / "metadata" / "codes.parquet", _CODE)
    derived = pl.DataFrame({"code": DERIVED_CODES}, _CODE).join(recorded, on="code", how="anti", maintain_order="left")
    return pl.concat([recorded, derived])


def _events(path: Path, clock: Clock) -> pl.DataFrame:
    """The events of a shard, recorded and derived.

    Raises:
        DataError: where one was recorded that only wardround makes: it would be taken for what was computed here.
    """
    recorded = files.read_columns(path, _EVENT)
    taken = recorded.filter(pl.col("modality") == MODALITY, pl.col("code").is_in(DERIVED_CODES)).height
    if taken:
        raise DataError(
            f"{path} has {taken} events of the modality {MODALITY} under {' or '.join(DERIVED_CODES)}, which wardround "
            "computes itself. Prepare again with another code or modality for them."
        )
    return pl.concat([recorded, derived_events(recorded, clock).select(recorded.columns)])


def _fill(
    partial: Path,
    data: Path,
    shards: Iterable[Path],
    clock: Clock,
    starts: pl.DataFrame,
    stay_ids: np.ndarray,
    offsets: np.ndarray,
) -> None:
    """Write every array of the lines, and last the hashes of them all."""
    codes, documents = _codes(data).with_row_index("code_id"), DocumentsBuilder()
    with files.storage_errors(partial, "writing"):
        partial.mkdir(parents=True)
        items = {
            name: np.lib.format.open_memmap(partial / f"{name}.npy", "w+", kind, (int(offsets[-1]),))
            if offsets[-1]
            else None
            for name, kind in _ITEM_TYPES.items()
        }
        for path in shards:
            events = _events(path, clock).with_row_index("row")  # recorded ones come first, as in the shard
            events = events.join(shard_texts(path), on="row", how="left", maintain_order="left")
            placed = _place(events, clock, starts, codes, stay_ids, offsets, items)
            documents.add(int(path.stem), placed.drop_nulls("text"))
        for name, array in items.items():
            np.save(partial / f"{name}.npy", np.empty(0, _ITEM_TYPES[name])) if array is None else array.flush()
    files.write_array(partial / "stay_ids.npy", stay_ids)
    files.write_array(partial / "offsets.npy", offsets)
    for name, array in documents.arrays().items():
        files.write_array(partial / f"document_{name}.npy", array)
    hashes = {path.name: files.sha256(path) for path in sorted(partial.glob("*.npy"))}
    files.write_json(partial / "done.json", {"format": FORMAT, "files": hashes})


def _place(
    events: pl.DataFrame,
    clock: Clock,
    starts: pl.DataFrame,
    codes: pl.DataFrame,
    stay_ids: np.ndarray,
    offsets: np.ndarray,
    items: dict[str, np.memmap | None],
) -> pl.DataFrame:
    """Write the items of one shard at their stays' places.

    Returns:
        `item, stay_id, minute, modality, row, text` of each: its place, and where and what it says, null of numbers
        and codes. Notes and pictures of the same time and code are in the order of their texts.
    """
    order = {name: place for place, name in enumerate(MODALITIES)}

    def minute(column: str) -> pl.Expr:  # rounded up, so never too early
        to_start_us = (pl.col("start") - pl.col(column)).dt.total_microseconds()
        return (-(to_start_us // MINUTE_US)).cast(pl.Int32)

    known = events.drop_nulls("stay_id").join(starts, on="stay_id")
    frame = known.join(codes, on="code")
    if frame.height != known.height or known.select({clock, "available_time"}).null_count().sum_horizontal().item():
        raise DataError("events lack a time, or have a code that metadata/codes.parquet lists not once. Prepare again.")
    modality = pl.col("modality").replace_strict(order, default=255)
    frame = frame.sort("stay_id", clock, "time", modality, "code", "numeric_value", "available_time", "text")
    frame = frame.select(
        "stay_id",
        "row",
        "text",
        minute=minute(clock),
        available=minute("available_time"),
        modality=modality.cast(pl.UInt8),
        code=pl.col("code_id").cast(pl.Int32),
        value=pl.col("numeric_value").fill_null(float("nan")),
    )
    runs = frame["stay_id"].rle().struct.unnest()
    begin = offsets[np.searchsorted(stay_ids, runs["value"].to_numpy())]
    lengths = runs["len"].to_numpy().astype(np.int64)
    target = np.repeat(begin - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(frame.height)
    for name, array in items.items():
        if array is not None:
            array[target] = frame[name].to_numpy()
    return frame.select("stay_id", "minute", "modality", "row", "text", item=pl.Series(target, dtype=pl.Int64))
