"""evaluate of a pretraining: the stays of its own sides, retrieval by hand, a picture without ids."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from small_runs import aligned, published, small_data, trained
from timelines import random_timelines, write_data
from wardround import files
from wardround.batches.store import event_store
from wardround.errors import RunError, UsageError
from wardround.evaluate import alignment
from wardround.evaluate.alignment import evaluate_alignment
from wardround.evaluate.evaluation import evaluate
from wardround.evaluate.question import Question
from wardround.metrics.retrieval import recall_at_k, silhouette
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train.data import open_data
from wardround.train.pretrain import embeddings
from wardround.train.run_folder import open_run

torch.set_num_threads(1)

STAYS = 150
TEST, ALL = Question(draws=20), Question(split="all", draws=20)
DISJOINT = SplitPlan(pretrain_on="disjoint")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("alignment")
    small_data(made / "data", stays=STAYS)
    aligned(made / "data", made / "run")
    aligned(made / "data", made / "disjoint", split=DISJOINT)
    return made


def judged(folder: Path, to: Path, question: Question = TEST, run: str = "run", data: Path | None = None) -> dict:
    metrics, picture = evaluate_alignment(open_run(folder / run), data or folder / "data", question)
    files.write_table(to / "embedding.parquet", picture)
    return metrics


@pytest.mark.parametrize("run", ["run", "disjoint"])
@pytest.mark.parametrize("side", ["train", "val", "test", "all"])
def test_the_stays_of_a_side_of_the_pretraining(folder: Path, tmp_path: Path, run: str, side: str):
    """Its own sides, not those of the fine-tuning."""
    splits = open_run(folder / run).splits
    expected = splits if side == "all" else splits.filter(pretrain_split=side)
    metrics = judged(folder, tmp_path, replace(TEST, split=side), run)
    assert (metrics["n_stays"], metrics["n_subjects"]) == (expected.height, expected["subject_id"].n_unique())
    assert metrics["n_stays"] + sum(metrics["n_excluded"].values()) == STAYS
    assert (metrics["method"], metrics["task"], metrics["prevalence"]) == ("alignment", None, None)
    json.dumps(metrics, allow_nan=False)


def test_the_numbers_are_those_of_the_embeddings_of_these_stays(folder: Path, tmp_path: Path):
    run, data = open_run(folder / "run"), open_data(folder / "data", Window())
    cohort = data.cohort(None)
    store = event_store(data.lines, cohort, run.featuriser, sequences=False)
    sides = cohort.frame.join(run.splits, on="stay_id", maintain_order="left")["pretrain_split"]
    members = np.flatnonzero((sides == "test").to_numpy())
    made, seen = embeddings(run.embedder(), store, members), store.observed[members]
    metrics = judged(folder, tmp_path)
    expected = recall_at_k(made, seen, modalities=list(store.modalities))
    assert metrics["retrieval"]["mean"] == pytest.approx(expected["mean"])
    assert metrics["retrieval"]["pairs"].keys() == expected["pairs"].keys()
    assert metrics["silhouette"]["overall"] == pytest.approx(silhouette(made, seen)["overall"], abs=1e-6)
    assert metrics["silhouette"]["n_points"] == seen.sum()


def test_the_picture_is_a_point_a_record_and_names_nobody(folder: Path, tmp_path: Path):
    metrics = judged(folder, tmp_path)
    points = pl.read_parquet(tmp_path / "embedding.parquet")
    assert points.columns == ["x", "y", "modality"]
    assert points.height == metrics["silhouette"]["n_points"]
    assert points["x"].var() >= points["y"].var() > 0, "principal components"


def test_the_picture_has_an_end(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(alignment, "MAX_POINTS", 25)
    counts = []
    for seed in (0, 0, 1):
        judged(folder, tmp_path, replace(ALL, seed=seed))
        counts.append(pl.read_parquet(tmp_path / "embedding.parquet"))
    assert [len(points) for points in counts] == [25] * 3
    assert counts[0].equals(counts[1])
    assert not counts[0].equals(counts[2])


def test_a_modality_that_is_left_out_finds_nothing(folder: Path, tmp_path: Path):
    whole, metrics = judged(folder, tmp_path), judged(folder, tmp_path, replace(TEST, without=("lab",)))
    assert metrics["without"] == ["lab"]
    pairs = metrics["retrieval"]["pairs"]
    others = [name for name in pairs if "lab" not in name]
    assert {pairs[name]["n_candidates"] for name in pairs.keys() - set(others)} == {0}
    assert all(pairs[name] == pytest.approx(whole["retrieval"]["pairs"][name]) for name in others)
    assert "lab" not in pl.read_parquet(tmp_path / "embedding.parquet")["modality"]
    with pytest.raises(UsageError, match="--without cxr: the run's modalities are"):
        judged(folder, tmp_path, replace(TEST, without=("cxr",)))


def test_other_data_is_embedded_with_the_run_s_own_inputs(folder: Path, tmp_path: Path):
    timelines = published(random_timelines(8, 60, first_id=7000))
    data = write_data(tmp_path / "d", timelines)
    with pytest.raises(UsageError, match=r"no stay on the run's test side\. For another cohort ask for --split all"):
        judged(folder, tmp_path / "x", TEST, data=data)
    plain = judged(folder, tmp_path, ALL, data=data)
    assert plain["n_stays"] == timelines.stays.height
    lab = (pl.col("modality") == "lab") & (pl.col("available") <= 1440)
    n = timelines.events.filter(lab).height
    unknown = pl.when(lab).then(pl.lit("LAB//new")).otherwise("code")
    other = replace(timelines, events=timelines.events.with_columns(code=unknown))
    metrics = judged(folder, tmp_path, ALL, data=write_data(tmp_path / "o", other))
    assert metrics["unknown_items"] == plain["unknown_items"] + n


def test_several_hours_are_a_file_each_and_found_again(folder: Path, tmp_path: Path):
    to, already, last = evaluate(folder / "run", folder / "data", tmp_path / "e", TEST, hours=[6, 24])
    six, day = (json.loads((to / f"metrics_{hour}h.json").read_text()) for hour in (6, 24))
    assert not already
    assert (six["at_h"], day["at_h"]) == (6, 24)
    assert json.loads((to / "metrics.json").read_text()) == day == last
    assert six["silhouette"]["n_points"] < day["silhouette"]["n_points"], "less was known"
    assert evaluate(folder / "run", folder / "data", to, TEST, hours=[6, 24]) == (to, True, day)
    assert "metrics_6h.json" in json.loads((to / "manifest.json").read_text())["files"]


def test_the_paper_protocol_is_stamped(folder: Path, tmp_path: Path):
    aligned(folder / "data", tmp_path / "paper", window=Window("paper", 12.0))
    run = open_run(tmp_path / "paper")
    metrics, _ = evaluate_alignment(run, folder / "data", ALL)
    assert {"aps", "lab"} <= set(metrics["sees_past_prediction"])
    assert "score" not in metrics["sees_past_prediction"]
    assert judged(folder, tmp_path)["sees_past_prediction"] == []


def test_a_trained_run_has_no_encoders_to_judge(folder: Path, tmp_path: Path):
    run = open_run(trained("elapsed", folder / "data", tmp_path / "run").folder)
    with pytest.raises(RunError, match="is a elapsed run, not a pretraining"):
        evaluate_alignment(run, folder / "data", TEST)
