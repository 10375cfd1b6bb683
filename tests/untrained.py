"""Small models of every method with random weights, for tests that ask what a model may see rather than what it
learned.

The head of a trajectory model starts at zero, so that its beliefs would not move whatever happened: all weights are
drawn anew.
"""

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from wardround.batches.static import static_batch
from wardround.batches.store import EventStore, Featuriser
from wardround.methods.alignment import Alignment
from wardround.methods.grud import GRUDSettings
from wardround.methods.registry import FITTED, METHODS, build_embedder
from wardround.methods.static import StaticSettings
from wardround.methods.table_model import LabelledRows, TableModel
from wardround.methods.trajectory import TrajectorySettings
from wardround.models.decoder import DecoderSettings
from wardround.models.embedder import ModalityEmbedder
from wardround.models.modality_encoder import EncoderSettings
from wardround.models.note_encoder import NoteEncoderSettings
from wardround.models.picture_encoder import PictureEncoderSettings
from wardround.tasks.task import Task
from wardround.train.data import bin_edges, row_shapes

if TYPE_CHECKING:
    from leak_detector import View

KINDS = ("tabular", "quantile", "both", "set")
DECODER = DecoderSettings(hidden=16, layers=2, heads=2, mlp_hidden=24, dropout=0.2)


def encoder_settings(kind: str) -> EncoderSettings:
    text, image = NoteEncoderSettings(word_width=8), PictureEncoderSettings(depth="10", channels=4)
    return EncoderSettings(kind=kind, hidden=16, embed=8, bins=4, text=text, image=image)


def random_embedder(featuriser: Featuriser, store: EventStore, kind: str, seed: int = 0) -> ModalityEmbedder:
    """Encoders and tokens as they start; quantile edges from all of `store`."""
    torch.manual_seed(seed)
    shapes, settings = row_shapes(featuriser), encoder_settings(kind)
    edges = bin_edges(store, np.arange(len(store.stay_ids)), shapes, settings)
    return build_embedder(shapes, settings, edges)


def aligned_embedder(
    featuriser: Featuriser, store: EventStore, kind: str, seed: int = 0, steps: int = 5
) -> ModalityEmbedder:
    """Encoders and tokens after some steps of alignment on `store`."""
    alignment = Alignment(random_embedder(featuriser, store, kind, seed))
    optimizer = torch.optim.Adam(alignment.parameters(), 1e-2)
    nothing = np.zeros(len(store.stay_ids))
    batch = static_batch(store, np.arange(len(nothing)), nothing, np.arange(min(64, len(nothing))))
    for _ in range(steps):
        optimizer.zero_grad()
        alignment.loss(batch)[0].backward()
        optimizer.step()
    return alignment.embedder.eval()


def untrained(
    method: str, task: Task, embedder: ModalityEmbedder, kind: str, frozen: bool = False, seed: int = 0
) -> nn.Module:
    """A model of a method around an embedder, its own weights random, in eval mode; one without encoders takes the
    layout of its rows alone."""
    torch.manual_seed(seed)
    if METHODS[method].shape == "static":
        settings = StaticSettings(encoder=encoder_settings(kind), hidden=16, train_encoders=not frozen)
    elif METHODS[method].shape == "grid":
        settings = GRUDSettings(hidden=DECODER.hidden)
    else:
        settings = TrajectorySettings(encoder=encoder_settings(kind), decoder=DECODER, train_encoders=not frozen)
    start = 0.3 if task.kind == "binary" else 3.0  # some 19 hours: predictions are not cut off at 0
    shapes = {name: encoder.shape for name, encoder in embedder.encoders.items()}
    model = METHODS[method].build(shapes, embedder if METHODS[method].encodes else None, task, settings, start)
    if hasattr(model, "head"):
        nn.init.normal_(model.head.weight, std=DECODER.hidden**-0.5)
    if getattr(model, "evidence", None) is not None:
        for layer in model.evidence.weights.values():
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
    return model.eval()


def fitted_whole(method: str, seen: "View", label: np.ndarray | None = None) -> TableModel:
    """A model of a method that is fitted whole, on labels of the stays of a view, chance ones where none are given:
    what it may see is asked, not what it learned."""
    rng = np.random.default_rng(7)
    kind, n = seen.task.kind, len(seen.table.values)
    chance = (rng.random(n) < 0.4).astype(np.float64) if kind == "binary" else rng.exponential(90, n)
    rows = LabelledRows(seen.table.values, chance if label is None else label)
    chosen = FITTED[method]
    small = {"boosting": {"rounds": 60, "min_leaf_stays": 5}, "logistic": {"penalties": (1.0,)}}
    return chosen.fit(rows, rows, kind, chosen.settings(**small[method]), 0, True)[0]


def variants() -> Iterator[tuple[str, bool]]:
    """Every encoder kind, random and trained with the model, or aligned and frozen (the paper's)."""
    return product(KINDS, (False, True))


def output(task: Task, prediction: np.ndarray, passed_h: float = 0.0) -> np.ndarray:
    """A prediction on the scale on which models are compared: a probability, or log(1 + hours), the hours that have
    passed counted in again where the label falls."""
    if task.kind == "binary":
        return prediction
    return np.log1p(prediction + (passed_h if task.falls else 0.0))
