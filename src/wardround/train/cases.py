"""Stays made ready for one model: their events, frozen encoders already run; or a row's own numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import nn

from wardround.batches.store import EventStore
from wardround.methods.scores import ScoreSettings, predict_elapsed, predict_points
from wardround.tasks.cohort import Cohort
from wardround.tasks.task import Task
from wardround.train.clinical_scores import points_of
from wardround.train.data import OpenData
from wardround.train.embedded import embedded, frozen_parts
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
    def of(cls, data: OpenData, cohort: Cohort, store: EventStore, model: nn.Module, quiet: bool = True) -> "Cases":
        """For a model that reads events; where it names `frozen_encoders`, or the backbones of some are frozen, they
        are run here, once."""
        cache = data.folder / "cache" / "embeddings"
        return cls(cohort, embedded(store, frozen_parts(model), cache, quiet=quiet), prediction_hours(cohort))

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
            return cls.of_points(cohort, points_of(data, cohort, settings.of, quiet), fitted)
        else:
            row = published_scores(data, cohort, task)
        return cls(cohort, None, at_h, row)

    @classmethod
    def of_points(cls, cohort: Cohort, points: Float[np.ndarray, "stay"], fitted: Mapping[str, Any]) -> "Cases":
        """For a score of these points, by what they mean on the training stays."""
        row = predict_points(points, fitted["slope"], fitted["intercept"])
        return cls(cohort, None, prediction_hours(cohort), row)
