"""Evidence: what each modality's row says for the outcome by itself, one weight an input, beside the network.

A small network on some thousand stays learns sums of single effects worse than a regression does; so the regression
stands beside it, on the same inputs, and the network learns what is not a sum (ours, after the wide part of
arXiv 1606.07792). On quantile codes it is a generalised additive model: each number has a piecewise-linear effect.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn
from torch.nn.functional import linear

from wardround.models.checks import check_probs, check_widths
from wardround.models.dropout import Dropout
from wardround.models.embedder import Inputs
from wardround.models.modality_encoder import ModalityEncoder, coded_rows
from wardround.models.row_shape import RowShape


class LinearEvidence(nn.Module):
    """`e[i,m] = w_m . coded_m(x[i,m])`, 0 where the modality is missing; every weight starts at 0.

    Args:
        widths: modality -> inputs of its encoder's first layer (`coded_width`); 0 of notes and pictures, of which this
            says nothing.
        dropout: probability of dropping an input in training.
        n_labels: outputs of the head: each has weights of its own.

    Raises:
        UsageError: if `dropout` is outside [0, 1), or there is no output.
    """

    def __init__(self, widths: Mapping[str, int], dropout: float = 0.0, n_labels: int = 1) -> None:
        super().__init__()
        check_probs(dropout=dropout)
        check_widths(n_labels=n_labels)
        self.modalities, self.n_labels = tuple(widths), n_labels
        read = {name: width for name, width in widths.items() if width}
        self.weights = nn.ModuleDict({name: nn.Linear(width, n_labels, bias=False) for name, width in read.items()})
        for layer in self.weights.values():
            nn.init.zeros_(layer.get_parameter("weight"))
        self.drop = Dropout(dropout)

    def of_coded(self, modality: str, coded: Shaped[Tensor, "row ..."]) -> Float[Tensor, "row label"]:
        """The evidence of some rows of one modality, as `coded_rows` makes them; 0 of notes and pictures."""
        if modality not in self.weights:
            return torch.zeros(len(coded), self.n_labels, device=coded.device)
        weight, coded = self.weights[modality].get_parameter("weight"), self.drop(coded)
        if self.n_labels > 1:
            return linear(coded, weight)
        # not a matrix product: that one rounds a row by where it stands in its batch
        return (coded * weight).sum(dim=-1, keepdim=True)

    def of_stays(
        self, inputs: Inputs, observed: Bool[Tensor, "stay modality"], encoders: nn.ModuleDict
    ) -> Float[Tensor, "stay label"]:
        """The sum over the modalities that a stay has; the rows of the others are not read."""
        total = torch.zeros(len(observed), self.n_labels, device=observed.device)
        for index, name in enumerate(self.modalities):
            if name not in self.weights:
                continue
            there = observed[:, index].nonzero().squeeze(1)
            given = inputs[name]
            rows = (given[0] if isinstance(given, tuple) else given)[there]
            made = self.of_coded(name, coded_rows(encoders[name], rows))
            total = total.index_add(0, there, made.to(total.dtype))
        return total


def read_width(encoder: nn.Module, shape: RowShape) -> int:
    """How many inputs the evidence of a modality has: those of its encoder's first layer, or of the row."""
    return encoder.coded_width if isinstance(encoder, ModalityEncoder) else shape.width
