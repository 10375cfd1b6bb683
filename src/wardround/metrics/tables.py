"""The tables of a report: every metric with its interval over patients, as JSON-able dicts, None where undefined.

The names are frozen: `metrics.json` of every run folder and every comparison uses them.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from wardround.metrics.bootstrap import (
    DRAWS,
    LEVEL,
    Interval,
    Metric,
    SubjectIds,
    bootstrap_intervals,
    cluster_weights,
    percentile_interval,
)
from wardround.metrics.calibration import ace, brier, bss, calibration_intercept, calibration_slope
from wardround.metrics.discrimination import accuracy, auprc, auroc, event1, f1, ppv, sensitivity, specificity
from wardround.metrics.inputs import Labels, PerStay, checked_labels
from wardround.metrics.macro import mean_over_labels
from wardround.metrics.regression import mae, mse, pearson, r2, spearman

OWN_PREVALENCE: Mapping[str, float | None] = MappingProxyType({"bss": None})
MOST_THREADS = 8  # labels at a time: each has some arrays "draw stay"
REGRESSION_METRICS: Mapping[str, Metric] = MappingProxyType(
    {"mae_h": mae, "mse_h2": mse, "r2": r2, "pearson": pearson, "spearman": spearman}
)


def classification_metrics(
    threshold: float, reference_prevalences: Mapping[str, float | None] = OWN_PREVALENCE
) -> dict[str, Metric]:
    """The metrics of a yes/no task in the order of the table, for `bootstrap_intervals` and `bootstrap_difference`.

    Args:
        threshold: probability at or above which a stay is predicted positive; chosen on validation.
        reference_prevalences: name of a Brier skill score -> its reference, None for the prevalence of the labels
            themselves; usually {"bss": None, "bss_train": prevalence of the training stays}.

    Raises nothing.
    """
    skills = {name: partial(bss, reference_prevalence=reference) for name, reference in reference_prevalences.items()}
    at_threshold = {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": ppv,
        "f1": f1,
        "accuracy": accuracy,
        "event1": event1,
    }
    return {
        "auroc": auroc,
        "auprc": auprc,
        "brier": brier,
        **skills,
        "ace": ace,
        "calibration_slope": calibration_slope,
        "calibration_intercept": calibration_intercept,
        **{name: partial(metric, threshold=threshold) for name, metric in at_threshold.items()},
    }


def classification_table(
    labels: Labels,
    probs: PerStay,
    subject_ids: SubjectIds,
    threshold: float,
    reference_prevalences: Mapping[str, float | None] = OWN_PREVALENCE,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """Every metric of `classification_metrics` with its interval over patients.

    Args:
        labels: "stay", 0 or 1.
        probs: "stay", in [0, 1].
        subject_ids: "stay", the patient of each stay.
        threshold: see `classification_metrics`.
        reference_prevalences: see `classification_metrics`.
        draws: bootstrap draws.
        seed: of the draws.
        level: of the interval.

    Raises:
        ValueError: see `inputs.py` and `bootstrap_intervals`.
    """
    metrics = classification_metrics(threshold, reference_prevalences)
    return bootstrap_intervals(metrics, subject_ids, labels, probs, draws=draws, seed=seed, level=level)


def regression_table(
    targets_h: PerStay,
    predictions_h: PerStay,
    subject_ids: SubjectIds,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """`mae_h`, `mse_h2`, `r2`, `pearson` and `spearman` of lengths of stay in hours, with intervals over patients.

    Raises ValueError: see `inputs.py` and `bootstrap_intervals`.
    """
    return bootstrap_intervals(
        REGRESSION_METRICS, subject_ids, targets_h, predictions_h, draws=draws, seed=seed, level=level
    )


def multilabel_table(
    labels: Shaped[np.ndarray, "stay label"],
    probs: Float[np.ndarray, "stay label"],
    subject_ids: SubjectIds,
    thresholds: Float[np.ndarray, "label"],
    label_names: Sequence[str],
    reference_prevalences: Mapping[str, Sequence[float] | None] = MappingProxyType({"bss": None}),
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
    advance: Callable[[int], object] = lambda _: None,
) -> dict[str, Any]:
    """Each label's table, and the macro mean over the labels that have both classes.

    The same rule holds in every draw: a label counts in it when both of its classes were drawn and the metric is
    defined. All labels see the same draws.

    Args:
        labels: 0 or 1.
        probs: in [0, 1].
        subject_ids: "stay", the patient of each stay.
        thresholds: one a label, chosen on validation.
        label_names: one a label, all different.
        reference_prevalences: name of a Brier skill score -> one prevalence a label, or None.
        draws: bootstrap draws.
        seed: of the draws.
        level: of the interval.
        advance: told how many more draws are done.

    Returns:
        {"metrics": {name: interval}, "by_label": {label: {name: interval, ..., "n_pos": count}}}

    Raises:
        ValueError: shapes that do not match, and as `classification_table`.
    """
    metrics = _label_metrics(labels, probs, subject_ids, thresholds, label_names, reference_prevalences)
    names = list(metrics[label_names[0]])
    samples = _label_draws(metrics, subject_ids, labels, probs, draws, seed, advance)
    values: dict[tuple[str, str], np.ndarray] = {}
    by_label: dict[str, dict[str, Any]] = {}
    for column, label in enumerate(label_names):
        for name, metric in metrics[label].items():
            values[name, label] = np.asarray(metric(labels[:, column], probs[:, column]))
        intervals = {
            name: percentile_interval(float(values[name, label]), samples[name, label], level) for name in names
        }
        by_label[label] = {**intervals, "n_pos": int(checked_labels(labels[:, column]).sum())}
    macro_values, macro_samples = _macro(values, names, label_names), _macro(samples, names, label_names)
    macro = {name: percentile_interval(float(macro_values[name]), macro_samples[name], level) for name in names}
    return {"metrics": macro, "by_label": by_label}


def _label_metrics(
    labels: Shaped[np.ndarray, "stay label"],
    probs: Float[np.ndarray, "stay label"],
    subject_ids: SubjectIds,
    thresholds: Float[np.ndarray, "label"],
    label_names: Sequence[str],
    reference_prevalences: Mapping[str, Sequence[float] | None],
) -> dict[str, dict[str, Metric]]:
    """Label -> its metrics by name."""
    shape = len(subject_ids), len(label_names)
    if labels.shape != shape or probs.shape != shape:
        raise ValueError(
            f"labels {labels.shape} and probs {probs.shape}, expected {shape}: a row a stay, a column a label"
        )
    lengths = [len(thresholds), *(len(values) for values in reference_prevalences.values() if values is not None)]
    if set(lengths) != {len(label_names)} or len(set(label_names)) != len(label_names):
        raise ValueError(f"thresholds, references: lengths {lengths}, expected one a label; labels named differently")
    metrics: dict[str, dict[str, Metric]] = {}
    for column, label in enumerate(label_names):
        references = {
            name: None if values is None else float(values[column]) for name, values in reference_prevalences.items()
        }
        metrics[label] = classification_metrics(float(thresholds[column]), references)
    return metrics


def _label_draws(
    metrics: Mapping[str, Mapping[str, Metric]],
    subject_ids: SubjectIds,
    labels: Shaped[np.ndarray, "stay label"],
    probs: Float[np.ndarray, "stay label"],
    draws: int,
    seed: int,
    advance: Callable[[int], object],
) -> dict[tuple[str, str], Float[np.ndarray, "draw"]]:
    """(Metric, label) -> its draws. The stays of a label are put in the order of its probabilities before its metrics
    are asked, most of which would do that themselves; labels are asked at the same time, on several cores."""
    orders = np.argsort(probs, axis=0, kind="stable")
    found: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)

    def of_label(column: int, weights: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        label, order = names[column], orders[:, column]
        arrays, drawn = (labels[order, column], probs[order, column]), np.take(weights, order, axis=-1)
        return {(n, label): np.asarray(metric(*arrays, weights=drawn)) for n, metric in metrics[label].items()}

    names = list(metrics)
    with ThreadPoolExecutor(max(1, min(MOST_THREADS, os.cpu_count() or 1, len(names)))) as threads:
        for weights in cluster_weights(subject_ids, draws, seed):
            for of_one in threads.map(partial(of_label, weights=weights), range(len(names))):
                for key, block in of_one.items():
                    found[key].append(block)
            advance(len(weights))
    return {key: np.concatenate(blocks) for key, blocks in found.items()}


def _macro(
    found: Mapping[tuple[str, str], np.ndarray], names: Sequence[str], label_names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Mean over labels, draw by draw; AUROC is defined exactly where both classes are there."""
    of_labels = {name: np.stack([found[name, label] for label in label_names]) for name in names}
    has_both = ~np.isnan(of_labels["auroc"])
    return {name: np.asarray(mean_over_labels(values, has_both)) for name, values in of_labels.items()}
