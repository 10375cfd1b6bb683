"""A small training with all that a resume can get wrong: dropout, batch norm, frozen and unused parts, early stopping.

As a script, for real kills: `toy_training.py FOLDER` says `step N` before each step, and `done DIGEST` at the end.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from wardround.models.dropout import Dropout
from wardround.train.loop import FitResult, fit
from wardround.train.settings import LoopSettings
from wardround.train.weights import write_weights

STEPS_PER_EPOCH = 5
SETTINGS = LoopSettings(
    learning_rate=0.05, epochs=6, patience=2, warmup_fraction=0.2, seed=3, precision="fp32", checkpoint_every_steps=2
)


@dataclass(frozen=True)
class ToyBatch:
    features: Tensor
    labels: Tensor
    on_step: Callable[[], None]

    def to(self, device: torch.device) -> "ToyBatch":
        self.on_step()
        return ToyBatch(self.features.to(device), self.labels.to(device), self.on_step)


class ToyModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.frozen = nn.Linear(6, 6).requires_grad_(False)
        self.hidden = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), Dropout(0.3))
        self.head = nn.Linear(16, 1)
        self.turned = nn.Parameter(torch.randn(16, 3).t())  # laid out in memory otherwise than a file holds it
        self.unused = nn.Linear(2, 2)

    def loss(self, batch: ToyBatch) -> tuple[Tensor, dict[str, Tensor]]:
        hidden = self.hidden(self.frozen(batch.features))
        logits = self.head(hidden).squeeze(-1) + (hidden @ self.turned.t()).sum(dim=1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, batch.labels)
        return loss, {"mean_logit": logits.mean()}


def toy_model(seed: int = 1) -> ToyModel:
    torch.manual_seed(seed)
    return ToyModel()


def toy_batches(epoch: int, on_step: Callable[[], None] = lambda: None) -> list[ToyBatch]:
    generator = torch.Generator().manual_seed(1000 + epoch % 3)
    features = torch.randn(STEPS_PER_EPOCH * 8, 6, generator=generator)
    labels = (features[:, 0] + torch.randn(len(features), generator=generator) > 0).float()
    parts = zip(features.split(8), labels.split(8), strict=True)
    return [ToyBatch(part, of_part, on_step) for part, of_part in parts]


class Once:
    """Batches that can only be gone through, as a loader's."""

    def __init__(self, batches: list[ToyBatch]):
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[ToyBatch]:
        torch.rand(3)  # a loader that draws from the global generator must not move the training's
        return iter(self._batches)


def toy_validate(model: nn.Module) -> dict[str, float]:
    losses = [model.loss(batch)[0].item() for batch in toy_batches(7)]
    return {"loss": sum(losses) / len(losses), "worst": max(losses)}


def train(
    folder: Path,
    on_step: Callable[[], None] = lambda: None,
    settings: LoopSettings = SETTINGS,
    notes: list[str] | None = None,
) -> str:
    """Train, or go on; the digest of the final weights, history and diagnostics."""
    model = toy_model()
    result = fit(
        model, lambda epoch: toy_batches(epoch, on_step), toy_validate, settings, folder, quiet=True, notes=notes
    )
    return digest(model, result, folder)


def digest(model: nn.Module, result: FitResult, folder: Path) -> str:
    write_weights(folder / "weights.safetensors", model.state_dict())
    said = [result.history, result.best_epoch, result.best_metrics, result.stopped_early, result.diagnostics]
    text = json.dumps(said).encode()
    return hashlib.sha256((folder / "weights.safetensors").read_bytes() + text).hexdigest()


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


def killer(after: int) -> Callable[[], None]:
    """A function that raises `Killed` at its call number `after` (from 1)."""
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        if calls == after:
            raise Killed

    return call


def scramble_random_state() -> None:
    """What a new process does: nothing of the old generators is left."""
    torch.manual_seed(torch.seed() % 2**31)


def main() -> None:
    torch.set_num_threads(1)
    steps = 0

    def say() -> None:
        nonlocal steps
        sys.stdout.write(f"step {steps}\n")
        sys.stdout.flush()
        steps += 1

    sys.stdout.write(f"done {train(Path(sys.argv[1]), say)}\n")


if __name__ == "__main__":
    main()
