"""What a run says of its validation side, and what evaluation needs from its training."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from wardround.events import INPUT_MODALITIES
from wardround.methods.scores import fit_elapsed
from wardround.metrics.bootstrap import DRAWS, LEVEL
from wardround.metrics.discrimination import choose_threshold
from wardround.metrics.tables import classification_table, multilabel_table, regression_table
from wardround.tasks.cohort import hour_asked
from wardround.tasks.splits import TRAIN, VAL
from wardround.tasks.task import Task
from wardround.train.data import OpenData, Sides
from wardround.train.protocol_stamp import modalities_past_prediction

NOBODY: Final = 1.0
"""A threshold that flags nobody: of an outcome that no training stay has and validation cannot choose one for."""

VALIDATION_DRAWS: Final = 100
"""Of the bootstrap over validation patients where several labels are asked: each training and trial pays for them, and
25 labels have 14 metrics each. `evaluate` draws as often as it is asked to."""


def validation_metrics(
    data: OpenData,
    sides: Sides,
    task: Task,
    label: np.ndarray,
    predicted: np.ndarray,
    subject: np.ndarray,
    fitted: dict[str, Any],
) -> dict[str, Any]:
    """A run's own `metrics.json`: every metric on validation with its interval over patients, and the protocol's stamp.

    Args:
        data, sides: whose validation side it is.
        task: what was predicted.
        label, predicted, subject: by validation stay.
        fitted: threshold and training prevalence.
    """
    window = sides.cohort.window
    about: dict[str, Any] = {
        "split": VAL,
        "protocol": window.protocol,
        "at_h": hour_asked(task, window),
        "n_stays": len(label),
        "sees_past_prediction": modalities_past_prediction(data, sides.part(VAL), task.shown_of(INPUT_MODALITIES)),
    }
    if task.kind == "hours":
        return {**about, "prevalence": None, "metrics": regression_table(label, predicted, subject)}
    if task.labels:
        table = label_tables(task, label, predicted, subject, fitted, VALIDATION_DRAWS)
        about["intervals"] = {"level": LEVEL, "draws": VALIDATION_DRAWS, "over": "subjects"}
        return {**about, "prevalence": float(label.mean()), **table}
    references = {"bss": None, "bss_train": fitted["train_prevalence"]}
    table = classification_table(label.astype(int), predicted, subject, fitted["threshold"], references)
    return {**about, "prevalence": float(label.mean()), "metrics": table}


def label_tables(
    task: Task,
    label: np.ndarray,
    predicted: np.ndarray,
    subject: np.ndarray,
    fitted: Mapping[str, Any],
    draws: int = DRAWS,
    seed: int = 0,
    advance: Callable[[int], object] = lambda _: None,
) -> dict[str, Any]:
    """`metrics`, macro over the labels, and `by_label`: see `multilabel_table`.

    Args:
        task: of several answers.
        label, predicted: "stay label".
        subject: by stay.
        fitted: threshold and training prevalence of each label.
        draws, seed: of the bootstrap.
        advance: told how many more draws are done.
    """
    thresholds = np.asarray(fitted["threshold"], np.float64)
    references = {"bss": None, "bss_train": fitted["train_prevalence"]}
    names = task.labels
    return multilabel_table(
        label.astype(int), predicted, subject, thresholds, names, references, draws, seed, advance=advance
    )


def fitted_values(task: Task, train_label: np.ndarray, val_label: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """What evaluation needs from training: threshold (on validation, by the smaller of sensitivity and PPV) and
    training prevalence; of several answers a list of each."""
    if task.kind == "hours":
        return {"train_median_h": float(np.median(train_label))}
    if task.labels:
        columns = (train_label.T, val_label.T, predicted.T)
        each = [_fitted_answer(*column) for column in zip(*columns, strict=True)]
        return {name: [one[name] for one in each] for name in each[0]}
    return _fitted_answer(train_label, val_label, predicted)


def _fitted_answer(train_label: np.ndarray, val_label: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    both = 0 < val_label.sum() < len(val_label)
    share = float(train_label.mean())
    fallback = share if share > 0 else NOBODY
    threshold = float(choose_threshold(val_label, predicted)) if both else fallback
    return {"threshold": threshold, "train_prevalence": share}


def elapsed_bins(data: OpenData, sides: Sides, task: Task) -> dict[str, Any]:
    """What the elapsed hours alone tell: `edges` of bins and a value for each, from training stays."""
    train_side = sides.members(TRAIN)
    label = sides.cohort.learned[train_side]
    edges, values = fit_elapsed(data.elapsed_h(sides.cohort)[train_side], label, task.kind == "binary")
    return {"edges": edges, "values": values}
