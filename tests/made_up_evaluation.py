"""Made-up DATA, RUN and evaluation folders, with ids that are easy to find where they should not be."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wardround import files
from wardround.evaluate.tables import hours_metrics, probability_metrics
from wardround.events import EVENT_COLUMNS, STAY_COLUMNS, calendar_start

FIRST_SUBJECT, FIRST_STAY = 7_310_000_001, 8_840_000_001
KINDS = ("demographics", "lab", "vitals", "medication")
SHARE = (1.0, 0.9, 0.8, 0.5)
DRAWS = 50
MODEL = {"loop": {"epochs": 3}, "inputs": {"modalities": []}}
SPLIT = {"seed": 0, "fold": None, "by": "patient", "pretrain_on": "train-side"}


def make_stays(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Stays of n * 2 / 3 patients, all 60 h in the unit and 100 h in hospital."""
    start = [calendar_start(i % 3) for i in range(n)]
    present = rng.random((n, len(KINDS))) < SHARE
    rows = {
        "subject_id": FIRST_SUBJECT + np.arange(n) * 2 // 3,
        "stay_id": FIRST_STAY + np.arange(n),
        "start": start,
        "end": [at + timedelta(hours=60) for at in start],
        "hospital_start": start,
        "hospital_end": [at + timedelta(hours=100) for at in start],
        "age": rng.integers(20, 90, n).astype(float),
        "sex": [("Female", "Male")[i % 2] for i in range(n)],
        "hospital_id": [1] * n,
        "year": [2014] * n,
        "orphan": [False] * n,
        "died_in_hospital": rng.random(n) < 0.3,
        "died_in_unit": [False] * n,
        "los_h": rng.uniform(40, 300, n),
        "n_events": rng.integers(20, 900, n),
        "modalities": [[name for name, there in zip(KINDS, row, strict=True) if there] for row in present],
        "in_unit_until": [None] * n,
        "death": [None] * n,
    }
    return pl.DataFrame(rows, schema=STAY_COLUMNS)


def make_data(folder: Path, stays: pl.DataFrame, rng: np.random.Generator) -> Path:
    rows = []
    for stay in stays.iter_rows(named=True):
        for name in stay["modalities"]:
            for hour in rng.uniform(0, 50, 4):
                at = stay["start"] + timedelta(minutes=int(hour * 60))
                rows.append((stay["subject_id"], at, f"{name.upper()}//a", 1.0, None, stay["stay_id"], name, at))
    files.write_table(folder / "data" / "0.parquet", pl.DataFrame(rows, schema=EVENT_COLUMNS, orient="row"))
    files.write_table(folder / "stays.parquet", stays)
    account = {"rows_in": 1234, "rows_out": 1230, "set_aside": {"no value": 4}}
    files.write_json(folder / "ledger.json", {"tables": {"lab": account}, "absent": ["notes"]})
    files.write_manifest(folder, "data", {"lab": "0" * 64}, {"source": "made-up"}, "0.1.0")
    return folder


def make_run(folder: Path, data: Path, stays: pl.DataFrame, task: str | None, epochs: int = 3) -> Path:
    split = pl.Series([("test", "test", "train", "val")[i % 4] for i in range(stays.height)])
    splits = stays.select("subject_id", "stay_id", pretrain_split=split, split=split)
    settings = {
        "command": "train" if task else "pretrain",
        "method": "trajectory" if task else "alignment",
        "task": task,
        "protocol": "causal",
        "at_h": 24.0,
        "split": SPLIT,
        "encoders": None,
        "settings": MODEL,
        "seed": 0,
    }
    history = [{"epoch": e, "train_loss": 1 / (e + 1), "val_loss": 0.9, "val_auroc": 0.7} for e in range(epochs)]
    best = {"check": "best_epoch", "verdict": "warn", "value": 1, "advice": "allow more epochs"}
    strata = [{"stratum": "demographics+lab", "patients": 90, "train": 0.7, "val": 0.24, "test": 0.06}]
    balance = {"check": "split_balance", "verdict": "pass", "value": strata, "advice": ""}
    files.write_json(folder / "settings.json", settings)
    files.write_table(folder / "history.parquet", pl.DataFrame(history) if history else pl.DataFrame({"epoch": []}))
    files.write_json(folder / "diagnostics.json", [best, balance] if history else [])
    files.write_table(folder / "splits.parquet", splits)
    files.write_json(folder / "metrics.json", validation_metrics(stays.height, task))
    files.write_manifest(folder, "run", {"data": files.read_json(data / "manifest.json")["hash"]}, {}, "0.1.0")
    return folder


