"""One encoder a modality: a row of numbers with their observed mask, and codes, to an embedding.

tabular    TabularBlock on the row (arXiv 2604.18753, appendix B.1, eICU)
quantile   numbers in piecewise-linear quantile codes, then TabularBlock (ours, after arXiv 2203.05556)
both       the numbers and their quantile codes, then TabularBlock (ours)
set        NumericSet on the observed numbers, for modalities of measurements (ours); codes beside them through
           TabularBlock
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wardround.errors import UsageError
from wardround.models.numeric_set import NumericSet
from wardround.models.quantile import QuantileEncoding
from wardround.models.tabular import TabularBlock, check_probs, check_widths

EncoderKind = Literal["tabular", "quantile", "both", "set"]


@dataclass(frozen=True)
class RowShape:
    """How a modality's row is laid out: each summary of the numbers, their observed mask, the codes.

    Attributes:
        summaries, numbers, codes: so the row is `numbers * (summaries + 1) + codes` wide.
    """

    summaries: int
    numbers: int
    codes: int

    @property
    def width(self) -> int:
        """Width of the row."""
        return self.numbers * (self.summaries + 1) + self.codes


@dataclass(frozen=True)
class EncoderSettings:
    """Size and kind of the encoders.

    Attributes:
        kind: see the module.
        hidden, embed: widths.
        dropout: in training.
        bins: quantile bins of `quantile`, `both` and `set`.

    Raises:
        UsageError: at construction, for an unknown kind, a width below 1 or a dropout outside [0, 1).
    """

    kind: EncoderKind = "tabular"
    hidden: int = 128
    embed: int = 64
    dropout: float = 0.2
    bins: int = 8

    def __post_init__(self) -> None:
        check_widths(hidden=self.hidden, embed=self.embed, bins=self.bins)
        check_probs(dropout=self.dropout)
        if self.kind not in get_args(EncoderKind):
            raise UsageError(f"encoder kind {self.kind!r}: one of {', '.join(get_args(EncoderKind))}.")


class ModalityEncoder(nn.Module):
    """Rows of one modality to embeddings.

    Args:
        shape: the layout of the row.
        settings: kind and size.
        edges: bin edges of the numbers' summaries, fitted on training rows; zeros where weights are loaded afterwards.
    """

    def __init__(
        self, shape: RowShape, settings: EncoderSettings, edges: Float[Tensor, "number bin_edge"] | None = None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.kind = settings.kind if shape.numbers else "tabular"
        values = shape.numbers * shape.summaries
        if edges is None:
            edges = torch.zeros(values, settings.bins + 1)
        hidden, embed, dropout = settings.hidden, settings.embed, settings.dropout
        if self.kind == "quantile":
            self.numbers = QuantileEncoding(edges, extrapolate=False)
            self.block = TabularBlock(values * settings.bins + shape.numbers + shape.codes, hidden, embed, dropout)
        elif self.kind == "both":
            self.numbers = QuantileEncoding(edges, extrapolate=False)
            self.block = TabularBlock(values * settings.bins + shape.width, hidden, embed, dropout)
        elif self.kind == "set":
            self.numbers = NumericSet(edges, hidden // 2, embed, dropout, extrapolate=False)
            self.block = TabularBlock(embed + shape.codes, hidden, embed, dropout) if shape.codes else nn.Identity()
        else:
            self.block = TabularBlock(shape.width, hidden, embed, dropout)

    def forward(self, rows: Float[Tensor, "row feature"]) -> Float[Tensor, "row embed"]:
        """The embedding of each row."""
        if self.kind == "tabular":
            return self.block(rows)
        split = self.shape.numbers * self.shape.summaries
        values, rest = rows[:, :split], rows[:, split:]
        observed = rest[:, : self.shape.numbers] > 0.5
        encoded = self.numbers(values, observed.repeat(1, self.shape.summaries))
        if self.kind == "quantile":
            return self.block(torch.cat([encoded.flatten(1), rest], dim=1))
        if self.kind == "both":
            return self.block(torch.cat([encoded.flatten(1), rows], dim=1))
        return self.block(torch.cat([encoded, rest[:, self.shape.numbers :]], dim=1))
