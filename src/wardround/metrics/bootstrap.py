"""Intervals by the bootstrap over patients: a patient is drawn with all of its stays (Efron 1979; Field and Welsh
2007).

Stays of one patient resemble each other. A bootstrap over stays takes them for independent and its intervals are too
narrow; `tests/promises/test_36_intervals_cover.py` shows both.

A draw is a row of weights: how often each stay counts. The metrics take rows in blocks, so the arrays are checked and
sorted once a block, and 1,000 draws of 50,000 stays take seconds. All metrics of one call see the same draws, and the
same seed gives the same draws whatever the metrics are.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypedDict, TypeVar

import numpy as np
from jaxtyping import Float, Shaped

from wardround.metrics.inputs import PerDraw, Weights

DRAWS = 1000
LEVEL = 0.95
BLOCK_CELLS = 2**18  # draws x stays at a time: 2 MiB a temporary array, which stays in a cache;
LEAST_DRAWS = 20  # of many stays more than that, for what is done once a block,
MOST_CELLS = 2**22  # up to 32 MiB

Name = TypeVar("Name")
Metric = Callable[..., PerDraw]  # metric(*arrays, weights="draw stay" or None)
SubjectIds = Shaped[np.ndarray, "stay"]


class Interval(TypedDict):
    """A metric with its percentile interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None
    dropped: int  # draws left out because the metric is undefined in them, such as draws of one class


def cluster_weights(
    subject_ids: SubjectIds, draws: int = DRAWS, seed: int = 0
) -> Iterator[Float[np.ndarray, "draw stay"]]:
    """Yield blocks of rows of whole-number weights: as many patients as there are, drawn with replacement.

    Args:
        subject_ids: "stay", whole numbers or strings; stays with the same id are drawn together.
        draws: rows in all blocks together.
        seed: same seed, same rows, whatever the size of the blocks.

    Raises:
        ValueError: no stays, not one id a stay, ids that are NaN, or draws below 1.
    """
    subject_ids = np.asarray(subject_ids)
    if subject_ids.ndim != 1 or subject_ids.size == 0:
        raise ValueError(f"subject_ids: shape {subject_ids.shape}, expected one id a stay, at least one stay")
    if subject_ids.dtype.kind == "f" and np.isnan(subject_ids).any():
        raise ValueError(f"subject_ids: {np.isnan(subject_ids).sum()} are NaN; give every orphan stay its own id")
    if draws < 1:
        raise ValueError(f"draws: {draws}, expected 1 or more")
    return _weight_blocks(subject_ids, draws, np.random.default_rng(seed))


def _weight_blocks(
    subject_ids: SubjectIds, draws: int, rng: np.random.Generator
) -> Iterator[Float[np.ndarray, "draw stay"]]:
    subjects, subject_of_stay = np.unique(subject_ids, return_inverse=True)
    rows = max(1, min(max(LEAST_DRAWS, BLOCK_CELLS // subject_ids.size), MOST_CELLS // subject_ids.size))
    for start in range(0, draws, rows):
        block = np.empty((min(rows, draws - start), subject_ids.size))
        for row in block:
            times_drawn = np.bincount(rng.integers(subjects.size, size=subjects.size), minlength=subjects.size)
            row[:] = times_drawn[subject_of_stay]
        yield block


def metric_draws(
    metrics: Mapping[Name, Metric], subject_ids: SubjectIds, *arrays: np.ndarray, draws: int = DRAWS, seed: int = 0
) -> dict[Name, Float[np.ndarray, "draw"]]:
    """Every metric in every draw, NaN where undefined; arguments and errors as for `bootstrap_intervals`."""
    lengths = sorted({len(array) for array in arrays} | {len(subject_ids)})
    if len(lengths) > 1:
        raise ValueError(f"arrays and subject_ids: lengths {lengths}, expected one row a stay in each")
    blocks: dict[Name, list[np.ndarray]] = {name: [] for name in metrics}
    for weights in cluster_weights(subject_ids, draws, seed):
        for name, metric in metrics.items():
            blocks[name].append(np.asarray(metric(*arrays, weights=weights)))
    return {name: np.concatenate(found) for name, found in blocks.items()}


def percentile_interval(value: float, samples: Float[np.ndarray, "draw"], level: float = LEVEL) -> Interval:
    """The value with the percentiles (1 - level) / 2 and (1 + level) / 2 of the draws in which it is defined.

    Raises:
        ValueError: level not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level: {level}, expected a number between 0 and 1")
    defined = samples[~np.isnan(samples)]
    dropped = int(samples.size - defined.size)
    if np.isnan(value):
        return Interval(value=None, low=None, high=None, dropped=dropped)
    if defined.size == 0:
        return Interval(value=value, low=None, high=None, dropped=dropped)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value=value, low=float(low), high=float(high), dropped=dropped)


def bootstrap_intervals(
    metrics: Mapping[Name, Metric],
    subject_ids: SubjectIds,
    *arrays: np.ndarray,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[Name, Interval]:
    """Each metric on all stays, with its percentile interval over patients.

    Args:
        metrics: name -> metric, called as `metric(*arrays, weights=...)`; bind a threshold with `functools.partial`.
        subject_ids: "stay", the patient of each stay.
        *arrays: what the metrics take, one row a stay: labels and probabilities, or targets and predictions.
        draws: number of draws.
        seed: of the draws.
        level: of the interval.

    Raises:
        ValueError: bad ids, draws or level, lengths that differ, and whatever the metrics refuse.
    """
    samples = metric_draws(metrics, subject_ids, *arrays, draws=draws, seed=seed)
    return {name: percentile_interval(float(metric(*arrays)), samples[name], level) for name, metric in metrics.items()}


def bootstrap_difference(
    metrics: Mapping[Name, Metric],
    subject_ids: SubjectIds,
    truth: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    second_metrics: Mapping[Name, Metric] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[Name, Interval]:
    """metric(truth, second) - metric(truth, first), paired: both predictions see the same draws of the same stays.

    Args:
        metrics: as for `bootstrap_intervals`.
        subject_ids: "stay", the patient of each stay.
        truth: labels or targets, one row a stay.
        first: predictions that are subtracted.
        second: predictions for the same stays.
        second_metrics: the same names for `second`, where its thresholds are others; default `metrics`.
        draws: number of draws.
        seed: of the draws.
        level: of the interval.

    Raises:
        ValueError: as `bootstrap_intervals`, and where `second_metrics` has other names.
    """
    second_metrics = metrics if second_metrics is None else second_metrics
    if metrics.keys() != second_metrics.keys():
        raise ValueError(f"second_metrics: names {sorted(map(str, second_metrics))}, expected those of metrics")
    paired = {name: _difference(metric, second_metrics[name]) for name, metric in metrics.items()}
    return bootstrap_intervals(paired, subject_ids, truth, first, second, draws=draws, seed=seed, level=level)


def _difference(first_metric: Metric, second_metric: Metric) -> Metric:
    def difference(truth: np.ndarray, first: np.ndarray, second: np.ndarray, weights: Weights | None = None) -> PerDraw:
        return second_metric(truth, second, weights=weights) - first_metric(truth, first, weights=weights)

    return difference
