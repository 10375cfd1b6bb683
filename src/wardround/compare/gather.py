"""What the cells of a row predicted, put together: the folds of one split are one repeat, each stay once in it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from wardround import files
from wardround.compare.cells import Cell
from wardround.compare.pooled import Asked
from wardround.errors import RunError
from wardround.evaluate.kinship import Kinship
from wardround.evaluate.prediction_columns import PREDICTION_COLUMNS
from wardround.tasks.task import find_task

FLATTERED: Final = "asked of patients that the run was trained on. Its numbers flatter it."


def read_evaluation(folder: Path, task: str) -> pl.DataFrame:
    """`subject_id, stay_id, prediction_time, label, predicted` of an evaluation, and `flagged` at its own threshold
    where the task is a yes or no.

    Raises:
        RunError: where the folder is unfinished, changed or of another kind.
    """
    files.verify_folder(folder, "evaluation", RunError)
    kind = find_task(task).kind
    label, predicted = PREDICTION_COLUMNS[kind]
    names = ["subject_id", "stay_id", "prediction_time", label, predicted]
    table = files.read_table(folder / "predictions.parquet", RunError, names)
    table = table.rename({label: "label", predicted: "predicted"}).with_columns(pl.col("label").cast(pl.Float64))
    table = table.drop_nulls(["label", "predicted"])
    if kind == "binary":
        threshold = files.read_json(folder / "metrics.json", RunError)["threshold"]
        table = table.with_columns(flagged=(pl.col("predicted") >= threshold).cast(pl.Float64))
    return table


def asked_whom(cells: Sequence[Cell], to: Path) -> list[dict[str, Any]]:
    """What each cell's evaluation says of whom it was asked about (`metrics.json`).

    Raises:
        RunError: where an evaluation cannot be read.
    """
    return [files.read_json(cell.folder(to) / cell.evaluation / "metrics.json", RunError) for cell in cells]


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


def _is_judged(metrics: Mapping[str, Any]) -> bool:
    return metrics["split"] != "train"


def gather(cells: Sequence[Cell], to: Path, external: bool) -> Asked:
    """What the cells of one row and task predicted.

    Args:
        cells: all of them, done.
        to: the folder of the comparison.
        external: whether they were asked of another cohort: then each fold answers for everybody, and is a repeat.

    Raises:
        RunError: where an evaluation is not as it was written.
    """
    parts: dict[str, dict[int, list[pl.DataFrame]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        repeat = f"{cell.split.seed}" if not external else f"{cell.split.seed} {cell.split.fold}"
        parts[repeat][cell.seed].append(read_evaluation(cell.folder(to) / cell.evaluation, cell.task))
    return {repeat: [pl.concat(folds) for folds in seeds.values()] for repeat, seeds in parts.items()}
