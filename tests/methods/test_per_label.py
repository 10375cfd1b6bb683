"""One model a label: each as if it were alone; a label that does not vary; weights of another shape."""

import os
import signal
from typing import Any

import numpy as np
import pytest
import torch

from wardround.errors import RunError
from wardround.methods.boosting import Boosting, BoostingSettings
from wardround.methods.logistic import Logistic, LogisticSettings
from wardround.methods.per_label import PerLabel
from wardround.methods.table_model import LabelledRows
from wardround.metrics.discrimination import auroc
from wardround.stopping import Stopped, stop_on_sigterm

FEW = {
    "boosting": (Boosting, BoostingSettings(rounds=10, min_leaf_stays=5, threads=1)),
    "logistic": (Logistic, LogisticSettings(penalties=(1.0, 0.1))),
}


def rows(seed: int, stays: int = 120) -> LabelledRows:
    """The first label follows the first column, the second is its opposite, the third never happens."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(stays, 4)).astype(np.float32)
    first = (values[:, 0] + rng.normal(size=stays) > 0).astype(float)
    return LabelledRows(values, np.stack([first, 1 - first, np.zeros(stays)], axis=1))


@pytest.mark.parametrize("name", FEW)
def test_each_label_has_the_model_that_it_would_have_alone(name: str):
    method, settings = FEW[name]
    train, val = rows(0), rows(1)
    made, histories = PerLabel.fit(method.fit, train, val, settings, 3, True)
    predicted = made.predict(val.values)
    for place in (0, 1):
        learn, watch = (LabelledRows(side.values, side.label[:, place]) for side in (train, val))
        alone, history = method.fit(learn, watch, "binary", settings, 3, True)
        assert (predicted[:, place] == alone.predict(val.values)).all()
        assert histories[place] == history
    assert auroc(val.label[:, 0], predicted[:, 0]) > 0.65


@pytest.mark.parametrize("name", FEW)
def test_a_label_that_does_not_vary_is_said_with_its_share_held_off_0_and_1(name: str):
    method, settings = FEW[name]
    made, histories = PerLabel.fit(method.fit, rows(0), rows(1), settings, 3, True)
    assert set(made.predict(rows(2).values)[:, 2]) == {0.001}
    assert histories[2] == []


@pytest.mark.parametrize("name", FEW)
def test_what_was_kept_says_the_same(name: str):
    method, settings = FEW[name]
    made, _ = PerLabel.fit(method.fit, rows(0), rows(1), settings, 3, True)
    again = PerLabel.load(method.load, made.state_dict(), settings, 4, 3)
    assert (again.predict(rows(2).values) == made.predict(rows(2).values)).all()


def test_sigterm_is_heard_between_labels():
    """Whether or not the method listens while it is fitted."""
    fits: list[int] = []

    def fit(*given: Any) -> Any:
        fits.append(1)
        os.kill(os.getpid(), signal.SIGTERM)
        return Logistic.fit(*given)

    with stop_on_sigterm(), pytest.raises(Stopped, match="Run the same command again"):
        PerLabel.fit(fit, rows(0), rows(1), FEW["logistic"][1], 3, True)
    assert len(fits) == 1


def test_weights_of_other_labels_are_refused():
    made, _ = PerLabel.fit(Logistic.fit, rows(0), rows(1), FEW["logistic"][1], 3, True)
    kept, settings = made.state_dict(), FEW["logistic"][1]
    with pytest.raises(RunError, match="not those of 4 labels"):
        PerLabel.load(Logistic.load, kept, settings, 4, 4)
    for wrong in (torch.tensor(1.5), torch.tensor(float("nan")), torch.zeros(2)):
        with pytest.raises(RunError, match="a share that is none"):
            PerLabel.load(Logistic.load, kept | {"2.share": wrong}, settings, 4, 3)
