"""GRU-D: a recurrent network to which missingness is an input: Che, Purushotham, Cho, Sontag, Liu, Recurrent Neural
Networks for Multivariate Time Series with Missing Values, Scientific Reports 8:6085, 2018 (arXiv 1606.01865).

    x_1, m_1, delta_1 ... x_T, m_T, delta_T -> GRU with decays (`models/gru_d.py`) -> head

x holds every number of the vocabulary at each hour up to the prediction time (the last value of the hour, z-scored on
training stays), m which were observed, delta the hours since. What differs (ours): the head is read after every hour
and the loss taken at each (`weighting=uniform`; `last` is printed); codes without a number (demographics, diagnoses,
drugs) are given to the head, those known by the hour, unless `codes=false`; dropout stands before the head, and there
is neither recurrent dropout nor batch normalisation; the mean that inputs decay to is that of the training stays' last
values; decays are of days. Stays longer than `hours` keep their latest ones. It has no encoders, so that `--encoders`
does not apply.

    wardround train grud --data DATA --task mortality --to RUN
    wardround evaluate RUN --data DATA --to DIR
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wardround.batches.content import ContentSettings
from wardround.batches.grid import GridBatch, GridSize
from wardround.batches.store import InputSettings
from wardround.errors import UsageError
from wardround.events import INPUT_MODALITIES
from wardround.methods.target import Target
from wardround.models.checks import check_probs, check_widths
from wardround.models.dropout import Dropout
from wardround.models.gru_d import GRUD
from wardround.models.modality_encoder import RowShape

HOURLY = InputSettings(
    content=ContentSettings(summaries=("last",), running=False, hourly=INPUT_MODALITIES, max_events=8192)
)
"""What GRU-D reads where nothing else is asked for: the last value of each hour, of the hour alone."""


@dataclass(frozen=True)
class GRUDSettings:
    """Settings of `grud`.

    Attributes:
        hidden: width of the state.
        dropout: before the head, in training.
        codes: give the head the codes without a number (ours); False is the printed model.
        weighting: "uniform" over all hours of a stay, or "last".
        positive_weight: of deaths in the loss.
        hours: the latest hours of a stay that are read; what came before them stands in the first.
        budget: padded hours a batch.

    Raises:
        UsageError: at construction, for a size below 1 or a chance outside [0, 1).
    """

    hidden: int = 32
    dropout: float = 0.3
    codes: bool = True
    weighting: Literal["uniform", "last"] = "uniform"
    positive_weight: float = 1.0
    hours: int = 240
    budget: int = 1600

    def __post_init__(self) -> None:
        check_widths(hidden=self.hidden, hours=self.hours, budget=self.budget)
        check_probs(dropout=self.dropout)

    @property
    def size(self) -> GridSize:
        """Of the grids that it learns from."""
        return GridSize(self.budget, self.hours)


class GRUDModel(nn.Module):
    """GRU-D and a head that is read after every hour.

    Args:
        shapes: modality -> layout of its rows.
        target: what the head learns.
        settings: sizes.
        start: first bias of the head, or of each of its outputs.
        falls: whether the label shrinks by an hour with each hour that passes.

    Raises:
        UsageError: where no modality has a number.
    """

    shape: ClassVar[Literal["grid"]] = "grid"

    def __init__(
        self,
        shapes: Mapping[str, RowShape],
        target: Target,
        settings: GRUDSettings,
        start: float | Tensor = 0.0,
        falls: bool = False,
    ) -> None:
        super().__init__()
        self.target, self.settings, self.falls = target, settings, falls
        numbers = sum(shape.numbers * shape.summaries for shape in shapes.values())
        codes = sum(shape.codes for shape in shapes.values()) if settings.codes else 0
        if not numbers:
            raise UsageError(f"grud reads numbers, and {', '.join(shapes)} have none: give inputs.modalities others.")
        self.grud = GRUD(numbers, settings.hidden)
        self.dropout = Dropout(settings.dropout)
        self.known = nn.Linear(codes, settings.hidden) if codes else None
        self.head = nn.Linear(settings.hidden * (2 if codes else 1), target.n_labels)
        nn.init.zeros_(self.head.weight)
        with torch.no_grad():
            self.head.bias.copy_(torch.as_tensor(start))

    def beliefs(self, batch: GridBatch) -> tuple[Float[Tensor, "stay hour *label"], Bool[Tensor, "stay hour"]]:
        """The head's output after every hour, of several answers one each, and which hours are real."""
        states = self.grud(batch.values, batch.observed, batch.delta_h)
        if self.known is not None:
            states = torch.cat([states, self.known(batch.codes.to(states.dtype)).relu()], dim=-1)
        real = torch.arange(states.shape[1], device=states.device) < batch.lengths[:, None]
        return self.target.of_head(self.head(self.dropout(states))), real

    def loss(self, batch: GridBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean over stays of the (weighted) mean over their hours."""
        outputs, real = self.beliefs(batch)
        labels = batch.label[:, None].expand_as(outputs)
        if self.falls:
            labels = labels + (batch.at_h[:, None] - batch.hours)
        if self.settings.weighting == "last":
            real = torch.arange(real.shape[1], device=real.device) == batch.lengths[:, None] - 1
        losses = self.target.loss(outputs, labels) * real
        loss = (losses.sum(dim=1) / real.sum(dim=1)).mean()
        return loss, {"task": loss.detach()}

    def predict(self, batch: GridBatch) -> tuple[Float[Tensor, "stay hour *label"], Float[Tensor, "stay *label"]]:
        """The belief after every hour, and the prediction at the prediction time, which is the last of them."""
        beliefs = self.target.prediction(self.beliefs(batch)[0])
        return beliefs, beliefs[torch.arange(len(batch), device=beliefs.device), batch.lengths - 1]
