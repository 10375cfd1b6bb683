"""What the cells of a row predicted, put together: the folds of one split are one repeat, each stay once in it."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from wardround import files
from wardround.compare.cells import Cell
from wardround.compare.pooled import Asked
from wardround.errors import RunError
from wardround.evaluate.prediction_columns import PREDICTION_COLUMNS
from wardround.tasks.task import find_task


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


def n_seen(cells: Sequence[Cell], to: Path) -> int:
    """How many stays a cell was asked about whose patients its run had learned from: the most of any cell.

    Raises:
        RunError: where an evaluation cannot be read.
    """
    return max(
        files.read_json(cell.folder(to) / cell.evaluation / "metrics.json", RunError)["n_seen_in_training"]
        for cell in cells
    )


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
