"""A head starts at what is known: the log odds of a published equation where a stay has them, a constant elsewhere.

    start = scale * logit + shift    where the equation has been computed
          = constant                 elsewhere

A model adds to it what its inputs say beyond the equation (ours). For the outcome that the equation was made for,
`scale` starts at 1; for any other, at 0, and is learned. An equation that was fitted on far more stays than there are
to learn from deserves trust: `shrinkage` is a penalty on how far a model moves away from it.
"""

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

MODALITY: Final = "severity"
"""The modality that tells a published equation's log odds."""


class PublishedRisk(nn.Module):
    """The first term of a head's output.

    Args:
        scale: of the log odds, at the start.
        shift: added to them, at the start.
        constant: without them.
    """

    def __init__(self, scale: float, shift: float, constant: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(float(scale)))
        self.shift = nn.Parameter(torch.tensor(float(shift)))
        self.constant = nn.Parameter(torch.tensor(float(constant)))

    def forward(self, logit: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """The term of each stay or event, never NaN: `logit` is NaN where the equation has not been computed."""
        known = ~logit.isnan()
        return torch.where(known, self.scale * logit.nan_to_num(0.0) + self.shift, self.constant)


def published_where(
    observed: Bool[Tensor, "stay modality"], modalities: Sequence[str], logit: Float[Tensor, " stay"]
) -> Float[Tensor, " stay"]:
    """The log odds of the stays that have the modality that tells them; NaN for those from whom it was taken."""
    if MODALITY not in modalities:
        return logit
    return torch.where(observed[:, list(modalities).index(MODALITY)], logit, torch.nan)


def shrinkage(added: Float[Tensor, "*batch"], logit: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """The square of what a model adds to the equation's log odds; 0 where the equation has not been computed."""
    return added.square() * ~logit.isnan()
