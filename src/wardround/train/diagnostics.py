"""What a finished training says about itself: the same for the same training, interrupted or not.

Each entry has the shape of an audit's: `{"check", "verdict": "pass" | "warn", "value", "advice"}`.
"""

from typing import Any

from wardround.train.state import Counters

OFTEN_CLIPPED = 0.9


def diagnose(counters: Counters, learning: int, monitor: str) -> list[dict[str, Any]]:
    """Judge a finished training from its counters.

    Args:
        counters: where it ended.
        learning: how many parameter tensors were to learn.
        monitor: the name of the monitored validation value.

    Returns:
        One entry a check.
    """
    epochs = len(counters.history)
    at_the_end = counters.best_epoch == epochs - 1 and not counters.stopped_early
    clipped_fraction = counters.clipped_steps / max(1, counters.step)
    untouched = learning - len(counters.moments)
    return [
        _entry(
            "best_epoch",
            at_the_end,
            counters.best_epoch,
            f"{monitor} was still improving at the last of {epochs} epochs: allow more epochs.",
        ),
        _entry(
            "clipped_fraction",
            clipped_fraction > OFTEN_CLIPPED,
            round(clipped_fraction, 4),
            "Almost every gradient was clipped: lower the learning rate, or raise clip_norm.",
        ),
        _entry(
            "parameters_without_gradient",
            untouched > 0,
            untouched,
            "Some parameters never had a gradient: the part of the model they belong to was not used by any batch.",
        ),
    ]


def _entry(check: str, warn: bool, value: float | None, advice: str) -> dict[str, Any]:
    return {"check": check, "verdict": "warn" if warn else "pass", "value": value, "advice": advice if warn else ""}
