"""Two evaluations on the stays that both predict: a metric of each, and the difference, paired."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from wardround import files
from wardround.errors import RunError
from wardround.evaluate.prediction_columns import PREDICTION_COLUMNS
from wardround.metrics.bootstrap import Interval, Metric, bootstrap_difference, bootstrap_intervals
from wardround.tasks.task import find_task


@dataclass(frozen=True)
class Paired:
    """One evaluation beside another.

    Attributes:
        n_stays: that both predict.
        reference, other: metric -> its value on these stays.
        difference: metric -> that of `other` less that of `reference`, on the same draws of patients.
    """

    n_stays: int
    reference: dict[str, Interval]
    other: dict[str, Interval]
    difference: dict[str, Interval]


def paired(reference: Path, other: Path, task: str, metrics: Mapping[str, Metric], seed: int = 0) -> Paired | None:
    """Set two evaluations of a task side by side.

    Args:
        reference, other: folders with `predictions.parquet`.
        task: what both predict.
        metrics: name -> metric.
        seed: of the draws.

    Returns:
        The comparison; None where no stay is predicted by both.

    Raises:
        RunError: where a table is missing or torn.
        UsageError: where there is no such task.
    """
    label, predicted = PREDICTION_COLUMNS[find_task(task).kind]
    tables = [
        files.read_table(folder / "predictions.parquet", RunError, ["subject_id", "stay_id", label, predicted])
        for folder in (reference, other)
    ]
    both = tables[0].join(tables[1], on=["subject_id", "stay_id"], how="inner", maintain_order="left", suffix="_other")
    both = both.drop_nulls([label, predicted, f"{predicted}_other"])
    if both.is_empty():
        return None
    subject, truth = both["subject_id"].to_numpy(), both[label].cast(pl.Float64).to_numpy()
    first, second = both[predicted].to_numpy(), both[f"{predicted}_other"].to_numpy()
    return Paired(
        both.height,
        bootstrap_intervals(metrics, subject, truth, first, seed=seed),
        bootstrap_intervals(metrics, subject, truth, second, seed=seed),
        bootstrap_difference(metrics, subject, truth, first, second, seed=seed),
    )
