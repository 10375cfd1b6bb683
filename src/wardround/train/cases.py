"""Stays made ready for one model: their events, frozen encoders already run; or a row's own numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from wardround.batches.documents import DOCUMENTS
from wardround.batches.embedding_cache import cached_embeddings
from wardround.batches.growing_array import GrowingArray
from wardround.batches.store import EventStore
from wardround.methods.scores import ScoreSettings, predict_elapsed, predict_points
from wardround.models.document_encoder import read_rows
from wardround.models.embedder import ModalityEmbedder
from wardround.models.note_encoder import BertReader
from wardround.models.picture_encoder import PictureReader
from wardround.tasks.cohort import Cohort
from wardround.tasks.task import Task
from wardround.train.clinical_scores import clinical_scores
from wardround.train.data import OpenData
from wardround.train.published_scores import published_scores

WIDE_BYTES: Final = 16 << 20
"""Of tokens or pixels that an encoder is given at a time."""
ROWS_AT_ONCE: Final = 256
EVENTS_AT_ONCE: Final = 1 << 20


def prediction_hours(cohort: Cohort) -> Float[np.ndarray, "stay"]:
    """Hours from unit admission to the prediction time, by stay."""
    return (cohort.frame["prediction_time"] - cohort.frame["start"]).dt.total_minutes().to_numpy() / 60


@dataclass(frozen=True)
class Cases:
    """Stays ready for one model.

    Attributes:
        cohort: whose.
        store: their events, already embedded where the model's encoders are frozen; None for a row.
        at_h: hours from unit admission to the prediction.
        row: predictions of a row that learns nothing; NaN where a stay has none.
    """

    cohort: Cohort
    store: EventStore | None
    at_h: Float[np.ndarray, "stay"]
    row: Float[np.ndarray, "stay"] = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, data: OpenData, cohort: Cohort, store: EventStore, model: nn.Module) -> "Cases":
        """For a model that reads events; where it names `frozen_encoders`, or the backbones of some are frozen, they
        are run here, once."""
        return cls(
            cohort, embedded(store, frozen_parts(model), data.folder / "cache" / "embeddings"), prediction_hours(cohort)
        )

    @classmethod
    def of_row(
        cls,
        data: OpenData,
        cohort: Cohort,
        name: str,
        task: Task,
        fitted: Mapping[str, Any],
        settings: ScoreSettings | None = None,
        quiet: bool = True,
    ) -> "Cases":
        """For `score`, with its settings, and `elapsed`."""
        at_h = prediction_hours(cohort)
        if name == "elapsed":
            row = cohort.whole(predict_elapsed(data.elapsed_h(cohort), fitted["edges"], fitted["values"]))
        elif settings is not None:
            return cls.of_points(cohort, clinical_scores(data, cohort, settings.of, quiet), fitted)
        else:
            row = published_scores(data, cohort, task)
        return cls(cohort, None, at_h, row)

    @classmethod
    def of_points(cls, cohort: Cohort, points: Float[np.ndarray, "stay"], fitted: Mapping[str, Any]) -> "Cases":
        """For a score of these points, by what they mean on the training stays."""
        row = predict_points(points, fitted["slope"], fitted["intercept"])
        return cls(cohort, None, prediction_hours(cohort), row)


def frozen_parts(model: nn.Module) -> Mapping[str, nn.Module]:
    """By modality what does not learn and comes first: whole encoders, or their backbones."""
    whole: Mapping[str, nn.Module] = getattr(model, "frozen_encoders", {})
    embedder = model if isinstance(model, ModalityEmbedder) else getattr(model, "embedder", None)
    return whole or (embedder.frozen_backbones if isinstance(embedder, ModalityEmbedder) else {})


def embedded(store: EventStore, encoders: Mapping[str, nn.Module], cache: Path, block: int = 65_536) -> EventStore:
    """The store with every event through its modality's encoder, once and without dropout, kept in `cache` by hash.

    Args:
        store: events; what these encoders made of them takes the place of their rows.
        encoders: by modality; the rows of others stay.
        cache: the folder of embeddings.
        block: rows that are read at a time at most, and fewer where they are wide.
    """
    for index, name in enumerate(store.modalities):
        if name not in encoders:
            continue
        encoder, part = encoders[name].eval(), block
        read: Callable[[torch.Tensor], torch.Tensor] = encoder
        if name in DOCUMENTS:
            store = _only_used(store, index, name, cache.parent)
            part = max(1, min(block, WIDE_BYTES // max(store.content[name][:1].nbytes, 1)))
            read = partial(read_rows, encoder, frozen=True)
        content, embed = store.content[name], partial(_read_by_parts, read, part)
        weights = {key: value.numpy() for key, value in encoder.state_dict().items()}
        beside = [module.said for module in encoder.modules() if isinstance(module, (BertReader, PictureReader))]
        made = cached_embeddings(cache, weights, content, embed, beside)
        store = replace(store, content={**store.content, name: made})
    return store


@torch.no_grad()
def _read_by_parts(read: Callable[[torch.Tensor], torch.Tensor], part: int, rows: np.ndarray) -> np.ndarray:
    """What is read of some rows, a part of them at a time; one part at least, for no row still has a width."""
    parts = [rows[begin : begin + part] for begin in range(0, max(len(rows), 1), part)]
    return np.concatenate([read(torch.from_numpy(np.array(each))).numpy() for each in parts])


def _only_used(store: EventStore, index: int, name: str, folder: Path) -> EventStore:
    """The store with the rows of a modality of documents that its stays have, each once: the others, which come later
    or are of other stays, need not be run through anything."""
    content, events = store.content[name], range(0, len(store.row), EVENTS_AT_ONCE)
    used = np.zeros(len(content) + 1, bool)  # the last place takes what is missing
    used[store.last[:, index]] = True
    for begin in events:
        part = slice(begin, begin + EVENTS_AT_ONCE)
        used[store.row[part][store.modality[part] == index]] = True
    used[-1] = False
    rows, place = np.flatnonzero(used), np.cumsum(used) - 1
    with GrowingArray(folder, content.dtype.type, content.shape[1:]) as kept, GrowingArray(folder, np.int64) as row:
        for begin in range(0, len(rows), ROWS_AT_ONCE):
            kept.add(content[rows[begin : begin + ROWS_AT_ONCE]])
        for begin in events:
            part = slice(begin, begin + EVENTS_AT_ONCE)
            mine, of_event = store.modality[part] == index, store.row[part].copy()
            of_event[mine] = place[of_event[mine]]
            row.add(of_event)
        last = store.last.copy()
        last[:, index] = np.where(last[:, index] < 0, -1, place[last[:, index]])
        return replace(store, row=row.finish(), last=last, content={**store.content, name: kept.finish()})
