"""train METHOD end to end on small timelines: sides, encoders, rows that learn next to nothing, refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from small_runs import DAYS, RISK, STAYS, aligned, published, small_data, trained
from timelines import Timelines, random_timelines, with_billed_diagnoses, write_data
from wardround import files
from wardround.batches.store import event_store
from wardround.errors import DataError, LeakageError, RunError, UsageError
from wardround.evaluate.answer import answer
from wardround.evaluate.question import Question
from wardround.methods.registry import METHODS
from wardround.methods.scores import ScoreSettings, fit_elapsed, known_when
from wardround.metrics.discrimination import auroc, choose_threshold
from wardround.metrics.macro import macro
from wardround.models.published_risk import PublishedRisk
from wardround.tasks.cohort import Window
from wardround.tasks.splits import TEST, TRAIN, VAL, SplitPlan
from wardround.tasks.task import TASKS
from wardround.train import predict, supervised
from wardround.train.cases import Cases
from wardround.train.data import open_data, sides_of
from wardround.train.predict import predict_cases
from wardround.train.run_folder import WEIGHTS, open_run
from wardround.train.supervised import train
from wardround.train.validation import fitted_values
from wardround.train.weights import read_weights

torch.set_num_threads(1)

STILL = "loop.learning_rate=1e-12"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data(tmp_path_factory.mktemp("supervised") / "data")


@pytest.fixture(scope="module")
def encoders(data: Path) -> Path:
    return aligned(data, data.parent / "aligned", "encoder.kind=quantile", "max_events=64").folder


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With diagnoses that hospital stays were billed with."""
    timelines = with_billed_diagnoses(published(random_timelines(3, STAYS)), 3)
    return write_data(tmp_path_factory.mktemp("billed") / "data", timelines)


def sides(data: Path, task: str = "mortality", plan: SplitPlan | None = None):
    opened = open_data(data, Window())
    return opened, sides_of(opened, opened.cohort(TASKS[task]), plan or SplitPlan(), "split")[0]


# What is trained, and how it is judged


@pytest.mark.parametrize(
    ("method", "task"),
    [("mlp", "mortality"), ("trajectory", "los_remaining"), ("trajectory", "los"), ("grud", "mortality")],
)
def test_the_numbers_of_a_run_are_those_of_its_model_on_validation_stays(
    data: Path, tmp_path: Path, method: str, task: str
):
    run = open_run(trained(method, data, tmp_path / "run", "loop.epochs=2", task=task).folder)
    opened, of = sides(data, task)
    model, val = run.model(), of.members("val")
    stored = event_store(opened.lines, of.cohort, run.featuriser, sequences=method != "mlp")
    predicted = predict_cases(model, Cases.of(opened, of.cohort, stored, model), val).prediction
    label = of.cohort.frame["label"].to_numpy()
    metrics = files.read_json(run.folder / "metrics.json")
    assert (metrics["split"], metrics["n_stays"]) == ("val", len(val))
    assert (metrics["protocol"], metrics["at_h"], metrics["sees_past_prediction"]) == ("causal", 24, [])
    assert all({"value", "low", "high"} <= set(entry) for entry in metrics["metrics"].values())
    best = pl.read_parquet(run.folder / "history.parquet").sort("val_loss").row(0, named=True)
    if task == "mortality":
        assert metrics["metrics"]["auroc"]["value"] == pytest.approx(float(auroc(label[val], predicted)))
        assert metrics["prevalence"] == label[val].mean()
        assert run.fitted["threshold"] == pytest.approx(float(choose_threshold(label[val], predicted)))
        assert run.fitted["train_prevalence"] == label[of.members("train")].mean()
        clipped = np.clip(predicted, 1e-6, 1 - 1e-6)
        loss = -np.mean(np.where(label[val] == 1, np.log(clipped), np.log(1 - clipped)))
    else:
        assert metrics["metrics"]["mae_h"]["value"] == pytest.approx(np.abs(predicted - label[val]).mean())
        assert metrics["prevalence"] is None
        assert run.fitted["train_median_h"] == np.median(label[of.members("train")])
        passed_h = of.cohort.passed_h[val]
        assert passed_h.any() == (task == "los")
        loss = np.mean((np.log1p(predicted - passed_h) - np.log1p(np.maximum(label[val] - passed_h, 0))) ** 2)
    assert best["val_loss"] == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("method", ["mlp", "lstm", "trajectory", "grud", "boosting", "logistic"])
