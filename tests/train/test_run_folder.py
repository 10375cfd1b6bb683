"""The RUN folder: what was changed in it is refused, and so are encoders that saw a test patient."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from small_runs import aligned, small_data, trained
from timelines import random_stays
from wardround import files
from wardround.errors import LeakageError, RunError
from wardround.sources.patient_pool import NOT_KNOWN, PatientPool
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan, split_stays
from wardround.train.lineage import Lineage
from wardround.train.plan import Plan
from wardround.train.run_folder import NewRun, Run, open_run
from wardround.train.weights import read_weights, write_weights

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DATA, a pretraining, a trained model and a row."""
    folder = tmp_path_factory.mktemp("runs")
    data = small_data(folder / "data")
    aligned(data, folder / "aligned")
    trained("mlp", data, folder / "mlp")
    trained("elapsed", data, folder / "elapsed", task="los")
    return folder


def copy(made: Path, run: str, to: Path) -> Path:
    return Path(shutil.copytree(made / run, to / run))


def closed_again(run: Path) -> Path:
    """The manifest written anew over whatever lies there: a folder of another version, not one that was tampered
    with."""
    manifest = files.read_json(run / "manifest.json")
    files.write_manifest(run, "run", manifest["inputs"], manifest["settings"], manifest["version"])
    return run


def test_a_run_is_what_was_written(made: Path):
    run = open_run(made / "mlp")
    manifest = files.read_json(made / "mlp" / "manifest.json")
    assert (run.hash, run.data_hash) == (manifest["hash"], files.read_json(made / "data" / "manifest.json")["hash"])
    assert run.plan.as_json() == files.read_json(made / "mlp" / "settings.json")
    assert run.splits.columns == ["subject_id", "stay_id", "pretrain_split", "split"]
    assert set(run.fitted) == {"threshold", "train_prevalence"}
    assert run.featuriser is not None
    assert open_run(made / "elapsed").featuriser is None


@pytest.mark.parametrize(
    "name",
    [
        "settings.json",
        "weights.safetensors",
        "splits.parquet",
        "fitted.json",
        "metrics.json",
        "diagnostics.json",
        "history.parquet",
        "learned_from.parquet",
        "vocabulary/features.parquet",
        "normaliser/normaliser.parquet",
    ],
)
def test_a_file_that_was_changed_is_refused(made: Path, tmp_path: Path, name: str):
    run = copy(made, "mlp", tmp_path)
    content = bytearray((run / name).read_bytes())
    content[len(content) // 2] ^= 1
    (run / name).write_bytes(content)
    with pytest.raises(RunError, match="differs from what was written"):
        open_run(run)
    (run / name).unlink()
    with pytest.raises(RunError, match="is missing"):
        open_run(run)


def test_an_unfinished_or_edited_run_is_refused(made: Path, tmp_path: Path):
    run = copy(made, "mlp", tmp_path)
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"version": "9"}))
    with pytest.raises(RunError, match=r"manifest\.json was edited"):
        open_run(run)
    (run / "manifest.json").unlink()
    with pytest.raises(RunError, match="is missing: the folder was not finished"):
        open_run(run)
    with pytest.raises(RunError, match="holds 'data', but 'run' was expected"):
        open_run(made / "data")


def test_a_vocabulary_that_somebody_added_to_is_refused(made: Path, tmp_path: Path):
    run = copy(made, "mlp", tmp_path)
    shutil.copy(run / "vocabulary" / "features.parquet", run / "vocabulary" / "more.parquet")
    with pytest.raises(RunError, match="was added after the folder was finished"):
        open_run(run)


def test_weights_of_another_model_are_refused(made: Path, tmp_path: Path):
    run = copy(made, "mlp", tmp_path)
    weights = read_weights(run / "weights.safetensors", None)
    write_weights(run / "weights.safetensors", {**weights, "start": torch.zeros(2)})
    with pytest.raises(RunError, match="holds other tensors than this model has"):
        open_run(closed_again(run)).model()


def other(run: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """A run whose settings.json is that of another version."""
    values = files.read_json(run / "settings.json")
    change(values)
    files.write_json(run / "settings.json", values)
    return closed_again(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(method="vis"), "holds a train run of vis, which this version does not know"),
        (lambda v: v.update(command="pretrain", method="mae"), "holds a pretrain run of mae"),
        (lambda v: v.update(command="distil"), "holds a distil run of mlp"),
        (lambda v: v.pop("command"), "holds a None run"),
        (lambda v: v["settings"]["loop"].update(momentum=0.9), "settings do not fit LoopSettings.*momentum"),
        (lambda v: v.update(horizon_h=48), "more than this version knows"),
        (lambda v: v.pop("split"), "lacks a part"),
        (lambda v: v.pop("init"), "lacks a part: it is of another version. Train again"),
    ],
)
def test_settings_of_another_version_are_refused(made: Path, tmp_path: Path, change: Callable, message: str):
    """A method that is unknown must not be taken for a row that learns nothing."""
    with pytest.raises(RunError, match=message):
        open_run(other(copy(made, "mlp", tmp_path), change))


def test_settings_that_are_no_settings_are_refused(made: Path, tmp_path: Path):
    run = copy(made, "mlp", tmp_path)
    files.write_json(run / "settings.json", ["mlp"])
    with pytest.raises(RunError, match="does not know"):
        open_run(closed_again(run))


