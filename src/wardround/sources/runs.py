"""Events-to-be on their way from tables to shards, in runs: files that are read by slice.

    TABLE's events in the order of its rows  ->  wait in memory until they are many  ->  TABLE/0.arrow, TABLE/1.arrow

A slice is some stays of whole subjects; slices are numbered by shard, then by subject. A run holds one batch for each
slice that it has rows of, so that whoever puts a slice together reads its rows alone, however large the table. One file
is open at a time and nothing grows with the table but the list of its batches.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from wardround import files

_SLICES: Final = "slices"
_ROWS: Final = "rows"


@dataclass(frozen=True)
class Run:
    """A run on disk.

    Attributes:
        path: its file.
        slices: of its batches, rising.
        rows: of its batches.
    """

    path: Path
    slices: np.ndarray
    rows: np.ndarray

    def of_slices(self, first: int, last: int) -> list[pl.DataFrame]:
        """The rows of slices `first` to `last`, both with them. Raises `DataError` where the file is torn."""
        begin, end = np.searchsorted(self.slices, [first, last + 1])
        return files.read_batches(self.path, range(begin, end)) if end > begin else []


@dataclass
class RunWriter:
    """The runs of a table under construction.

    Attributes:
        folder: for their files; empty.
        most_bytes: of events that wait in memory.
        paths: of the runs that are written.
    """

    folder: Path
    most_bytes: int
    paths: list[Path] = field(default_factory=list[Path])
    _waiting: list[pa.Table] = field(default_factory=list[pa.Table])
    _bytes: int = 0

    def add(self, events: pl.DataFrame) -> None:
        """Take events-to-be, with their `slice`. Raises `StorageError`.

        They wait with texts of their own: a view of the block's would keep all of the block.
        """
        if events.height:
            table = events.to_arrow(compat_level=pl.CompatLevel.oldest())
            self._waiting.append(table)
            self._bytes += table.nbytes
        if self._bytes >= self.most_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what waits as a run. Raises `StorageError`."""
        if not self._waiting:
            return
        together = pl.DataFrame(pl.from_arrow(pa.concat_tables(self._waiting)))
        self._waiting.clear()
        if not together["slice"].is_sorted():
            together = together.sort("slice", maintain_order=True)
        runs = together["slice"].rle().struct
        numbers, rows = runs.field("value"), runs.field("len")
        notes = {_SLICES: json.dumps(numbers.to_list()), _ROWS: json.dumps(rows.to_list())}
        begins = (rows.cum_sum() - rows).to_list()
        batches = (together.slice(*place).drop("slice") for place in zip(begins, rows, strict=True))
        path = self.folder / f"{len(self.paths)}.arrow"
        files.write_batches(path, batches, notes)
        self.paths.append(path)
        self._bytes = 0


def open_run(path: Path) -> Run:
    """A run that was written. Raises `DataError` where its file is missing or torn."""
    notes = files.read_notes(path)
    slices, rows = (np.array(json.loads(notes[name]), np.int64) for name in (_SLICES, _ROWS))
    return Run(path, slices, rows)


def rows_of_slices(runs: Iterable[Run], n_slices: int) -> np.ndarray:
    """How many rows each slice has in some runs together."""
    counts = np.zeros(n_slices, np.int64)
    for run in runs:
        np.add.at(counts, run.slices, run.rows)
    return counts


def pieces(rows: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Neighbouring slices put together while their rows are no more than `most`: the first and last place of each.

    A slice that alone has more is a piece of its own.
    """
    found: list[tuple[int, int]] = []
    begin, held = 0, 0
    for place, count in enumerate(rows):
        if place > begin and held + count > most:
            found.append((begin, place - 1))
            begin, held = place, 0
        held += count
    return [*found, (begin, len(rows) - 1)] if len(rows) else []