def test_of_several_answers_every_method_learns_each(billed: Path, tmp_path: Path, method: str):
    """Judged on validation stays as the mean over labels; a threshold and a training share for each."""
    run = open_run(trained(method, billed, tmp_path / "run", task="phenotyping").folder)
    of = sides(billed, "phenotyping")[1]
    train, val = (of.cohort.frame["label"].to_numpy()[of.members(side)] for side in ("train", "val"))
    made = answer(run, billed, Question("val"), quiet=True).predictions
    assert made.prediction.shape == val.shape == (len(val), 25)
    metrics = files.read_json(run.folder / "metrics.json")
    assert list(metrics["by_label"]) == sorted(TASKS["phenotyping"].labels)
    assert metrics["metrics"]["auroc"]["value"] == pytest.approx(float(macro(auroc)(val, made.prediction)))
    assert metrics["prevalence"] == pytest.approx(val.mean())
    assert run.fitted["train_prevalence"] == pytest.approx(train.mean(axis=0).tolist())
    assert len(run.fitted["threshold"]) == 25
    if method in ("trajectory", "grud"):
        assert made.belief.shape == (len(made.belief_stay), 25)
        assert (np.diff(made.belief_stay) >= 0).all()


def test_what_a_label_is_made_of_is_no_input(billed: Path, tmp_path: Path):
    """Not even in the paper protocol, in which it is known; and not where pretrained encoders read it."""
    paper = Window("paper", None)
    run = open_run(trained("mlp", billed, tmp_path / "run", task="phenotyping", window=paper).folder)
    assert "diagnosis" not in run.featuriser.vocabulary.modalities
    read = open_run(trained("mlp", billed, tmp_path / "death", window=paper).folder).featuriser.vocabulary
    assert any("ICD" in code for code in read.presences["diagnosis"])
    with pytest.raises(UsageError, match="diagnosis is no input of this task"):
        trained("boosting", billed, tmp_path / "x", "modalities=lab,diagnosis", task="phenotyping")
    before = aligned(billed, tmp_path / "aligned", window=paper).folder
    taken = trained("mlp", billed, tmp_path / "taken", task="phenotyping", window=paper, encoders=before).folder
    asked = answer(open_run(taken), billed, Question("all"), quiet=True)
    assert not asked.observed[:, asked.modalities.index("diagnosis")].any()
    assert "diagnosis" not in asked.sees_past


@pytest.mark.parametrize("method", ["mlp", "trajectory"])
def test_nothing_is_learned_of_what_a_label_is_made_of(billed: Path, tmp_path: Path, method: str):
    """The same labels beside other diagnoses, by encoders that can read them, where they are known: equal weights."""
    paper = Window("paper", None)
    before = aligned(billed, tmp_path / "aligned", window=paper).folder
    timelines = with_billed_diagnoses(published(random_timelines(3, STAYS)), 3)
    is_told = (pl.col("modality") == "diagnosis") & ~pl.col("code").str.contains("ICD")
    moved = timelines.events.with_columns(code=pl.when(is_told).then(pl.col("code").str.reverse()).otherwise("code"))
    more = timelines.events.filter(is_told).with_columns(code=pl.lit("DIAGNOSIS//pulm|pneumonia"), minute=pl.lit(1.0))
    other = write_data(tmp_path / "other", Timelines(pl.concat([moved, more]), timelines.stays))
    asked = {"task": "phenotyping", "window": paper, "encoders": before}
    runs = [trained(method, data, tmp_path / name, **asked) for data, name in ((billed, "one"), (other, "two"))]
    one, two = (read_weights(run.folder / WEIGHTS, None) for run in runs)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_first_weights_of_another_question_are_refused(billed: Path, tmp_path: Path):
    run = trained("mlp", billed, tmp_path / "run").folder
    with pytest.raises(UsageError, match="other answers than phenotyping"):
        train("mlp", billed, "phenotyping", tmp_path / "x", Window(), SplitPlan(), init=run, quiet=True)


def test_a_method_of_one_answer_is_not_asked_for_several():
    supervised._check_answers(torch.nn.Linear(1, 1), METHODS["mlp"], TASKS["mortality"])
    with pytest.raises(UsageError, match="mlp has one answer, and phenotyping asks for 25"):
        supervised._check_answers(torch.nn.Linear(1, 1), METHODS["mlp"], TASKS["phenotyping"])


