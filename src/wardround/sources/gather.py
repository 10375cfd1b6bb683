"""The parts of a shard to its `data/SHARD.parquet`: equal rows once, minutes to times, in the order of MEDS."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from wardround import files
from wardround.events import EVENT_COLUMNS, MEDS_EVENT_SCHEMA, MINUTE_US, MODALITIES, SORT_WITHIN_SUBJECT
from wardround.sources.conversion import WITHIN_MINUTE

STAYS_PER_SHARD: Final = 1_000
"""A shard is what memory holds at once: some 6 million events of the full eICU."""


MOST_SHARDS: Final = 500
"""All of them are written at once while tables are read, each an open file."""


def shard_of_subjects(stays: pl.DataFrame, stays_per_shard: int | None = None) -> pl.DataFrame:
    """`stay_id, subject_id, start, shard`: whole subjects, some stays each, whatever the workers.

    Args:
        stays: the stays.
        stays_per_shard: of a source whose stays hold many events, fewer than `STAYS_PER_SHARD`; more of them go to a
            shard again where the shards would be too many.
    """
    wanted = STAYS_PER_SHARD if stays_per_shard is None else max(stays_per_shard, stays.height // MOST_SHARDS)
    size = min(STAYS_PER_SHARD, wanted)
    order = stays.select("stay_id", "subject_id", "start").sort("subject_id", "stay_id").with_row_index("place")
    first = pl.col("place").min().over("subject_id")
    return order.with_columns(shard=(first // size).cast(pl.Int64)).drop("place")


@dataclass(frozen=True)
class Part:
    """What one table gives to a shard.

    Attributes:
        table: its name.
        path: its events-to-be, absent where it has none.
        delay_min: no event of it is known before its own time plus these minutes.
    """

    table: str
    path: Path
    delay_min: int


def gather_shard(
    parts: Sequence[Part], admission: pl.DataFrame, members: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The events of a shard, and table -> rows left out because an equal row came before.

    Args:
        parts: what the tables give.
        admission: good candidates from the stay table, without `row` and `reason`.
        members: `stay_id, subject_id, start` of the shard's stays.
    """
    frames = [admission.join(members, on="stay_id", how="semi")]
    duplicates: dict[str, int] = {}
    for part in parts:
        if part.path.is_file():
            kept, duplicates[part.table] = _without_duplicates(files.read_table(part.path))
            not_before = pl.col("minute") + part.delay_min
            frames.append(kept.with_columns(available_minute=pl.max_horizontal("available_minute", not_before)))
    return _placed_in_time(pl.concat(frames, how="diagonal"), members), duplicates


def _without_duplicates(rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Of equal raw rows the first alone; a raw row may have several events."""
    kept = rows.filter(pl.col("row") == pl.col("row").min().over("row_hash"))
    count = rows["row"].n_unique() - kept["row"].n_unique() if kept.height < rows.height else 0
    return kept.drop("row", "row_hash"), count


def _placed_in_time(made: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Minutes from unit admission to times; subject ids; the order on disk."""
    made = made.join(members.select("stay_id", "subject_id", "start"), on="stay_id", how="left")
    coarse = [name for name in WITHIN_MINUTE.values() if name not in made.columns]
    made = made.with_columns(pl.lit(0, pl.Int64).alias(name) for name in coarse)
    times = {name: pl.col("start") + _since_start(minutes).cast(pl.Duration("us")) for name, minutes in _TIMES}
    events = made.with_columns(**times).select(pl.col(name).cast(kind) for name, kind in EVENT_COLUMNS.items())
    return events.sort(SORT_WITHIN_SUBJECT, nulls_last=True)


def _since_start(minutes: str) -> pl.Expr:
    return pl.col(minutes) * MINUTE_US + pl.col(WITHIN_MINUTE[minutes]).fill_null(0)


_TIMES: Final = (("time", "minute"), ("available_time", "available_minute"))


def write_shard(events: pl.DataFrame, path: Path, summaries: Path) -> list[Path]:
    """Write a shard's events, and its stays and codes for the tables of the whole.

    Returns:
        The files that were written.

    Raises:
        StorageError: if the disk refuses.
    """
    stays, codes = _summary_files(summaries)
    files.write_table(path, events, MEDS_EVENT_SCHEMA)
    files.write_table(stays, _stay_summary(events))
    files.write_table(codes, events.select("code", "modality").unique().sort("code", "modality"))
    return [path, stays, codes]


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
    pairs = events.group_by("stay_id", "modality").agg(pl.len().cast(pl.Int64))
    pairs = pairs.sort("stay_id", pl.col("modality").cast(pl.Enum(MODALITIES)))
    return pairs.group_by("stay_id", maintain_order=True).agg(n_events=pl.col("len").sum(), modalities="modality")
