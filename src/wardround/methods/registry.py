"""The methods by name, in one literal table: settings, shape of input, how a model is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import torch
from torch import nn

from wardround.errors import UsageError
from wardround.methods.boosting import Boosting, BoostingSettings
from wardround.methods.logistic import Logistic, LogisticSettings
from wardround.methods.scores import ROWS
from wardround.methods.static import StaticModel, StaticSettings
from wardround.methods.table_model import HistoryRow, Kind, LabelledRows, TableModel
from wardround.methods.target import Target
from wardround.methods.trajectory import Trajectory, TrajectorySettings
from wardround.models.embedder import ModalityEmbedder
from wardround.models.modality_encoder import EncoderSettings, ModalityEncoder, RowShape
from wardround.tasks.task import Task

Shape = Literal["static", "sequence"]
"""What a method reads: "static" the state of a stay at the prediction time, "sequence" every event up to it. Of each
`train/predict.py` knows how it is batched and asked, so that a new method of a known shape needs no edit there."""


@dataclass(frozen=True)
class Method:
    """A method that is trained.

    Attributes:
        name: as on the command line.
        settings: its settings class.
        model: its class; it has `loss(batch)` and `predict(batch)`, and names its `shape`.
        build: embedder, task, settings, first bias of the head -> model.
        summary: one line.
    """

    name: str
    settings: type
    model: type[StaticModel] | type[Trajectory]
    build: Callable[[ModalityEmbedder, Task, Any, float], nn.Module]
    summary: str

    @property
    def shape(self) -> Shape:
        """How its models are fed and asked."""
        return self.model.shape


def _static(fusion: Literal["mlp", "lstm"]) -> Callable[[ModalityEmbedder, Task, StaticSettings, float], nn.Module]:
    def build(embedder: ModalityEmbedder, task: Task, settings: StaticSettings, start: float) -> nn.Module:
        target = Target(task.kind, settings.positive_weight)
        return StaticModel(embedder, fusion, target, settings, start, float(task.published_risk))

    return build


def _trajectory(embedder: ModalityEmbedder, task: Task, settings: TrajectorySettings, start: float) -> nn.Module:
    target = Target(task.kind, settings.positive_weight)
    return Trajectory(embedder, target, settings, start, task.falls, float(task.published_risk))


METHODS: Final[dict[str, Method]] = {
    method.name: method
    for method in (
        Method(
            "mlp",
            StaticSettings,
            StaticModel,
            _static("mlp"),
            "modality embeddings, concatenated, MLP (arXiv 2604.18753)",
        ),
        Method(
            "lstm",
            StaticSettings,
            StaticModel,
            _static("lstm"),
            "modality embeddings as a sequence, LSTM (arXiv 2604.18753)",
        ),
        Method(
            "trajectory",
            TrajectorySettings,
            Trajectory,
            _trajectory,
            "events and [PREDICT] through a causal decoder (arXiv 2604.18753)",
        ),
    )
}
"""The methods that learn in the loop. `score` and `elapsed` do not learn weights and stand in `scores.py`."""


@dataclass(frozen=True)
class FittedMethod:
    """A method that is fitted whole, on a table of stays, outside the loop.

    Attributes:
        name: as on the command line.
        settings: its settings class.
        fit: training rows, validation rows, kind of task, settings, seed, quiet -> model and history.
        load: tensors of its `state_dict`, kind of task, settings, columns of its table -> model; raises `RunError`.
        summary: one line.
    """

    name: str
    settings: type
    fit: Callable[[LabelledRows, LabelledRows, Kind, Any, int, bool], tuple[TableModel, list[HistoryRow]]]
    load: Callable[[Mapping[str, torch.Tensor], Kind, Any, int], TableModel]
    summary: str


FITTED: Final[dict[str, FittedMethod]] = {
    method.name: method
    for method in (
        FittedMethod(
            "boosting",
            BoostingSettings,
            Boosting.fit,
            Boosting.load,
            "gradient-boosted trees on summaries of each stay (LightGBM, NeurIPS 2017)",
        ),
        FittedMethod(
            "logistic",
            LogisticSettings,
            Logistic.fit,
            Logistic.load,
            "ridge regression on summaries of each stay: logistic, or of log(1 + hours)",
        ),
    )
}
"""The methods that are fitted whole."""


def find_method(name: str) -> Method:
    """The method of that name. Raises `UsageError` listing those that exist."""
    if name not in METHODS:
        raise UsageError(f"no method {name!r}. There are: {', '.join((*METHODS, *FITTED, *ROWS))}.")
    return METHODS[name]


def build_embedder(
    shapes: dict[str, RowShape], encoder: EncoderSettings, edges: dict[str, torch.Tensor] | None = None
) -> ModalityEmbedder:
    """Encoders and missing tokens for the modalities of a vocabulary.

    Args:
        shapes: modality -> layout of its rows, in the vocabulary's order.
        encoder: kind and size.
        edges: modality -> quantile edges from training rows, where the kind needs them.
    """
    encoders = {name: ModalityEncoder(shape, encoder, (edges or {}).get(name)) for name, shape in shapes.items()}
    return ModalityEmbedder(encoders, encoder.embed)
