"""Stays made ready for one model: their events, frozen encoders already run; or a row's own numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from wardround.batches.embedding_cache import cached_embeddings
from wardround.batches.store import EventStore
from wardround.methods.scores import ScoreSettings, predict_elapsed, predict_points
from wardround.tasks.cohort import Cohort
from wardround.tasks.task import Task
from wardround.train.clinical_scores import clinical_scores
from wardround.train.data import OpenData
from wardround.train.published_scores import published_scores


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
        """For a model that reads events; where it names `frozen_encoders`, they are run here, once."""
        frozen: Mapping[str, nn.Module] = getattr(model, "frozen_encoders", {})
        if frozen:
            store = embedded(store, frozen, data.folder / "cache" / "embeddings")
        return cls(cohort, store, prediction_hours(cohort))

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
            row = predict_elapsed(data.elapsed_h(cohort), fitted["edges"], fitted["values"])
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


def embedded(store: EventStore, encoders: Mapping[str, nn.Module], cache: Path, block: int = 65_536) -> EventStore:
    """The store with every event through its modality's encoder, once and without dropout, kept in `cache` by hash."""
    content = {}
    for name in store.modalities:
        encoder = encoders[name].eval()

        @torch.no_grad()
        def embed(rows: np.ndarray, encoder: nn.Module = encoder) -> np.ndarray:
            # one part at least: no row at all still has the width of an embedding
            parts = [rows[begin : begin + block] for begin in range(0, max(len(rows), 1), block)]
            return np.concatenate([encoder(torch.from_numpy(np.array(part))).numpy() for part in parts])

        weights = {key: value.numpy() for key, value in encoder.state_dict().items()}
        content[name] = cached_embeddings(cache, weights, store.content[name], embed)
    return replace(store, content=content)
