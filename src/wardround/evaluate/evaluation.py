"""evaluate and predict: a finished run on the stays of a DATA folder.

Vocabulary, normaliser, threshold and weights come from the run, never from the data; unknown codes are ignored and
counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from torch import nn

import wardround
from wardround import files
from wardround.batches.content import recorded_counts
from wardround.batches.stay_table import StayTable, stay_table
from wardround.batches.store import EventStore, event_store, stays_and_cuts
from wardround.errors import DataError, NoScoreError, RunError, UsageError
from wardround.evaluate.evidence import INTERNAL
from wardround.evaluate.internal import internal_figures
from wardround.evaluate.kinship import kinship
from wardround.evaluate.prediction_columns import PREDICTION_COLUMNS
from wardround.evaluate.question import Question, no_stay_on
from wardround.evaluate.tables import hours_metrics, probability_metrics
from wardround.evaluate.under_way import UnderWay
from wardround.methods.registry import FittedMethod, find_method
from wardround.methods.scores import known_when, predict_elapsed
from wardround.progress import progress
from wardround.tasks.cohort import Cohort, Window
from wardround.tasks.task import Task, find_task
from wardround.train.cases import Cases
from wardround.train.data import OpenData, open_data
from wardround.train.predict import SHAPES, Predictions, predict_cases, predict_table
from wardround.train.protocol_stamp import modalities_behind, modalities_past_prediction
from wardround.train.run_folder import Run, open_run
from wardround.whole_file import one_writer

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
        DataError: where the data is unfinished, nobody is in the cohort, or nobody has a published score.
        RunError: where the run's model gives no number for a stay.
        UsageError: where the data has no stay on the asked side of the run's split.
    """
    task = find_task(run.plan.task or "")
    at_h = run.plan.window.at_h if question.at_h is None else question.at_h
    data = open_data(data_folder, Window(run.plan.window.protocol, at_h), quiet)
    cohort = data.cohort(task, question.labelled)
    members = _members(run, cohort, question)
    excluded = dict(cohort.excluded)
    if len(members) < cohort.frame.height:
        excluded["not on the asked side of the split"] = cohort.frame.height - len(members)
    cohort = Cohort(cohort.frame[members], excluded, cohort.window)
    predictions, store = _predict(run, data, cohort, task, question, quiet)
    have = np.flatnonzero(~np.isnan(predictions.prediction))
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
    past = modalities_past_prediction(data, cohort, modalities_behind(run.plan, modalities))
    n_events = recorded_counts(data.lines, stays, cut)
    unknown = 0 if store is None else store.unknown_items
    observed = np.zeros((len(stays), 0), bool) if store is None else store.observed
    return Answer(
        run, data, task, question, cohort, excluded, predictions, modalities, observed, n_events, unknown, past
    )


def _members(run: Run, cohort: Cohort, question: Question) -> np.ndarray:
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
        table = stay_table(data.lines, cohort, inputs, question.without, quiet)
        return predict_table(fitted, table), table
    _, featuriser = run.training()
    sequences = SHAPES[method.shape].sequences
    store = event_store(data.lines, cohort, featuriser, sequences, quiet, question.without)
    model = run.model()
    return _predict_all(model, Cases.of(data, cohort, store, model), quiet), store


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
    return Cohort(cohort.frame[places], cohort.excluded, cohort.window), kept


def predictions_table(asked: Answer) -> pl.DataFrame:
    """`predictions.parquet`: a row a stay, in the columns of meds-evaluation where they exist.

    That package reads `predicted_boolean_value` too: the probability is at or above the run's own threshold.
    """
    frame, binary = asked.cohort.frame, asked.task.kind == "binary"
    outcome, prediction = PREDICTION_COLUMNS[asked.task.kind]
    predicted = pl.Series(asked.predictions.prediction, dtype=pl.Float64)
    columns = {outcome: frame["label"].cast(pl.Boolean) if binary else frame["label"], prediction: predicted}
    if binary:
        columns["predicted_boolean_value"] = predicted >= asked.run.fitted["threshold"]
    return frame.select("subject_id", "stay_id", "prediction_time").with_columns(**columns)


def beliefs_table(asked: Answer) -> pl.DataFrame | None:
    """`beliefs.parquet`: the belief after every event up to the prediction time; None for methods without beliefs."""
    made = asked.predictions
    if len(made.belief) == 0:
        return None
    _, name = PREDICTION_COLUMNS[asked.task.kind]
    stay = pl.DataFrame({"stay_id": asked.cohort.frame["stay_id"].to_numpy()[made.belief_stay]})
    names = pl.Series(asked.modalities)
    return stay.with_columns(
        event_index=pl.int_range(pl.len()).over("stay_id"),
        time_h=pl.Series(made.belief_minute / 60),
        modality=names.gather(pl.Series(made.belief_modality)),
        **{name: pl.Series(made.belief)},
    )