def test_an_answer_that_nobody_has_flags_nobody():
    """A threshold of 0 would flag everybody."""
    train_label, val_label = np.zeros((4, 25)), np.zeros((3, 25))
    train_label[:, 1] = (0, 1, 0, 0)
    fitted = fitted_values(TASKS["phenotyping"], train_label, val_label, np.full((3, 25), 0.001))
    assert fitted["threshold"][:3] == [1.0, 0.25, 1.0]


def test_why_nobody_has_a_score_is_said_of_each_score():
    said = {of: known_when(ScoreSettings(of)) for of in ("apache_iv", "sofa")}
    assert "`prepare eicu`" in said["apache_iv"]
    assert said["sofa"] == ": nothing that sofa is made of was known by then"


@pytest.mark.parametrize("row", ["score", "elapsed"])
def test_a_row_of_one_number_has_no_several_answers(billed: Path, tmp_path: Path, row: str):
    with pytest.raises(UsageError, match="one number of a stay"):
        trained(row, billed, tmp_path / "run", task="phenotyping")


def test_hours_carry_what_the_elapsed_row_fits(data: Path, tmp_path: Path):
    """Every length of stay is shown beside it."""
    row, run = (trained(m, data, tmp_path / m, task="los_remaining").folder for m in ("elapsed", "mlp"))
    one, other = (open_run(folder).fitted for folder in (row, run))
    assert one == other
    opened, of = sides(data, "los_remaining")
    train = of.members("train")
    edges, values = fit_elapsed(
        opened.elapsed_h(of.cohort)[train], of.cohort.frame["label"].to_numpy()[train], binary=False
    )
    assert (one["edges"], one["values"]) == (edges, values)


def test_a_model_starts_at_the_average_of_its_training_labels(data: Path, tmp_path: Path):
    run = trained("mlp", data, tmp_path / "run", STILL, "loop.weight_decay=0").folder
    _, of = sides(data)
    rate = of.cohort.frame["label"].to_numpy()[of.members("train")].mean()
    assert read_weights(run / "weights.safetensors", None)["start.constant"].sigmoid().item() == pytest.approx(
        rate, abs=1e-5
    )


@pytest.mark.parametrize("method", ["mlp", "trajectory"])
def test_a_model_starts_where_its_training_stays_put_a_published_equation(data: Path, tmp_path: Path, method: str):
    """Their labels, and nobody else's."""
    run = open_run(trained(method, data, tmp_path / "run", STILL).folder)
    opened, own = sides(data)
    odds = event_store(opened.lines, own.cohort, run.featuriser, quiet=True).published_last
    ours, label = own.members(TRAIN), own.cohort.frame["label"].to_numpy()
    asked = PublishedRisk(1.0, 0.0, 0.0)
    asked.recalibrate(torch.from_numpy(odds[ours]), torch.from_numpy(label[ours]))
    start = {name: float(getattr(asked, name).detach()) for name in ("scale", "shift")}
    assert abs(start["scale"] - 1) > 0.1
    others = pl.col("stay_id").is_in(own.cohort.frame["stay_id"][np.r_[own.members(VAL), own.members(TEST)]].to_list())
    died = pl.when(others).then(~pl.col("died_in_hospital")).otherwise("died_in_hospital")
    turned = write_data(tmp_path / "turned", published(random_timelines(3, STAYS)).with_stays(died_in_hospital=died))
    for folder in (run.folder, trained(method, turned, tmp_path / "other", STILL).folder):
        weights = read_weights(folder / "weights.safetensors", None)
        assert {name: float(weights[f"start.{name}"]) for name in start} == pytest.approx(start, abs=1e-6)


def test_only_death_in_hospital_starts_at_it_and_first_weights_are_left_as_they_are(data: Path, tmp_path: Path):
    def slope(run: Path) -> float:
        return float(read_weights(run / "weights.safetensors", None)["start.scale"])

    first = trained("mlp", data, tmp_path / "first", "loop.learning_rate=0.01").folder
    tuned, fresh, hours = (tmp_path / name for name in ("tuned", "fresh", "hours"))
    train("mlp", data, "mortality", tuned, Window(), SplitPlan(), None, (STILL, "loop.epochs=1"), 0, True, init=first)
    assert slope(tuned) == pytest.approx(slope(first), abs=1e-6)
    trained("mlp", data, fresh, STILL)
    assert slope(fresh) != pytest.approx(slope(first), abs=1e-6)
    trained("mlp", data, hours, STILL, task="los_remaining")
    assert slope(hours) == pytest.approx(0, abs=1e-6)


