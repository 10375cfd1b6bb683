"""What a head learns: a logit for a probability, or log(1 + hours) for a duration.

Source: arXiv 2604.18753, appendix B.3: BCE with a positive weight for mortality (default 1 here: a weight wrecks
calibration), MSE on log(1 + hours) for length of stay.
"""

import math
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from wardround.errors import UsageError
from wardround.models.published_risk import PublishedRisk


@dataclass(frozen=True)
class Target:
    """The target of a task.

    Attributes:
        kind: "binary" or "hours".
        positive_weight: of deaths in the loss.

    Raises:
        UsageError: at construction, where the weight is not above 0.
    """

    kind: Literal["binary", "hours"]
    positive_weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.positive_weight > 0:
            raise UsageError(f"positive_weight must be above 0, got {self.positive_weight}")

    def loss(self, outputs: Float[Tensor, "*batch"], labels: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """The loss of each output, not reduced; 0 where the label is NaN. A label may be a probability."""
        known = ~labels.isnan()
        labels = labels.nan_to_num(0.0)
        if self.kind == "binary":
            weight = labels.new_tensor(self.positive_weight)
            losses = binary_cross_entropy_with_logits(outputs, labels, reduction="none", pos_weight=weight)
        else:
            losses = (outputs - labels.clamp(min=0).log1p()) ** 2
        return losses * known

    def prediction(self, outputs: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """Probability, or hours by the plain inverse of the log."""
        return outputs.sigmoid() if self.kind == "binary" else outputs.clamp(-1, 12).expm1().clamp(min=0)

    def published_risk(self, scale: float, constant: float) -> PublishedRisk:
        """The first term of a head: with a published equation its log odds, weighted as the loss weights deaths."""
        return PublishedRisk(scale, math.log(self.positive_weight) if scale else constant, constant)

    def start(self, labels: Float[Tensor, " stay"]) -> float:
        """The one output of the lowest loss on training labels: a head's first bias."""
        known = labels[~labels.isnan()]
        if self.kind == "hours":
            return float(known.clamp(min=0).log1p().mean()) if len(known) else 0.0
        share = float(known.mean().clamp(1e-3, 1 - 1e-3)) if len(known) else 0.5
        return math.log(self.positive_weight * share / (1 - share))
