"""Promise 8: null stays null. Labels that no input knows anything about are not predicted: 95 % intervals of AUROC hold
0.5.

Three nulls by turns: shuffled labels, noise features, inputs that only name the stay. Planted fault: a label inside a
feature.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

import timelines
from small_runs import FIT
from wardround.evaluate.answer import answer
from wardround.evaluate.question import Question
from wardround.methods.registry import FITTED
from wardround.metrics.bootstrap import bootstrap_intervals
from wardround.metrics.discrimination import auroc
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train.run_folder import open_run
from wardround.train.supervised import train

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
SEEDS = max(3, round(50 * SCALE))
SMALL = ("loop.epochs=3", "loop.learning_rate=3e-3", "encoder.hidden=8", "encoder.embed=4", "min_stay_share=0.02")
DECODER = ("decoder.hidden=8", "decoder.heads=2", "decoder.layers=1", "decoder.mlp_hidden=8", "budget=4096")

GRID = (*SMALL[:2], "model.hidden=8", "min_stay_share=0.02")


def null_data(folder: Path, kind: str, seed: int, n: int = 360) -> Path:
    """A cohort whose deaths are drawn apart from everything a model may see."""
    rng = np.random.default_rng(seed)
    made = timelines.random_timelines(seed, n)
    stays = made.stays
    died = pl.Series(rng.random(stays.height) < 0.3)
    if kind == "shuffled":
        known = stays["died_in_hospital"].fill_null(False).to_numpy()
        died = pl.Series(rng.permutation(known | (rng.random(len(known)) < 0.2)))
    made = made.with_stays(died_in_hospital=died)
    if kind == "names only":
        first = stays.select("stay_id", minute=pl.lit(0.0), available=pl.lit(0.0))
        named = first.with_columns(
            modality=pl.lit("lab"), code=pl.lit("LAB//name//"), value=(pl.col("stay_id") % 97).cast(pl.Float32)
        )
        other = named.with_columns(modality=pl.lit("vitals"), code=pl.lit("VITAL//name//"))
        made = timelines.Timelines(pl.concat([named, other]), made.stays)
    return timelines.write_data(folder, made)


def area_interval(data: Path, to: Path, method: str, seed: int) -> tuple[float, float]:
    """The 95 % interval of the test AUROC of one training."""
    settings = GRID if method == "grud" else SMALL + (DECODER if method == "trajectory" else ())
    if method in FITTED:
        settings = (*FIT[method], "min_stay_share=0.02")
    train(method, data, "mortality", to, Window(), SplitPlan(seed, (1, 2)), None, settings, seed, quiet=True)
    asked = answer(open_run(to), data, Question("test"))
    frame = asked.cohort.frame
    label, subject = frame["label"].to_numpy().astype(int), frame["subject_id"].to_numpy()
    found = bootstrap_intervals({"auroc": auroc}, subject, label, asked.predictions.prediction, draws=400)["auroc"]
    assert found["low"] is not None
    assert found["high"] is not None
    return found["low"], found["high"]


def holds(interval: tuple[float, float]) -> bool:
    """Whether an interval holds 0.5."""
    return interval[0] <= 0.5 <= interval[1]


@pytest.mark.parametrize("method", ["mlp", "lstm", "trajectory", "grud", *FITTED])
def test_null_labels_are_not_predicted(method: str, tmp_path: Path) -> None:
    kinds = ("shuffled", "noise", "names only")
    held = []
    for seed in range(SEEDS):
        data = null_data(tmp_path / f"data-{seed}", kinds[seed % 3], seed)
        held.append(holds(area_interval(data, tmp_path / f"run-{seed}", method, seed)))
    least = int(binom.ppf(0.01, SEEDS, 0.94))
    print(f"{method}: {sum(held)} of {SEEDS} intervals hold 0.5 (at least {least} expected)")
    assert sum(held) >= least


def test_a_label_inside_a_feature_is_caught(tmp_path: Path) -> None:
    """Negative control: a lab that carries the outcome is predicted, and the checker says so."""
    made = timelines.random_timelines(7, 360)
    rng = np.random.default_rng(7)
    died = pl.Series(rng.random(made.stays.height) < 0.3)
    made = made.with_stays(died_in_hospital=died)
    leak = made.stays.select("stay_id", minute=pl.lit(0.0), available=pl.lit(0.0)).with_columns(
        modality=pl.lit("lab"), code=pl.lit("LAB//leak//"), value=died.cast(pl.Float32) * 9
    )
    columns = made.events.columns
    made = timelines.Timelines(pl.concat([made.events, leak.select(columns)]), made.stays)
    data = timelines.write_data(tmp_path / "data", made)
    for method in ("mlp", *FITTED):
        interval = area_interval(data, tmp_path / method, method, 7)
        assert not holds(interval)
        assert interval[0] > 0.5
