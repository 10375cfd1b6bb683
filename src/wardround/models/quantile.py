"""Piecewise-linear (quantile) encoding of numbers.

A number becomes its place among the quantiles of the training data, so that skew and outliers do no harm and a small
MLP can bend at every edge.

Source: Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022,
arXiv 2203.05556, equation 1; edges at empirical quantiles as in its section 3.2.1.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wardround.errors import UsageError


class QuantileEncoding(nn.Module):
    """Encode `x` of a feature with edges `b_0 <= ... <= b_T` as `e_1 ... e_T` (equation 1).

    ::

        e_t = 0                                    if x <  b_{t-1} and t > 1
              1                                    if x >= b_t     and t < T
              (x - b_{t-1}) / (b_t - b_{t-1})      otherwise

    So the first and the last bin are open: outside the edges the code goes on linearly, below 0 and above 1.
    Ours:

    - edges may coincide (few distinct values, or fewer bins than other features): a bin of no width is a step,
      `1 if x >= b_t else 0`, and the outermost bins *of some width* are the open ones
    - unobserved numbers are all zeros, whatever their value, NaN included
    - `extrapolate=False` closes the open bins, for raw values with typing errors

    Args:
        edges: in the unit of the feature; fitted on training rows only, see `quantile_edges`.
        extrapolate: whether the outermost bins are open, as in the paper.

    Raises:
        UsageError: if there is no bin, an edge is not finite, or edges of a feature decrease.
    """

    edges: Float[Tensor, "feature bin_edge"]
    _opens_below: Bool[Tensor, "feature bin"]
    _opens_above: Bool[Tensor, "feature bin"]

    def __init__(self, edges: Float[Tensor, "feature bin_edge"], *, extrapolate: bool = True) -> None:
        super().__init__()
        widths = _checked_widths(edges)
        self.extrapolate = extrapolate
        has_width = widths > 0
        self.register_buffer("edges", edges.detach().clone())
        self.register_buffer("_opens_below", has_width & (has_width.cumsum(-1) == 1))
        from_last = has_width.flip(-1).cumsum(-1).flip(-1)
        self.register_buffer("_opens_above", has_width & (from_last == 1))

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.edges.shape[0]

    @property
    def n_bins(self) -> int:
        """Number of bins T, the same for all features."""
        return self.edges.shape[1] - 1

    def forward(
        self, values: Float[Tensor, "*batch feature"], observed: Bool[Tensor, "*batch feature"]
    ) -> Float[Tensor, "*batch feature bin"]:
        """The codes; zeros where `observed` is false."""
        number = values.masked_fill(~observed, 0.0).unsqueeze(-1)
        low, high = self.edges[:, :-1], self.edges[:, 1:]
        width = high - low
        has_width = width > 0
        place = (number - low).div_(torch.where(has_width, width, 1.0))
        place = torch.where(has_width, place, number >= high)
        if self.extrapolate:
            below = torch.where(self._opens_below, place, place.clamp(min=0.0))
            place = torch.where(self._opens_above, below, below.clamp(max=1.0))
        else:
            place = place.clamp_(0.0, 1.0)
        return place.masked_fill_(~observed.unsqueeze(-1), 0.0)


def quantile_edges(
    values: Float[Tensor, "row feature"], observed: Bool[Tensor, "row feature"], n_bins: int
) -> Float[Tensor, "feature bin_edge"]:
    """Edges at the `0, 1/T, ..., 1` quantiles of the observed numbers, each the observed number at or below it.

    Args:
        values: training rows only.
        observed: which of them count; a feature that nobody has gets edges of 0.
        n_bins: T.

    Raises:
        UsageError: if `n_bins` is below 1 or an observed number is not finite.
    """
    if n_bins < 1:
        raise UsageError(f"n_bins must be 1 or more, got {n_bins}")
    edges = values.new_zeros(values.shape[1], n_bins + 1)
    for feature in range(values.shape[1]):
        numbers = values[observed[:, feature], feature].sort().values
        if not numbers.isfinite().all():
            raise UsageError(f"feature {feature}: observed numbers are NaN or infinite; mark them as not observed")
        if numbers.numel():
            ranks = torch.arange(n_bins + 1, device=values.device) * (numbers.numel() - 1) // n_bins
            edges[feature] = numbers[ranks]
    return edges


def _checked_widths(edges: Float[Tensor, "feature bin_edge"]) -> Float[Tensor, "feature bin"]:
    if edges.shape[0] < 1 or edges.shape[1] < 2:
        raise UsageError(
            f"edges must be feature x bin_edge with at least 1 feature and 2 edges, got {tuple(edges.shape)}"
        )
    widths = edges.diff(dim=-1)
    bad = (~edges.isfinite()).any(-1) | (widths < 0).any(-1)
    if bad.any():
        raise UsageError(
            f"edges of feature {int(bad.nonzero()[0])} must be finite and not decrease ({int(bad.sum())} in all)"
        )
    return widths
