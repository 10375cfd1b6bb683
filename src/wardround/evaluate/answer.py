"""What a run says of the stays of a DATA folder that a question is about.

Vocabulary, normaliser and weights come from the run, never from the data; unknown codes are ignored and counted.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Int
from torch import nn

from wardround.batches.content import recorded_counts
from wardround.batches.stay_table import StayTable, TableFeaturiser, stay_table
from wardround.batches.store import EventStore, Featuriser, event_store, stays_and_cuts
from wardround.errors import NoScoreError, RunError, UsageError
from wardround.evaluate.question import Question, no_stay_on
from wardround.methods.registry import FittedMethod, find_method
from wardround.methods.scores import known_when
from wardround.progress import progress
from wardround.tasks.cohort import Cohort, Window
from wardround.tasks.task import Task, find_task
from wardround.train.cases import Cases
from wardround.train.data import OpenData, open_data
from wardround.train.predict import SHAPES, Predictions, predict_cases, predict_table
from wardround.train.protocol_stamp import modalities_behind, modalities_past_prediction
from wardround.train.readable import refuse_unreadable
from wardround.train.run_folder import Run

STAYS_AT_ONCE: Final = 4096
"""Stays predicted between two signs of progress."""


@dataclass(frozen=True)
class Answer:
    """A run's predictions for a cohort.

    Attributes:
        run, data, task, question: what was asked of what.
        cohort: the stays, all of whom have a prediction.
        excluded: reason -> stays left out.
        predictions: in the order of the cohort.
        modalities: input modalities, in the order of the beliefs' index.
        observed: "stay modality", what each stay has at its prediction time.
        n_events: raw events that each stay shows up to its prediction time.
        unknown_items: events whose code the run does not know.
        sees_past: modalities read that see past the prediction time.
    """

    run: Run
    data: OpenData
    task: Task
    question: Question
    cohort: Cohort
    excluded: dict[str, int]
    predictions: Predictions
    modalities: tuple[str, ...]
    observed: np.ndarray
    n_events: np.ndarray
    unknown_items: int
    sees_past: list[str]


def answer(run: Run, data_folder: Path, question: Question, quiet: bool = False) -> Answer:
    """Predict for the stays that a question is about.

    Raises:
        DataError: where the data is unfinished or has nothing that the run reads, nobody is in the cohort, or nobody
            has a published score.
        RunError: where the run's model gives no number for a stay.
        UsageError: where the data has no stay on the asked side of the run's split.
    """
    task = find_task(run.plan.task or "")
    at_h = run.plan.window.at_h if question.at_h is None else question.at_h
    data = open_data(data_folder, Window(run.plan.window.protocol, at_h), quiet)
    refuse_unreadable(run, data, task.hides)
    cohort = data.cohort(task, question.labelled, quiet)
    members = members_asked(run, cohort, question)
    excluded = dict(cohort.excluded)
    if len(members) < cohort.frame.height:
        excluded["not on the asked side of the split"] = cohort.frame.height - len(members)
    cohort = replace(cohort, frame=cohort.frame[members], excluded=excluded)
    predictions, store = _predict(run, data, cohort, task, question, quiet)
    unsaid = np.isnan(predictions.prediction).reshape(cohort.frame.height, -1).any(axis=1)
    have = np.flatnonzero(~unsaid)
    if len(have) < cohort.frame.height:
        if store is not None:
            n = cohort.frame.height - len(have)
            raise RunError(
                f"{run.folder}: its model gives no number for {n} of {cohort.frame.height} stays. Train it again."
            )
        excluded["no usable published score"] = cohort.frame.height - len(have)
        if len(have) == 0:
            why = known_when(run.plan.settings)
            raise NoScoreError(f"no stay has a usable published score at hour {at_h}{why}.")
        cohort, predictions = _only(cohort, predictions, have)
    stays, cut = stays_and_cuts(data.lines, cohort)
    modalities = () if store is None else store.modalities
    past = modalities_past_prediction(data, cohort, modalities_behind(run.plan, task.shown_of(modalities)))
    n_events = recorded_counts(data.lines, stays, cut)
    unknown = 0 if store is None else store.unknown_items
    observed = np.zeros((len(stays), 0), bool) if store is None else store.observed
    return Answer(
        run, data, task, question, cohort, excluded, predictions, modalities, observed, n_events, unknown, past
    )


def members_asked(run: Run, cohort: Cohort, question: Question) -> Int[np.ndarray, "asked"]:
    """Places in a cohort of the stays that a question is about. Raises `UsageError` where there is none."""
    if question.split == "all":
        return np.arange(cohort.frame.height)
    sides = run.splits.select("subject_id", "stay_id", "split")
    joined = cohort.frame.join(sides, on=["subject_id", "stay_id"], how="left", maintain_order="left")
    members = np.flatnonzero((joined["split"] == question.split).fill_null(False).to_numpy())
    if len(members) == 0:
        raise UsageError(no_stay_on(question.split, run))
    return members


def _predict(
    run: Run, data: OpenData, cohort: Cohort, task: Task, question: Question, quiet: bool
) -> tuple[Predictions, EventStore | StayTable | None]:
    if run.featuriser is None:
        if question.without:
            raise UsageError(f"{run.plan.method} reads no modality: --without does not apply.")
        cases = Cases.of_row(data, cohort, run.plan.method, task, run.fitted, run.plan.settings, quiet)
        return predict_cases(None, cases, np.arange(cohort.frame.height)), None
    method = find_method(run.plan.method)
    if isinstance(method, FittedMethod):
        fitted, inputs = run.fitted_model()
        table = stay_table(data.lines, cohort, inputs, _without(task, inputs, question), quiet)
        return predict_table(fitted, table), table
    _, featuriser = run.training()
    shape, without = SHAPES[method.shape], _without(task, featuriser, question)
    store = event_store(data.lines, cohort, featuriser, shape.sequences, quiet, without, documents=shape.documents)
    model = run.model()
    return _predict_all(model, Cases.of(data, cohort, store, model, quiet), quiet), store


def _without(task: Task, inputs: Featuriser | TableFeaturiser, question: Question) -> tuple[str, ...]:
    """Modalities that are left out: those that were asked to be, and those that the task never shows."""
    return tuple(dict.fromkeys((*question.without, *task.hidden_of(inputs.vocabulary.modalities))))


def _predict_all(model: nn.Module, cases: Cases, quiet: bool) -> Predictions:
    """Predictions for every stay of the cases, some thousand stays after the other."""
    everyone = np.arange(cases.cohort.frame.height)
    parts: list[Predictions] = []
    with progress(len(everyone), "predicting, stays", quiet=quiet) as bar:
        for start in range(0, len(everyone), STAYS_AT_ONCE):
            members = everyone[start : start + STAYS_AT_ONCE]
            made = predict_cases(model, cases, members)
            parts.append(replace(made, belief_stay=made.belief_stay + start))
            bar.advance(len(members))
    names = [field.name for field in fields(Predictions)]
    return Predictions(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _only(cohort: Cohort, predictions: Predictions, places: np.ndarray) -> tuple[Cohort, Predictions]:
    """The part of a cohort that has a prediction (rows without beliefs)."""
    none = np.empty(0, np.int64)
    kept = Predictions(predictions.prediction[places], none, none, none, np.empty(0))
    return replace(cohort, frame=cohort.frame[places]), kept