def test_a_run_gives_what_it_holds(made: Path):
    """Encoders and models in eval mode, with the weights of the file; nothing else."""
    embedder, model = open_run(made / "aligned").embedder(), open_run(made / "mlp").model()
    for module, run, prefix in ((embedder, "aligned", "embedder."), (model, "mlp", "")):
        weights = read_weights(made / run / "weights.safetensors", None)
        assert not module.training
        assert all(torch.equal(value, weights[prefix + name]) for name, value in module.state_dict().items())
    for run in ("mlp", "elapsed"):
        with pytest.raises(RunError, match=f"is a {run} run, not a pretraining"):
            open_run(made / run).embedder()
    for run, name in (("aligned", "alignment"), ("elapsed", "elapsed")):
        with pytest.raises(RunError, match=f"is a {name} run: it holds no model"):
            open_run(made / run).model()


def test_encoders_of_a_run_embed_as_they_did_when_it_was_closed(made: Path, tmp_path: Path):
    """Quantile edges included, which come from the weights alone."""
    run = open_run(aligned(made / "data", tmp_path / "set", "encoder.kind=set").folder)
    edges = [value for name, value in run.embedder().state_dict().items() if name.endswith("edges")]
    assert edges
    assert all((np.diff(value.numpy(), axis=1) >= 0).all() and value.any() for value in edges)


# Who saw whom


def pretraining(used: dict[int, str], pretrain_on: str, pool: PatientPool = NOT_KNOWN) -> Run:
    """A pretraining with a stay a patient."""
    splits = pl.DataFrame(
        {
            "subject_id": list(used),
            "stay_id": [10 * subject for subject in used],
            "pretrain_split": list(used.values()),
            "split": [None] * len(used),
        },
        schema_overrides={"split": pl.String},
    )
    plan = Plan("pretrain", "alignment", None, Window(), SplitPlan(pretrain_on=pretrain_on), None, None, 0)  # type: ignore[arg-type]
    learned = splits.filter(pl.col("pretrain_split").is_in(["train", "val"]))
    learned = learned.select("subject_id", patient_pool=pl.lit(pool.name), subject_ids=pl.lit(pool.ids))
    return Run(Path("pretrained"), "", "", plan, splits, learned, {}, None, Lineage("", ()))


def training(sides: list[tuple[int, str | None]]) -> pl.DataFrame:
    """The split of a training, a row a stay: two of one patient are one patient."""
    return pl.DataFrame(sides, schema={"subject_id": pl.Int64, "split": pl.String}, orient="row")


USED = {1: "train", 2: "val", 3: "test"}


@pytest.mark.parametrize(
    ("pretrain_on", "sides", "overlap"),
    [
        ("train-side", [(1, "train"), (2, "val"), (3, "test")], None),
        ("train-side", [(1, "test"), (2, "val"), (3, "test")], "1 of 2 test patients"),
        ("train-side", [(1, "train"), (2, "test"), (2, "test"), (3, "test")], "1 of 2 test patients"),
        ("train-side", [(1, "test"), (2, "test"), (3, "train")], "2 of 2 test patients"),
        ("disjoint", [(1, None), (2, "test"), (3, "test")], None),
        ("disjoint", [(1, "test"), (2, "test"), (3, "test")], "1 of 3 test patients"),
        ("disjoint", [(1, "train"), (2, "val"), (3, "test")], None),
    ],
)
def test_encoders_that_saw_a_test_patient_are_refused(
    pretrain_on: str, sides: list[tuple[int, str | None]], overlap: str | None
):
    """On the training side their validation patients count as seen: they chose the epoch. Of a disjoint pretraining the
    paper fine-tunes on its validation and test patients, so there they do not."""
    run = pretraining(USED, pretrain_on)
    if overlap is None:
        run.refuse_test_patients(training(sides), NOT_KNOWN)
    else:
        with pytest.raises(LeakageError, match=f"{overlap} were used to pretrain pretrained"):
            run.refuse_test_patients(training(sides), NOT_KNOWN)


@pytest.mark.parametrize("pretrain_on", ["train-side", "disjoint"])
def test_the_same_split_has_none_and_another_has_some(pretrain_on: str):
    stays = random_stays(0, 1000)
    plan = SplitPlan(pretrain_on=pretrain_on)  # type: ignore[arg-type]
    run = replace(pretraining(USED, pretrain_on), splits=split_stays(stays, plan))
    run.refuse_test_patients(split_stays(stays, plan), NOT_KNOWN)
    with pytest.raises(LeakageError):
        run.refuse_test_patients(split_stays(stays, replace(plan, seed=5)), NOT_KNOWN)


def test_equal_numbers_of_another_database_are_other_patients():
    ours = PatientPool("eICU", "eicu")
    run = pretraining(USED, "train-side", PatientPool("elsewhere", "visits"))
    run.refuse_test_patients(training([(1, "test")]), ours)
    run.refuse_learned_patients(training([(1, "test")]), ours)
    for refuse in (run.refuse_test_patients, run.refuse_learned_patients):
        with pytest.raises(LeakageError, match="1 of 1 test patients"):
            refuse(training([(1, "test")]), PatientPool("elsewhere", "visits"))


def test_a_new_run_never_overwrites_another(made: Path, tmp_path: Path):
    run = copy(made, "elapsed", tmp_path)
    plan, inputs = open_run(run).plan, {"data": open_run(run).data_hash}
    assert NewRun(run, plan, inputs).is_complete()
    assert not NewRun(tmp_path / "free", plan, inputs).is_complete()
    for same, given in ((replace(plan, window=Window(at_h=6.0)), inputs), (plan, {"data": "other"})):
        with pytest.raises(RunError, match="made with other settings or inputs"):
            NewRun(run, same, given).is_complete()
