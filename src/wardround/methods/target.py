"""What a head learns: a logit for a probability, one for each of several, or log(1 + hours) for a duration.

Of a duration that began before it is asked (`los`, `los_icu`) the hours are those that are left (ours,
`tasks/cohort.py`): nobody needs to learn what the clock says.

Source: arXiv 2604.18753, appendix B.3: BCE with a positive weight for mortality (default 1 here: a weight wrecks
calibration), MSE on log(1 + hours) for length of stay.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from wardround.errors import UsageError
from wardround.models.published_risk import PublishedRisk
from wardround.tasks.task import MAX_LOS_H, Task

LONGEST: Final = math.log1p(MAX_LOS_H)


@dataclass(frozen=True)
class Target:
    """The target of a task.

    Attributes:
        kind: "binary" or "hours".
        positive_weight: of deaths in the loss.
        labels: how many yes/no answers are asked at once, in an axis of their own at the end; 0 for one answer, which
            has no such axis.

    Raises:
        UsageError: at construction, where the weight is not above 0.
    """

    kind: Literal["binary", "hours"]
    positive_weight: float = 1.0
    labels: int = 0

    def __post_init__(self) -> None:
        if not self.positive_weight > 0:
            raise UsageError(f"positive_weight must be above 0, got {self.positive_weight}")

    @classmethod
    def of(cls, task: Task, positive_weight: float = 1.0) -> "Target":
        """The target of a task. Raises `UsageError` where the weight is not above 0."""
        return cls(task.kind, positive_weight, len(task.labels))

    @property
    def n_labels(self) -> int:
        """How many outputs a head has."""
        return max(1, self.labels)

    def of_head(self, outputs: Float[Tensor, "*batch label"]) -> Float[Tensor, "*answer"]:
        """A head's outputs as labels are laid out: the one answer without an axis of its own."""
        return outputs if self.labels else outputs.squeeze(-1)

    def loss(self, outputs: Float[Tensor, "*answer"], labels: Float[Tensor, "*answer"]) -> Float[Tensor, "*batch"]:
        """The loss of each stay or event, of several answers their mean; 0 where the label is NaN. A label may be a
        probability."""
        known = ~labels.isnan()
        labels = labels.nan_to_num(0.0)
        if self.kind == "binary":
            weight = labels.new_tensor(self.positive_weight)
            losses = binary_cross_entropy_with_logits(outputs, labels, reduction="none", pos_weight=weight)
        else:
            losses = (outputs - labels.clamp(min=0).log1p()) ** 2
        losses = losses * known
        return losses.mean(dim=-1) if self.labels else losses

    def prediction(self, outputs: Float[Tensor, "*answer"]) -> Float[Tensor, "*answer"]:
        """Probability, or hours by the plain inverse of the log, at most as many as a label can have."""
        if self.kind == "binary":
            return outputs.sigmoid()
        return outputs.clamp(0, LONGEST).expm1().clamp(max=MAX_LOS_H)  # float32 has a little more

    def published_risk(self, scale: float, constant: float | Float[Tensor, "*label"]) -> PublishedRisk:
        """The first term of a head: with a published equation its log odds, weighted as the loss weights deaths."""
        if self.labels:
            constant = torch.as_tensor(constant, dtype=torch.float32).expand(self.labels)
        return PublishedRisk(scale, math.log(self.positive_weight) if scale else constant, constant)

    def start(self, labels: Float[Tensor, "stay *label"]) -> float | Float[Tensor, " label"]:
        """The one output of the lowest loss on training labels, or one for each answer: a head's first bias."""
        if self.labels:
            return torch.tensor([self._start(labels[:, place]) for place in range(self.labels)])
        return self._start(labels)

    def _start(self, labels: Float[Tensor, " stay"]) -> float:
        known = labels[~labels.isnan()]
        if self.kind == "hours":
            return float(known.clamp(min=0).log1p().mean()) if len(known) else 0.0
        share = float(known.mean().clamp(1e-3, 1 - 1e-3)) if len(known) else 0.5
        return math.log(self.positive_weight * share / (1 - share))
