"""An encoder of the set of numbers that were observed: what is missing is not there, rather than zero.

Deep sets (Zaheer et al. 2017, arXiv 1703.06114) over the piecewise-linear codes of arXiv 2203.05556. Ours: the paper
of the method (arXiv 2604.18753) feeds a laboratory vector with zeros for the missing ones to the plain `TabularBlock`.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wardround.models.checks import check_widths
from wardround.models.quantile import QuantileEncoding
from wardround.models.tabular import TabularBlock


class NumericSet(nn.Module):
    """`block( mean over observed f of MLP(name_f + W_f code_f(x_f)), log(1 + count) / log(1 + features) )`.

    `code_f` is the quantile encoding of feature f, `W_f` its own linear map, `name_f` its own embedding. A missing
    feature contributes nothing, so its value never matters; with nothing observed the mean is zero and the output is
    still defined.

    Args:
        edges: edges of the bins, in the unit of each feature, fitted on training rows (`quantile_edges`).
        hidden: width of a number's embedding.
        embed: width of the output, which ends in a LayerNorm as `TabularBlock` does.
        dropout: probability of dropping a unit in training.
        extrapolate: whether the outermost bins are open, as in the paper.

    Raises:
        UsageError: if a width is below 1 or the edges are off.
    """

    def __init__(
        self,
        edges: Float[Tensor, "feature bin_edge"],
        hidden: int,
        embed: int,
        dropout: float = 0.0,
        *,
        extrapolate: bool = True,
    ) -> None:
        super().__init__()
        check_widths(hidden=hidden, embed=embed)
        self.encoding = QuantileEncoding(edges, extrapolate=extrapolate)
        n_features, n_bins = self.encoding.n_features, self.encoding.n_bins
        self.name = nn.Parameter(torch.empty(n_features, hidden))
        self.weight = nn.Parameter(torch.empty(n_features, n_bins, hidden))
        bound = 1 / math.sqrt(n_bins)  # as nn.Linear: each W_f is a linear map from n_bins inputs
        nn.init.uniform_(self.name, -bound, bound)
        nn.init.uniform_(self.weight, -bound, bound)
        self.mlp = nn.Sequential(nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.block = TabularBlock(hidden + 1, hidden, embed, dropout)

    def forward(
        self, values: Float[Tensor, "*batch feature"], observed: Bool[Tensor, "*batch feature"]
    ) -> Float[Tensor, "*batch embed"]:
        """The embedding of each row's observed numbers."""
        codes = self.encoding(values, observed)
        numbers = self.mlp(self.name + torch.einsum("...fb,fbh->...fh", codes, self.weight))
        present = observed.unsqueeze(-1).to(numbers.dtype)
        count = present.sum(-2)
        mean = (numbers * present).sum(-2) / count.clamp(min=1.0)
        share = count.log1p() / math.log1p(self.encoding.n_features)
        return self.block(torch.cat([mean, share], dim=-1))
