"""One shard as a step of the work: written by whichever worker, unless an earlier call finished it."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from wardround.sources.gather import Repeated, ShardWriter
from wardround.sources.work_folder import WorkFolder


@dataclass(frozen=True)
class ShardStep:
    """What every shard is written with.

    Attributes:
        work: the folder that is being made.
        writer: how.
    """

    work: WorkFolder
    writer: ShardWriter


def write_step(step: ShardStep, members: pl.DataFrame) -> dict[str, Repeated]:
    """The task of a worker: write a shard, and write down that it is finished.

    Args:
        step: what every shard is written with.
        members: `stay_id, subject_id, start, shard, slice` of its stays.

    Returns:
        Table -> what was left out because an equal row came before.

    Raises:
        DataError: where a run is torn.
        StorageError: if the disk refuses.
    """
    work, shard = step.work, members["shard"][0]
    done = work.facts("shards", str(shard))
    if done is not None:
        return {name: Repeated(*counts) for name, counts in done.items()}
    path = work.to / "data" / f"{shard}.parquet"
    made, duplicates = step.writer.write(members, path, summaries_of(work, shard))
    work.finish("shards", str(shard), duplicates, made)
    return duplicates


def summaries_of(work: WorkFolder, shard: int) -> Path:
    """The folder for the stays and codes of a shard."""
    return work.path / "summaries" / str(shard)
