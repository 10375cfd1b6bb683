"""Events-to-be on their way from tables to shards, in runs: files that are read by slice.

    TABLE's events in the order of its rows  ->  wait in memory until they are many  ->  TABLE/0.arrow, TABLE/1.arrow

A slice is some stays of whole subjects; slices are numbered by shard, then by subject. A run holds one batch for each
slice that it has rows of, so that whoever puts a slice together reads its rows alone, however large the table. One file
is open at a time and nothing grows with the table but the list of its batches and that of its codes. Events wait and
lie packed (`packed.py`).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from wardround import files
from wardround.sources.packed import LISTED, WordLists, Words, in_one_order, unpacked

_SLICES: Final = "slices"
_ROWS: Final = "rows"
_WORDS: Final = "words.parquet"
_WORDS_SCHEMA: Final = {"column": pl.String(), "word": pl.String()}


@dataclass(frozen=True)
class Run:
    """A run on disk.

    Attributes:
        path: its file.
        slices: of its batches, rising.
        rows: of its batches.
        words: of its table.
    """

    path: Path
    slices: np.ndarray
    rows: np.ndarray
    words: Words

    def of_slices(self, first: int, last: int) -> list[pl.DataFrame]:
        """The rows of slices `first` to `last`, both with them. Raises `DataError` where the file is torn."""
        begin, end = np.searchsorted(self.slices, [first, last + 1])
        batches = files.read_batches(self.path, range(begin, end)) if end > begin else []
        return [unpacked(batch, self.words) for batch in batches]


@dataclass
class RunWriter:
    """The runs of a table under construction: a context, in which a thread of its own writes one while events of the
    next are taken.

    Attributes:
        folder: for their files; empty.
        most_bytes: of events that wait in memory; those of the run that is being written are held besides.
        paths: of the runs that are written, or being written.
    """

    folder: Path
    most_bytes: int
    paths: list[Path] = field(default_factory=list[Path])
    _waiting: list[pa.Table] = field(default_factory=list[pa.Table])
    _bytes: int = 0
    _lists: WordLists = field(default_factory=WordLists)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _being_written: "Future[None] | None" = None

    def __enter__(self) -> "RunWriter":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is being written when the context ends."""
        self._thread.shutdown()

    def add(self, events: pl.DataFrame) -> None:
        """Take events-to-be, with their `slice`. Raises `StorageError`, maybe of a run that was taken before.

        They wait with texts of their own: a view of the block's would keep all of the block.
        """
        if events.height:
            table = self._lists.packed(events).to_arrow(compat_level=pl.CompatLevel.oldest())
            self._waiting.append(table)
            self._bytes += table.nbytes
        if self._bytes >= self.most_bytes:
            self._flush()

    def finish(self) -> list[Path]:
        """Write what still waits, and the words; the files that were written. Raises `StorageError`."""
        self._flush()
        self._wait()
        if not self.paths:
            return []
        words = [pl.DataFrame({"column": name, "word": words}) for name, words in self._lists.words.items()]
        files.write_table(self.folder / _WORDS, pl.concat([pl.DataFrame(schema=_WORDS_SCHEMA), *words]))
        return [*self.paths, self.folder / _WORDS]

    def _flush(self) -> None:
        """Begin to write what waits as a run, once the one before is written."""
        self._wait()
        if self._waiting:
            path = self.folder / f"{len(self.paths)}.arrow"
            self._being_written = self._thread.submit(_write_run, path, self._waiting)
            self.paths.append(path)
            self._waiting, self._bytes = [], 0

    def _wait(self) -> None:
        if self._being_written is not None:
            self._being_written.result()


def _write_run(path: Path, tables: list[pa.Table]) -> None:
    """Packed events as a run; the tables are let go of as soon as they are one."""
    together = pl.DataFrame(pl.from_arrow(pa.concat_tables(tables)))
    tables.clear()
    if not together["slice"].is_sorted():
        together = together.sort("slice", maintain_order=True)
    runs = together["slice"].rle().struct
    numbers, rows = runs.field("value"), runs.field("len")
    notes = {_SLICES: json.dumps(numbers.to_list()), _ROWS: json.dumps(rows.to_list())}
    files.write_batches(path, together.drop("slice"), rows.to_list(), notes)


def open_runs(folder: Path, names: Sequence[str]) -> list[Run]:
    """The runs of a table that was read. Raises `DataError` where a file is missing or torn."""
    if not names:
        return []
    lists = files.read_columns(folder / _WORDS, _WORDS_SCHEMA).partition_by("column", as_dict=True)
    words = {str(name): list_["word"].alias(str(name)) for (name,), list_ in lists.items()}
    return [_open_run(folder / name, words) for name in names]


def _open_run(path: Path, words: Words) -> Run:
    notes = files.read_notes(path)
    slices, rows = (np.array(json.loads(notes[name]), np.int64) for name in (_SLICES, _ROWS))
    return Run(path, slices, rows, words)


def in_common_words(
    runs: Mapping[str, Sequence[Run]], beside: pl.DataFrame
) -> tuple[dict[str, list[Run]], pl.DataFrame]:
    """Runs of several tables, and other events-to-be, with words that are places in one list of all of them."""
    lists = [of_table[0].words for of_table in runs.values() if of_table]
    orders = in_one_order([*lists, {name: beside[name].unique() for name in LISTED}])
    return (
        {table: _with_words(of_table, orders) for table, of_table in runs.items()},
        beside.with_columns(pl.col(name).cast(order) for name, order in orders.items()),
    )


def _with_words(runs: Sequence[Run], orders: Mapping[str, pl.DataType]) -> list[Run]:
    """The runs of a table, which share their words."""
    if not runs:
        return []
    words = {name: words.cast(orders[name]) for name, words in runs[0].words.items()}
    return [replace(run, words=words) for run in runs]


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
