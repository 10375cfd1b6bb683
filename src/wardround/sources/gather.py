"""The rows of a shard to its `data/SHARD.parquet`: equal rows once, minutes to times, in the order of MEDS.

A shard is put in order piece by piece, each of whole subjects, and written in row groups of one size, so that its bytes
do not tell how large the pieces were.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from wardround import files
from wardround.events import EVENT_COLUMNS, MEDS_EVENT_SCHEMA, MINUTE_US, MODALITIES, SORT_WITHIN_SUBJECT
from wardround.sources.conversion import WITHIN_MINUTE
from wardround.sources.packed import LISTED, as_words
from wardround.sources.runs import Run, pieces

STAYS_PER_SHARD: Final = 1_000
"""A shard is one file: some 6 million events of the full eICU."""
STAYS_PER_SLICE: Final = 25
"""A slice is the least that is put in order at once: some 200,000 events of MIMIC."""

MOST_SHARDS: Final = 500


def shard_of_subjects(stays: pl.DataFrame, stays_per_shard: int | None = None) -> pl.DataFrame:
    """`stay_id, subject_id, start, shard, slice`: whole subjects, some stays each, whatever the workers.

    Slices are numbered from 0 in the order of their subjects; those of a shard are neighbours.

    Args:
        stays: the stays.
        stays_per_shard: of a source whose stays hold many events, fewer than `STAYS_PER_SHARD`; more of them go to a
            shard again where the shards would be too many.
    """
    wanted = STAYS_PER_SHARD if stays_per_shard is None else max(stays_per_shard, stays.height // MOST_SHARDS)
    size = min(STAYS_PER_SHARD, wanted)
    order = stays.select("stay_id", "subject_id", "start").sort("subject_id", "stay_id").with_row_index("place")
    first = pl.col("place").min().over("subject_id")
    order = order.with_columns(shard=(first // size).cast(pl.Int64), slice=first % size // STAYS_PER_SLICE)
    in_all = (pl.col("shard") * size + pl.col("slice")).rank("dense").cast(pl.Int64) - 1
    return order.with_columns(slice=in_all).drop("place")


class Repeated(NamedTuple):
    """What was left out because an equal row came before: raw rows, and the events that they would have been."""

    rows: int
    events: int

    def plus(self, more: "Repeated") -> "Repeated":
        """Both together."""
        return Repeated(self.rows + more.rows, self.events + more.events)


@dataclass(frozen=True)
class Part:
    """What one table gives to a piece of a shard.

    Attributes:
        table: its name.
        rows: its events-to-be, batch by batch.
        delay_min: no event of it is known before its own time plus these minutes.
    """

    table: str
    rows: Sequence[pl.DataFrame]
    delay_min: int


def gather(
    parts: Sequence[Part], admission: pl.DataFrame, members: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, Repeated]]:
    """The events of some subjects, and table -> what was left out because an equal row came before.

    Args:
        parts: what the tables give.
        admission: good candidates from the stay table, without `row` and `reason`.
        members: `stay_id, subject_id, start` of the subjects' stays.
    """
    frames = [admission.join(members, on="stay_id", how="semi")]
    duplicates: dict[str, Repeated] = {}
    for part in parts:
        if part.rows:
            kept, duplicates[part.table] = _without_duplicates(pl.concat(part.rows))
            not_before = pl.col("minute") + part.delay_min
            frames.append(kept.with_columns(available_minute=pl.max_horizontal("available_minute", not_before)))
    return _placed_in_time(pl.concat(frames, how="diagonal"), members), duplicates


@dataclass(frozen=True)
class ShardWriter:
    """How shards are written from runs.

    Attributes:
        runs: table -> its runs.
        delays_min: table -> no event of it is known before its own time plus these minutes.
        rows: events-to-be of each slice, by its number.
        admission: good candidates from the stay table, without `row` and `reason`.
        most_rows: events that are put in order at once.
    """

    runs: Mapping[str, Sequence[Run]]
    delays_min: Mapping[str, int]
    rows: np.ndarray
    admission: pl.DataFrame
    most_rows: int

    def write(self, members: pl.DataFrame, path: Path, summaries: Path) -> tuple[list[Path], dict[str, Repeated]]:
        """Write a shard.

        Args:
            members: `stay_id, subject_id, start, slice` of its stays.
            path: the shard.
            summaries: the folder for its stays and codes.

        Returns:
            The files, and table -> what was left out because an equal row came before.

        Raises:
            DataError: where a run is torn.
            StorageError: if the disk refuses.
        """
        begin, end = int(members["slice"].min()), int(members["slice"].max())  # pyright: ignore[reportArgumentType]
        repeated = dict.fromkeys(self.runs, Repeated(0, 0))

        def in_order() -> Iterator[pl.DataFrame]:
            for first, last in pieces(self.rows[begin : end + 1].tolist(), self.most_rows):
                events, duplicates = self._piece(members, begin + first, begin + last)
                for name, more in duplicates.items():
                    repeated[name] = repeated[name].plus(more)
                yield events

        made = write_shard(in_order(), path, summaries)
        return made, repeated

    def _piece(self, members: pl.DataFrame, first: int, last: int) -> tuple[pl.DataFrame, dict[str, Repeated]]:
        parts = [
            Part(name, [rows for run in runs for rows in run.of_slices(first, last)], self.delays_min[name])
            for name, runs in self.runs.items()
        ]
        return gather(parts, self.admission, members.filter(pl.col("slice").is_between(first, last)))


def _without_duplicates(rows: pl.DataFrame) -> tuple[pl.DataFrame, Repeated]:
    """Of equal raw rows the first alone; a raw row may have several events."""
    alike = rows.select("row", "row_hash").filter(rows["row_hash"].is_duplicated())
    later = alike.filter(pl.col("row") > pl.col("row").min().over("row_hash"))["row"].unique()
    kept = rows.filter(~pl.col("row").is_in(later.implode())) if later.len() else rows
    return kept.drop("row", "row_hash"), Repeated(later.len(), rows.height - kept.height)


def _placed_in_time(made: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Minutes from unit admission to times; subject ids; the order on disk."""
    made = made.join(members.select("stay_id", "subject_id", "start"), on="stay_id", how="left")
    coarse = [name for name in WITHIN_MINUTE.values() if name not in made.columns]
    made = made.with_columns(pl.lit(0, pl.Int64).alias(name) for name in coarse)
    times = {name: pl.col("start") + _since_start(minutes).cast(pl.Duration("us")) for name, minutes in _TIMES}
    events = made.with_columns(**times).select(
        name if name in LISTED else pl.col(name).cast(kind) for name, kind in EVENT_COLUMNS.items()
    )
    return events.sort(SORT_WITHIN_SUBJECT, nulls_last=True)