def validation_metrics(n: int, task: str | None) -> dict[str, Any]:
    """A run's own figures: those of `perfect` predictions for a quarter of the stays."""
    known = {"split": "val", "protocol": "causal", "at_h": 24.0, "n_stays": n // 4, "prevalence": None, "metrics": {}}
    label, subject, n_events = np.arange(n // 4) % 3 == 0, np.arange(n // 4), np.arange(n // 4)
    if task == "mortality":
        fitted = {"threshold": 0.5, "train_prevalence": 0.3}
        found = probability_metrics(label.astype(float), 0.2 + 0.6 * label, subject, n_events, fitted, DRAWS, 0)
    elif task is None:
        return known
    else:
        hours = 50.0 + n_events
        found = hours_metrics(hours, hours, subject, n_events, None, label, DRAWS, 0)
    return known | {name: found[name] for name in ("prevalence", "metrics")}


def about(stays: pl.DataFrame, task: str | None, n_all: int) -> dict[str, Any]:
    return {
        "method": "trajectory" if task else "alignment",
        "task": task,
        "protocol": "causal",
        "at_h": 24.0,
        "split": "test",
        "n_stays": stays.height,
        "n_subjects": stays["subject_id"].n_unique(),
        "n_excluded": {"not on the asked side of the split": n_all - stays.height},
        "prevalence": None,
    }


def make_evaluation(
    root: Path,
    n: int = 300,
    task: str = "mortality",
    beliefs: bool = True,
    outcome: bool | None = None,
    epochs: int = 3,
    seed: int = 0,
) -> tuple[Path, Path, Path]:
    """Evaluation, RUN and DATA of n stays, half of them asked.

    Args:
        outcome: the outcome of all stays; None mixes.
        epochs: of the history; 0 for a row that learns nothing.
    """
    rng = np.random.default_rng(seed)
    stays = make_stays(n, rng)
    if outcome is not None:
        stays = stays.with_columns(died_in_hospital=pl.lit(outcome))
    data = make_data(root / "data", stays, rng)
    run = make_run(root / "run", data, stays, task, epochs)
    asked = stays.filter(pl.Series([i % 4 < 2 for i in range(n)]))
    subject, n_events = asked["subject_id"].to_numpy(), asked["n_events"].to_numpy()
    died = asked["died_in_hospital"].to_numpy()
    base = asked.select("subject_id", "stay_id", prediction_time=pl.col("start") + timedelta(hours=24))
    if task == "mortality":
        prob = 1 / (1 + np.exp(-(-1.5 + 1.2 * died + rng.normal(0, 1, len(died)))))
        fitted = {"threshold": 0.3, "train_prevalence": 0.3}
        found = probability_metrics(died.astype(float), prob, subject, n_events, fitted, DRAWS, 0)
        base = base.with_columns(boolean_value=pl.Series(died), predicted_boolean_probability=pl.Series(prob))
    else:
        hours, prob = asked["los_h"].to_numpy().astype(float), rng.uniform(50, 250, asked.height)
        found = hours_metrics(hours, prob, subject, n_events, prob * 0 + 90 + rng.random(len(prob)), died, DRAWS, 0)
        base = base.with_columns(float_value=pl.Series(hours), predicted_float_value=pl.Series(prob))
    evaluation = root / "evaluation"
    files.write_json(evaluation / "metrics.json", about(asked, task, n) | found)
    files.write_table(evaluation / "predictions.parquet", base)
    if beliefs:
        files.write_table(evaluation / "beliefs.parquet", make_beliefs(base, rng))
    return evaluation, run, data


def make_beliefs(predictions: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    column = predictions.columns[-1]
    rows = []
    for stay_id, final in predictions.select("stay_id", column).iter_rows():
        hours = np.sort(rng.uniform(-9, 24, 8))
        for index, hour in enumerate(hours):
            value = final * (0.6 + 0.4 * (index + 1) / len(hours))
            rows.append((stay_id, index, float(hour), KINDS[index % len(KINDS)], float(value)))
    return pl.DataFrame(rows, schema=["stay_id", "event_index", "time_h", "modality", column], orient="row")


def make_alignment(root: Path, n: int = 120, embedding: bool = True) -> tuple[Path, Path, Path]:
    """The evaluation of a pretraining, with its RUN and DATA."""
    rng = np.random.default_rng(0)
    stays = make_stays(n, rng)
    data = make_data(root / "data", stays, rng)
    run = make_run(root / "run", data, stays, None)
    at_k = {k: {f"recall@{k}": 0.05 * k, f"baseline@{k}": 0.01 * k, f"improvement@{k}": 5.0} for k in (1, 5, 10)}
    mean = at_k[1] | at_k[5] | at_k[10]
    pairs = {f"{a}->{b}": {"n_candidates": 40, **mean} for a in KINDS for b in KINDS if a != b}
    pairs["lab->vitals"] = {"n_candidates": 5, **mean}
    pairs["vitals->lab"] = {"n_candidates": 0, **dict.fromkeys(mean)}
    between = {"value": 5.0, "low": 4.0, "high": 6.0, "dropped": 0}
    retrieval = {"mean": mean, "pairs": pairs, "intervals": {f"improvement@{k}": between for k in (1, 5, 10)}}
    silhouette = {"overall": 0.12, "by_modality": dict.fromkeys(KINDS, 0.1) | {"aps": None}, "n_points": 400}
    evaluation, asked = root / "evaluation", stays.filter(pl.Series([i % 4 < 2 for i in range(n)]))
    found = {"retrieval": retrieval, "silhouette": silhouette, "unknown_items": 0}
    files.write_json(evaluation / "metrics.json", about(asked, None, n) | {"n_excluded": {}} | found)
    if embedding:
        xy = rng.normal(size=(400, 2))
        kinds = [KINDS[i % len(KINDS)] for i in range(400)]
        table = pl.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "modality": kinds})
        files.write_table(evaluation / "embedding.parquet", table)
    return evaluation, run, data
