"""With a positive weight the plain validation loss decided when to stop: it was lowest before the first step."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from small_runs import small_data, trained
from wardround.evaluate.answer import answer
from wardround.evaluate.question import Question
from wardround.train.run_folder import open_run


def test_the_loss_that_is_trained_decides(tmp_path: Path):
    data = small_data(tmp_path / "data")
    trained("mlp", data, tmp_path / "run", "positive_weight=13")
    asked = answer(open_run(tmp_path / "run"), data, Question("val"), quiet=True)
    label, prob = asked.cohort.frame["label"].to_numpy(), asked.predictions.prediction
    assert 0 < label.sum() < len(label)
    losses = np.where(label == 1, -13 * np.log(prob), -np.log1p(-prob))
    history = pl.read_parquet(tmp_path / "run" / "history.parquet")
    assert history["val_loss"].min() == pytest.approx(losses.mean(), rel=1e-5)
    assert not math.isclose(losses.mean(), np.where(label == 1, -np.log(prob), -np.log1p(-prob)).mean(), rel_tol=0.1)
