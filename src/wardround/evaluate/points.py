"""From stays to points that may be shown: each stands for 11 patients or more, where there are that many.

A vertex of a raw ROC curve is one patient. Here stays are gathered in order of their prediction, ties together, until a
group holds 11 patients; curves go from group to group.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float, Int

from wardround.evaluate.small_cells import MINIMUM
from wardround.metrics.bootstrap import cluster_weights

CURVE_GROUPS: Final = 40
CALIBRATION_GROUPS: Final = 10
BAND_DRAWS: Final = 200
Z_95: Final = 1.959964

PerStay = Float[np.ndarray, "stay"]
Subjects = Int[np.ndarray, "stay"]
Rows = list[dict[str, Any]]


def patient_groups(values: PerStay, subject: Subjects, most: int, minimum: int = MINIMUM) -> Int[np.ndarray, "stay"]:
    """Group stays by rising value; equal values share a group.

    Args:
        values: one a stay.
        subject: the patient of each stay.
        most: groups of about this number, fewer where patients are few.
        minimum: patients in a group.

    Returns:
        The group of each stay, 0 for the lowest values; one group for all where there are fewer than `minimum`
        patients.
    """
    order = np.argsort(values, kind="stable")
    ends_tie = np.diff(values[order], append=np.inf) != 0
    enough = -(-len(values) // most)
    group, sizes = np.zeros(len(values), np.int64), [0]
    patients: set[Any] = set()
    for place, ends in zip(order, ends_tie, strict=True):
        group[place] = len(sizes) - 1
        sizes[-1] += 1
        patients.add(subject[place])
        if ends and sizes[-1] >= enough and len(patients) >= minimum:
            sizes.append(0)
            patients = set()
    last = len(sizes) - 1
    if last and len(patients) < minimum:  # the rest is too few for a group of its own
        group[group == last] = last - 1
    return group


def ranking_curves(
    label: Bool[np.ndarray, "stay"], prob: PerStay, subject: Subjects, seed: int = 0
) -> tuple[Rows, Rows]:
    """ROC and precision-recall curve, with 95 % bands at each threshold by the bootstrap over patients.

    Args:
        label: outcome.
        prob: predicted probability.
        subject: the patient of each stay.
        seed: of the draws.

    Returns:
        `fpr, tpr, low, high` by rising false positive rate, and `recall, precision, low, high` by rising recall. Both
        are empty where there are fewer than two groups or one class.
    """
    group = patient_groups(-prob, subject, CURVE_GROUPS)
    n_groups = int(group.max()) + 1
    if n_groups < 2 or label.all() or not label.any():
        return [], []
    member = np.eye(n_groups)[group]
    fpr, tpr, precision = (value[0] for value in _rates(np.ones((1, len(label))), label, member))
    blocks = [_rates(weights, label, member) for weights in cluster_weights(subject, BAND_DRAWS, seed)]
    tpr_band, precision_band = (_band(np.concatenate([block[place] for block in blocks])) for place in (1, 2))
    roc = {"fpr": fpr, "tpr": tpr, "low": tpr_band[0], "high": tpr_band[1]}
    pr = {"recall": tpr[1:], "precision": precision[1:], "low": precision_band[0][1:], "high": precision_band[1][1:]}
    return _rows(roc), _rows(pr)


def _rows(columns: Mapping[str, np.ndarray]) -> Rows:
    rounded = [np.round(column, 4).tolist() for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*rounded, strict=True)]


def _rates(
    weights: Float[np.ndarray, "draw stay"], label: np.ndarray, member: Float[np.ndarray, "stay group"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False and true positive rate and precision when the first 0, 1, ... groups are flagged; draws of both classes."""
    weights = weights[(weights @ label > 0) & (weights @ ~label > 0)]
    hits = _running(weights @ (member * label[:, None]))
    flagged = _running(weights @ member)
    misses = flagged - hits
    precision = hits / np.maximum(flagged, np.finfo(float).tiny)
    return misses / misses[:, -1:], hits / hits[:, -1:], precision


