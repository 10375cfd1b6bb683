"""export meds: a DATA folder to a plain MEDS 0.4 data set that other MEDS tools read, and that reads back equal.

    DIR/data/SHARD.parquet       subjects together, by time (rows without one first): our events and the landmarks
    DIR/metadata/                codes, dataset.json, subject_splits
    DIR/labels/TASK_Hh.parquet   where labels are asked for
    DIR/stays.parquet            the stays, for `prepare meds`, which reads them from here and not from codes
    DIR/ledger.json, DIR/manifest.json

A MEDS tool takes a row for known at its `time`. So `time` is when a value was known (the default), and when it happened
is in the extra column `happened_time`; with `--time happened` it is the other way, as MEDS data sets made of raw tables
have it, and a model that trusts `time` then sees results before the ward did. `metadata/dataset.json` says which
(`time_is`). Either way `stay_id`, `modality`,
`available_time` and `happened_time` hold all that a DATA folder knows of an event, so `prepare meds DIR` gives the
same events and stays. Landmarks (`landmarks.py`) are left out on the way back and counted. Where pictures lie is not
exported, for it is a path of this machine: `prepare meds DIR --cxr FOLDER` says it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl
import pyarrow as pa

import wardround
from wardround import files
from wardround.errors import DataError
from wardround.events import (
    EVENT_COLUMNS,
    KNOWN,
    MEDS_EVENT_SCHEMA,
    OPTIONAL_STAY_COLUMNS,
    SORT_WITHIN_SUBJECT,
    STAY_COLUMNS,
    TIME,
    TIME_IS,
)
from wardround.export.landmarks import DESCRIPTIONS, landmarks
from wardround.pictures import images_file
from wardround.progress import progress
from wardround.sources.pipeline import CODES_SCHEMA, SPLITS_SCHEMA
from wardround.sources.work_folder import WorkFolder, open_work
from wardround.stopping import StopRequest, stop_on_sigterm
from wardround.tasks.cohort import DEFAULT_H, Window, cohort
from wardround.tasks.task import Task, find_task, refuse_hour
from wardround.train.derived_labels import with_derived

LEDGER: Final = "ledger.json"
OUTPUTS: Final = ("data", "metadata", "labels", "stays.parquet", LEDGER, files.MANIFEST)
HAPPENED_TIME: Final = "happened_time"
MEDS_VERSION: Final = "0.4.1"

EXPORT_SCHEMA: Final = pa.schema([*MEDS_EVENT_SCHEMA, pa.field(HAPPENED_TIME, pa.timestamp("us"))])
PICTURES_STAY: Final = (
    "Events of cxr name files of pictures. Where these lie is not exported: `prepare meds DIR --cxr FOLDER` is told."
)
LABEL_VALUES: Final = {
    "binary": pa.field("boolean_value", pa.bool_(), nullable=False),
    "hours": pa.field("float_value", pa.float32(), nullable=False),
}


@dataclass(frozen=True)
class Exported:
    """What `export_meds` did: the folder, whether it was already complete, how many rows of what it holds, and what a
    person should know of it."""

    folder: Path
    already: bool
    rows: dict[str, int]
    notes: tuple[str, ...] = ()


def export_meds(
    data: Path,
    to: Path,
    tasks: Sequence[str] = (),
    at_h: float | None = None,
    time: Literal["known", "happened"] = "known",
    quiet: bool = False,
) -> Exported:
    """A DATA folder to a MEDS data set.

    Args:
        data: the DATA folder.
        to: the folder to write: absent, empty, or one that this command did not finish.
        tasks: names of tasks whose labels are exported, of the causal cohort at `at_h`.
        at_h: hours from unit admission to the prediction; None is 24, and the only choice where every task is asked at
            discharge.
        time: what MEDS's `time` is: when a value was known, or when it happened.
        quiet: no progress on stderr.

    Raises:
        UsageError: for a task or hour that does not exist.
        DataError: where the DATA folder is unfinished or changed, or nobody has a label.
        RunError: where `to` holds another export, or files of somebody's; on SIGTERM.
        StorageError: if the disk refuses.
    """
    windows = _windows(tasks, at_h)
    manifest = files.verify_folder(data, "data", DataError)
    inputs = {"data": str(manifest["hash"])}
    settings = {"time": time, "labels": sorted(windows), "at_h": _hour(windows)}
    if files.is_complete(to, "meds", settings, inputs):
        WorkFolder(to).remove()
        return Exported(to, True, files.read_json(to / LEDGER)["rows_out"], _notes(data))
    versions = {"wardround": wardround.__version__, "polars": pl.__version__, "pyarrow": pa.__version__}
    work = open_work(to, {"settings": settings, "inputs": inputs, "versions": versions}, OUTPUTS)
    stays = files.read_columns(data / "stays.parquet", STAY_COLUMNS, optional=OPTIONAL_STAY_COLUMNS)
    with stop_on_sigterm() as stop:
        rows = _write_shards(data, work, stays, time, stop, quiet)
    files.write_table(to / "stays.parquet", stays)
    for task, window in windows.items():
        labelled = with_derived(data, inputs["data"], stays, find_task(task), quiet=quiet)
        rows[f"labels of {task}"] = _write_labels(to, labelled, task, window)
    _write_metadata(data, to, time)
    files.write_json(to / LEDGER, {"rows_out": rows})
    files.write_manifest(to, "meds", inputs, settings, wardround.__version__)
    work.remove()
    return Exported(to, False, rows, _notes(data))


def _notes(data: Path) -> tuple[str, ...]:
    """Where pictures lie tells of this machine, and nothing of the data: it is not handed on."""
    return (PICTURES_STAY,) if images_file(data).is_file() else ()


def _windows(names: Sequence[str], at_h: float | None) -> dict[str, Window]:
    """Task -> when it is asked. Raises `UsageError` where an hour is given and no task has one."""
    tasks = [find_task(name) for name in names]
    if tasks and all(task.next_visit for task in tasks):
        refuse_hour(tasks[0].name, at_h is not None)
    return {task.name: Window("causal", DEFAULT_H if at_h is None else at_h) for task in tasks}


def _hour(windows: Mapping[str, Window]) -> float | None:
    """The hour of the labels, None where there are none or all are asked at discharge."""
    return next((window.at_h for task, window in windows.items() if not find_task(task).next_visit), None)


def _write_shards(
    data: Path, work: WorkFolder, stays: pl.DataFrame, time: str, stop: StopRequest, quiet: bool
) -> dict[str, int]:
    """A shard for each of the DATA folder's, unless an earlier call wrote it; returns how many rows of each kind."""
    counts = {"events": 0, "landmarks": 0}
    shards = sorted((data / "data").glob("*.parquet"))
    without_events = stays
    for shard in shards:
        subjects = files.read_table(shard, columns=["subject_id"])["subject_id"].unique()
        without_events = without_events.filter(~pl.col("subject_id").is_in(subjects.implode()))
    with progress(len(shards), "exporting shards", quiet=quiet) as bar:
        for shard in shards:
            stop.check()
            facts = work.facts("shards", shard.stem)
            if facts is None:
                events = files.read_columns(shard, EVENT_COLUMNS)
                of_shard = pl.col("subject_id").is_in(events["subject_id"].unique().implode())
                rest = without_events if shard == shards[0] else without_events.clear()
                beside = landmarks(pl.concat([stays.filter(of_shard), rest]))
                path = work.to / "data" / shard.name
                files.write_table(path, _as_meds(pl.concat([events, beside]), time), EXPORT_SCHEMA)
                facts = {"events": events.height, "landmarks": beside.height}
                work.finish("shards", shard.stem, facts, [path])
            counts = {name: count + int(facts[name]) for name, count in counts.items()}
            bar.advance()
    return counts


