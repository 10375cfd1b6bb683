"""The methods by name, in one literal table: settings, shape of input, how a model is built. Installed packages may add
to it (`extensions.py`)."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor, nn

from wardround.batches.store import InputSettings
from wardround.errors import ExtensionError, UsageError
from wardround.extensions import Registry
from wardround.methods.boosting import Boosting, BoostingSettings
from wardround.methods.grud import HOURLY, GRUDModel, GRUDSettings
from wardround.methods.logistic import Logistic, LogisticSettings
from wardround.methods.scores import ROWS
from wardround.methods.static import StaticModel, StaticSettings
from wardround.methods.table_model import HistoryRow, Kind, LabelledRows, TableModel
from wardround.methods.target import Target
from wardround.methods.teacher import TeacherSettings
from wardround.methods.trajectory import Trajectory, TrajectorySettings
from wardround.models.embedder import ModalityEmbedder
from wardround.models.evidence import LinearEvidence, read_width
from wardround.models.modality_encoder import EncoderSettings, build_encoder
from wardround.models.row_shape import RowShape
from wardround.tasks.task import Task

Shape = Literal["static", "sequence", "grid"]
"""What a method reads: "static" the state of a stay at the prediction time, "sequence" every event up to it, "grid" its
hours. Of each `train/predict.py` knows how it is batched and asked, so that a new method of a known shape needs no edit
there."""
Shapes = Mapping[str, RowShape]
"""Modality -> layout of its rows, in the vocabulary's order."""


@dataclass(frozen=True)
class Method:
    """A method that is trained.

    Attributes:
        name: as on the command line.
        settings: its settings class, with `positive_weight` and, by its shape, `batch_size` (stays), `budget` (padded
            events) or `size` (`GridSize`); with `encoder` where its models are built around encoders.
        model: its class; it has `loss(batch)` and `predict(batch)`, and names its `shape`; of a grid it keeps its
            settings as `settings`.
        build: layout of the rows, embedder (None where it has no encoders), task, settings, first bias of the head (of
            a task of several answers a tensor of them) -> model.
        summary: one line.
        inputs: what it reads where nothing else is asked for.
        teacher: who helps to teach it where nothing else is asked for.
        needs_numbers: whether its models cannot be without a number among their inputs.
        epochs, patience: of its training where nothing else is asked for; the learning rate falls to 0 over the epochs.
    """

    name: str
    settings: type
    model: type[nn.Module]
    build: Callable[[Shapes, Any, Task, Any, Any], nn.Module]
    summary: str
    inputs: InputSettings = field(default_factory=InputSettings)
    teacher: TeacherSettings = field(default_factory=TeacherSettings)
    epochs: int = 100
    patience: int = 10
    needs_numbers: bool = False

    @property
    def shape(self) -> Shape:
        """How its models are fed and asked. Raises `ExtensionError` where its class names none."""
        shape: Any = getattr(self.model, "shape", None)
        if shape not in get_args(Shape):
            known = ", ".join(get_args(Shape))
            raise ExtensionError(f"method {self.name}: {self.model.__name__} must name its `shape`, one of {known}.")
        return shape

    @property
    def encodes(self) -> bool:
        """Whether its models are built around encoders of the modalities."""
        return any(setting.name == "encoder" for setting in fields(self.settings))

    def refuse_without_numbers(self, modalities: Collection[str], numbers: bool) -> None:
        """Raises `UsageError` where it needs a number and none of what it would read, of these modalities, is one."""
        if self.needs_numbers and not numbers:
            raise UsageError(
                f"{self.name} reads numbers, and {', '.join(modalities)} have none that is a feature. Name other "
                "modalities (inputs.modalities), or take a method that reads codes alone (mlp, boosting)."
            )


def _static(
    fusion: Literal["mlp", "lstm"],
) -> Callable[[Shapes, ModalityEmbedder, Task, StaticSettings, float | Tensor], nn.Module]:
    def build(
        shapes: Shapes, embedder: ModalityEmbedder, task: Task, settings: StaticSettings, start: float | Tensor
    ) -> nn.Module:
        target = Target.of(task, settings.positive_weight)
        evidence = _evidence(shapes, embedder, settings.encoder, settings.evidence, target.n_labels)
        return StaticModel(embedder, fusion, target, settings, start, float(task.published_risk), evidence)

    return build


def _trajectory(
    shapes: Shapes, embedder: ModalityEmbedder, task: Task, settings: TrajectorySettings, start: float | Tensor
) -> nn.Module:
    target = Target.of(task, settings.positive_weight)
    evidence = _evidence(shapes, embedder, settings.encoder, settings.evidence, target.n_labels)
    return Trajectory(embedder, target, settings, start, task.falls, float(task.published_risk), evidence)


def _evidence(
    shapes: Shapes, embedder: ModalityEmbedder, encoder: EncoderSettings, there: bool, n_labels: int
) -> LinearEvidence | None:
    """The linear term on what the encoders read first; on the rows themselves for an encoder of a package."""
    if not there:
        return None
    widths = {name: read_width(embedder.encoders[name], shape) for name, shape in shapes.items()}
    return LinearEvidence(widths, encoder.input_dropout, n_labels)


def _grud(shapes: Shapes, _: None, task: Task, settings: GRUDSettings, start: float | Tensor) -> nn.Module:
    return GRUDModel(shapes, Target.of(task, settings.positive_weight), settings, start, task.falls)


TAUGHT: Final = TeacherSettings(share=0.5)
"""Chosen inside set a of the Challenge 2012 (LOG.md)."""

METHODS: Final[dict[str, Method]] = {
    method.name: method
    for method in (
        Method(
            "mlp",
            StaticSettings,
            StaticModel,
            _static("mlp"),
            "modality embeddings, concatenated, MLP (arXiv 2604.18753)",
            teacher=TAUGHT,
        ),
        Method(
            "lstm",
            StaticSettings,
            StaticModel,
            _static("lstm"),
            "modality embeddings as a sequence, LSTM (arXiv 2604.18753)",
            teacher=TAUGHT,
        ),
        Method(
            "trajectory",
            TrajectorySettings,
            Trajectory,
            _trajectory,
            "events and [PREDICT] through a causal decoder (arXiv 2604.18753)",
            teacher=TAUGHT,
            epochs=20,
            patience=5,
        ),
        Method(
            "grud",
            GRUDSettings,
            GRUDModel,
            _grud,
            "hours through a GRU that decays with the time since each number was observed (arXiv 1606.01865)",
            HOURLY,
            needs_numbers=True,
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


KNOWN_METHODS: Final[Registry[Method | FittedMethod]] = Registry(
    "methods", "method", {**METHODS, **FITTED}, (Method, FittedMethod), (*ROWS, "alignment")
)
"""And those of installed packages; rows and the pretraining are no methods of this table, but have their names."""


def find_method(name: str) -> Method | FittedMethod:
    """The method of that name. Raises `UsageError` listing those that exist, `ExtensionError` for a broken package."""
    return KNOWN_METHODS.find(name)


def build_embedder(
    shapes: dict[str, RowShape], encoder: EncoderSettings, edges: dict[str, torch.Tensor] | None = None
) -> ModalityEmbedder:
    """Encoders and missing tokens for the modalities of a vocabulary.

    Args:
        shapes: modality -> layout of its rows, in the vocabulary's order.
        encoder: kind and size.
        edges: modality -> quantile edges from training rows, where the kind needs them.
    """
    encoders = {name: build_encoder(shape, encoder, (edges or {}).get(name)) for name, shape in shapes.items()}
    return ModalityEmbedder(encoders, encoder.embed)
