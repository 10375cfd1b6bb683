"""One step of learning: forward, backward, clip, AdamW; on the device there is, in the precision that is asked for."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from wardround.errors import RunError, UsageError
from wardround.train.schedule import learning_rate_factor
from wardround.train.settings import LoopSettings


@dataclass(frozen=True)
class Place:
    """Where in the training a step is: counted from 0; `total_steps` is what the schedule is laid over."""

    step: int
    epoch: int
    batch: int
    total_steps: int


@dataclass(frozen=True)
class StepOutcome:
    """The loss, what else `loss(batch)` reported, and whether the gradient was clipped."""

    loss: float
    reported: dict[str, float]
    clipped: bool


class _Loss(nn.Module):
    """`model.loss` as a forward pass: the form that accelerate prepares."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        return self.model.loss(batch)


class Stepper:
    """Takes steps; its AdamW keeps the moments, everything else about a step is a function of its place."""

    def __init__(self, model: nn.Module, settings: LoopSettings):
        """Move `model` to the device. Raises `RunError` where nothing learns, `UsageError` for several processes."""
        from accelerate import Accelerator  # late: only training needs it

        self.settings = settings
        self._accelerator = Accelerator(mixed_precision="no")  # precision is a setting of ours, see `take`
        self.device = self._accelerator.device
        if self._accelerator.num_processes > 1:
            raise UsageError("Training runs in one process so far. Start the command without a launcher.")
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        if not self._parameters:
            raise RunError("The model has no parameter that learns: all are frozen. Unfreeze a part of it.")
        self.adamw = torch.optim.AdamW(self._parameters, settings.learning_rate, weight_decay=settings.weight_decay)
        self._loss, self._optimizer = self._accelerator.prepare(_Loss(model), self.adamw)
        self.bf16 = _is_bf16(settings, self.device)

    def learning_rate(self, place: Place) -> float:
        """The learning rate of the step at `place`."""
        settings = self.settings
        factor = learning_rate_factor(place.step, place.total_steps, settings.warmup_fraction, settings.schedule)
        return settings.learning_rate * factor

    def take(self, batch: Any, place: Place) -> StepOutcome:
        """Learn from one batch. Raises `RunError`, before the weights move, where loss or gradient is not finite."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.learning_rate(place)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            loss, reported = self._loss(batch.to(self.device))
        loss_value = self._finite(loss.item(), "loss", place)
        self._accelerator.backward(loss)
        norm = torch.as_tensor(self._accelerator.clip_grad_norm_(self._parameters, self.settings.clip_norm)).item()
        self._finite(norm, "gradient's norm", place)
        self._optimizer.step()
        self._optimizer.zero_grad()
        values = {name: value.item() for name, value in reported.items()}
        return StepOutcome(loss_value, values, norm > self.settings.clip_norm)

    def _finite(self, number: float, what: str, at: Place) -> float:
        if not math.isfinite(number):
            raise RunError(
                f"The {what} at step {at.step} (epoch {at.epoch}, batch {at.batch}) is {number}. "
                f"Lower learning_rate (now {self.settings.learning_rate:g}), try precision=fp32, or check the inputs "
                "with `wardround audit`; then train into a new folder."
            )
        return number


def _is_bf16(settings: LoopSettings, device: torch.device) -> bool:
    if settings.precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported()
    return settings.precision == "bf16"
