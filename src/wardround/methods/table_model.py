"""What a method is that is fitted whole, on a table of stays, outside the training loop."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from wardround.methods.target import LONGEST, Target
from wardround.tasks.task import MAX_LOS_H

Kind = Literal["binary", "hours"]
HistoryRow = dict[str, float | None]


@dataclass(frozen=True)
class LabelledRows:
    """Stays of one side.

    Attributes:
        values: NaN where there is nothing.
        label: 0/1 or hours; of several answers a column each.
    """

    values: Float32[np.ndarray, "stay column"]
    label: Float[np.ndarray, "stay *label"]


@runtime_checkable
class TableModel(Protocol):
    """A fitted model: what it says of rows, and the tensors that it is kept as."""

    def predict(self, values: Float32[np.ndarray, "stay column"]) -> Float[np.ndarray, "stay *label"]:
        """Probability of death or of each answer, or hours; of one row alone, whatever the others are."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """All that was fitted."""
        ...


def predictions_of(kind: Kind, outputs: Float[np.ndarray, "stay"]) -> Float[np.ndarray, "stay"]:
    """Logits to probabilities, or log(1 + hours) to hours: `Target.prediction`, but each to the same bits wherever it
    stands (torch computes the last few of an array otherwise than the rest)."""
    if kind == "hours":
        return np.minimum(np.expm1(np.clip(outputs, 0, LONGEST)), MAX_LOS_H)
    small = np.exp(-np.abs(outputs))
    return np.where(outputs >= 0, 1, small) / (1 + small)


def mean_loss(kind: Kind, outputs: Float[np.ndarray, "stay"], label: Float[np.ndarray, "stay"]) -> float:
    """Mean log loss, or squared error of log(1 + hours): as every method's head."""
    return float(Target(kind).loss(torch.from_numpy(outputs), torch.tensor(label)).mean())
