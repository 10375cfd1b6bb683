"""Early stopping on one validation value: which epoch is the best so far, and whether to go on."""

import math
from collections.abc import Mapping

from wardround.errors import RunError, UsageError
from wardround.train.settings import LoopSettings
from wardround.train.state import Counters, finite_or_none


def judge_epoch(counters: Counters, metrics: Mapping[str, float], settings: LoopSettings) -> bool:
    """Compare the epoch under way with the best one, and note the outcome in `counters`.

    Args:
        counters: where the training stands; its best epoch or its epochs without gain are brought up to date.
        metrics: the validation values of the epoch.
        settings: `monitor` and `mode`.

    Returns:
        Whether this epoch is the best so far. An equal value is no gain.

    Raises:
        UsageError: where the monitored value is not among `metrics`.
        RunError: where it is not finite.
    """
    value = _monitored(counters.epoch, metrics, settings.monitor)
    best = counters.best_metrics.get(settings.monitor)
    if best is not None and not (value < best if settings.mode == "min" else value > best):
        counters.epochs_without_gain += 1
        return False
    counters.best_epoch, counters.epochs_without_gain = counters.epoch, 0
    counters.best_metrics = {name: finite_or_none(one) for name, one in sorted(metrics.items())}
    return True


def _monitored(epoch: int, metrics: Mapping[str, float], monitor: str) -> float:
    if monitor not in metrics:
        raise UsageError(f"monitor={monitor!r} is not a validation value. There are: {', '.join(sorted(metrics))}.")
    if not math.isfinite(metrics[monitor]):
        raise RunError(
            f"The validation {monitor} after epoch {epoch} is {metrics[monitor]}, so no best epoch can be chosen. The "
            "validation split may hold one class only: monitor another value, or use a larger cohort."
        )
    return metrics[monitor]
