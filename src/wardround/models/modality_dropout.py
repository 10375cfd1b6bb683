"""Modality dropout: a modality of a stay is taken away in training, so that a model learns to do without it.

Source: arXiv 2604.18753, section 3.2.1. Never the last modality of a stay (ours).
"""

from typing import Literal

import torch
from jaxtyping import Bool
from torch import Tensor

DropoutMode = Literal["one", "independent"]


def modality_dropout(
    observed: Bool[Tensor, "stay modality"],
    prob: float,
    mode: DropoutMode = "one",
    generator: torch.Generator | None = None,
) -> Bool[Tensor, "stay modality"]:
    """A new observed mask with modalities taken away at random, never the last one of a stay.

    `one`: with probability `prob` one of the stay's observed modalities, each equally likely (printed for MIMIC-IV).
    `independent`: each with probability `prob`; where all would go, one of them, each equally likely, stays.

    The generator must be on the mask's device. With `prob` 0 nothing is drawn.
    """
    if prob == 0:
        return observed.clone()
    lot = torch.rand(observed.shape, generator=generator, device=observed.device).masked_fill(~observed, -1.0)
    drawn = torch.zeros_like(observed).scatter(1, lot.argmax(dim=1, keepdim=True), True)
    if mode == "one":
        hit = torch.rand(len(observed), 1, generator=generator, device=observed.device) < prob
        spare = observed.sum(dim=1, keepdim=True) >= 2
        return observed & ~(drawn & hit & spare)
    kept = observed & (torch.rand(observed.shape, generator=generator, device=observed.device) >= prob)
    return torch.where(kept.any(dim=1, keepdim=True), kept, observed & drawn)
