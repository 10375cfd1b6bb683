"""The one training loop, for every method: any module with `loss(batch)`, any batches that are a function of the epoch.

AdamW with warm-up and a cosine, gradient clipping, early stopping on a validation value, the best weights at the end;
in one process, or in those of a launcher (`processes.py`).
A training that is killed at any step and started again with the same call ends with the same weights to the bit (on
the same device, versions and number of threads): see `TrainingState` for what is saved.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from wardround.errors import RunError
from wardround.files import hash_of
from wardround.launcher import is_first_process
from wardround.progress import Progress, progress
from wardround.train.checkpoint import load_checkpoint, save_checkpoint
from wardround.train.diagnostics import diagnose
from wardround.train.early_stopping import judge_epoch
from wardround.train.history import Row, history_row, in_order
from wardround.train.processes import Processes, first_process_first
from wardround.train.settings import LoopSettings
from wardround.train.state import TrainingState
from wardround.train.step import Place, Stepper
from wardround.train.stopping import StopRequest, TrainingStopped, stop_on_sigterm
from wardround.train.weights import layouts_of
from wardround.whole_file import one_writer


@runtime_checkable
class Batch(Protocol):
    """What a model learns from in one step."""

    def to(self, device: torch.device) -> "Batch":
        """The batch with its tensors on `device`."""
        ...


@runtime_checkable
class Batches(Protocol):
    """The batches of one epoch; a `Sequence` is resumed without making the batches before."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...


@dataclass(frozen=True)
class FitResult:
    """What a training came to; the model itself holds the best weights.

    history: a row an epoch, see `history_row`.
    best_epoch, best_metrics: from 0, and what `validate` returned then.
    diagnostics: entries as an audit's; the same whether or not the training was interrupted, so they may lie in a RUN.
    notes: what happened in this very call (resumed, a checkpoint not used); for the person, not for the RUN.
    """

    history: list[Row]
    best_epoch: int
    best_metrics: Row
    stopped_early: bool
    diagnostics: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list[str])


def fit(
    model: nn.Module,
    batches: Callable[[int], Batches],
    validate: Callable[[nn.Module], dict[str, float]],
    settings: LoopSettings,
    folder: Path,
    *,
    identity: str = "",
    quiet: bool = False,
    notes: list[str] | None = None,
) -> FitResult:
    """Train `model` in place, going on from the newest sound checkpoint under `folder/checkpoints`.

    Args:
        model: has `loss(batch) -> (scalar tensor, {name: scalar tensor to report})`; initialised by the caller.
        batches: epoch -> its batches, the same ones whenever it is called; batches have `.to(device)`. Where a launcher
            started several processes, model and batches have what `Processes.loss` needs.
        validate: model in eval mode, no gradients -> validation values, with `settings.monitor` among them.
        settings: how to train.
        folder: the RUN folder.
        identity: the hash of all else that defines the training (data, method settings, frozen weights); a checkpoint
            with another is not taken.
        quiet: no progress on stderr.
        notes: a list to which sentences for the person are added as they arise, also when the training then fails.

    Returns:
        The history and the best epoch; `model` holds the best weights and lies on the device of the training.

    Raises:
        TrainingStopped: after SIGTERM, once the state is saved.
        RunError: where the loss, the gradient or the monitored value is not finite, there is nothing to train on, or
            the folder holds another training, or one under way.
        UsageError: where the monitored value is not among the validation values.
        StorageError: if the disk refuses.
    """
    training = _Training(model, batches, validate, settings, folder, identity)
    with one_writer(folder, RunError, "training") if is_first_process() else contextlib.nullcontext():
        said = training.start([] if notes is None else notes)
        counters = training.state.counters
        total, done = counters.total_steps, counters.step
        with stop_on_sigterm() as stop, progress(total, "training", quiet=quiet, done=done) as bar:
            while not counters.finished:
                training.train_epoch(bar, stop)
                training.end_epoch()
                training.stop_if(stop)
    training.state.use_best()
    model.eval()
    return FitResult(
        history=[in_order(row) for row in counters.history],
        best_epoch=counters.best_epoch or 0,
        best_metrics=counters.best_metrics,
        stopped_early=counters.stopped_early,
        diagnostics=diagnose(counters, len(training.state.learning), settings.monitor),
        notes=said,
    )


