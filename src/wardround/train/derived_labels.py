"""Stays with the columns that a task's label is made of where `stays.parquet` does not hold it: the table of a concept.

    phenotyping               25 columns of true and false, made of the diagnoses that a hospital stay was billed with
    next_visit_phenotyping    those of the patient's next hospital stay in the data, the first that began at the
                              discharge from this one or after it; nulls where there is none

A stay of which the concept says nothing has nulls, and so no label. The columns are made once and kept in the folder's
cache, by the hash of the data; a change of ours that gives other values asks for another `FORMAT`.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Int8

from wardround import files
from wardround.batches.array_cache import find_array, keep_array
from wardround.concepts.known import Concept, find_concept
from wardround.concepts.needs import unmet
from wardround.concepts.rows import INPUT_COLUMNS
from wardround.errors import DataError, StorageError
from wardround.events import EVENT_COLUMNS
from wardround.progress import progress
from wardround.tasks.cohort import discharged, visit_of
from wardround.tasks.task import Task

FORMAT: Final = 1
LIMIT_BYTES: Final = 1 << 28
"""Of all entries together; one has a byte a stay and column."""
UNKNOWN: Final = -1
_SHORTEST: Final = pl.duration(microseconds=1)
_EVENT: Final = {name: EVENT_COLUMNS[name] for name in INPUT_COLUMNS}


def with_derived(
    folder: Path, data_hash: str, stays: pl.DataFrame, task: Task | None, needed: bool = True, quiet: bool = True
) -> pl.DataFrame:
    """The stays with what a task's label reads; as they are for a task that reads them alone.

    Args:
        folder: the DATA folder.
        data_hash: of its manifest.
        stays: its `stays.parquet`.
        task: what is predicted; None for label-free pretraining.
        needed: refuse data that have no code of what the label is made of; False leaves its columns null there.
        quiet: no progress on stderr.

    Raises:
        DataError: where such data are refused, or a shard is torn.
        StorageError: if the disk refuses to be read.
    """
    if task is None or not task.derived:
        return stays
    concept = find_concept(task.derived)
    names = [name for name in concept.columns if name != "stay_id"]
    lacking = [f"{need.part} ({', '.join(need.codes)})" for need in unmet(concept.needs, _codes(folder))]
    if lacking and needed:
        raise DataError(
            f"{folder} has no code of what the labels of {task.name} are made of: {'; '.join(lacking)}. Take data that "
            "have them (`prepare --modalities paper` leaves them out), or another task; `predict` needs no labels."
        )
    if lacking:
        return stays.with_columns(pl.lit(None, pl.Boolean).alias(name) for name in names)
    cache, key = folder / "cache" / "labels", files.hash_of([FORMAT, data_hash, concept.name, names])
    kept = None
    with contextlib.suppress(StorageError):
        kept = find_array(cache, key)
    if kept is None:
        kept = _answers(folder, stays, task, concept, names, quiet)
        with contextlib.suppress(StorageError):
            keep_array(cache, key, len(kept), [kept], LIMIT_BYTES)
    known = [pl.Series(name, kept[:, place]) for place, name in enumerate(names)]
    found = stays.with_columns(pl.when(one != UNKNOWN).then(one == 1).alias(one.name) for one in known)
    return _of_next_visit(found, names) if task.next_visit else found


def _of_next_visit(stays: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The stays with the columns of the patient's next hospital stay in the place of their own."""
    visit = visit_of()
    told = stays.drop_nulls(visit).sort("start", "stay_id").group_by(visit).agg(pl.col(names).drop_nulls().first())
    told = told.rename({"hospital_start": "_began"}).sort("_began")
    asked = stays.select("stay_id", *visit, _over=discharged()).drop_nulls().sort("_over", "stay_id")
    # one microsecond on: a hospital stay of no length is not its own next
    later = asked.with_columns(_after=pl.max_horizontal("_over", pl.col("hospital_start") + _SHORTEST))
    found = later.sort("_after").join_asof(
        told, left_on="_after", right_on="_began", by="subject_id", strategy="forward", check_sortedness=False
    )
    return stays.drop(names).join(found.select("stay_id", *names), on="stay_id", how="left", maintain_order="left")


def _codes(folder: Path) -> set[str]:
    table = files.read_columns(folder / "metadata" / "codes.parquet", {"code": EVENT_COLUMNS["code"]})
    return set(table["code"].to_list())


def _answers(
    folder: Path, stays: pl.DataFrame, task: Task, concept: Concept, names: Sequence[str], quiet: bool
) -> Int8[np.ndarray, "stay label"]:
    """The columns of the concept by stay: 1, 0, or `UNKNOWN`. Of each shard only the events that it reads are kept."""
    shards = sorted((folder / "data").glob("*.parquet"), key=lambda path: int(path.stem))
    read = [
        files.read_columns(path, _EVENT).filter(concept.reads())
        for path in progress(shards, f"reading the labels of {task.name}, shards", quiet=quiet)
    ]
    table = stays.select("stay_id").join(
        concept.compute(pl.concat(read), stays), on="stay_id", how="left", maintain_order="left"
    )
    return table.select(pl.col(names).cast(pl.Int8).fill_null(UNKNOWN)).to_numpy()
