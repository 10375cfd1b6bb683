"""What a training takes from finished runs: first weights (`--init`), and other summaries beside aligned encoders."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from small_runs import aligned, published, small_data, trained
from timelines import random_timelines, write_data
from wardround import files
from wardround.errors import LeakageError, RunError, UsageError
from wardround.sources.patient_pool import PatientPool
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train import supervised
from wardround.train.loop import fit
from wardround.train.run_folder import Run, open_run
from wardround.train.stopping import TrainingStopped
from wardround.train.weights import read_weights

torch.set_num_threads(1)

STILL = ("loop.epochs=1", "loop.learning_rate=1e-12", "loop.weight_decay=0")
SUMS = ("content.summaries=sum", "content.volumes=", "content.singles=")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data(tmp_path_factory.mktemp("brought") / "data")


@pytest.fixture(scope="module")
def other_data(data: Path) -> Path:
    """Stays of other patients, with other numbers: another database."""
    timelines = published(random_timelines(11, 150))
    later = {name: pl.col(name) + 10_000 for name in ("subject_id", "stay_id")}
    events, stays = timelines.events.with_columns(stay_id=later["stay_id"]), timelines.stays.with_columns(**later)
    return write_data(data.parent / "other", type(timelines)(events, stays))


@pytest.fixture(scope="module")
def first(data: Path) -> dict[str, Path]:
    """A run of each method."""
    settings = {
        "mlp": ("model.hidden=8", "encoder.kind=quantile", "max_events=64"),
        "lstm": (),
        "trajectory": (),
        "grud": (),
    }
    return {
        method: trained(method, data, data.parent / method, *chosen, "loop.epochs=2").folder
        for method, chosen in settings.items()
    }


def tuned(method: str, data: Path, to: Path, init: Path, *settings: str, task: str = "mortality", **given):
    window, split = given.pop("window", Window()), given.pop("split", SplitPlan())
    chosen = settings or STILL
    return supervised.train(method, data, task, to, window, split, None, chosen, quiet=True, init=init, **given)


# First weights


@pytest.mark.parametrize("method", ["mlp", "lstm", "trajectory", "grud"])
def test_training_starts_from_the_weights_inputs_and_model_of_the_run(
    data: Path, other_data: Path, first: dict[str, Path], tmp_path: Path, method: str
):
    made = tuned(method, other_data, tmp_path / "run", first[method], window=Window(at_h=12.0))
    run, init = open_run(made.folder), open_run(first[method])
    mine, theirs = (read_weights(one.folder / "weights.safetensors", None) for one in (run, init))
    assert mine.keys() == theirs.keys()
    for name, value in theirs.items():
        torch.testing.assert_close(mine[name], value, rtol=0, atol=1e-6)
    assert (run.plan.init, run.plan.encoders) == (init.hash, None)
    assert (run.plan.settings.inputs, run.plan.settings.model) == (init.plan.settings.inputs, init.plan.settings.model)
    for name in ("vocabulary/features.parquet", "normaliser/normaliser.parquet"):
        assert files.sha256(run.folder / name) == files.sha256(init.folder / name)
    assert made.notes[:2] == [
        "The first weights were trained at hour 24.0, this training is at 12.0.",
        "The first weights were trained on other data.",
    ]


def test_without_it_training_starts_elsewhere(data: Path, first: dict[str, Path], tmp_path: Path):
    """Negative control: the comparison above can tell."""
    run = trained("mlp", data, tmp_path / "run", *STILL, "model.hidden=8", "encoder.kind=quantile").folder
    mine, theirs = (read_weights(one / "weights.safetensors", None) for one in (run, first["mlp"]))
    assert any(not torch.allclose(mine[name], theirs[name], atol=1e-6) for name in theirs if theirs[name].ndim == 2)


def test_encoders_may_be_frozen_and_thawed(data: Path, tmp_path: Path):
    """A head is trained over frozen encoders first, and all of it then; and the other way round."""
    frozen = trained("trajectory", data, tmp_path / "frozen", *STILL, "train_encoders=false").folder
    thawed = tuned("trajectory", data, tmp_path / "thawed", frozen, "train_encoders=true").folder
    again = tuned("trajectory", data, tmp_path / "again", thawed, "train_encoders=false").folder
    settings = [open_run(run).plan.settings.model.train_encoders for run in (frozen, thawed, again)]
    assert settings == [False, True, False]


def test_what_does_not_change_the_shapes_may_be_set(data: Path, first: dict[str, Path], tmp_path: Path):
    made = tuned("mlp", data, tmp_path / "run", first["mlp"], *STILL, "model.dropout=0.5", "train_encoders=false")
    model = open_run(made.folder).plan.settings.model
    assert (model.dropout, model.train_encoders, model.hidden) == (0.5, False, 8)
    assert tuned("lstm", data, tmp_path / "los", first["lstm"], task="mortality").notes == []


@pytest.mark.parametrize(
    "setting", ["max_events=32", "min_stay_share=0.2", "content.summaries=mean", "encoder.embed=8"]
)
def test_inputs_and_encoder_may_not(data: Path, first: dict[str, Path], tmp_path: Path, setting: str):
    with pytest.raises(UsageError, match="inputs and encoder come with --init"):
        tuned("mlp", data, tmp_path / "run", first["mlp"], setting)
    assert not (tmp_path / "run").exists()


def test_another_method_task_shape_or_protocol_is_refused(data: Path, first: dict[str, Path], tmp_path: Path):
    to, init = tmp_path / "run", first["mlp"]
    with pytest.raises(UsageError, match="is a mlp run, this training is lstm: give a run of the same method"):
        tuned("lstm", data, to, init)
    with pytest.raises(UsageError, match="was trained for mortality and says a probability; los asks for hours"):
        tuned("mlp", data, to, init, task="los")
    with pytest.raises(
        UsageError, match="first weights were trained under the causal protocol, this training is paper"
    ):
        tuned("mlp", data, to, init, window=Window("paper", 24.0))
    with pytest.raises(RunError, match=r"holds other tensors than this model has.*fusion"):
        tuned("mlp", data, to, init, "model.hidden=16")
    assert not (to / "manifest.json").exists()


def test_a_run_without_weights_of_a_model_is_refused(data: Path, first: dict[str, Path], tmp_path: Path):
    pretrained = aligned(data, tmp_path / "aligned").folder
    row = trained("elapsed", data, tmp_path / "elapsed").folder
    for folder in (pretrained, row):
        with pytest.raises(RunError, match="it holds no model that predicts"):
            tuned("mlp", data, tmp_path / "run", folder)
    with pytest.raises(UsageError, match="leave --encoders out"):
        supervised.train(
            "mlp", data, "mortality", tmp_path / "run", Window(), SplitPlan(), pretrained, init=first["mlp"]
        )


def test_it_is_part_of_what_the_run_is(data: Path, first: dict[str, Path], tmp_path: Path):
    tuned("mlp", data, tmp_path / "run", first["mlp"])
    assert tuned("mlp", data, tmp_path / "run", first["mlp"]).already
    second = tuned("mlp", data, tmp_path / "second", first["mlp"], "loop.epochs=1").folder
    with pytest.raises(RunError, match="made with other settings or inputs"):
        tuned("mlp", data, tmp_path / "run", second)


def test_it_resumes_to_the_same_bytes(data: Path, first: dict[str, Path], tmp_path: Path, monkeypatch):
    chosen = ("loop.epochs=3", "loop.learning_rate=1e-3")
    whole = tuned("mlp", data, tmp_path / "whole", first["mlp"], *chosen).folder

    def stopped(model, batches, validate, *rest, **others):
        def once(module):
            stopped.epochs += 1
            if stopped.epochs == 2:
                raise TrainingStopped("planted")
            return validate(module)

        return fit(model, batches, once, *rest, **others)

    stopped.epochs = 0
    monkeypatch.setattr(supervised, "fit", stopped)
    with pytest.raises(TrainingStopped):
        tuned("mlp", data, tmp_path / "again", first["mlp"], *chosen)
    monkeypatch.undo()
    again = tuned("mlp", data, tmp_path / "again", first["mlp"], *chosen)
    assert any("goes on after step" in note for note in again.notes)
    assert files.sha256(again.folder / "manifest.json") == files.sha256(whole / "manifest.json")


# Who learned from whom


def test_a_test_patient_on_a_learning_side_of_the_first_run_is_refused(
    data: Path, first: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Planted fault: a check that is left out lets the leak through."""
    with pytest.raises(LeakageError, match="test patients were on the training or validation side"):
        tuned("mlp", data, tmp_path / "run", first["mlp"], split=SplitPlan(seed=5))
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(Run, "refuse_learned_patients", lambda *_: None)
    leaky = open_run(tuned("mlp", data, tmp_path / "leaky", first["mlp"], split=SplitPlan(seed=5)).folder)
    test = leaky.splits.filter(split="test")["subject_id"]
    assert leaky.n_seen(test, PatientPool()) > 0, "and the run still knows whom its weights have seen"