def about(asked: Answer) -> dict[str, Any]:
    """What a reader must know before any number: method, protocol and its stamp, who was asked, who was left out."""
    run, frame, question = asked.run, asked.cohort.frame, asked.question
    return {
        "method": run.plan.method,
        "task": asked.task.name,
        "protocol": run.plan.window.protocol,
        "at_h": asked.cohort.window.at_h,
        "split": question.split,
        "n_stays": frame.height,
        "n_subjects": frame["subject_id"].n_unique(),
        "n_excluded": asked.excluded,
        "without": list(question.without),
        "sees_past_prediction": asked.sees_past,
        "patients": kinship(run, asked.data, frame["subject_id"]).value,
        "n_seen_in_training": run.n_seen(frame["subject_id"], asked.data.patients),
        "n_items": int(asked.n_events.sum()),
        "unknown_items": asked.unknown_items,
    }


def metrics_of(asked: Answer) -> dict[str, Any]:
    """`metrics.json`: `about`, and every number with its interval over patients."""
    run, frame, question = asked.run, asked.cohort.frame, asked.question
    subject, label = frame["subject_id"].to_numpy(), frame["label"].to_numpy()
    intervals = {"level": 0.95, "draws": question.draws, "over": "subjects"}
    known = about(asked) | {"intervals": intervals}
    predicted = asked.predictions.prediction
    if asked.task.kind == "binary":
        return known | probability_metrics(
            label, predicted, subject, asked.n_events, run.fitted, question.draws, question.seed
        )
    baseline = None
    if asked.cohort.window.at_h == run.plan.window.at_h:  # the bins are of the run's own hour
        baseline = predict_elapsed(asked.data.elapsed_h(asked.cohort), run.fitted["edges"], run.fitted["values"])
    died = frame.join(
        asked.data.stays.select("stay_id", "died_in_hospital"), on="stay_id", how="left", maintain_order="left"
    )
    died_mask = died["died_in_hospital"].fill_null(False).to_numpy()
    return known | hours_metrics(
        label, predicted, subject, asked.n_events, baseline, died_mask, question.draws, question.seed
    )


def evaluate(
    run_folder: Path,
    data: Path,
    to: Path,
    question: Question,
    hours: Sequence[float] = (),
    beside: Path | None = None,
    quiet: bool = False,
) -> tuple[Path, bool, dict[str, Any]]:
    """Evaluate a run: metrics, predictions, beliefs, report.

    Args:
        run_folder: a finished RUN.
        data: any DATA with the run's modalities, its own or another cohort's.
        to: the folder to write.
        question: split, hour, modalities left out.
        hours: several prediction hours write one `metrics_{H}h.json` each; the files are those of the last. Hours that
            an interrupted call finished are not asked again.
        beside: an evaluation of the same run on its own data, to stand beside this one in the report; None takes what
            the run says of its validation stays.
        quiet: no progress on stderr.

    Returns:
        The folder, whether it was already complete, and the metrics (of the last hour).

    Raises:
        RunError: where the run does not fit, `to` holds a file that would be written over and is not ours, or another
            process is evaluating into it.
        DataError, UsageError: where data or question do not fit; `to` is then as it was.
    """
    from wardround.evaluate.report import write_report

    run = open_run(run_folder)
    asked_hours = list(hours) or [question.at_h]
    _check_hours(run, asked_hours)
    settings = {
        "question": {**question.__dict__, "without": list(question.without), "at_h": None},
        "hours": asked_hours,
    }
    inputs = {"run": run.hash, "data": files.read_manifest(data, "data", DataError)["hash"]}
    internal = None
    if beside is not None:
        if run.plan.command == "pretrain" or inputs["data"] == run.data_hash:
            raise UsageError("--beside: for a trained method on other data than its own.")
        internal = internal_figures(beside, run.hash, run.data_hash, question.without)
        inputs["beside"] = internal["hash"]
    with one_writer(to, RunError, "evaluating"):
        work = UnderWay(to)
        if files.is_complete(to, "evaluation", settings, inputs):
            work.end()
            return to, True, files.read_json(to / "metrics.json")
        work.refuse_others()
        key = files.hash_of([wardround.__version__, inputs, settings])
        metrics = _evaluate_hours(run, data, work, question, asked_hours, key, quiet)
        if internal is not None:
            files.write_json(to / INTERNAL, internal["metrics"])
        with progress(1, "drawing the report", quiet=quiet) as bar:
            write_report(to, run_folder, data)
            bar.advance()
        files.write_manifest(to, "evaluation", inputs, settings, wardround.__version__)
        work.end()
        return to, False, metrics


