"""Timelines as the DATA folder that `prepare` writes: MEDS shards, stays, codes, ledger, manifest."""

from pathlib import Path
from typing import Any, Final

import polars as pl

import wardround
from wardround import files
from wardround.events import (
    EVENT_COLUMNS,
    IMAGES,
    MEDS_EVENT_SCHEMA,
    MINUTE_US,
    MODALITIES,
    SORT_WITHIN_SUBJECT,
    STAY_COLUMNS,
    TEXTS,
    calendar_start,
)
from wardround.pictures import write_picture_folder
from wardround.sources.pipeline import CODES_SCHEMA
from wardround.testing.timelines import Timelines

WORDS: Final = ("stable", "septic", "intubated", "afebrile", "confused", "improving", "hypotensive")


def write_data(
    folder: Path,
    timelines: Timelines,
    shards: int = 1,
    shuffle: int | None = None,
    pictures: Path | None = None,
) -> Path:
    """Write a DATA folder as `sources/pipeline.py` does. The value of a note or picture says which one it is: its text,
    or the name of its file, is made of it.

    Args:
        folder: where to; made.
        timelines: what.
        shards: number of files, whole subjects in each.
        shuffle: a seed that mixes the rows of every table: a folder from elsewhere, whose order says nothing or too
            much.
        pictures: where the files of pictures lie, `VALUE.png`.

    Returns:
        The folder.
    """
    stays, events = stays_on_disk(timelines), _events_on_disk(timelines)
    if shuffle is not None:
        events = events.sample(fraction=1, shuffle=True, seed=shuffle)
        stays = stays.sample(fraction=1, shuffle=True, seed=shuffle)
    place = pl.col("subject_id").rank("dense") - 1
    shard = stays.select("subject_id", shard=place.cast(pl.Int64) % shards).unique("subject_id")
    parts = events.join(shard, on="subject_id", maintain_order="left").partition_by("shard", as_dict=True)
    for number in range(shards):
        part = parts[(number,)].drop("shard") if (number,) in parts else events.clear()
        files.write_table(folder / "data" / f"{number}.parquet", part, MEDS_EVENT_SCHEMA)
    files.write_table(folder / "stays.parquet", stays)
    codes = events.select("code", "modality").unique("code").sort("code")
    codes = codes.with_columns(description="code", parent_codes=pl.lit(None, pl.List(pl.String)))
    files.write_table(folder / "metadata" / "codes.parquet", codes, CODES_SCHEMA)
    files.write_json(folder / "metadata" / "dataset.json", {"dataset_name": "timelines", "etl_name": "wardround"})
    account: dict[str, Any] = {"rows_in": events.height, "rows_out": events.height, "set_aside": {}}
    files.write_json(folder / "ledger.json", {"tables": {"timelines": account}, "absent": []})
    files.write_manifest(folder, "data", {}, {"source": "timelines"}, wardround.__version__)
    if pictures is not None:
        write_picture_folder(folder, pictures)
    return folder


def _at(column: str) -> pl.Expr:
    return pl.col("start") + (pl.col(column) * MINUTE_US).round().cast(pl.Int64).cast(pl.Duration("us"))


def _said() -> pl.Expr:
    """What a note says, words by its value, and the file of a picture; null of other events."""
    value = pl.col("value").round().abs().cast(pl.Int64)
    words = [
        (value // 7**place % 7).replace_strict(dict(enumerate(WORDS)), return_dtype=pl.String) for place in range(5)
    ]
    note = pl.format("Name:  ___\n\nThe patient is {} and {}, {} and {}; {}: " + "{}.", *words, value)
    picture = pl.format("{}.png", value)
    return pl.when(pl.col("modality").is_in(TEXTS)).then(note).when(pl.col("modality").is_in(IMAGES)).then(picture)


def _started(stays: pl.DataFrame) -> pl.DataFrame:
    calendar = {nth: calendar_start(nth) for nth in stays["nth"].unique()}
    return stays.with_columns(start=pl.col("nth").replace_strict(calendar, return_dtype=pl.Datetime("us")))


def _events_on_disk(timelines: Timelines) -> pl.DataFrame:
    starts = _started(timelines.stays).select("stay_id", "subject_id", "start")
    events = timelines.events.join(starts, on="stay_id", maintain_order="left")
    number = pl.when(~pl.col("modality").is_in([*TEXTS, *IMAGES])).then("value")
    events = events.with_columns(
        time=_at("minute"), available_time=_at("available"), numeric_value=number, text_value=_said()
    )
    events = events.select(pl.col(name).cast(kind) for name, kind in EVENT_COLUMNS.items())
    return events.sort(SORT_WITHIN_SUBJECT, nulls_last=True)


def stays_on_disk(timelines: Timelines) -> pl.DataFrame:
    """The timelines' `stays.parquet`."""
    order = {name: place for place, name in enumerate(MODALITIES)}
    names = pl.col("modality").unique().sort_by(pl.col("modality").unique().replace_strict(order, default=99))
    summary = timelines.events.group_by("stay_id").agg(n_events=pl.len(), modalities=names)
    stays = _started(timelines.stays).with_columns(
        los_h=(pl.col("hospital_end") - pl.col("hospital_start")) / 60,
        year=pl.col("start").dt.year(),
        in_unit_until=None,
        death=None,
        **{name: _at(name) for name in ("end", "hospital_start", "hospital_end")},
    )
    stays = stays.join(summary, on="stay_id", how="left").sort("subject_id", "start", "stay_id")
    return stays.select(pl.col(name).cast(kind) for name, kind in STAY_COLUMNS.items())
