"""The failure signatures that the five papers name, as named checks of a run's `diagnostics.json`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wardround.metrics.bootstrap import Interval
from wardround.train.history import Row

SPIKE: Final = 1.5
"""A late validation loss this many times the best one is a spike."""


def failure_signatures(metrics: Mapping[str, Interval], history: Sequence[Row]) -> list[dict[str, Any]]:
    """Checks that a finished training passes or is warned about, on validation.

    Args:
        metrics: of the validation stays.
        history: rows of `history.parquet`.

    Returns:
        Entries of `check, verdict, value, advice`; checks whose metric the task does not have are left out.
    """
    found: list[dict[str, Any]] = []
    losses = [loss for row in history if (loss := row.get("val_loss")) is not None]
    if losses:
        ratio = losses[-1] / max(min(losses), 1e-12)
        advice = "the validation loss rises late in training: a lower learning rate, or more regularisation."
        found.append(_entry("late_validation_spike", ratio > SPIKE, round(ratio, 4), advice))
    value = {name: entry["value"] for name, entry in metrics.items()}
    r2, sensitivity, area, accuracy = (value.get(name) for name in ("r2", "sensitivity", "auroc", "accuracy"))
    if r2 is not None:
        found.append(_entry("r2_not_positive", r2 <= 0, round(r2, 4), "no better than predicting the mean."))
    if sensitivity is not None:
        advice = "more than half of the events are missed at the chosen threshold."
        found.append(_entry("low_sensitivity", sensitivity < 0.5, round(sensitivity, 4), advice))
    if area is not None and accuracy is not None:
        advice = "AUROC is high and accuracy low: the ranking is good, the probabilities are not. Recalibrate."
        found.append(_entry("calibration", area > 0.8 and accuracy < 0.7, round(accuracy, 4), advice))
    return found


def _entry(check: str, warn: bool, value: float, advice: str) -> dict[str, Any]:
    return {"check": check, "verdict": "warn" if warn else "pass", "value": value, "advice": advice if warn else ""}
