"""The numbers of `metrics.json`: metrics with intervals, by number of events, and for lengths of stay beside what
elapsed hours know."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float, Int

from wardround.metrics.bootstrap import bootstrap_intervals
from wardround.metrics.discrimination import auroc
from wardround.metrics.macro import macro
from wardround.metrics.regression import mae
from wardround.metrics.tables import classification_table, regression_table
from wardround.tasks.task import Task
from wardround.train.validation import label_tables

EVENT_BINS: Final = 4
MIN_BIN_STAYS: Final = 11
FEW_EVENTS: Final = 50
ENOUGH_TO_SHOW: Final = 5
"""Expected stays of an outcome, of which there is none in one of 150 data sets (e^-5)."""
WIDE_INTERVAL: Final = 0.15

PerStay = Float[np.ndarray, "stay"]


def probability_metrics(
    label: PerStay,
    predicted: PerStay,
    subject: np.ndarray,
    n_events: Int[np.ndarray, "stay"],
    fitted: dict[str, Any],
    draws: int,
    seed: int,
    n_data: int = 0,
) -> dict[str, Any]:
    """Prevalence, all metrics of a yes/no task, AUROC by number of events, and a word where the data cannot tell.

    Args:
        label: 0 or 1.
        predicted: probability.
        subject: the patient of each stay.
        n_events: raw events seen up to the prediction time.
        fitted: `threshold` (from validation) and `train_prevalence`.
        draws, seed: of the bootstrap.
        n_data: stays of the data that these are a part of; 0 where nobody knows.
    """
    references = {"bss": None, "bss_train": fitted["train_prevalence"]}
    metrics = classification_table(label.astype(int), predicted, subject, fitted["threshold"], references, draws, seed)
    area = metrics["auroc"]
    wide = area["low"] is None or area["high"] is None or area["high"] - area["low"] > WIDE_INTERVAL
    few = int(min(label.sum(), len(label) - label.sum()))
    notes = [f"fewer than {FEW_EVENTS} events of the rarer outcome"] if few < FEW_EVENTS else []
    notes += ["interval too wide to conclude"] if wide else []
    notes = [_one_outcome(label, fitted["train_prevalence"], n_data)] if few == 0 else notes
    return {
        "prevalence": float(label.mean()),
        "threshold": fitted["threshold"],
        "metrics": metrics,
        "note": "; ".join(notes),
        "by_n_events": _by_n_events("auroc", auroc, label.astype(int), predicted, subject, n_events, draws, seed),
    }


def _one_outcome(label: PerStay, train_prevalence: float, n_data: int) -> str:
    """What to say where the stays are all of one outcome: of how many more some would be of the other, by its share of
    the training stays."""
    have, other, share = "none", "with", train_prevalence
    if label.sum():
        have, other, share = "all", "without", 1 - train_prevalence
    said = f"{have} of these {len(label)} stays have the outcome, so that AUROC and all that compares is undefined (-)"
    another = "or train on another split (--split-seed, --fold)"
    if not share or not n_data:
        return f"{said}: bring more stays, {another}."
    needed = max(ENOUGH_TO_SHOW / share * n_data / len(label), n_data)
    unit = 10 ** max(len(str(int(needed))) - 2, 0)
    return (
        f"{said}: of some {math.ceil(needed / unit) * unit:,} stays (these data have {n_data:,}; synth --stays N) "
        f"about {ENOUGH_TO_SHOW} here would be {other} it; {another}."
    )


def label_metrics(
    task: Task,
    label: Float[np.ndarray, "stay label"],
    predicted: Float[np.ndarray, "stay label"],
    subject: np.ndarray,
    n_events: Int[np.ndarray, "stay"],
    fitted: dict[str, Any],
    draws: int,
    seed: int,
    advance: Callable[[int], object],
) -> dict[str, Any]:
    """Macro prevalence, thresholds, all metrics as means over the labels that have both classes, those of each label
    with its number of stays, and macro AUROC by number of events.

    Args:
        task: of several answers.
        label: 0 or 1.
        predicted: probabilities.
        subject: the patient of each stay.
        n_events: raw events seen up to the prediction time.
        fitted: `threshold` (from validation) and `train_prevalence` of each label.
        draws, seed: of the bootstrap.
        advance: told how many more draws are done.
    """
    counts = label.sum(axis=0)
    few = int((np.minimum(counts, len(label) - counts) < FEW_EVENTS).sum())
    by_events = _by_n_events("auroc", macro(auroc), label.astype(int), predicted, subject, n_events, draws, seed)
    return {
        "prevalence": float(label.mean()),
        "threshold": dict(zip(task.labels, fitted["threshold"], strict=True)),
        **label_tables(task, label, predicted, subject, fitted, draws, seed, advance),
        "note": f"fewer than {FEW_EVENTS} events of the rarer outcome in {few} of {len(counts)} labels" if few else "",
        "by_n_events": [{**row, "n_events": None} for row in by_events],
    }


def hours_metrics(
    label: PerStay,
    predicted: PerStay,
    subject: np.ndarray,
    n_events: Int[np.ndarray, "stay"],
    elapsed: PerStay | None,
    died: Bool[np.ndarray, "stay"],
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """All metrics of a length of stay in hours; the same for the elapsed-hours baseline, and for deaths and survivors
    apart."""
    apart = {}
    for name, members in (("died", died), ("survived", ~died)):
        if members.sum() >= 2:
            apart[name] = {
                "n_stays": int(members.sum()),
                "metrics": regression_table(label[members], predicted[members], subject[members], draws, seed),
            }
    return {
        "prevalence": None,
        "metrics": regression_table(label, predicted, subject, draws, seed),
        "elapsed_baseline": None if elapsed is None else regression_table(label, elapsed, subject, draws, seed),
        "by_outcome": apart,
        "by_n_events": _by_n_events("mae_h", mae, label, predicted, subject, n_events, draws, seed),
    }


def _by_n_events(
    name: str,
    metric: Callable[..., Any],
    label: np.ndarray,
    predicted: Float[np.ndarray, "stay *label"],
    subject: np.ndarray,
    n_events: np.ndarray,
    draws: int,
    seed: int,
) -> list[dict[str, Any]]:
    """One metric by quarter of the number of events; quarters of fewer than 11 stays are left out."""
    edges = np.unique(np.quantile(n_events, np.linspace(0, 1, EVENT_BINS + 1)))
    place = np.clip(np.searchsorted(edges, n_events, side="right") - 1, 0, max(len(edges) - 2, 0))
    rows: list[dict[str, Any]] = []
    for bin_ in range(max(len(edges) - 1, 1)):
        inside = place == bin_
        if inside.sum() < MIN_BIN_STAYS:
            continue
        interval = bootstrap_intervals(
            {name: metric}, subject[inside], label[inside], predicted[inside], draws=draws, seed=seed
        )[name]
        rows.append(
            {
                "low": int(n_events[inside].min()),
                "high": int(n_events[inside].max()),
                "n_stays": int(inside.sum()),
                "n_events": int(label[inside].sum()) if name == "auroc" else None,
                "metric": name,
                "value": interval["value"],
                "ci_low": interval["low"],
                "ci_high": interval["high"],
            }
        )
    return rows
