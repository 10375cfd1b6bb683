"""Trees, as heads, start at what is known: the recalibrated log odds of a published equation where a stay has them.

    start = scale * logit + shift    where the equation has been computed
          = constant                 elsewhere: the log odds of the training stays' deaths

As `models/published_risk.py`, whose recalibration it is, but fitted once and kept: trees are added to it.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from wardround.errors import RunError
from wardround.methods.per_label import LOWEST_SHARE
from wardround.methods.table_model import LabelledRows
from wardround.models.published_risk import PublishedRisk


@dataclass(frozen=True)
class PublishedStart:
    """Where the log odds of each row start.

    Attributes:
        column: of the table, with the equation's log odds; NaN where it has not been computed.
        scale, shift: of them.
        constant: without them.
    """

    column: int
    scale: float
    shift: float
    constant: float

    @classmethod
    def fit(cls, train: LabelledRows) -> "PublishedStart | None":
        """Where training rows put it; None where they have no such column, or all died or none."""
        if train.published is None or np.ptp(train.label) == 0:
            return None
        share = float(np.clip(train.label.mean(), LOWEST_SHARE, 1 - LOWEST_SHARE))
        risk = PublishedRisk(1.0, 0.0, math.log(share / (1 - share)))
        logit, label = (torch.from_numpy(each.copy()) for each in (train.values[:, train.published], train.label))
        risk.recalibrate(logit, label)
        return cls(train.published, risk.scale.item(), risk.shift.item(), risk.constant.item())

    def of(self, values: Float32[np.ndarray, "stay column"]) -> Float[np.ndarray, "stay"]:
        """Of each row."""
        logit = values[:, self.column].astype(np.float64)
        return np.where(np.isnan(logit), self.constant, self.scale * logit + self.shift)

    def tensor(self) -> Tensor:
        """All that was fitted."""
        return torch.tensor([self.column, self.scale, self.shift, self.constant], dtype=torch.float64)

    @classmethod
    def of_tensor(cls, kept: Tensor, columns: int) -> "PublishedStart":
        """What `tensor` gave. Raises `RunError` where it is no start on so many columns."""
        if kept.dtype != torch.float64 or kept.shape != (4,) or not kept.isfinite().all():
            raise RunError("the run's weights start at no number. Train again.")
        column, scale, shift, constant = (float(term) for term in kept)
        if column not in range(columns):
            raise RunError("the run's weights start at a column that there is not. Train again.")
        return cls(int(column), scale, shift, constant)
