"""pretrain alignment end to end on small timelines: files, sides, notes, and what it refuses."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from small_runs import aligned, published, small_data
from timelines import SPEAKING, random_timelines, write_data
from wardround import files
from wardround.batches.static import StaticBatches, static_batch
from wardround.batches.store import event_store
from wardround.errors import DataError, RunError, UsageError
from wardround.events import NOT_INPUTS
from wardround.methods.alignment import Alignment
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train import pretrain as module
from wardround.train.data import open_data
from wardround.train.pretrain import alignment_loss, alignment_metrics, embeddings
from wardround.train.run_folder import open_run
from wardround.train.weights import read_weights

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data(tmp_path_factory.mktemp("pretrain") / "data")


@pytest.fixture(scope="module")
def run(data: Path) -> Path:
    return aligned(data, data.parent / "run").folder


def test_a_run_folder_is_complete_and_says_what_it_saw(data: Path, run: Path):
    names = {path.name for path in run.iterdir()}
    assert names == {
        "settings.json", "weights.safetensors", "vocabulary", "normaliser", "splits.parquet", "fitted.json",
        "history.parquet", "diagnostics.json", "metrics.json", "manifest.json", "learned_from.parquet",
    }  # fmt: skip
    metrics = files.read_json(run / "metrics.json")
    splits = pl.read_parquet(run / "splits.parquet")
    assert metrics["split"] == "val"
    assert metrics["n_stays"] == splits.filter(pretrain_split="val").height
    assert set(metrics) == {"split", "n_stays", "retrieval", "silhouette"}
    assert files.read_json(run / "fitted.json") == {}
    assert pl.read_parquet(run / "history.parquet")["epoch"].to_list() == [0]


def test_the_balance_of_the_split_is_reported(run: Path):
    balance = next(c for c in files.read_json(run / "diagnostics.json") if c["check"] == "split_balance")
    assert {"stratum", "patients", "train", "val", "test"} == set(balance["value"][0])


def test_a_second_call_finds_it_and_another_run_is_never_overwritten(data: Path, run: Path):
    before = files.sha256(run / "manifest.json")
    assert aligned(data, run).already
    for other in ({"seed": 1}, {"window": Window(at_h=12.0)}, {"split": SplitPlan(seed=1)}):
        with pytest.raises(RunError, match="made with other settings or inputs"):
            aligned(data, run, **other)
    with pytest.raises(RunError, match="made with other settings"):
        aligned(data, run, "token_weight=0.2")
    assert files.sha256(run / "manifest.json") == before


@pytest.mark.parametrize("pretrain_on", ["train-side", "disjoint"])
def test_it_learns_from_the_training_patients_of_its_side_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pretrain_on: str
):
    plan = SplitPlan(pretrain_on=pretrain_on)  # type: ignore[arg-type]
    asked = []

    @dataclass(frozen=True)
    class Watched(module.StaticBatches):
        def __post_init__(self):
            asked.append((self.shuffle_seed, set(self.store.stay_ids[self.members].tolist())))
            assert np.isnan(self.label).all(), "no label is there to be seen"

    monkeypatch.setattr(module, "StaticBatches", Watched)
    made = aligned(data, tmp_path / "run", "loop.epochs=2", split=plan, seed=7)
    splits = pl.read_parquet(made.folder / "splits.parquet")
    side = {name: set(splits.filter(pretrain_split=name)["stay_id"]) for name in ("train", "val")}
    learned = [stays for shuffle, stays in asked if shuffle == (7, 1)]
    assert learned
    assert all(stays == side["train"] for stays in learned)
    assert {frozenset(stays) for _, stays in asked} == {frozenset(side["train"]), frozenset(side["val"])}


def test_outcomes_do_not_move_the_weights(data: Path, run: Path, tmp_path: Path):
    timelines = published(random_timelines(3, 150))
    other = timelines.with_stays(
        died_in_hospital=~pl.col("died_in_hospital"), hospital_end=pl.col("hospital_end") + 500
    )
    again = aligned(write_data(tmp_path / "data", other), tmp_path / "run").folder
    assert files.sha256(again / "weights.safetensors") == files.sha256(run / "weights.safetensors")


def test_tokens_that_nothing_trains_are_named(data: Path, tmp_path: Path):
    """Their loss has no token term."""
    made = aligned(data, tmp_path / "run", "loss=one-vs-others").folder
    checks = {check["check"]: check for check in files.read_json(made / "diagnostics.json")}
    assert checks["untrained_missing_tokens"]["verdict"] == "warn"
    assert "lab" in checks["untrained_missing_tokens"]["advice"]


def test_one_modality_is_nothing_to_align(data: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="alignment needs two modalities or more; this data has lab"):
        aligned(data, tmp_path / "run", "modalities=lab")
    assert not (tmp_path / "run").exists()


def test_data_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(DataError, match="not a folder"):
        aligned(tmp_path / "nowhere", tmp_path / "run")


def stays_of(data: Path, run: Path):
    opened, read = open_data(data, Window()), open_run(run)
    cohort = opened.cohort(None)
    store = event_store(opened.lines, cohort, read.featuriser, sequences=False)
    return read.embedder(), store, cohort.frame["subject_id"].to_numpy()


def test_embeddings_are_of_unit_length_or_zero_where_a_modality_is_missing(data: Path, run: Path):
    model, store, _ = stays_of(data, run)
    members = np.arange(20, 50)
    made = embeddings(model, store, members, batch_size=7)
    assert made.shape == (30, len(store.modalities), 4)
    assert np.linalg.norm(made, axis=-1) == pytest.approx(store.observed[members].astype(float), abs=1e-6)
    assert not store.observed[members].all()
    nothing = np.zeros(len(store.stay_ids))
    batch = static_batch(store, nothing.astype(np.int64), nothing, members)
    with torch.no_grad():
        z = model.embed(batch.inputs, batch.observed).numpy()
    seen = store.observed[members]
    assert made[seen] == pytest.approx((z / np.linalg.norm(z, axis=-1, keepdims=True))[seen], abs=1e-6)
    assert embeddings(model, store, members) == pytest.approx(made, abs=1e-6), "whatever the batch"


def test_metrics_hang_on_the_members_and_have_intervals_over_patients(data: Path, run: Path):
    model, store, subject = stays_of(data, run)
    some = alignment_metrics(model, store, np.arange(40), subject, draws=20)
    pairs = some["retrieval"]["pairs"]
    a, b = store.modalities[:2]
    both = store.observed[:40, :2].all(axis=1).sum()
    assert pairs[f"{a}->{b}"]["n_candidates"] == both
    assert {"recall@1", "recall@5", "recall@10"} <= set(some["retrieval"]["intervals"])
    assert some["silhouette"]["n_points"] == store.observed[:40].sum()
    alone = alignment_metrics(model, store, np.arange(40), np.zeros(len(subject), int), draws=20)
    interval = alone["retrieval"]["intervals"]["recall@1"]
    assert interval["low"] == pytest.approx(interval["high"]), "all stays of one patient: every draw is the same"


def alignment_of(run: Path) -> Alignment:
    read = open_run(run)
    model = Alignment(read.embedder(), read.plan.settings.alignment)
    read.load_into(model)
    return model


def validation_batches(data: Path, run: Path, size: int) -> tuple[Alignment, StaticBatches]:
    _, store, subject = stays_of(data, run)
    splits = dict(pl.read_parquet(run / "splits.parquet").select("stay_id", "pretrain_split").iter_rows())
    val = np.flatnonzero([splits[stay] == "val" for stay in store.stay_ids.tolist()])
    return alignment_of(run), StaticBatches(store, subject, np.full(len(subject), np.nan), val, size, (0, 0))


@torch.no_grad()
def test_validation_is_the_contrastive_term_of_the_validation_stays(data: Path, run: Path):
    """In eval mode, without modality dropout and token term; the history's value is found again from the folder."""
    model, batches = validation_batches(data, run, 128)
    _, parts = model.loss(batches[0])
    assert len(batches) == 1
    assert parts["token"] > 0
    history = pl.read_parquet(run / "history.parquet")
    assert history["val_alignment"][0] == pytest.approx(parts["alignment"].item(), abs=1e-6)
    assert open_run(run).plan.settings.loop.monitor == "alignment"


