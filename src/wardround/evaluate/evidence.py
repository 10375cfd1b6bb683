"""All that a report is made from, read once: the evaluation, the run and the data it is about."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wardround import files
from wardround.errors import DataError, RunError
from wardround.evaluate.data_folder import read_ledger, read_stays
from wardround.evaluate.kinship import Kinship
from wardround.tasks.cohort import DEFAULT_H, Cohort, Window, cohort
from wardround.tasks.task import Task, find_task
from wardround.train.derived_labels import with_derived

INTERNAL = "internal.json"
"""In an evaluation on other data than the run's: the metrics of another one, on the run's own."""
BY_HOUR = re.compile(r"metrics_([0-9.e+]+)h\.json")


@dataclass(frozen=True)
class Evidence:
    """What a report is made from.

    Attributes:
        metrics: `metrics.json` of the evaluation.
        by_hour: prediction hour -> `metrics_{H}h.json`, where several hours were asked.
        internal: metrics on the run's own data: of the evaluation that was put beside this one, else of its validation.
        predictions, beliefs, observed, embedding: tables of the evaluation; None where it has none.
        settings, history, diagnostics, splits: of the run.
        stays, ledger: of the data; the stays with what the task's label is made of.
        run_manifest, data_manifest: what both were made from.
    """

    metrics: dict[str, Any]
    by_hour: dict[float, dict[str, Any]]
    internal: dict[str, Any]
    predictions: pl.DataFrame | None
    beliefs: pl.DataFrame | None
    observed: pl.DataFrame | None
    embedding: pl.DataFrame | None
    settings: dict[str, Any]
    history: pl.DataFrame
    diagnostics: list[dict[str, Any]]
    splits: pl.DataFrame
    stays: pl.DataFrame
    ledger: dict[str, Any]
    run_manifest: dict[str, Any]
    data_manifest: dict[str, Any]

    @property
    def task(self) -> Task | None:
        """The task; None for a pretraining. Raises `UsageError` where there is none of that name."""
        name = self.metrics["task"]
        return None if name is None else find_task(name)

    @property
    def is_alignment(self) -> bool:
        """Whether a pretraining was evaluated."""
        return self.metrics["task"] is None

    @property
    def is_elsewhere(self) -> bool:
        """Whether the data is not that of the run."""
        return self.run_manifest["inputs"].get("data") != self.data_manifest["hash"]

    @property
    def kinship(self) -> Kinship:
        """How the patients stand to those that the run learned from, as the evaluation found it."""
        found = self.metrics.get("patients")
        if found in list(Kinship):
            return Kinship(found)
        return Kinship.UNKNOWN if self.is_elsewhere else Kinship.OWN

    @cached_property
    def asked(self) -> pl.DataFrame | None:
        """The predictions of a single-label task with `age`, `sex`, ... of their stays; None for other evaluations."""
        if self.predictions is None or "label" in self.predictions.columns:
            return None
        known = self.stays.drop("subject_id")
        return self.predictions.join(known, on="stay_id", how="left", maintain_order="left")

    @cached_property
    def answers(self) -> "Answers | None":
        """Outcomes and predicted probabilities; None where the task is not a single yes or no."""
        asked = self.asked
        if asked is None or "predicted_boolean_probability" not in asked.columns:
            return None
        asked = asked.drop_nulls(["boolean_value", "predicted_boolean_probability"])
        return Answers(
            asked["boolean_value"].to_numpy().astype(bool),
            asked["predicted_boolean_probability"].to_numpy().astype(float),
            asked["subject_id"].to_numpy(),
            asked,
        )

    def cohort(self) -> Cohort:
        """Every stay that the cohort rule lets in, on whatever side."""
        at_h = DEFAULT_H if self.task is not None and self.task.next_visit else self.metrics["at_h"]
        return cohort(self.stays, Window(self.metrics["protocol"], at_h), self.task)


@dataclass(frozen=True)
class Answers:
    """A yes/no task's stays: `label`, `prob`, `subject` (one a stay) and `frame`, the rows they came from."""

    label: np.ndarray
    prob: np.ndarray
    subject: np.ndarray
    frame: pl.DataFrame

    @property
    def n_events(self) -> int:
        """Stays with the event."""
        return int(self.label.sum())

    @property
    def rarer(self) -> int:
        """Stays of the rarer outcome."""
        return min(self.n_events, len(self.label) - self.n_events)


def read_evidence(evaluation: Path, run: Path, data: Path) -> Evidence:
    """Read an evaluation folder, the RUN and the DATA it is about.

    Raises:
        RunError: where a file of the evaluation or the run is missing or torn.
        DataError: where one of the data is, or a column of the stays is missing or of another type.
    """
    hours = sorted(
        (float(match[1]), path)
        for path in evaluation.glob("metrics_*h.json")
        if (match := BY_HOUR.fullmatch(path.name))
    )

    internal = evaluation / INTERNAL
    metrics = files.read_json(evaluation / "metrics.json", RunError)
    manifest = files.read_manifest(data, "data", DataError)
    task = None if metrics["task"] is None else find_task(metrics["task"])

    def table(name: str) -> pl.DataFrame | None:
        path = evaluation / name
        return files.read_table(path, RunError) if path.is_file() else None

    return Evidence(
        metrics=metrics,
        by_hour={hour: files.read_json(path, RunError) for hour, path in hours},
        internal=files.read_json(internal if internal.is_file() else run / "metrics.json", RunError),
        predictions=table("predictions.parquet"),
        beliefs=None if task is not None and task.labels else table("beliefs.parquet"),  # many, and none is drawn
        observed=table("observed.parquet"),
        embedding=table("embedding.parquet"),
        settings=files.read_json(run / "settings.json", RunError),
        history=files.read_table(run / "history.parquet", RunError),
        diagnostics=files.read_json(run / "diagnostics.json", RunError),
        splits=files.read_table(run / "splits.parquet", RunError),
        stays=with_derived(data, manifest["hash"], read_stays(data), task, needed=False),
        ledger=read_ledger(data),
        run_manifest=files.read_manifest(run, "run", RunError),
        data_manifest=manifest,
    )