class _Training:
    """The moving parts of one call of `fit`."""

    def __init__(
        self,
        model: nn.Module,
        batches: Callable[[int], Batches],
        validate: Callable[[nn.Module], dict[str, float]],
        settings: LoopSettings,
        folder: Path,
        identity: str,
    ):
        self.model, self.batches, self.validate = model, batches, validate
        self.settings, self.folder = settings, folder
        self.processes = Processes()
        self.stepper = Stepper(model, settings, self.processes)
        self.state = TrainingState(model, self.stepper.adamw, self.stepper.device)
        layouts = {name: [one.dtype, one.shape] for name, one in layouts_of(self.state.changing()).items()}
        self.identity = hash_of([settings.that_decide(), self.stepper.bf16, identity, layouts])
        self.saved_step = -1

    def start(self, notes: list[str]) -> list[str]:
        """Take up the newest sound checkpoint, or seed and begin; returns `notes` with what there is to say."""
        with first_process_first():  # it clears away what a kill left half-made
            checkpoint, refused = load_checkpoint(self.folder, self.identity, self.state.expected_layouts)
        self.processes.wait()  # nobody trains on, and forgets this checkpoint, while another still reads it
        notes.extend(refused)
        if checkpoint is None:
            torch.manual_seed(self.settings.seed)
            self.state.counters.total_steps = self.settings.epochs * len(self.batches(0))
            if refused:
                notes.append("No checkpoint can be used: training starts from the beginning.")
            return notes
        self.state.restore(checkpoint)
        counters = self.state.counters
        self.saved_step = counters.step
        notes.append(f"Training goes on after step {counters.step:,} of {counters.total_steps:,}.")
        if checkpoint.state["environment"] != self.state.environment():
            notes.append("Versions, device, threads or processes changed since: the weights may differ in last bits.")
        return notes

    def train_epoch(self, bar: Progress[int], stop: StopRequest) -> None:
        """Train on what is left of the epoch."""
        counters = self.state.counters
        self.model.train()
        with torch.random.fork_rng(devices=[]):
            of_epoch = self.batches(counters.epoch)
        if len(of_epoch) == 0:
            raise RunError(f"Epoch {counters.epoch} has no batch: no stay is left to train on. Check the cohort.")
        for batch in _from(of_epoch, counters.step_in_epoch):
            loss = self._step(batch)
            bar.advance(note=f"epoch {counters.epoch}, loss {loss:.4g}")
            if counters.step_in_epoch < len(of_epoch):  # the last step's checkpoint is made after the validation
                self._save_if_due()
                self.stop_if(stop)
        if counters.step_in_epoch != len(of_epoch):
            given, promised = counters.step_in_epoch, len(of_epoch)
            raise RunError(f"Epoch {counters.epoch} gave {given} batches, but its len is {promised}.")

    def end_epoch(self) -> None:
        """Validate, add a row to the history, decide whether to go on, save."""
        counters, settings = self.state.counters, self.settings
        self.model.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            metrics = {name: float(value) for name, value in self.validate(self.model).items()}
        metrics = self.processes.as_first(metrics)
        if judge_epoch(counters, metrics, settings):
            self.state.remember_best()
        last = replace(self._place(), step=counters.step - 1)
        counters.history.append(history_row(counters, self.stepper.learning_rate(last), metrics))
        counters.begin_epoch(counters.epoch + 1)
        counters.stopped_early = counters.epochs_without_gain >= settings.patience
        counters.finished = counters.stopped_early or counters.epoch == settings.epochs
        if counters.finished or settings.checkpoint_every_steps is None:
            self._save()
        else:
            self._save_if_due()

    def stop_if(self, stop: StopRequest) -> None:
        """Save and raise `TrainingStopped` where a stop was asked for, of whichever process."""
        if self.processes.any(stop.made):
            self._save()
            self.processes.wait()
            counters = self.state.counters
            raise TrainingStopped(
                f"Training was asked to stop (SIGTERM); its state after step {counters.step:,} of "
                f"{counters.total_steps:,} is saved in {self.folder}. Run the same command again to go on from there."
            )

    def _step(self, batch: Any) -> float:
        """One optimiser step, counted; returns the loss."""
        counters = self.state.counters
        outcome = self.stepper.take(batch, self._place())
        counters.step += 1
        counters.step_in_epoch += 1
        counters.clipped_steps += outcome.clipped
        counters.add({**outcome.reported, "loss": outcome.loss})
        return outcome.loss

    def _place(self) -> Place:
        counters = self.state.counters
        return Place(counters.step, counters.epoch, counters.step_in_epoch, counters.total_steps)

    def _save_if_due(self) -> None:
        every = self.settings.checkpoint_every_steps
        if every is not None and self.state.counters.step % every == 0:
            self._save()

    def _save(self) -> None:
        if self.saved_step != self.state.counters.step:
            checkpoint = self.state.to_checkpoint()
            if is_first_process():
                save_checkpoint(self.folder, checkpoint, self.identity, self.settings.keep_checkpoints)
            self.saved_step = self.state.counters.step


def _from(batches: Batches, start: int) -> Iterator[Any]:
    """The batches from `start` on; those of a sequence before it are not made.

    What makes them may draw from torch's global generator (a `DataLoader` does, to seed its workers). Those draws are
    undone, or a resumed epoch, which makes its first batches a second time, would leave the generator elsewhere.
    """
    with torch.random.fork_rng(devices=[]):
        rows: Any = batches
        rest: Iterator[Any] = islice(batches, start, None)
        if isinstance(batches, Sequence):
            rest = (rows[index] for index in range(start, len(rows)))
    while True:
        with torch.random.fork_rng(devices=[]):
            batch = next(rest, None)
        if batch is None:
            return
        yield batch
