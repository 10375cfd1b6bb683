"""The settings of the training loop, the same for every method."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from wardround.errors import UsageError
from wardround.train.schedule import Schedule


@dataclass(frozen=True)
class LoopSettings:
    """How to train: AdamW, a schedule, early stopping, checkpoints.

    learning_rate: at the top of the schedule.
    weight_decay: decoupled (Loshchilov & Hutter, ICLR 2019), on every parameter that learns.
    epochs, patience: at most so many epochs; stop after `patience` of them without a better monitored value.
    warmup_fraction: the part of all steps over which the learning rate rises.
    schedule: what it does afterwards.
    clip_norm: the largest global norm of a gradient.
    precision: of the training steps; "auto" is bf16 on a GPU that has it, and for a wide decoder (`decoder.WIDE`) on a
        CPU that has it; fp32 elsewhere. Validation is always fp32.
    seed: of torch's generators from the first step on (dropout and the like); the model comes initialised.
    monitor, mode: the validation value that decides, and whether the smallest or the largest is best.
    checkpoint_every_steps: None writes a checkpoint after each epoch.
    keep_checkpoints: how many to keep on disk.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    epochs: int = 100
    patience: int = 10
    warmup_fraction: float = 0.05
    schedule: Schedule = "cosine"
    clip_norm: float = 1.0
    precision: Literal["fp32", "bf16", "auto"] = "auto"
    seed: int = 0
    monitor: str = "loss"
    mode: Literal["min", "max"] = "min"
    checkpoint_every_steps: int | None = None
    keep_checkpoints: int = 2

    def __post_init__(self):
        """Raises `UsageError` for a value that no training can have."""
        positive = {"learning_rate": self.learning_rate, "clip_norm": self.clip_norm}
        counts = {"epochs": self.epochs, "patience": self.patience, "keep_checkpoints": self.keep_checkpoints}
        if self.checkpoint_every_steps is not None:
            counts["checkpoint_every_steps"] = self.checkpoint_every_steps
        for name, value in {**positive, **counts}.items():
            if not (value > 0 and math.isfinite(value)):
                raise UsageError(f"{name} must be above 0, not {value}.")
        if not 0 <= self.warmup_fraction <= 1 or not 0 <= self.weight_decay < math.inf:
            raise UsageError("warmup_fraction must lie between 0 and 1, and weight_decay must not be negative.")
        choices = {"schedule": ("cosine", "constant"), "precision": ("fp32", "bf16", "auto"), "mode": ("min", "max")}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise UsageError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}.")

    def that_decide(self) -> dict[str, Any]:
        """The settings that the final weights depend on: all but those about checkpoints."""
        kept = {"checkpoint_every_steps", "keep_checkpoints"}
        return {name: value for name, value in asdict(self).items() if name not in kept}
