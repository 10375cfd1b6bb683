"""What the cells of a row predicted, put together: the folds of one split are one repeat, each stay once in it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from wardround import files
from wardround.compare.cells import Cell
from wardround.compare.pooled import Asked
from wardround.compare.recipe import Recipe
from wardround.compare.work import found_by, seconds_of
from wardround.errors import DataError, RunError
from wardround.evaluate.kinship import Kinship
from wardround.evaluate.other_hour import trained_words
from wardround.evaluate.prediction_columns import PREDICTION_COLUMNS
from wardround.events import MODALITIES
from wardround.tasks.task import find_task

_KEYS: Final = ("subject_id", "stay_id", "prediction_time")
_ANSWERS: Final = ("truth", "predicted", "flagged")
FLATTERED: Final = "asked of patients that the run was trained on. Its numbers flatter it."


def read_evaluation(folder: Path, task: str) -> pl.DataFrame:
    """`subject_id, stay_id, prediction_time, label, predicted` of an evaluation, and `flagged` at its own threshold
    where the task is a yes or no. Of several answers the last three are arrays.

    Raises:
        RunError: where the folder is unfinished, changed or of another kind, or lacks an answer.
    """
    files.verify_folder(folder, "evaluation", RunError)
    asked = find_task(task)
    truth, predicted = PREDICTION_COLUMNS[asked.kind]
    names = [*_KEYS, truth, predicted, *(["label"] if asked.labels else [])]
    table = files.read_table(folder / "predictions.parquet", RunError, names)
    columns = {"truth": pl.col(truth).cast(pl.Float64), "predicted": pl.col(predicted)}
    table = table.with_columns(**columns).drop_nulls(["truth", "predicted"])
    if asked.kind == "binary":
        threshold = files.read_json(folder / "metrics.json", RunError)["threshold"]
        at = pl.col("label").replace_strict(threshold, return_dtype=pl.Float64) if asked.labels else threshold
        table = table.with_columns(flagged=(pl.col("predicted") >= at).cast(pl.Float64))
    if asked.labels:
        table = _a_row_a_stay(table, asked.labels, folder)
    flagged = ["flagged"] if asked.kind == "binary" else []
    return table.select(*_KEYS, pl.col("truth").alias("label"), "predicted", *flagged)


def _a_row_a_stay(table: pl.DataFrame, labels: Sequence[str], folder: Path) -> pl.DataFrame:
    """The answers of a stay as arrays, in the order of the labels. Raises `RunError` where one of them is lacking."""
    place = pl.col("label").replace_strict({name: number for number, name in enumerate(labels)}, default=None)
    table = table.with_columns(place=place).drop_nulls("place").sort(*_KEYS, "place")
    stays = table.group_by(_KEYS, maintain_order=True).agg("place", *_ANSWERS)
    whole = pl.col("place") == list(range(len(labels)))
    if not stays.select(whole.all()).item():
        raise RunError(f"{folder}: some stays lack an answer of {', '.join(labels)}. Evaluate again.")
    return stays.with_columns(pl.col(name).list.to_array(len(labels)) for name in _ANSWERS)


@dataclass(frozen=True)
class Answered:
    """What a cell's evaluation holds.

    Attributes:
        predictions: see `read_evaluation`.
        metrics: its `metrics.json`.
    """

    predictions: pl.DataFrame
    metrics: dict[str, Any]


def read_answers(cells: Sequence[Cell], recipe: Recipe, to: Path) -> tuple[dict[Cell, Answered], dict[Cell, str]]:
    """What cells that are done have left, and why that of some cannot be read: those failed after all.

    Raises:
        StorageError: if the disk refuses.
    """
    answers: dict[Cell, Answered] = {}
    unread: dict[Cell, str] = {}
    for cell in cells:
        folder = cell.folder(to) / cell.evaluation
        try:
            predictions = read_evaluation(folder, cell.task)
            answers[cell] = Answered(predictions, files.read_json(folder / "metrics.json", RunError))
            seconds_of(cell, to)
            found_by(cell, recipe, to)
        except (RunError, DataError) as error:
            answers.pop(cell, None)
            unread[cell] = f"{error} Delete the folder of what it names, and compare again."
    return answers, unread


def patient_notes(asked: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """What must be said of the patients: of whom the runs learned, and whether others are others for sure.

    Args:
        asked: row -> `metrics.json` of each of its evaluations.
    """
    seen = [row for row, each in asked.items() if any(one.get("n_seen_in_training") for one in each if _is_judged(one))]
    notes = [f"{', '.join(seen)}: {FLATTERED}"] if seen else []
    for stamp in Kinship:
        rows = [row for row, each in asked.items() if any(one.get("patients") == stamp for one in each)]
        if rows and stamp not in (Kinship.OWN, Kinship.EXTERNAL):
            notes.append(f"{', '.join(rows)}: {stamp.value}.")
    return notes


def hour_notes(asked: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Which rows were asked at an hour that they did not learn to answer at.

    Args:
        asked: row -> `metrics.json` of each of its evaluations.
    """
    found = {
        row: [trained_words(one["trained_at_h"], one["at_h"]) for one in each if "trained_at_h" in one]
        for row, each in asked.items()
    }
    return [f"{row}: {'; '.join(dict.fromkeys(words))}." for row, words in found.items() if words]


def past_prediction(asked: Sequence[Mapping[str, Any]]) -> list[str]:
    """The modalities that see past the prediction time in any of a row's evaluations: the stamp of the paper protocol.

    Args:
        asked: `metrics.json` of each.
    """
    late = {name for one in asked for name in one.get("sees_past_prediction", ())}
    return [name for name in (*MODALITIES, *sorted(late - set(MODALITIES))) if name in late]


def _is_judged(metrics: Mapping[str, Any]) -> bool:
    return metrics["split"] != "train"


def gather(answers: Mapping[Cell, pl.DataFrame], external: bool) -> Asked:
    """What the cells of one row and task predicted.

    Args:
        answers: all of them, done -> their predictions.
        external: whether they were asked of another cohort: then each fold answers for everybody, and is a repeat.
    """
    parts: dict[str, dict[int, list[pl.DataFrame]]] = defaultdict(lambda: defaultdict(list))
    for cell, predictions in answers.items():
        repeat = f"{cell.split.seed}" if not external else f"{cell.split.seed} {cell.split.fold}"
        parts[repeat][cell.seed].append(predictions)
    return {repeat: [pl.concat(folds) for folds in seeds.values()] for repeat, seeds in parts.items()}
