"""The strategies draw what the package takes."""

import sys

import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shape_checks import unchecked
from wardround.events import STAY_COLUMNS
from wardround.methods.registry import build_embedder
from wardround.models.modality_encoder import EncoderSettings, RowShape
from wardround.tasks.cohort import Window, cohort
from wardround.testing import strategies
from wardround.testing.timelines import EVENT

SHAPES = {"lab": RowShape(2, 3, 0), "medication": RowShape(2, 0, 4)}
SOME = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(autouse=True, scope="module")
def _unchecked():
    """The checker of types draws at random, which Hypothesis does not allow inside a strategy."""
    with unchecked():
        yield


@SOME
@given(strategies.events())
def test_events_are_of_one_stay_and_known_when_they_happen_or_later(events: pl.DataFrame):
    assert dict(events.schema) == EVENT
    assert events["stay_id"].n_unique() <= 1
    assert (events["available"] >= events["minute"]).all()


@SOME
@given(strategies.stays())
def test_stays_are_a_stays_parquet(stays: pl.DataFrame):
    assert dict(stays.schema) == STAY_COLUMNS
    assert stays["stay_id"].is_unique().all()
    assert cohort(stays, Window()).frame.height == stays.height  # without a task everybody is taken


@SOME
@given(st.data())
def test_masks_and_rows_have_their_shape(data: st.DataObject):
    assert data.draw(strategies.masks(3, 2)).shape == (3, 2)
    rows = data.draw(strategies.rows(SHAPES["lab"], 4))
    assert rows.shape == (4, SHAPES["lab"].width)
    assert (rows[:, :6][rows[:, 6:].repeat(1, 2) < 0.5] == 0).all()


@SOME
@given(strategies.batches(SHAPES))
def test_batches_are_embedded(batch):
    torch.manual_seed(0)
    embedder = build_embedder(SHAPES, EncoderSettings(hidden=4, embed=3, dropout=0.0)).eval()
    made = embedder.embed(batch.inputs, batch.observed)
    assert made.shape == (len(batch), 2, 3)
    assert made.isfinite().all()


def test_without_hypothesis_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, "wardround.testing.strategies")
    with pytest.raises(ImportError, match=r"pip install 'wardround\[testing\]'"):
        import wardround.testing.strategies  # noqa: F401