def test_a_second_call_finds_it_and_another_run_is_never_overwritten(data: Path, tmp_path: Path):
    to = trained("mlp", data, tmp_path / "run").folder
    before = files.sha256(to / "manifest.json")
    assert trained("mlp", data, to).already
    for change in ("model.hidden=9", "loop.epochs=2"):
        with pytest.raises(RunError, match="made with other settings or inputs"):
            trained("mlp", data, to, change)
    for other in ({"seed": 1}, {"task": "los"}, {"split": SplitPlan(fold=(1, 5))}):
        with pytest.raises(RunError, match="made with other settings"):
            trained("mlp", data, to, **other)
    assert files.sha256(to / "manifest.json") == before


@pytest.mark.parametrize("method", ["mlp", "trajectory"])
def test_a_disjoint_training_sees_stays_that_pretraining_held_out(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
):
    plan = SplitPlan(pretrain_on="disjoint", seed=2)
    pretrained = aligned(data, tmp_path / "aligned", split=plan).folder
    seen: set[int] = set()
    for name in ("StaticBatches", "SequenceBatches"):
        made = getattr(predict, name)

        def watched(store, *rest, made=made, name=name):
            members, shuffle = rest[2], rest[4]  # store, then subject and label, or label and at_h
            if shuffle is not None:  # what is learned from; validation goes in order
                seen.update(store.stay_ids[members].tolist())
            return made(store, *rest)

        monkeypatch.setattr(predict, name, watched)
    run = trained(method, data, tmp_path / "run", split=plan, encoders=pretrained).folder
    splits = pl.read_parquet(run / "splits.parquet")
    assert splits.filter(pl.col("split").is_not_null())["pretrain_split"].unique().sort().to_list() == ["test", "val"]
    held_out = set(splits.filter(pl.col("pretrain_split") != "train")["stay_id"])
    assert seen
    assert seen <= held_out
    trained_on = splits.filter(split="train")["stay_id"]
    assert seen <= set(trained_on), "and of them the training side alone"


# Encoders