@torch.no_grad()
def test_a_small_last_batch_counts_by_its_stays(data: Path, run: Path):
    model, batches = validation_batches(data, run, 8)
    each = [(model.loss(batch)[1]["alignment"].item(), len(batch.subject)) for batch in batches]
    assert each[-1][1] < 8
    mean = sum(value * stays for value, stays in each) / sum(stays for _, stays in each)
    assert alignment_loss(model, batches) == pytest.approx(mean, abs=1e-6)


def test_loss_none_is_the_random_start(data: Path, tmp_path: Path):
    """The comparator without pretraining: same file shape, no epoch, weights of the seed alone."""
    one, other = (aligned(data, tmp_path / str(seed), "loss=none", seed=seed).folder for seed in (0, 1))
    weights = [read_weights(folder / "weights.safetensors", None) for folder in (one, other)]
    assert not torch.equal(weights[0]["embedder.tokens"], weights[1]["embedder.tokens"])
    started = aligned(data, tmp_path / "still", "learning_rate=1e-12", "weight_decay=0").folder
    learnt = read_weights(started / "weights.safetensors", None)
    for name in [name for name in learnt if name.startswith("embedder.")]:
        torch.testing.assert_close(weights[0][name], learnt[name], rtol=0, atol=1e-6)
    assert pl.read_parquet(one / "history.parquet").height == 0
    assert {"retrieval", "silhouette"} <= set(files.read_json(one / "metrics.json"))


def test_a_modality_whose_codes_are_all_rare_is_named(data: Path, tmp_path: Path):
    made = aligned(data, tmp_path / "run", "min_stay_share=0.25").folder
    check = next(c for c in files.read_json(made / "diagnostics.json") if c["check"] == "unread_modalities")
    read = open_run(made).featuriser.vocabulary.modalities
    assert check["verdict"] == "warn"
    assert set(check["value"]) == set(SPEAKING) - NOT_INPUTS - set(read) != set()
    assert "by the prediction time" in check["advice"]