def test_so_is_one_behind_it_however_far(data: Path, tmp_path: Path):
    """The encoders' pretraining and the run before the run count: their patients are written down with each run."""
    split = SplitPlan(fold=(1, 5))
    pretrained = aligned(data, tmp_path / "aligned", split=split).folder
    one = trained("mlp", data, tmp_path / "one", split=split, encoders=pretrained).folder
    two = tuned("mlp", data, tmp_path / "two", one, split=split).folder
    learned = [set(open_run(run).learned_from["subject_id"].to_list()) for run in (pretrained, one, two)]
    assert learned[0] <= learned[1] <= learned[2]
    own = open_run(two).splits
    assert learned[2] >= set(own.filter(pl.col("split").is_in(["train", "val"]))["subject_id"])
    assert not learned[2] & set(own.filter(split="test")["subject_id"])
    with pytest.raises(LeakageError, match="or of a run that it started from"):
        tuned("mlp", data, tmp_path / "three", two, split=SplitPlan(fold=(2, 5)))


def test_the_pretraining_behind_another_database_counts_too(data: Path, other_data: Path, tmp_path: Path):
    """Pretrained here, trained there, fine-tuned here on another split: its own splits name no patient of here."""
    pretrained = aligned(data, tmp_path / "aligned").folder
    there = trained("mlp", other_data, tmp_path / "there", encoders=pretrained).folder
    tuned("mlp", data, tmp_path / "same", there)
    assert not set(open_run(there).splits["subject_id"]) & set(open_run(pretrained).splits["subject_id"])
    with pytest.raises(LeakageError, match="of its encoders' pretraining"):
        tuned("mlp", data, tmp_path / "run", there, split=SplitPlan(seed=5))


