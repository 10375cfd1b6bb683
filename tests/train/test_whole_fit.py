"""train boosting and train logistic, from end to end: the files of a RUN, settings, what is refused."""

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from small_runs import published, small_data, trained
from timelines import Timelines, hand, random_timelines, write_data
from wardround import files
from wardround.batches.stay_table import stay_table
from wardround.errors import RunError, UsageError
from wardround.methods.registry import FITTED
from wardround.settings import override
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.tasks.task import TASKS
from wardround.train import supervised
from wardround.train.clinical_scores import equation_log_odds
from wardround.train.data import open_data, sides_of
from wardround.train.plan import FitSettings, Plan
from wardround.train.predict import predict_table
from wardround.train.run_folder import Run, open_run
from wardround.train.whole_fit import fit_whole

FILES = {
    "settings.json", "weights.safetensors", "vocabulary/features.parquet", "normaliser/normaliser.parquet",
    "splits.parquet", "learned_from.parquet", "history.parquet", "diagnostics.json", "metrics.json", "fitted.json",
    "manifest.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data(tmp_path_factory.mktemp("whole") / "data")


@pytest.fixture(scope="module", params=FITTED)
def run(request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return open_run(trained(request.param, data, tmp_path_factory.mktemp("run") / request.param).folder)


def predicted(run: Run, data: Path, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and labels of one side, by way of the folder."""
    opened = open_data(data, run.plan.window, quiet=True)
    sides, _ = sides_of(opened, opened.cohort(TASKS[run.plan.task or ""]), run.plan.split, "split")
    model, featuriser = run.fitted_model()
    part = sides.part(side)
    return predict_table(model, stay_table(opened.lines, part, featuriser)).prediction, part.frame["label"].to_numpy()


def test_the_folder_has_the_files_of_every_run(run: Run):
    assert {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()} == FILES


def test_the_history_is_the_validation_curve_and_its_lowest_point_was_kept(run: Run, data: Path):
    history = pl.read_parquet(run.folder / "history.parquet")
    assert {"epoch", "train_loss", "val_loss"} <= set(history.columns)
    (entry,) = [entry for entry in files.read_json(run.folder / "diagnostics.json") if entry["check"] == "best_epoch"]
    best = history["val_loss"].arg_min()
    assert entry["value"] == best
    assert entry["verdict"] == ("warn" if best == history.height - 1 else "pass")
    prediction, label = predicted(run, data, "val")
    loss = -np.log(np.where(label == 1, prediction, 1 - prediction)).mean()
    assert loss == pytest.approx(history["val_loss"].min(), rel=1e-5)


def test_its_metrics_are_of_validation_with_intervals(run: Run):
    metrics = files.read_json(run.folder / "metrics.json")
    assert (metrics["split"], metrics["protocol"], metrics["at_h"]) == ("val", "causal", 24)
    assert {"value", "low", "high"} <= set(metrics["metrics"]["auroc"])
    assert 0 < run.fitted["threshold"] < 1
    checks = {entry["check"] for entry in files.read_json(run.folder / "diagnostics.json")}
    assert {"best_epoch", "split_balance", "unread_modalities", "late_validation_spike"} <= checks


def test_a_second_call_finds_it_complete(run: Run, data: Path):
    done = trained(run.plan.method, data, run.folder)
    assert done.already
    with pytest.raises(RunError):
        trained(run.plan.method, data, run.folder, seed=5)


def test_its_settings_come_back(run: Run):
    method = FITTED[run.plan.method]
    values = json.loads((run.folder / "settings.json").read_text())
    assert Plan.from_json(values, partial(FitSettings.from_json, method)) == run.plan
    assert type(run.plan.settings.model) is method.settings
    with pytest.raises(RunError, match="holds no model"):
        run.training()
    with pytest.raises(RunError, match="not a pretraining"):
        run.pretraining()


def test_another_runs_weights_are_refused(run: Run, data: Path, tmp_path: Path):
    other = trained({"boosting": "logistic", "logistic": "boosting"}[run.plan.method], data, tmp_path / "other").folder
    (tmp_path / "mixed").mkdir()
    for path in sorted(run.folder.rglob("*")):
        copy = tmp_path / "mixed" / path.relative_to(run.folder)
        copy.mkdir(exist_ok=True) if path.is_dir() else copy.write_bytes(path.read_bytes())
    (tmp_path / "mixed" / "weights.safetensors").write_bytes((other / "weights.safetensors").read_bytes())
    manifest = json.loads((run.folder / "manifest.json").read_text())
    files.write_manifest(tmp_path / "mixed", "run", manifest["inputs"], manifest["settings"], manifest["version"])
    with pytest.raises(RunError, match="Train again"):
        open_run(tmp_path / "mixed").fitted_model()


@pytest.mark.parametrize("task", ["los_remaining", "los", "los_icu"])
@pytest.mark.parametrize("method", FITTED)
def test_durations_are_hours_beside_what_the_elapsed_hours_tell(method: str, task: str, data: Path, tmp_path: Path):
    run = open_run(trained(method, data, tmp_path / "run", task=task).folder)
    prediction, label = predicted(run, data, "val")
    assert (prediction >= 0).all()
    assert 0.2 < np.median(prediction) / np.median(label) < 5
    assert {"edges", "values", "train_median_h"} <= set(run.fitted)
    assert set(files.read_json(run.folder / "metrics.json")["metrics"]) == {
        "mae_h",
        "mse_h2",
        "r2",
        "pearson",
        "spearman",
    }


@pytest.mark.parametrize("method", FITTED)
def test_what_decides_is_found(method: str, tmp_path: Path):
    """A lactate above 4 is death."""
    rng = np.random.default_rng(0)
    events, stays = [], []
    for stay in range(1, 301):
        value = float(rng.normal(4, 2))
        events.append((stay, 60, 60, "lab", "LAB//lactate", value))
        stays.append({"stay_id": stay, "died_in_hospital": value > 4})
    data = write_data(tmp_path / "data", hand(events, stays))
    run = open_run(trained(method, data, tmp_path / "run", *(["rounds=200"] if method == "boosting" else [])).folder)
    prediction, label = predicted(run, data, "test")
    assert prediction[label == 1].min() > prediction[label == 0].max() - 0.2
    assert files.read_json(run.folder / "metrics.json")["metrics"]["auroc"]["value"] > 0.95


def test_what_it_takes_nothing_from_is_refused(data: Path, tmp_path: Path):
    for given in ({"encoders": tmp_path / "no"}, {"init": tmp_path / "no"}):
        with pytest.raises(UsageError, match="boosting is fitted whole: it takes neither --encoders nor --init"):
            supervised.train("boosting", data, "mortality", tmp_path / "run", Window(), SplitPlan(), **given)
    with pytest.raises(UsageError, match=r"no setting 'epochs'\. There are: inputs\.modalities"):
        fit_whole(FITTED["boosting"], data, TASKS["mortality"], tmp_path / "run", Window(), SplitPlan(), ["epochs=3"])
    assert not (tmp_path / "run").exists()


def test_settings_are_set_by_name():
    made = override(FitSettings.default(FITTED["boosting"]), ["leaves=7", "min_stay_share=0.1", "late_h=12,24"])
    assert (made.model.leaves, made.inputs.features.min_stay_share, made.inputs.late_h) == (7, 0.1, (12, 24))
    made = override(FitSettings.default(FITTED["logistic"]), ["penalties=2,1", "modalities=lab"])
    assert (made.model.penalties, made.inputs.modalities) == ((2, 1), ("lab",))


def test_one_modality_can_be_read_alone(data: Path, tmp_path: Path):
    run = open_run(trained("logistic", data, tmp_path / "run", "modalities=lab").folder)
    assert run.fitted_model()[1].vocabulary.modalities == ("lab",)
    (entry,) = [e for e in files.read_json(run.folder / "diagnostics.json") if e["check"] == "unread_modalities"]
    assert (entry["verdict"], entry["advice"]) == ("pass", "")


def test_a_modality_that_comes_too_late_is_said_to_come_too_late(tmp_path: Path):
    """Billing codes are known at discharge: every stay has them, and none at hour 24."""
    made = random_timelines(3, 150)
    late = pl.when(pl.col("modality") == "diagnosis").then(pl.col("available") + 300 * 24 * 60)
    events = made.events.with_columns(available=late.otherwise("available"))
    data = write_data(tmp_path / "data", Timelines(events, made.stays))
    done = trained("logistic", data, tmp_path / "run", "modalities=lab,diagnosis")
    (note,) = done.notes
    said = r"diagnosis was asked for and is not read: \d+ of 150 stays have it at any time, too few by the prediction"
    assert re.match(said, note)


@pytest.mark.parametrize("method", ["mlp", "logistic"])
def test_a_modality_that_the_data_cannot_have_is_said(method: str, tmp_path: Path):
    """APACHE IV is computed from `aps`; timelines without it have no severity, and nobody should think otherwise."""
    made = random_timelines(3, 150)
    without = made.events.filter(~pl.col("modality").is_in(["aps", "demographics", "diagnosis"]))
    for name, events in (("with", made.events), ("without", without)):
        data = write_data(tmp_path / f"data-{name}", published(Timelines(events, made.stays)))
        done = trained(method, data, tmp_path / name, "modalities=lab,severity")
        (entry,) = [
            e for e in files.read_json(tmp_path / name / "diagnostics.json") if e["check"] == "unread_modalities"
        ]
        read = open_run(done.folder).featuriser.vocabulary.modalities
        if name == "with":
            assert read == ("lab", "severity")
            assert (entry["value"], done.notes) == ([], [])
        else:
            assert read == ("lab",)
            assert (entry["verdict"], entry["value"]) == ("warn", ["severity"])
            (note,) = done.notes
            assert note.startswith(
                "severity was asked for and is not read: 0 of 150 stays have it. It is computed from"
            )


@pytest.mark.parametrize("method", FITTED)
def test_nobody_who_dies_in_training_is_no_crash(method: str, tmp_path: Path):
    made = random_timelines(4, 80)
    data = write_data(tmp_path / "data", Timelines(made.events, made.stays).with_stays(died_in_hospital=pl.lit(False)))
    run = open_run(trained(method, data, tmp_path / "run").folder)
    assert (predicted(run, data, "test")[0] < 0.05).all()


@pytest.mark.parametrize("task", ["mortality", "mortality_icu"])
def test_trees_start_at_the_equation_for_what_it_predicts(task: str, data: Path, tmp_path: Path):
    """Without the severity of a stay they start at a constant for it."""
    run = open_run(trained("boosting", data, tmp_path / "run", task=task).folder)
    model, featuriser = run.fitted_model()
    assert (model.start is not None) == (task == "mortality")
    if model.start is None:
        return
    assert model.start.column == featuriser.published
    opened = open_data(data, run.plan.window, quiet=True)
    part = opened.cohort(TASKS[task])
    logit = equation_log_odds(opened, part)
    assert 0 < np.isnan(logit).sum() < len(logit)
    found = model.start.of(stay_table(opened.lines, part, featuriser).values)
    expected = np.where(np.isnan(logit), model.start.constant, model.start.scale * logit + model.start.shift)
    assert found == pytest.approx(expected, rel=1e-5)
    gone = model.start.of(stay_table(opened.lines, part, featuriser, without=["severity"]).values)
    assert (gone == model.start.constant).all()