def _running(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)


def _band(drawn: Float[np.ndarray, "draw cut"]) -> tuple[np.ndarray, np.ndarray]:
    """2.5 and 97.5 % over draws, threshold by threshold: a curve has steps where no x tells its points apart."""
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return low, high


def calibration_points(label: Bool[np.ndarray, "stay"], prob: PerStay, subject: Subjects) -> Rows:
    """Predicted and observed risk by group of rising risk.

    Returns:
        `predicted` (mean), `observed` (share), `low, high` (Wilson's 95 % interval of the share), `n_stays`; empty
        below 11 patients.
    """
    if len(np.unique(subject)) < MINIMUM:
        return []
    group = patient_groups(prob, subject, CALIBRATION_GROUPS)
    rows: Rows = []
    for number in range(int(group.max()) + 1):
        inside = group == number
        n_stays, n_positive = int(inside.sum()), int(label[inside].sum())
        low, high = wilson(n_positive, n_stays)
        rows.append(
            {
                "predicted": round(float(prob[inside].mean()), 4),
                "observed": round(n_positive / n_stays, 4),
                "low": low,
                "high": high,
                "n_stays": n_stays,
            }
        )
    return rows


def wilson(positive: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927); honest at 0 of n, where the bootstrap has no width."""
    centre = (positive + Z_95**2 / 2) / (total + Z_95**2)
    half = Z_95 * np.sqrt(positive * (total - positive) / total + Z_95**2 / 4) / (total + Z_95**2)
    return round(max(0.0, float(centre - half)), 4), round(min(1.0, float(centre + half)), 4)


def risk_bars(label: Bool[np.ndarray, "stay"], prob: PerStay, subject: Subjects, most: int = 24) -> Rows:
    """The spread of predicted risk in each outcome: bars of equal width, neighbours joined until one holds 11 patients.

    Returns:
        `outcome` (bool), `begin, end` (risk), `share` (of that outcome's stays, per equal-width bar); an outcome of
        fewer than 11 patients has none.
    """
    low, high = float(prob.min()), float(prob.max())
    if not high > low:
        low, high = max(0.0, low - 0.01), min(1.0, high + 0.01)
    edges = np.linspace(low, high, most + 1)
    place = np.clip(np.searchsorted(edges, prob, side="right") - 1, 0, most - 1)
    rows: Rows = []
    for outcome in (False, True):
        chosen = label == outcome
        if len(np.unique(subject[chosen])) < MINIMUM:
            continue
        group = patient_groups(place[chosen].astype(float), subject[chosen], most)
        begin = edges[0]
        for number in range(int(group.max()) + 1):
            inside = group == number
            last = int(place[chosen][inside].max()) if number < group.max() else most - 1
            bars = (edges[last + 1] - begin) / (edges[1] - edges[0])
            share = float(inside.mean() / bars)
            rows.append(
                {
                    "outcome": outcome,
                    "begin": round(float(begin), 4),
                    "end": round(float(edges[last + 1]), 4),
                    "share": share,
                }
            )
            begin = edges[last + 1]
    return rows


def hours_points(actual_h: PerStay, predicted_h: PerStay, subject: Subjects) -> Rows:
    """Actual hours by group of rising predicted hours: `predicted` (mean), `actual` (median), `low, high` (quartiles),
    `n_stays`."""
    if len(np.unique(subject)) < MINIMUM:
        return []
    group = patient_groups(predicted_h, subject, CALIBRATION_GROUPS)
    rows: Rows = []
    for number in range(int(group.max()) + 1):
        inside = group == number
        low, middle, high = np.quantile(actual_h[inside], [0.25, 0.5, 0.75]).round(1).tolist()
        predicted = round(float(predicted_h[inside].mean()), 1)
        rows.append({"predicted": predicted, "actual": middle, "low": low, "high": high, "n_stays": int(inside.sum())})
    return rows