def _check_hours(run: Run, hours: Sequence[float | None]) -> None:
    """Raises `UsageError` where one is no hour of a stay."""
    for hour in hours:
        Window(run.plan.window.protocol, run.plan.window.at_h if hour is None else hour)


def _evaluate_hours(
    run: Run, data: Path, work: UnderWay, question: Question, hours: Sequence[float | None], key: str, quiet: bool
) -> dict[str, Any]:
    """Evaluate hour after hour, but those that are kept under `key`; write the metrics, and the tables of the last."""
    metrics: dict[str, Any] = {}
    tables: dict[str, pl.DataFrame] = {}
    for place, hour in enumerate(hours):
        kept = work.hour(files.hash_of([key, hour]))
        if kept.is_file() and hour != hours[-1]:
            metrics = files.read_json(kept, RunError)
        else:
            metrics, tables = _evaluate_hour(run, data, replace(question, at_h=hour), quiet)
        if place == 0:  # the question has an answer: only now is anything taken away or written
            work.begin()
        if len(hours) > 1:
            files.write_json(kept, metrics)
            files.write_json(work.to / f"metrics_{hour:g}h.json", metrics)
    _write_tables(work.to, tables)
    files.write_json(work.to / "metrics.json", metrics)
    return metrics


def _evaluate_hour(
    run: Run, data: Path, question: Question, quiet: bool
) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """Predict and measure: the metrics, and the tables that are written beside them."""
    from wardround.evaluate.alignment import evaluate_alignment

    if run.plan.command == "pretrain":
        metrics, picture = evaluate_alignment(run, data, question, quiet)
        return metrics, {"embedding": picture}
    asked = answer(run, data, question, quiet)
    with progress(1, f"measuring with {question.draws:,} draws of patients", quiet=quiet) as bar:
        metrics = metrics_of(asked)
        bar.advance()
    return metrics, _tables_of(asked)


def _tables_of(asked: Answer) -> dict[str, pl.DataFrame]:
    """Predictions, for a model what each stay has, and beliefs where there are any."""
    tables = {"predictions": predictions_table(asked)}
    if asked.modalities:
        names = [[asked.modalities[place] for place in np.flatnonzero(row)] for row in asked.observed]
        columns = {"stay_id": asked.cohort.frame["stay_id"], "modalities": names}
        schema = {"stay_id": pl.Int64, "modalities": pl.List(pl.String)}
        tables["observed"] = pl.DataFrame(columns, schema=schema)
    beliefs = beliefs_table(asked)
    return tables if beliefs is None else tables | {"beliefs": beliefs}


def _write_tables(to: Path, tables: dict[str, pl.DataFrame]) -> None:
    for name, table in tables.items():
        files.write_table(to / f"{name}.parquet", table)


def predict(
    run_folder: Path, data: Path, to: Path, at_h: float | None = None, quiet: bool = False
) -> tuple[Path, bool, int]:
    """Predict for every stay of the cohort rule, labels not needed.

    Returns:
        The folder, whether it was already complete, and the number of stays.

    Raises:
        RunError: where the run does not fit, `to` holds a file that would be written over and is not ours, or another
            process is predicting into it.
        DataError, UsageError: where data or hour do not fit; `to` is then as it was.
    """
    run = open_run(run_folder)
    if run.plan.command == "pretrain":
        raise UsageError(
            f"{run_folder} is a pretraining: it predicts nothing. Train a method with --encoders {run_folder}."
        )
    _check_hours(run, [at_h])
    inputs = {"run": run.hash, "data": files.read_manifest(data, "data", DataError)["hash"]}
    settings = {"at_h": at_h}
    with one_writer(to, RunError, "predicting"):
        work = UnderWay(to)
        if files.is_complete(to, "predictions", settings, inputs):
            work.end()
            return to, True, files.read_table(to / "predictions.parquet").height
        work.refuse_others()
        asked = answer(run, data, Question(split="all", at_h=at_h, labelled=False), quiet)
        work.begin()
        files.write_json(to / "metrics.json", {**about(asked), "metrics": {}})
        _write_tables(to, _tables_of(asked))
        files.write_manifest(to, "predictions", inputs, settings, wardround.__version__)
        work.end()
        return to, False, asked.cohort.frame.height
