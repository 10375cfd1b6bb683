"""Trees that start at a published equation: what they are added to, and that it comes back from its tensor."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from wardround.errors import RunError
from wardround.methods.boosting import START, Boosting, BoostingSettings
from wardround.methods.published_start import PublishedStart
from wardround.methods.table_model import LabelledRows, mean_loss

SETTINGS = BoostingSettings(rounds=60, patience=10, learning_rate=0.1, min_leaf_stays=20, threads=1)
COLUMN = 2


def rows(seed: int, stays: int = 300) -> LabelledRows:
    """Column 2 holds twice the true log odds, where it holds any; the others are noise."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(stays, 12)).astype(np.float32)
    odds = rng.normal(-2, 1.5, stays)
    values[:, COLUMN] = 2 * odds
    values[rng.random(stays) < 0.1, COLUMN] = np.nan
    label = (rng.random(stays) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    return LabelledRows(values, label, COLUMN)


def fitted(train: LabelledRows, settings: BoostingSettings = SETTINGS) -> Boosting:
    return Boosting.fit(train, rows(2), "binary", settings, 0, True)[0]


def loss(model: Boosting, seen: LabelledRows) -> float:
    chance = model.predict(seen.values)
    return mean_loss("binary", np.log(chance / (1 - chance)), seen.label)


def test_the_equation_is_recalibrated_and_others_start_at_the_rate():
    start = PublishedStart.fit(rows(1, 20_000))
    assert start is not None
    assert start.scale == pytest.approx(0.5, abs=0.05)
    assert start.shift == pytest.approx(0, abs=0.15)
    values = rows(3).values[:2].copy()
    values[:, COLUMN] = [np.nan, 4]
    rate = rows(1, 20_000).label.mean()
    assert start.of(values) == pytest.approx([np.log(rate / (1 - rate)), start.scale * 4 + start.shift])


def test_trees_are_added_to_it():
    """Few stays and much noise: what trees have to find out themselves, they find out worse."""
    train, seen = rows(1), rows(4, 4_000)
    model, column_alone = fitted(train), fitted(train, replace(SETTINGS, start=False))
    assert model.start == PublishedStart.fit(train)
    assert column_alone.start is None
    assert loss(model, seen) < loss(column_alone, seen) - 0.01


@pytest.mark.parametrize("why", ["no column", "nobody died", "hours"])
def test_no_start_where_there_is_none(why: str):
    train = rows(1)
    if why == "no column":
        assert fitted(replace(train, published=None)).start is None
    elif why == "nobody died":
        assert PublishedStart.fit(replace(train, label=np.zeros(300))) is None
    else:
        assert Boosting.fit(train, rows(2), "hours", SETTINGS, 0, True)[0].start is None


def test_it_comes_back_from_its_tensors():
    model, seen = fitted(rows(1)), rows(4)
    again = Boosting.load(model.state_dict(), "binary", SETTINGS, 12)
    assert again.start == model.start
    assert (again.predict(seen.values) == model.predict(seen.values)).all()


@pytest.mark.parametrize(
    "kept",
    [
        torch.tensor([12.0, 1, 0, 0], dtype=torch.float64),
        torch.tensor([-1.0, 1, 0, 0], dtype=torch.float64),
        torch.tensor([1.5, 1, 0, 0], dtype=torch.float64),
        torch.tensor([1.0, float("nan"), 0, 0], dtype=torch.float64),
        torch.tensor([1.0, 1, 0], dtype=torch.float64),
        torch.tensor([1.0, 1, 0, 0], dtype=torch.float32),
    ],
)
def test_a_start_that_is_none_is_refused(kept: torch.Tensor):
    tensors = {**fitted(rows(1)).state_dict(), START: kept}
    with pytest.raises(RunError, match="Train again"):
        Boosting.load(tensors, "binary", SETTINGS, 12)
