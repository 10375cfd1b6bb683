"""All that a training is made of between two steps: given back, it goes on to the same bits.

Weights that learn and buffers, AdamW's moments, the random number generators, the best weights so far, and counters.
What is frozen is not in it: it comes with the model. Nor is the learning rate: it is a function of the step.
"""

import math
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn

from wardround.errors import RunError
from wardround.json_kinds import is_list, is_object
from wardround.safetensors_guard import TensorLayout
from wardround.train.checkpoint import Checkpoint
from wardround.train.memory_layout import laid_out_as
from wardround.train.weights import layouts_of

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass
class Counters:
    """Where the training stands; all of it goes into JSON.

    `epoch` and `step_in_epoch` count what is done, from 0; `sums` and `counts` are over the epoch under way, of what
    `loss` returned; `moments` names the parameters that AdamW has moments for.
    """

    total_steps: int = 0
    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    clipped_steps: int = 0
    epochs_without_gain: int = 0
    best_epoch: int | None = None
    best_metrics: dict[str, float | None] = field(default_factory=dict[str, float | None])
    sums: dict[str, float] = field(default_factory=dict[str, float])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    history: list[dict[str, float | None]] = field(default_factory=list[dict[str, float | None]])
    moments: list[str] = field(default_factory=list[str])
    stopped_early: bool = False
    finished: bool = False

    def begin_epoch(self, epoch: int) -> None:
        """Stand before the first batch of `epoch`."""
        self.epoch, self.step_in_epoch, self.sums, self.counts = epoch, 0, {}, {}

    def add(self, values: Mapping[str, float]) -> None:
        """Take the values of one batch into the epoch's means; one that is not finite is left out."""
        for name, value in values.items():
            if math.isfinite(value):
                self.sums[name] = self.sums.get(name, 0.0) + value
                self.counts[name] = self.counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        """The means over the epoch's batches so far, each over those that have the value."""
        return {name: total / self.counts[name] for name, total in self.sums.items()}


def counters_from_json(value: Any) -> Counters:
    """Counters from the JSON of a checkpoint. Raises `RunError` where a field is missing, unknown or ill-typed."""
    names = {one.name for one in fields(Counters)}
    if not is_object(value) or value.keys() != names or not _is_sound(value):
        raise RunError("the checkpoint's counters are not those of this version.")
    return Counters(**value)


def _is_sound(value: dict[str, Any]) -> bool:
    counts = ("total_steps", "epoch", "step_in_epoch", "step", "clipped_steps", "epochs_without_gain")
    best = value["best_epoch"]
    return (
        all(type(value[name]) is int and 0 <= value[name] < 2**53 for name in counts)
        and (best is None or (type(best) is int and best >= 0))
        and all(type(value[name]) is bool for name in ("stopped_early", "finished"))
        and all(_is_row(value[name]) for name in ("best_metrics", "sums", "counts"))
        and is_list(value["history"])
        and all(_is_row(row) for row in value["history"])
        and is_list(value["moments"])
        and all(isinstance(name, str) for name in value["moments"])
    )


def _is_row(row: Any) -> bool:
    return is_object(row) and all(number is None or type(number) in (int, float) for number in row.values())


class TrainingState:
    """The live parts of a training, and their way to and from a checkpoint."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device):
        self.model, self.optimizer, self.device = model, optimizer, device
        self.counters = Counters()
        self.learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._best: dict[str, Tensor] = {}

    def changing(self) -> dict[str, Tensor]:
        """Every tensor of the model that training can change, by name: parameters that learn, and all buffers."""
        return {**{name: p.detach() for name, p in self.learning.items()}, **dict(self.model.named_buffers())}

    def remember_best(self) -> None:
        """Keep a copy, on the CPU, of the weights as they are."""
        self._best = {name: tensor.to("cpu", copy=True) for name, tensor in self.changing().items()}

    def use_best(self) -> None:
        """Put the best weights back into the model."""
        self._copy_into_model(self._best)

    def to_checkpoint(self) -> Checkpoint:
        """Everything, as tensors and JSON."""
        tensors = {f"model/{name}": tensor for name, tensor in self.changing().items()}
        tensors |= {f"best/{name}": tensor for name, tensor in self._best.items()}
        tensors |= _random_states(self.device)
        self.counters.moments = [name for name, p in self.learning.items() if self.optimizer.state.get(p)]
        for name in self.counters.moments:
            moments = self.optimizer.state[self.learning[name]]
            tensors |= {f"adamw/{key}/{name}": moments[key] for key in _MOMENTS}
        # a copy: a checkpoint holds what was true when it was made
        state = {"counters": asdict(self.counters), "environment": self.environment()}
        return Checkpoint(self.counters.step, tensors, state)

    def expected_layouts(self, state: Mapping[str, Any]) -> dict[str, TensorLayout]:
        """The layout of every tensor that a checkpoint with this JSON state must hold. Raises `RunError`."""
        if set(state) != {"counters", "environment"}:
            raise RunError("the checkpoint's state is not that of this version.")
        counters = counters_from_json(state["counters"])
        if not self.learning.keys() >= set(counters.moments):
            raise RunError("the checkpoint has moments of parameters that this model does not have.")
        model = layouts_of(self.changing())
        layouts = {f"model/{name}": layout for name, layout in model.items()}
        if counters.best_epoch is not None:
            layouts |= {f"best/{name}": layout for name, layout in model.items()}
        layouts |= layouts_of(_random_states(self.device))
        for name in counters.moments:
            layouts |= {f"adamw/{key}/{name}": model[name] for key in _MOMENTS[1:]}
            layouts[f"adamw/step/{name}"] = TensorLayout("F32", ())
        return layouts

    def restore(self, checkpoint: Checkpoint) -> None:
        """Make the training what it was; `checkpoint` was read with `expected_layouts`. Raises `RunError`."""
        tensors = checkpoint.tensors
        self.counters = counters_from_json(checkpoint.state["counters"])
        self._copy_into_model({name: tensors[f"model/{name}"] for name in self.changing()})
        if self.counters.best_epoch is not None:
            self._best = {name: tensors[f"best/{name}"].clone() for name in self.changing()}
        for name in self.counters.moments:
            parameter = self.learning[name]
            on_device = {key: laid_out_as(parameter, tensors[f"adamw/{key}/{name}"]) for key in _MOMENTS[1:]}
            self.optimizer.state[parameter] = {"step": tensors[f"adamw/step/{name}"].clone(), **on_device}
        _set_random_states(tensors, self.device)

    def environment(self) -> dict[str, Any]:
        """What else the bits depend on: versions, device, threads, processes."""
        device = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else platform.machine()
        threads, processes = torch.get_num_threads(), int(os.environ.get("WORLD_SIZE", "1"))
        return {"torch": torch.__version__, "device": device, "threads": threads, "processes": processes}

    def _copy_into_model(self, tensors: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, tensor in self.changing().items():
                tensor.copy_(tensors[name])


def _random_states(device: torch.device) -> dict[str, Tensor]:
    states = {"random/cpu": torch.random.get_rng_state()}
    if device.type == "cuda":
        states["random/cuda"] = torch.cuda.get_rng_state(device)
    return states


def _set_random_states(tensors: Mapping[str, Tensor], device: torch.device) -> None:
    try:
        torch.random.set_rng_state(tensors["random/cpu"])
        if device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random/cuda"], device)
    except RuntimeError as cause:
        raise RunError("the checkpoint's random state is not one of torch's. Delete the checkpoints.") from cause


def finite_or_none(value: float) -> float | None:
    """JSON has no NaN: a number that is not finite is written as null."""
    return value if math.isfinite(value) else None
