"""One step of learning: forward, backward, clip, AdamW; on the device there is, in the precision that is asked for."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from wardround.errors import RunError
from wardround.train.processes import Processes
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


class Stepper:
    """Takes steps; its AdamW keeps the moments, everything else about a step is a function of its place."""

    def __init__(self, model: nn.Module, settings: LoopSettings, processes: Processes):
        """Move `model` to the device, with the first process's weights. Raises `RunError` where nothing learns."""
        self.settings, self.device = settings, processes.device
        self._model, self._processes = model.to(self.device), processes
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        if not self._parameters:
            raise RunError("The model has no parameter that learns: all are frozen. Unfreeze a part of it.")
        processes.share_weights(list(model.state_dict().values()))
        # on a CPU one pass over each parameter: torch's loop there is a tenth of a small step; elsewhere torch chooses
        fused = True if self.device.type == "cpu" else None
        self.adamw = torch.optim.AdamW(
            self._parameters, settings.learning_rate, weight_decay=settings.weight_decay, fused=fused
        )
        self.bf16 = _is_bf16(settings, self.device, model)

    def learning_rate(self, place: Place) -> float:
        """The learning rate of the step at `place`."""
        settings = self.settings
        factor = learning_rate_factor(place.step, place.total_steps, settings.warmup_fraction, settings.schedule)
        return settings.learning_rate * factor

    def take(self, batch: Any, place: Place) -> StepOutcome:
        """Learn from one batch. Raises `RunError`, before the weights move, where loss or gradient is not finite."""
        for group in self.adamw.param_groups:
            group["lr"] = self.learning_rate(place)
        self._processes.seed_step(self.settings.seed, place.step)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            loss, reported = self._processes.loss(self._model, batch)
        values = self._processes.average({**reported, "loss": loss})
        loss_value = self._finite(values["loss"], "loss", place)
        loss.backward()
        self._processes.average_gradients(self._parameters)
        norm = nn.utils.clip_grad_norm_(self._parameters, self.settings.clip_norm).item()
        self._finite(norm, "gradient's norm", place)
        self.adamw.step()
        self.adamw.zero_grad()
        return StepOutcome(loss_value, {name: values[name] for name in reported}, norm > self.settings.clip_norm)

    def _finite(self, number: float, what: str, at: Place) -> float:
        if not math.isfinite(number):
            raise RunError(
                f"The {what} at step {at.step} (epoch {at.epoch}, batch {at.batch}) is {number}. "
                f"Lower learning_rate (now {self.settings.learning_rate:g}), try precision=fp32, or check the inputs "
                "with `wardround audit`; then train into a new folder."
            )
        return number


def _is_bf16(settings: LoopSettings, device: torch.device, model: nn.Module) -> bool:
    if settings.precision != "auto":
        return settings.precision == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    gains = any(getattr(part, "gains_from_bf16", False) for part in model.modules())
    return gains and device.type == "cpu" and _cpu_computes_bf16()


def _cpu_computes_bf16() -> bool:
    """Whether the CPU has instructions for it; elsewhere bfloat16 is slower than float32."""
    known = torch.cpu.get_capabilities()
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))
