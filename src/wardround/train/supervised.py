"""train METHOD: fit a model for a task, choose its threshold on validation, write the RUN folder."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from wardround.batches.store import Featuriser, InputSettings, event_store, fit_featuriser, with_normaliser
from wardround.errors import UsageError
from wardround.files import hash_of
from wardround.launcher import is_first_process
from wardround.methods.registry import FittedMethod, Method, build_embedder, find_method
from wardround.methods.scores import ROWS, ScoreSettings, check_score, fit_points, score_settings
from wardround.methods.target import Target
from wardround.metrics.discrimination import auroc
from wardround.metrics.macro import macro
from wardround.metrics.regression import mae
from wardround.models.embedder import ModalityEmbedder
from wardround.models.published_risk import PublishedRisk
from wardround.tasks.cohort import Window
from wardround.tasks.splits import TRAIN, VAL, SplitPlan
from wardround.tasks.task import Task, find_task
from wardround.train.brought import Brought
from wardround.train.cases import Cases
from wardround.train.checkpoint import remove_checkpoints
from wardround.train.clinical_scores import points_of
from wardround.train.data import OpenData, Sides, bin_edges, opened, row_shapes, sides_of, unread_modalities
from wardround.train.failure_signatures import failure_signatures
from wardround.train.loop import fit
from wardround.train.named_weights import hashes_of_weights, named_weights
from wardround.train.packages import packages_behind
from wardround.train.plan import Plan, TrainSettings
from wardround.train.predict import SHAPES, Batches, predict_cases
from wardround.train.pretrain import Finished
from wardround.train.processes import first_process_first, first_where_documents
from wardround.train.run_folder import NewRun
from wardround.train.scored_stays import refuse_none_scored
from wardround.train.split_checks import split_checks
from wardround.train.taught import taught_labels, teacher_of
from wardround.train.validation import elapsed_bins, fitted_values, validation_metrics
from wardround.train.whole_fit import fit_whole


def train(
    method_name: str,
    data_folder: Path | OpenData,
    task_name: str,
    to: Path,
    window: Window,
    split: SplitPlan,
    encoders: Path | None = None,
    assignments: Sequence[str] = (),
    seed: int = 0,
    quiet: bool = False,
    init: Path | None = None,
) -> Finished:
    """Train one method for one task.

    Args:
        method_name: "mlp", "lstm", "trajectory", "grud", one that is fitted whole: "boosting", "logistic", or a row
            that learns no weights: "score", "elapsed"; or one of an installed package.
        data_folder: a DATA folder, or one that is open for this window.
        task_name: what is predicted.
        to: the RUN folder to write.
        window: protocol and prediction hour.
        split: who is on which side.
        encoders: a pretraining RUN whose encoders, tokens and inputs are taken.
        assignments: `KEY=VALUE` of `--set`.
        seed: of weights and batches.
        quiet: no progress on stderr.
        init: a RUN of the same method whose weights are the first ones (fine-tuning), with its inputs and its settings
            of the model.

    Returns:
        The folder and notes.

    Raises:
        DataError, RunError, UsageError: where data, `to`, settings or a run that is brought do not fit.
        ExtensionError: where method, task or encoder are of a package that cannot be used.
        LeakageError: where a test patient was used to pretrain the encoders, or to make the first weights.
        Stopped: after SIGTERM; the same call goes on, or fits anew what is fitted whole.
    """
    task = find_task(task_name)
    if method_name in ROWS:
        if encoders or init or (assignments and method_name != "score"):
            raise UsageError(f"{method_name} learns no weights: it takes neither --set nor --encoders nor --init.")
        chosen = score_settings(assignments)
        if task.labels:
            raise UsageError(f"{method_name} says one number of a stay: it has no answers to {task.name}.")
        return _train_row(method_name, data_folder, task, to, window, split, quiet, chosen)
    method = find_method(method_name)
    if isinstance(method, FittedMethod):
        if encoders or init:
            raise UsageError(f"{method_name} is fitted whole: it takes neither --encoders nor --init.")
        return fit_whole(method, data_folder, task, to, window, split, assignments, seed, quiet)
    brought = Brought.of(method, task, encoders, init)
    settings, notes = teacher_of(brought.settings(method, assignments), task, assignments)
    with first_process_first():
        data = opened(data_folder, window, quiet)
    hashes = _made_from(brought, settings.inputs)
    packages = packages_behind(method.name, task.name, settings)
    taken = hashes.get("encoders"), hashes.get("init")
    plan = Plan("train", method.name, task.name, window, split, taken[0], settings, seed, taken[1], packages)
    run = NewRun(to, plan, {"data": data.hash} | hashes, data.patients, brought.runs)
    if run.is_complete():
        return Finished(to, True, [])
    with first_process_first():
        chosen = data.cohort(task, quiet=quiet)
    sides, table = sides_of(data, chosen, split, "split")
    run.notes.extend(notes)
    brought.check(window, data, table, run.notes, task.hides)
    _Training(method, task, data, sides, settings, seed, quiet, brought).run(run, table)
    return Finished(to, False, run.notes)


def _made_from(brought: Brought, inputs: InputSettings) -> dict[str, str]:
    """What the run stands on beside its data: a run that is brought, or the weights that are named."""
    hashes = {name: run.hash for name, run in (("encoders", brought.encoders), ("init", brought.init)) if run}
    return hashes or hashes_of_weights(inputs)


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
        brought: Brought,
    ) -> None:
        settings = replace(settings, loop=replace(settings.loop, seed=seed))
        self.method, self.task, self.data, self.sides, self.settings = method, task, data, sides, settings
        self.seed, self.quiet, self.brought = seed, quiet, brought
        self.shape = SHAPES[method.shape]
        self.target = Target.of(task, settings.model.positive_weight)
        self.label, self.learned = sides.cohort.frame["label"].to_numpy(), sides.cohort.learned
        self.featuriser = self._featuriser(settings.inputs)
        words = self.featuriser.vocabulary
        method.refuse_without_numbers(words.modalities, any(words.numbers.values()))
        hidden = task.hidden_of(self.featuriser.vocabulary.modalities)
        sequences, documents = self.shape.sequences, self.shape.documents
        with first_where_documents(self.featuriser.vocabulary.modalities if documents else ()):
            self.store = event_store(
                data.lines, sides.cohort, self.featuriser, sequences, quiet, hidden, documents=documents
            )

    def run(self, run: NewRun, splits: Any) -> None:
        """Train and write the folder."""
        torch.manual_seed(self.seed)
        embedder = self._embedder()
        train_label = torch.from_numpy(self.learned[self.sides.members(TRAIN)])
        start = self.target.start(train_label)
        model = self.method.build(row_shapes(self.featuriser), embedder, self.task.learned, self.settings.model, start)
        _check_answers(model, self.method, self.task)
        if self.brought.init is not None:
            self.brought.init.load_into(model)
        else:
            self._recalibrate(model)
        self.taught = self._taught()
        with first_process_first():
            cases = Cases.of(self.data, self.sides.cohort, self.store, model, self.quiet)
        fit_result = fit(
            model,
            lambda epoch: self._batches(cases, epoch),
            lambda module: self._validate(module, cases),
            self.settings.loop,
            run.folder,
            identity=hash_of([run.plan.as_json(), run.inputs, sha256(self.taught.tobytes()).hexdigest()]),
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
            *split_checks(self.data.stays, splits, run.plan.split, "split", run.notes),
            unread_modalities(self.data, self.featuriser, run.notes, self.task.hides),
            *failure_signatures(metrics["metrics"], fit_result.history),
        ]
        run.close(splits, fitted, metrics, diagnostics, self.featuriser, model, fit_result)
        if is_first_process():
            remove_checkpoints(run.folder)

    def _elapsed(self) -> dict[str, Any]:
        """Every length of stay is shown beside what the elapsed hours alone know."""
        return {} if self.task.kind == "binary" else elapsed_bins(self.data, self.sides, self.task)

    def _featuriser(self, inputs: InputSettings) -> Featuriser:
        """Fitted inputs: those that are brought; with another summary of the numbers, the normaliser fitted again."""
        fitted = self.brought.featuriser
        if fitted is None:
            return fit_featuriser(self.data.lines, self.sides.part(TRAIN), inputs, self.quiet, self.task.hides)
        if fitted.settings == inputs:
            return fitted
        again = with_normaliser(self.data.lines, self.sides.part(TRAIN), inputs, fitted.vocabulary, self.quiet)
        return replace(again, bert=fitted.bert, resnet=fitted.resnet)

    def _recalibrate(self, model: nn.Module) -> None:
        """A head that starts at a published equation starts where the training stays put it."""
        start = getattr(model, "start", None)
        if self.task.published_risk and isinstance(start, PublishedRisk):
            train = self.sides.members(TRAIN)
            logit, label = (torch.from_numpy(each[train]) for each in (self.store.published_last, self.label))
            start.recalibrate(logit, label, self.target.positive_weight)

    def _taught(self) -> np.ndarray:
        """The labels to learn from; a teacher reads the modalities of the vocabulary, brought or fitted."""
        inputs = replace(self.settings.inputs, modalities=self.featuriser.vocabulary.modalities)
        return taught_labels(self.data, self.sides, self.task, inputs, self.settings.teacher, self.seed, self.quiet)

    def _embedder(self) -> ModalityEmbedder | None:
        if not self.method.encodes:
            return None
        if self.brought.encoders is not None:
            return self.brought.encoders.embedder()
        shapes = row_shapes(self.featuriser)
        encoder = self.settings.model.encoder
        if self.brought.init is not None:
            return build_embedder(shapes, encoder)
        edges = bin_edges(self.store, self.sides.members(TRAIN), shapes, encoder)
        return named_weights(build_embedder(shapes, encoder, edges), self.settings.inputs)

    def _batches(self, cases: Cases, epoch: int) -> Batches:
        size = self.shape.size(self.settings.model)
        return self.shape.batches(cases, self.taught, self.sides.members(TRAIN), size, (self.seed, epoch))

    def _validate(self, module: nn.Module, cases: Cases) -> dict[str, float]:
        val = self.sides.members(VAL)
        predicted, label = predict_cases(module, cases, val).prediction, self.label[val]
        if self.task.kind == "binary":
            outputs = torch.logit(torch.from_numpy(predicted), eps=1e-6)
        else:
            outputs = torch.from_numpy(predicted - self.sides.cohort.passed_h[val]).clamp(min=0).log1p()
        loss = float(self.target.loss(outputs, torch.from_numpy(self.learned[val])).mean())
        if self.task.kind == "hours":
            return {"loss": loss, "mae_h": float(mae(label, predicted))}
        if not np.isfinite(predicted).all():
            return {"loss": loss, "auroc": 0.5}  # the loop refuses a loss that is no number
        score = float((macro(auroc) if self.task.labels else auroc)(label, predicted))
        return {"loss": loss, "auroc": 0.5 if np.isnan(score) else score}


def _check_answers(model: nn.Module, method: Method, task: Task) -> None:
    """Raises `UsageError` where a method of a package has one answer, and several are asked."""
    if getattr(getattr(model, "target", None), "labels", 0) != len(task.labels):
        raise UsageError(
            f"{method.name} has one answer, and {task.name} asks for {len(task.labels)}: its model needs a "
            "`target` that is `Target.of(task)`, and as many outputs. Choose another task or method."
        )


def _train_row(
    name: str,
    data_folder: Path | OpenData,
    task: Task,
    to: Path,
    window: Window,
    split: SplitPlan,
    quiet: bool,
    settings: ScoreSettings | None,
) -> Finished:
    """`score` and `elapsed`: nothing to train but a threshold, some bins, and what points mean."""
    if name == "score":
        check_score(settings, task.name, task.kind == "binary")
    with first_process_first():
        data = opened(data_folder, window, quiet)
    packages = packages_behind(name, task.name, None)
    plan = Plan("train", name, task.name, window, split, None, settings, 0, packages=packages)
    run = NewRun(to, plan, {"data": data.hash}, data.patients)
    if run.is_complete():
        return Finished(to, True, [])
    sides, table = sides_of(data, data.cohort(task), split, "split")
    label, train_side, val = sides.cohort.frame["label"].to_numpy(), sides.members(TRAIN), sides.members(VAL)
    fitted = elapsed_bins(data, sides, task) if name == "elapsed" or task.kind == "hours" else {}
    if settings is None:
        cases = Cases.of_row(data, sides.cohort, name, task, fitted)
    else:
        points = points_of(data, sides.cohort, settings.of, quiet)
        fitted |= fit_points(points[train_side], label[train_side])
        cases = Cases.of_points(sides.cohort, points, fitted)
    predicted = cases.row[val]
    have = ~np.isnan(predicted)
    refuse_none_scored(have, "the validation side", window, settings)
    fitted |= fitted_values(task, label[train_side], label[val][have], predicted[have])
    subject = sides.cohort.frame["subject_id"].to_numpy()[val][have]
    metrics = validation_metrics(data, sides, task, label[val][have], predicted[have], subject, fitted)
    checks = split_checks(data.stays, table, split, "split", run.notes)
    run.close(table, fitted, metrics, [*checks, *failure_signatures(metrics["metrics"], [])])
    return Finished(to, False, run.notes)
