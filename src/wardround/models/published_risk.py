"""A head starts at what is known: the log odds of a published equation where a stay has them, a constant elsewhere.

    start = scale * logit + shift    where the equation has been computed
          = constant                 elsewhere

A model adds to it what its inputs say beyond the equation (ours). For the outcome that the equation was made for,
`scale` starts near 1, where the training stays put it: an equation that is too sure of them makes a model too sure
(`recalibrate`). For any other outcome it starts at 0. All three are learned. An equation that was fitted on far more
stays than there are to learn from deserves trust: `shrinkage` is a penalty on how far a model moves away from it.
"""

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

MODALITY: Final = "severity"
"""The modality that tells a published equation's log odds."""

SLOPE_SD: Final = 0.5
"""How far from 1 the slope of a published equation is before any patient is seen: a slope of 0 or 2 is two of these
away."""

SHIFT_SD: Final = 5.0
"""How far from 0 the shift is: so wide that it only keeps it finite where all or none of the stays died."""


class PublishedRisk(nn.Module):
    """The first term of a head's output, or of each of its outputs.

    Args:
        scale: of the log odds, at the start.
        shift: added to them, at the start.
        constant: without them; one for each output of a head with several.
    """

    def __init__(
        self, scale: float, shift: float | Float[Tensor, "*label"], constant: float | Float[Tensor, "*label"]
    ) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.as_tensor(constant, dtype=torch.float32).clone())
        self.scale = nn.Parameter(torch.full_like(self.constant, scale))
        self.shift = nn.Parameter(torch.as_tensor(shift, dtype=torch.float32).expand_as(self.constant).clone())

    def forward(self, logit: Float[Tensor, "*batch"]) -> Float[Tensor, "*answer"]:
        """The term of each stay or event, never NaN: `logit` is NaN where the equation has not been computed."""
        if self.constant.dim():
            logit = logit.unsqueeze(-1)
        known = ~logit.isnan()
        return torch.where(known, self.scale * logit.nan_to_num(0.0) + self.shift, self.constant)

    def recalibrate(
        self, logit: Float[Tensor, " stay"], label: Float[Tensor, " stay"], positive_weight: float = 1.0
    ) -> None:
        """Start where training stays put the equation: the logistic recalibration of Cox (Biometrika 1958), with a
        normal prior on the slope around 1.

        Args:
            logit: log odds of the equation; stays where they are NaN have no part in it.
            label: 0/1, of every stay.
            positive_weight: of deaths in the loss.
        """
        known = ~logit.isnan()
        slope, shift = _recalibration(logit[known].double(), label[known].double(), positive_weight)
        with torch.no_grad():
            self.scale.fill_(slope)
            self.shift.fill_(shift)


def _recalibration(
    logit: Float[Tensor, " stay"], label: Float[Tensor, " stay"], positive_weight: float
) -> tuple[float, float]:
    """Slope and shift of the largest posterior; the likelihood and the prior are concave."""
    weight = torch.tensor(positive_weight, dtype=torch.float64)
    mean, sd = (torch.tensor(pair, dtype=torch.float64) for pair in ((1.0, 0.0), (SLOPE_SD, SHIFT_SD)))
    at = mean.clone().requires_grad_()
    search = torch.optim.LBFGS([at], max_iter=100, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def far() -> Tensor:
        search.zero_grad()
        output = at[0] * logit + at[1]
        loss = binary_cross_entropy_with_logits(output, label, reduction="sum", pos_weight=weight)
        loss = loss + ((at - mean) / sd).square().sum() / 2
        loss.backward()
        return loss

    search.step(far)
    slope, shift = at.detach()
    return float(slope), float(shift)


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
