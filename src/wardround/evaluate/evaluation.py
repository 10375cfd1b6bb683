"""evaluate and predict: a finished run on the stays of a DATA folder.

Vocabulary, normaliser, threshold and weights come from the run, never from the data; unknown codes are ignored and
counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

import wardround
from wardround import files
from wardround.errors import DataError, RunError, UsageError
from wardround.evaluate.answer import Answer, answer
from wardround.evaluate.answer_tables import tables_of
from wardround.evaluate.evidence import INTERNAL
from wardround.evaluate.internal import internal_figures
from wardround.evaluate.kinship import kinship
from wardround.evaluate.other_hour import trained_for
from wardround.evaluate.question import Question
from wardround.evaluate.tables import hours_metrics, label_metrics, probability_metrics
from wardround.evaluate.under_way import UnderWay
from wardround.methods.scores import predict_elapsed
from wardround.progress import progress
from wardround.tasks.cohort import Window, hour_asked
from wardround.tasks.task import refuse_hour
from wardround.train.run_folder import Run, open_run
from wardround.whole_file import one_writer


def about(asked: Answer) -> dict[str, Any]:
    """What a reader must know before any number: method, protocol and its stamp, who was asked, who was left out."""
    run, frame, question = asked.run, asked.cohort.frame, asked.question
    return {
        "method": run.plan.method,
        "task": asked.task.name,
        "protocol": run.plan.window.protocol,
        "at_h": hour_asked(asked.task, asked.cohort.window),
        **({"asked_at": "discharge"} if asked.task.next_visit else {}),
        **trained_for(run, asked.cohort.window.at_h),
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


def metrics_of(asked: Answer, advance: Callable[[int], object] = lambda _: None) -> dict[str, Any]:
    """`metrics.json`: `about`, and every number with its interval over patients; of several answers `advance` is told
    how many more draws are done."""
    run, frame, question = asked.run, asked.cohort.frame, asked.question
    subject, label = frame["subject_id"].to_numpy(), frame["label"].to_numpy()
    intervals = {"level": 0.95, "draws": question.draws, "over": "subjects"}
    known = about(asked) | {"intervals": intervals}
    predicted = asked.predictions.prediction
    if asked.task.labels:
        return known | label_metrics(
            asked.task, label, predicted, subject, asked.n_events, run.fitted, question.draws, question.seed, advance
        )
    if asked.task.kind == "binary":
        n_data = asked.data.stays.height
        return known | probability_metrics(
            label, predicted, subject, asked.n_events, run.fitted, question.draws, question.seed, n_data
        )
    baseline = None
    if asked.cohort.window.at_h == run.plan.window.at_h:  # the bins are of the run's own hour
        elapsed_h, bins = asked.data.elapsed_h(asked.cohort), run.fitted
        baseline = asked.cohort.whole(predict_elapsed(elapsed_h, bins["edges"], bins["values"]))
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
    """Raises `UsageError` where one is no hour of a stay, or no stay is asked at an hour."""
    refuse_hour(run.plan.task, any(hour is not None for hour in hours))
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
    steps = question.draws if asked.task.labels else 1  # of many answers draw by draw, for they take minutes
    with progress(steps, f"measuring with {question.draws:,} draws of patients", quiet=quiet) as bar:
        metrics = metrics_of(asked, bar.advance)
        if steps == 1:
            bar.advance()
    return metrics, tables_of(asked)


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
        _write_tables(to, tables_of(asked))
        files.write_manifest(to, "predictions", inputs, settings, wardround.__version__)
        work.end()
        return to, False, asked.cohort.frame.height