def _as_meds(events: pl.DataFrame, time: str) -> pl.DataFrame:
    """Events with MEDS's `time` and our `happened_time`, in the order of MEDS; ties as in a DATA folder."""
    events = events.with_columns(pl.col("time").alias(HAPPENED_TIME))
    if time == KNOWN:
        events = events.with_columns(time=pl.col("available_time"))
    order = [*SORT_WITHIN_SUBJECT, HAPPENED_TIME]
    return events.sort(order, nulls_last=[name not in ("subject_id", "time") for name in order])


def _write_labels(to: Path, stays: pl.DataFrame, task: str, window: Window) -> int:
    """The labels of a task, of several answers a table each; returns how many stays have them. Raises `DataError` where
    nobody has one."""
    of = find_task(task)
    name = task if of.next_visit else f"{task}_{window.at_h:g}h"
    asked = cohort(stays, window, of).frame
    if not of.labels:
        _write_answers(to / "labels" / f"{name}.parquet", asked, of)
    for place, label in enumerate(of.labels):
        answers = asked.with_columns(pl.col("label").arr.get(place))
        _write_answers(to / "labels" / name / f"{label}.parquet", answers, of)
    return asked.height


def _write_answers(path: Path, asked: pl.DataFrame, of: Task) -> None:
    value = LABEL_VALUES[of.kind]
    kind = pl.Boolean() if of.kind == "binary" else pl.Float32()
    labels = asked.select(
        "subject_id", pl.col("prediction_time").cast(TIME), pl.col("label").cast(kind).alias(value.name)
    )
    fields = [pa.field("subject_id", pa.int64(), nullable=False)]
    fields.append(pa.field("prediction_time", pa.timestamp("us"), nullable=False))
    labels = labels.sort("subject_id", "prediction_time", value.name)
    files.write_table(path, labels, pa.schema([*fields, value]))


def _write_metadata(data: Path, to: Path, time: str) -> None:
    """`metadata/`: the codes with those of landmarks, what the data set is, the informational splits."""
    codes = files.read_table(data / "metadata" / "codes.parquet")
    told = pl.DataFrame({"code": list(DESCRIPTIONS), "description": list(DESCRIPTIONS.values())})
    own = codes.join(told, on="code", how="anti")
    beside = told.with_columns(parent_codes=pl.lit(None, pl.List(pl.String)), modality=pl.lit(None, pl.String))
    codes = pl.concat([own.select(CODES_SCHEMA.names), beside.select(CODES_SCHEMA.names)])
    files.write_table(to / "metadata" / "codes.parquet", codes.sort("code"), CODES_SCHEMA)
    splits = files.read_table(data / "metadata" / "subject_splits.parquet")
    files.write_table(to / "metadata" / "subject_splits.parquet", splits, SPLITS_SCHEMA)
    dataset: dict[str, Any] = files.read_json(data / "metadata" / "dataset.json")
    dataset |= {
        "etl_name": "wardround",
        "etl_version": wardround.__version__,
        "meds_version": MEDS_VERSION,
        TIME_IS: time,
        "raw_source_id_columns": ["stay_id"],
        "other_extension_columns": ["modality", "available_time", HAPPENED_TIME],
    }
    files.write_json(to / "metadata" / "dataset.json", dataset)
