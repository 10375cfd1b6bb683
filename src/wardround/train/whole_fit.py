"""train METHOD for the methods that are fitted whole: one table, one fit, the same RUN folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wardround.batches.stay_table import fit_table_featuriser, stay_table
from wardround.methods.per_label import PerLabel
from wardround.methods.registry import FittedMethod
from wardround.methods.table_model import HistoryRow, LabelledRows, TableModel
from wardround.settings import override
from wardround.tasks.cohort import Window
from wardround.tasks.splits import TRAIN, VAL, SplitPlan
from wardround.tasks.task import Task
from wardround.train.data import OpenData, Sides, opened, sides_of, unread_modalities
from wardround.train.failure_signatures import failure_signatures
from wardround.train.history import Row
from wardround.train.loop import FitResult
from wardround.train.packages import packages_behind
from wardround.train.plan import FitSettings, Plan
from wardround.train.pretrain import Finished
from wardround.train.processes import first_process_first
from wardround.train.run_folder import NewRun
from wardround.train.split_checks import split_checks
from wardround.train.validation import elapsed_bins, fitted_values, validation_metrics


def fit_whole(
    method: FittedMethod,
    data_folder: Path | OpenData,
    task: Task,
    to: Path,
    window: Window,
    split: SplitPlan,
    assignments: Sequence[str] = (),
    seed: int = 0,
    quiet: bool = False,
) -> Finished:
    """Fit one method for one task on the training side, stopped or chosen by the validation side.

    Args:
        method: one that is fitted whole.
        data_folder: a DATA folder, or one that is open for this window.
        task: what is predicted.
        to: the RUN folder to write.
        window: protocol and prediction hour.
        split: who is on which side.
        assignments: `KEY=VALUE` of `--set`.
        seed: of what the fit draws.
        quiet: no progress on stderr.

    Raises:
        DataError, RunError, UsageError: where data, `to` or settings do not fit.
        Stopped: after SIGTERM while trees are grown, or between labels; the same call fits anew.
    """
    settings = override(FitSettings.default(method), assignments)
    with first_process_first():
        data = opened(data_folder, window, quiet)
    packages = packages_behind(method.name, task.name, settings)
    plan = Plan("train", method.name, task.name, window, split, None, settings, seed, packages=packages)
    run = NewRun(to, plan, {"data": data.hash}, data.patients)
    if run.is_complete():
        return Finished(to, True, [])
    with first_process_first():
        chosen = data.cohort(task, quiet=quiet)
    sides, splits = sides_of(data, chosen, split, "split")
    _fit(method, task, data, sides, settings, run, splits, quiet)
    return Finished(to, False, run.notes)


def _fit(
    method: FittedMethod,
    task: Task,
    data: OpenData,
    sides: Sides,
    settings: FitSettings,
    run: NewRun,
    splits: Any,
    quiet: bool,
) -> None:
    """Fit and write the folder."""
    featuriser = fit_table_featuriser(data.lines, sides.part(TRAIN), settings.inputs, quiet, task.hides)
    train, val = (
        LabelledRows(
            stay_table(data.lines, sides.part(side), featuriser, quiet=quiet).values,
            sides.part(side).learned,
        )
        for side in (TRAIN, VAL)
    )
    model, result = _fitted(method, task, train, val, settings.model, run.plan.seed, quiet)
    told = sides.part(VAL)
    label, predicted = told.frame["label"].to_numpy(), told.whole(model.predict(val.values))
    fitted = fitted_values(task, sides.part(TRAIN).frame["label"].to_numpy(), label, predicted)
    if task.kind == "hours":
        fitted |= elapsed_bins(data, sides, task)
    subject = told.frame["subject_id"].to_numpy()
    metrics = validation_metrics(data, sides, task, label, predicted, subject, fitted)
    diagnostics = [
        *result.diagnostics,
        *split_checks(data.stays, splits, run.plan.split, "split", run.notes),
        unread_modalities(data, featuriser, run.notes, task.hides),
        *failure_signatures(metrics["metrics"], [] if task.labels else result.history),
    ]
    run.close(splits, fitted, metrics, diagnostics, featuriser, model, result)


def _fitted(
    method: FittedMethod, task: Task, train: LabelledRows, val: LabelledRows, settings: Any, seed: int, quiet: bool
) -> tuple[TableModel, FitResult]:
    """The model, or one for each of several answers, and what the fit came to."""
    if not task.labels:
        model, history = method.fit(train, val, task.kind, settings, seed, quiet)
        return model, _result(history)
    models, histories = PerLabel.fit(method.fit, train, val, settings, seed, quiet)
    return models, _result_of_labels(task, histories)


def _result_of_labels(task: Task, histories: list[list[HistoryRow]]) -> FitResult:
    """A row a label: where its validation loss was lowest. Which labels could go on, and which do not vary."""
    found = {label: _result(history) for label, history in zip(task.labels, histories, strict=True) if history}
    falling = [label for label, one in found.items() if one.diagnostics[0]["verdict"] == "warn"]
    constant = len(task.labels) - len(found)
    checks = [
        {
            "check": "labels_still_falling",
            "verdict": "warn" if falling else "pass",
            "value": falling,
            "advice": "the validation loss of these labels was still falling: allow more steps." if falling else "",
        },
        {
            "check": "labels_that_vary",
            "verdict": "warn" if constant else "pass",
            "value": constant,
            "advice": "labels that do not vary on training stays: their share is said of all." if constant else "",
        },
    ]
    history: list[Row] = [{"label": float(task.labels.index(name)), **one.best_metrics} for name, one in found.items()]
    return FitResult(history, 0, {}, False, checks)


def _result(history: list[HistoryRow]) -> FitResult:
    """What the fit came to; the row of the lowest validation loss is the one that was kept."""
    losses = np.asarray([row["val_loss"] for row in history], np.float64)
    best, last = int(np.argmin(losses)), len(history) - 1
    entry = {
        "check": "best_epoch",
        "verdict": "warn" if best == last else "pass",
        "value": best,
        "advice": "the validation loss was still falling at the last step: allow more of them." if best == last else "",
    }
    return FitResult(history, best, history[best], best < last, [entry])