# Other summaries beside aligned encoders


@pytest.fixture(scope="module")
def summed(data: Path) -> Path:
    """A pretraining on the sums of numbers, as printed."""
    return aligned(data, data.parent / "summed", *SUMS).folder


def test_numbers_may_be_averaged_where_they_were_summed_to_pretrain(data: Path, summed: Path, tmp_path: Path):
    """Vocabulary and encoders stay, the normaliser is that of the averages over this training's training side."""
    run = open_run(trained("mlp", data, tmp_path / "run", *STILL, "content.summaries=mean", encoders=summed).folder)
    pretrained = open_run(summed)
    assert run.plan.settings.inputs.content.summaries == ("mean",)
    assert run.featuriser.vocabulary == pretrained.featuriser.vocabulary
    theirs = read_weights(summed / "weights.safetensors", None)
    mine = read_weights(run.folder / "weights.safetensors", None)
    for name in theirs:
        if name.startswith("embedder.encoders"):
            torch.testing.assert_close(mine[name], theirs[name], rtol=0, atol=1e-5)
    split = ("inputs.content.summaries=mean", *SUMS[1:])
    expected = open_run(trained("mlp", data, tmp_path / "own", *split).folder).featuriser.normaliser
    for name, numbers in run.featuriser.vocabulary.numbers.items():
        if numbers:
            assert np.array_equal(run.featuriser.normaliser.mean[name], expected.mean[name])
            assert np.array_equal(run.featuriser.normaliser.spread[name], expected.spread[name])
    assert any(
        not np.allclose(run.featuriser.normaliser.mean[name], pretrained.featuriser.normaliser.mean[name])
        for name, numbers in run.featuriser.vocabulary.numbers.items()
        if numbers
    )


def test_the_same_summaries_keep_the_normaliser(data: Path, summed: Path, tmp_path: Path):
    run = trained("mlp", data, tmp_path / "run", encoders=summed).folder
    name = "normaliser/normaliser.parquet"
    assert files.sha256(run / name) == files.sha256(summed / name)


@pytest.mark.parametrize("summaries", ["mean,last", "mean,last,count"])
def test_more_summaries_than_the_encoders_take_are_refused(data: Path, summed: Path, tmp_path: Path, summaries: str):
    with pytest.raises(UsageError, match=r"rows of another width than the encoders take \(.*lab.*\)\. Give as many"):
        trained("mlp", data, tmp_path / "run", f"content.summaries={summaries}", encoders=summed)
    assert not (tmp_path / "run").exists()


def test_everything_else_of_the_inputs_stays(data: Path, summed: Path, tmp_path: Path):
    for setting in ("content.volumes=intake_output", "content.running=false", "content.hourly=lab"):
        with pytest.raises(UsageError, match="inputs and encoder come with --encoders"):
            trained("mlp", data, tmp_path / "run", "content.summaries=mean", setting, encoders=summed)


def test_a_method_without_encoders_takes_none(data: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="grud has no encoders: leave --encoders out"):
        trained("grud", data, tmp_path / "run", encoders=tmp_path / "aligned")
    assert not (tmp_path / "run").exists()