def _since_start(minutes: str) -> pl.Expr:
    return pl.col(minutes) * MINUTE_US + pl.col(WITHIN_MINUTE[minutes]).fill_null(0)


_TIMES: Final = (("time", "minute"), ("available_time", "available_minute"))


def write_shard(pieces: Iterable[pl.DataFrame], path: Path, summaries: Path) -> list[Path]:
    """Write a shard's events, and its stays and codes for the tables of the whole.

    Args:
        pieces: the events, in the order of MEDS; at least one table, maybe an empty one.
        path: the shard.
        summaries: the folder for its stays and codes.

    Returns:
        The files that were written.

    Raises:
        StorageError: if the disk refuses.
    """
    of_stays: list[pl.DataFrame] = []
    of_codes: list[pl.DataFrame] = []

    def summed_up() -> Iterator[pl.DataFrame]:
        for events in pieces:
            of_stays.append(_stay_summary(events))
            of_codes.append(as_words(events.select("code", "modality").unique()))
            yield events

    with files.table_stream(path, MEDS_EVENT_SCHEMA) as stream:
        for group in row_groups(summed_up(), files.ROWS_PER_GROUP):
            stream.add(as_words(group))
    stays, codes = _summary_files(summaries)
    files.write_table(stays, pl.concat(of_stays).sort("stay_id"))
    files.write_table(codes, pl.concat(of_codes).unique().sort("code", "modality"))
    return [path, stays, codes]


def row_groups(pieces: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Tables of so many rows each, but for the last; one without rows where there are none."""
    waiting: list[pl.DataFrame] = []
    held, given = 0, False
    for piece in pieces:
        waiting.append(piece)
        held += piece.height
        while held >= rows:
            together = pl.concat(waiting)
            yield together.head(rows).rechunk()
            waiting, held, given = [together.slice(rows)], held - rows, True
    if held or not given:
        yield pl.concat(waiting).rechunk()


def _summary_files(summaries: Path) -> tuple[Path, Path]:
    return summaries / "stays.parquet", summaries / "codes.parquet"


def read_summaries(folders: Sequence[Path]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`stay_id, n_events, modalities` and `code, modality` of all shards together, a row a stay and a row a code.

    Raises:
        DataError: where a summary is missing or torn.
    """
    stays, codes = (
        pl.concat(files.read_table(_summary_files(folder)[which]) for folder in folders) for which in range(2)
    )
    return stays, codes.group_by("code").agg(pl.col("modality").min()).sort("code")


def subject_splits(stays: pl.DataFrame) -> pl.DataFrame:
    """`subject_id, split` of MEDS: informational, 70 % train, 15 % tuning, 15 % held out, by a hash of the subject.

    A run makes its own split (`tasks/splits.py`); with its default seed it is this one.
    """
    subjects = stays.select(pl.col("subject_id").unique().sort())
    shares = [_share(subject) for subject in subjects.to_series()]
    splits = ["train" if share < 0.70 else "tuning" if share < 0.85 else "held_out" for share in shares]
    return subjects.with_columns(split=pl.Series(splits, dtype=pl.String))


def _share(subject: int) -> float:
    digest = hashlib.blake2b(f"0/split/{subject}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def _stay_summary(events: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, n_events, modalities`, the modalities in their one order."""
    pairs = as_words(events.group_by("stay_id", "modality").agg(pl.len().cast(pl.Int64)))
    pairs = pairs.sort("stay_id", pl.col("modality").cast(pl.Enum(MODALITIES)))
    return pairs.group_by("stay_id", maintain_order=True).agg(n_events=pl.col("len").sum(), modalities="modality")
