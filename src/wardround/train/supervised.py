"""train METHOD: fit a model for a task, choose its threshold on validation, write the RUN folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from wardround.batches.sequences import SequenceBatches
from wardround.batches.static import StaticBatches
from wardround.batches.store import EventStore, event_store, fit_featuriser
from wardround.errors import DataError, UsageError
from wardround.events import INPUT_MODALITIES
from wardround.files import hash_of
from wardround.methods.alignment import Alignment
from wardround.methods.registry import Method, build_embedder, find_method
from wardround.methods.scores import ROWS, fit_elapsed, score_code
from wardround.methods.target import Target
from wardround.metrics.discrimination import auroc, choose_threshold
from wardround.metrics.regression import mae
from wardround.metrics.tables import classification_table, regression_table
from wardround.settings import override
from wardround.tasks.cohort import Window
from wardround.tasks.splits import TRAIN, VAL, SplitPlan
from wardround.tasks.task import Task, find_task
from wardround.train.checkpoint import remove_checkpoints
from wardround.train.data import OpenData, Sides, bin_edges, open_data, row_shapes, sides_of, unread_modalities
from wardround.train.failure_signatures import failure_signatures
from wardround.train.loop import fit
from wardround.train.plan import Plan, TrainSettings
from wardround.train.predict import Cases, modalities_past_prediction, predict_cases, prediction_hours
from wardround.train.pretrain import Finished
from wardround.train.run_folder import NewRun, Run, open_run


def train(
    method_name: str,
    data_folder: Path,
    task_name: str,
    to: Path,
    window: Window,
    split: SplitPlan,
    encoders: Path | None = None,
    assignments: Sequence[str] = (),
    seed: int = 0,
    quiet: bool = False,
) -> Finished:
    """Train one method for one task.

    Args:
        method_name: "mlp", "lstm", "trajectory", or a row that learns no weights: "score", "elapsed".
        data_folder: a DATA folder.
        task_name: what is predicted.
        to: the RUN folder to write.
        window: protocol and prediction hour.
        split: who is on which side.
        encoders: a pretraining RUN whose encoders, tokens and inputs are taken.
        assignments: `KEY=VALUE` of `--set`.
        seed: of weights and batches.
        quiet: no progress on stderr.

    Returns:
        The folder and notes.

    Raises:
        DataError, RunError, UsageError: where data, `to` or settings do not fit.
        LeakageError: where a test patient was used to pretrain the encoders.
        TrainingStopped: after SIGTERM; the same call goes on.
    """
    task = find_task(task_name)
    if method_name in ROWS:
        if assignments or encoders:
            raise UsageError(f"{method_name} learns no weights: it takes neither --set nor --encoders.")
        return _train_row(method_name, data_folder, task, to, window, split)
    method = find_method(method_name)
    pretrained = None if encoders is None else open_run(encoders)
    settings = _settings(method, assignments, pretrained)
    data = open_data(data_folder, window)
    inputs = {"data": data.hash} | ({} if pretrained is None else {"encoders": pretrained.hash})
    plan = Plan("train", method.name, task.name, window, split, pretrained and pretrained.hash, settings, seed)
    run = NewRun(to, plan, inputs)
    if run.is_complete():
        return Finished(to, True, [])
    sides, table = sides_of(data, data.cohort(task), split, "split")
    if pretrained is not None:
        _check_encoders(pretrained, window, data, run.notes)
        pretrained.refuse_test_patients(table)
    _Training(method, task, data, sides, settings, seed, quiet, pretrained).run(run, table)
    return Finished(to, False, run.notes)


def _settings(method: Method, assignments: Sequence[str], pretrained: Run | None) -> TrainSettings:
    """Defaults, then what the encoders bring, then `--set`; what the encoders bring may not be set."""
    settings = TrainSettings.default(method)
    if pretrained is None:
        return override(settings, assignments)
    brought, _ = pretrained.pretraining()
    model = replace(settings.model, encoder=brought.encoder)
    settings = replace(settings, inputs=brought.inputs, model=model, alignment=brought.alignment)
    changed = override(settings, assignments)
    fixed = brought.inputs, brought.encoder, brought.alignment
    if (changed.inputs, changed.model.encoder, changed.alignment) != fixed:
        raise UsageError("inputs, encoder and alignment come with --encoders: set them in `wardround pretrain`.")
    return changed


def _check_encoders(pretrained: Run, window: Window, data: OpenData, notes: list[str]) -> None:
    if pretrained.plan.window.protocol != window.protocol:
        raise UsageError(
            f"the encoders were pretrained under the {pretrained.plan.window.protocol} protocol, this training is "
            f"{window.protocol}. Pretrain with --protocol {window.protocol}."
        )
    if pretrained.plan.window.at_h != window.at_h:
        notes.append(
            f"The encoders were pretrained at hour {pretrained.plan.window.at_h}, this training is at {window.at_h}."
        )
    if pretrained.data_hash != data.hash:
        notes.append("The encoders were pretrained on other data.")


class _Training:
    """One supervised training: featuriser, store, model, loop."""

    def __init__(
        self,
        method: Method,
        task: Task,
        data: OpenData,
        sides: Sides,
        settings: TrainSettings,
        seed: int,
        quiet: bool,
        pretrained: Run | None,
    ) -> None:
        settings = replace(settings, loop=replace(settings.loop, seed=seed))
        self.method, self.task, self.data, self.sides, self.settings = method, task, data, sides, settings
        self.seed, self.quiet, self.pretrained = seed, quiet, pretrained
        self.label = sides.cohort.frame["label"].to_numpy()
        if pretrained is not None and pretrained.featuriser is not None:
            self.featuriser = pretrained.featuriser
        else:
            self.featuriser = fit_featuriser(data.lines, sides.part(TRAIN), settings.inputs)
        self.store = event_store(data.lines, sides.cohort, self.featuriser, sequences=method.shape == "sequence")

    def run(self, run: NewRun, splits: Any) -> None:
        """Train and write the folder."""
        torch.manual_seed(self.seed)
        embedder = self._embedder()
        train_label = torch.from_numpy(self.label[self.sides.members(TRAIN)])
        start = Target(self.task.kind).start(train_label)
        model = self.method.build(embedder, self.task, self.settings.model, start)
        cases = Cases.of(self.data, self.sides.cohort, self.store, model)
        store = cases.store or self.store
        fit_result = fit(
            model,
            lambda epoch: self._batches(store, TRAIN, (self.seed, epoch)),
            lambda module: self._validate(module, cases),
            self.settings.loop,
            run.folder,
            identity=hash_of([run.plan.as_json(), run.inputs]),
            quiet=self.quiet,
            notes=run.notes,
        )
        val = self.sides.members(VAL)
        predicted = predict_cases(model, cases, val).prediction
        fitted = fitted_values(self.task, self.label[self.sides.members(TRAIN)], self.label[val], predicted)
        fitted |= self._elapsed()
        subject = self.sides.cohort.frame["subject_id"].to_numpy()[val]
        metrics = validation_metrics(self.data, self.sides, self.task, self.label[val], predicted, subject, fitted)
        diagnostics = [
            *fit_result.diagnostics,
            unread_modalities(self.data.stays, self.featuriser),
            *failure_signatures(metrics["metrics"], fit_result.history),
        ]
        run.close(splits, fitted, metrics, diagnostics, self.featuriser, model, fit_result)
        remove_checkpoints(run.folder)

    def _elapsed(self) -> dict[str, Any]:
        """Every length of stay is shown beside what the elapsed hours alone know."""
        if self.task.kind == "binary":
            return {}
        train_side = self.sides.members(TRAIN)
        edges, values = fit_elapsed(
            self.data.elapsed_h(self.sides.cohort)[train_side], self.label[train_side], binary=False
        )
        return {"edges": edges, "values": values}

    def _embedder(self) -> Alignment:
        if self.pretrained is not None:
            return self.pretrained.embedder()
        shapes = row_shapes(self.featuriser)
        encoder = self.settings.model.encoder
        edges = bin_edges(self.store, self.sides.members(TRAIN), shapes, encoder)
        return build_embedder(shapes, encoder, self.settings.alignment, edges)

    def _batches(self, store: EventStore, side: str, shuffle: tuple[int, int] | None) -> Any:
        members, settings = self.sides.members(side), self.settings.model
        if self.method.shape == "static":
            subject = self.sides.cohort.frame["subject_id"].to_numpy()
            return StaticBatches(store, subject, self.label, members, settings.batch_size, shuffle)
        return SequenceBatches(
            store, self.label, prediction_hours(self.sides.cohort), members, settings.budget, shuffle
        )

    def _validate(self, module: nn.Module, cases: Cases) -> dict[str, float]:
        val = self.sides.members(VAL)
        predicted, label = predict_cases(module, cases, val).prediction, self.label[val]
        target = Target(self.task.kind)
        if self.task.kind == "binary":
            outputs = torch.logit(torch.from_numpy(predicted), eps=1e-6)
        else:
            outputs = torch.from_numpy(predicted).log1p()
        loss = float(target.loss(outputs, torch.from_numpy(label)).mean())
        if self.task.kind == "hours":
            return {"loss": loss, "mae_h": float(mae(label, predicted))}
        score = float(auroc(label, predicted)) if 0 < label.sum() < len(label) else 0.5
        return {"loss": loss, "auroc": score}


def validation_metrics(
    data: OpenData,
    sides: Sides,
    task: Task,
    label: np.ndarray,
    predicted: np.ndarray,
    subject: np.ndarray,
    fitted: dict[str, Any],
) -> dict[str, Any]:
    """A run's own `metrics.json`: every metric on validation with its interval over patients, and the protocol's stamp.

    Args:
        data, sides: whose validation side it is.
        task: what was predicted.
        label, predicted, subject: by validation stay.
        fitted: threshold and training prevalence.
    """
    window = sides.cohort.window
    about = {
        "split": VAL,
        "protocol": window.protocol,
        "at_h": window.at_h,
        "n_stays": len(label),
        "sees_past_prediction": modalities_past_prediction(data, sides.part(VAL), INPUT_MODALITIES),
    }
    if task.kind == "hours":
        return {**about, "prevalence": None, "metrics": regression_table(label, predicted, subject)}
    references = {"bss": None, "bss_train": fitted["train_prevalence"]}
    table = classification_table(label.astype(int), predicted, subject, fitted["threshold"], references)
    return {**about, "prevalence": float(label.mean()), "metrics": table}


def fitted_values(task: Task, train_label: np.ndarray, val_label: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """What evaluation needs from training: threshold (on validation, by the smaller of sensitivity and PPV) and
    training prevalence."""
    if task.kind == "hours":
        return {"train_median_h": float(np.median(train_label))}
    both = 0 < val_label.sum() < len(val_label)
    threshold = float(choose_threshold(val_label, predicted)) if both else float(train_label.mean())
    return {"threshold": threshold, "train_prevalence": float(train_label.mean())}


def _train_row(name: str, data_folder: Path, task: Task, to: Path, window: Window, split: SplitPlan) -> Finished:
    """`score` and `elapsed`: nothing to train but a threshold and some bins."""
    data = open_data(data_folder, window)
    run = NewRun(to, Plan("train", name, task.name, window, split, None, None, 0), {"data": data.hash})
    if run.is_complete():
        return Finished(to, True, [])
    sides, table = sides_of(data, data.cohort(task), split, "split")
    label, train_side, val = sides.cohort.frame["label"].to_numpy(), sides.members(TRAIN), sides.members(VAL)
    fitted: dict[str, Any] = {}
    if name == "score":
        score_code(task.name)
    if name == "elapsed" or task.kind == "hours":
        edges, values = fit_elapsed(data.elapsed_h(sides.cohort)[train_side], label[train_side], task.kind == "binary")
        fitted = {"edges": edges, "values": values}
    cases = Cases.of_row(data, sides.cohort, name, task, fitted)
    predicted = cases.row[val]
    have = ~np.isnan(predicted)
    if not have.any():
        raise DataError(f"no validation stay has a published score at hour {window.at_h}: APACHE's is known at 24 h.")
    fitted |= fitted_values(task, label[train_side], label[val][have], predicted[have])
    subject = sides.cohort.frame["subject_id"].to_numpy()[val][have]
    metrics = validation_metrics(data, sides, task, label[val][have], predicted[have], subject, fitted)
    run.close(table, fitted, metrics, failure_signatures(metrics["metrics"], []))
    return Finished(to, False, [])