def test_encoders_bring_inputs_kind_and_weights(data: Path, encoders: Path, tmp_path: Path):
    run = open_run(trained("mlp", data, tmp_path / "run", STILL, "loop.weight_decay=0", encoders=encoders).folder)
    brought = open_run(encoders)
    settings = run.plan.settings
    assert run.plan.encoders == brought.hash
    assert settings.inputs == brought.plan.settings.inputs
    assert settings.inputs.content.max_events == 64
    assert settings.model.encoder == brought.plan.settings.encoder
    assert settings.model.encoder.kind == "quantile"
    mine, theirs = (read_weights(folder / "weights.safetensors", None) for folder in (run.folder, encoders))
    brought_names = [name for name in theirs if name.startswith("embedder.")]
    assert brought_names
    for name in brought_names:
        torch.testing.assert_close(mine[name], theirs[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", ["mlp", "lstm", "trajectory"])
def test_frozen_encoders_are_the_pretrained_ones_to_the_bit(data: Path, encoders: Path, tmp_path: Path, method: str):
    run = trained(method, data, tmp_path / "run", "train_encoders=false", "loop.epochs=3", encoders=encoders).folder
    theirs = read_weights(encoders / "weights.safetensors", None)
    mine = read_weights(run / "weights.safetensors", None)
    kept = [name for name in theirs if name.startswith("embedder.")]
    assert kept
    assert all(torch.equal(mine[name], theirs[name]) for name in kept)


@pytest.mark.parametrize(
    "setting",
    ["modalities=lab,aps", "min_stay_share=0.2", "max_events=32", "content.running=false", "encoder.hidden=16",
     "encoder.kind=set"],
)  # fmt: skip
def test_what_the_encoders_bring_may_not_be_set(data: Path, encoders: Path, tmp_path: Path, setting: str):
    with pytest.raises(UsageError, match="come with --encoders: set them in `wardround pretrain`"):
        trained("mlp", data, tmp_path / "run", setting, encoders=encoders)
    assert not (tmp_path / "run").exists()


def test_the_same_words_as_the_encoders_may_be_said(data: Path, encoders: Path, tmp_path: Path):
    assert not trained(
        "mlp", data, tmp_path / "run", "max_events=64", "encoder.kind=quantile", encoders=encoders
    ).already


def test_encoders_of_another_protocol_are_refused(data: Path, encoders: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="pretrained under the causal protocol, this training is paper"):
        trained("mlp", data, tmp_path / "run", encoders=encoders, window=Window("paper", 24.0))


def test_encoders_of_another_hour_or_of_other_data_are_said_to_be(data: Path, encoders: Path, tmp_path: Path):
    same = trained("mlp", data, tmp_path / "same", encoders=encoders)
    assert not any("pretrained" in note for note in same.notes)
    hour = trained("mlp", data, tmp_path / "hour", encoders=encoders, window=Window(at_h=12.0))
    assert "The encoders were pretrained at hour 24.0, this training is at 12.0." in hour.notes
    timelines = published(random_timelines(3, 150))
    fewer = write_data(tmp_path / "fewer", timelines.only(timelines.stays["stay_id"][:140]))
    assert (
        "The encoders were pretrained on other data." in trained("mlp", fewer, tmp_path / "x", encoders=encoders).notes
    )


def test_encoders_that_saw_a_test_patient_are_refused(data: Path, encoders: Path, tmp_path: Path):
    with pytest.raises(LeakageError, match="test patients were used to pretrain"):
        trained("mlp", data, tmp_path / "run", encoders=encoders, split=SplitPlan(seed=5))
    assert not (tmp_path / "run").exists()


def test_a_trained_run_is_no_encoders(data: Path, tmp_path: Path):
    run = trained("mlp", data, tmp_path / "mlp").folder
    with pytest.raises(RunError, match="not a pretraining"):
        trained("mlp", data, tmp_path / "run", encoders=run)
    row = trained("elapsed", data, tmp_path / "elapsed").folder
    with pytest.raises(RunError, match="not a pretraining"):
        trained("mlp", data, tmp_path / "run", encoders=row)


def test_a_model_of_one_modality_can_be_trained(data: Path, tmp_path: Path):
    """Nothing is there to be aligned, but a model that predicts needs no second one."""
    for method in ("mlp", "trajectory", "grud"):
        run = open_run(trained(method, data, tmp_path / method, "modalities=lab").folder)
        assert run.featuriser.vocabulary.modalities == ("lab",)


def test_validation_under_the_paper_protocol_is_stamped(data: Path, tmp_path: Path):
    run = trained("mlp", data, tmp_path / "run", window=Window("paper", 12.0)).folder
    metrics = files.read_json(run / "metrics.json")
    assert metrics["protocol"] == "paper"
    assert "aps" in metrics["sees_past_prediction"]


# Rows that learn next to nothing


def test_the_elapsed_row_knows_the_death_rate_by_hours(data: Path, tmp_path: Path):
    run = open_run(trained("elapsed", data, tmp_path / "run").folder)
    opened, of = sides(data)
    label, train = of.cohort.frame["label"].to_numpy(), of.members("train")
    edges, values = fit_elapsed(opened.elapsed_h(of.cohort)[train], label[train], binary=True)
    assert (run.fitted["edges"], run.fitted["values"]) == (edges, values)
    assert set(run.fitted) == {"edges", "values", "threshold", "train_prevalence"}
    assert read_weights(run.folder / "weights.safetensors", None).keys() == {"edges", "values"}
    assert not {"edges", "values"} & files.read_json(run.folder / "fitted.json").keys(), "one truth"


def test_the_score_row_chooses_its_threshold_among_validation_stays_that_have_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    judged: list[np.ndarray] = []

    def watched(task, train_label, val_label, predicted):
        judged.extend((val_label, predicted))
        return fitted_values(task, train_label, val_label, predicted)

    monkeypatch.setattr(supervised, "fitted_values", watched)
    run = open_run(trained("score", data, tmp_path / "run").folder)
    opened, of = sides(data)
    val = of.members("val")
    score = Cases.of_row(opened, of.cohort, "score", TASKS["mortality"], {}).row[val]
    have, label = ~np.isnan(score), of.cohort.frame["label"].to_numpy()
    assert 0 < have.sum() < len(val)
    assert judged[0].tolist() == label[val][have].tolist()
    assert judged[1].tolist() == score[have].tolist()
    metrics = files.read_json(run.folder / "metrics.json")
    assert metrics["n_stays"] == have.sum()
    assert run.fitted["threshold"] == pytest.approx(float(choose_threshold(label[val][have], score[have])))
    assert run.fitted["train_prevalence"] == label[of.members("train")].mean()
    assert pl.read_parquet(run.folder / "history.parquet").height == 0


def test_a_row_is_there_already_when_asked_again(data: Path, tmp_path: Path):
    assert not trained("score", data, tmp_path / "run").already
    assert trained("score", data, tmp_path / "run").already
    with pytest.raises(RunError, match="other settings"):
        trained("elapsed", data, tmp_path / "run")


@pytest.mark.parametrize(("row", "task", "held"), [
    ("score", "mortality", set()),
    ("score", "los_remaining", set()),
    ("elapsed", "mortality", {"edges", "values"}),
])  # fmt: skip
def test_a_row_has_the_files_of_a_run(data: Path, tmp_path: Path, row: str, task: str, held: set[str]):
    """Nothing is learned and nothing read: no weights (or the bins), no code, no epoch."""
    made = trained(row, data, tmp_path / row, task=task).folder
    model = trained("mlp", data, tmp_path / "mlp", task=task).folder
    names = [{str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()} for run in (made, model)]
    assert names[0] == names[1]
    assert read_weights(made / "weights.safetensors", None).keys() == held
    assert pl.read_parquet(made / "vocabulary" / "features.parquet").height == 0
    assert pl.read_parquet(made / "normaliser" / "normaliser.parquet").height == 0
    assert open_run(made).featuriser is None
    if task == "los_remaining":
        assert open_run(made).fitted.keys() >= {"edges", "values"}, "what every length of stay is shown beside"


def without_codes(folder: Path, *codes: str) -> Path:
    timelines = published(random_timelines(3, 150))
    return write_data(folder, replace(timelines, events=timelines.events.filter(~pl.col("code").is_in(codes))))


def test_nobody_with_a_published_score_is_said_to_be_so(data: Path, tmp_path: Path):
    """Not there, or not known yet."""
    with pytest.raises(DataError, match=r"no stay of the validation side has the score at hour 24: .*of=sofa"):
        trained("score", without_codes(tmp_path / "data", RISK, DAYS), tmp_path / "run")
    with pytest.raises(DataError, match=r"at hour 6: APACHE's is known at 24 h, and .* eICU alone stores it"):
        trained("score", data, tmp_path / "run", window=Window(at_h=6.0))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("row", ["score", "elapsed"])
def test_a_row_takes_no_settings_and_no_encoders(data: Path, encoders: Path, tmp_path: Path, row: str):
    """But which score it is."""
    elapsed = [{"assignments": ["loop.epochs=2"]}] if row == "elapsed" else []
    for given in ({"encoders": encoders}, {"init": encoders}, *elapsed):
        with pytest.raises(UsageError, match=f"{row} learns no weights: .* neither --set nor --encoders nor --init"):
            supervised.train(row, data, "mortality", tmp_path / "run", Window(), SplitPlan(), **given)


# Refusals


@pytest.mark.parametrize(("method", "task"), [("gru", "mortality"), ("mlp", "sepsis"), ("score", "sepsis")])
def test_an_unknown_method_or_task_is_told_what_there_is(data: Path, tmp_path: Path, method: str, task: str):
    with pytest.raises(UsageError, match=r"no (method|task) '(gru|sepsis)'\. There are"):
        supervised.train(method, data, task, tmp_path / "run", Window(), SplitPlan())


def test_a_cohort_without_labels_is_refused(tmp_path: Path):
    timelines: Timelines = published(random_timelines(3, 60)).with_stays(died_in_hospital=pl.lit(None, pl.Boolean))
    with pytest.raises(DataError, match=r"no stay is in the cohort .*no label: "):
        trained("mlp", write_data(tmp_path / "data", timelines), tmp_path / "run")


def test_who_had_been_in_hospital_for_longer_than_a_label_can_be_leaves_the_loss_a_number(tmp_path: Path):
    early = published(random_timelines(3, 60)).with_stays(hospital_start=pl.col("hospital_start") - 60 * 800)
    run = trained("mlp", write_data(tmp_path / "data", early), tmp_path / "run", task="los")
    history = pl.read_parquet(run.folder / "history.parquet")
    assert history["val_loss"].is_finite().all()
