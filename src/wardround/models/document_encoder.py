"""What encoders of notes and of pictures have in common: a backbone, and TabularBlock to the width of the embeddings.

A backbone from random weights learns with the model. One whose weights are named stays as it is unless it is told to
learn; each document then needs to be read by it only once, and what it made of them takes the place of the rows.
"""

from typing import Final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from wardround.models.row_shape import RowShape
from wardround.models.tabular import TabularBlock

BLOCK: Final = 64
"""Rows that are read at a time where nothing is learned."""


class DocumentEncoder(nn.Module):
    """Documents of one modality to embeddings.

    Args:
        shape: of the rows.
        backbone: rows to `row width`.
        width: of what it gives.
        is_named: whether its weights are named.
        learns: whether it learns; none: where its weights are not named.
        hidden, embed, dropout: of the block after it.
    """

    def __init__(
        self,
        shape: RowShape,
        backbone: nn.Module,
        width: int,
        is_named: bool,
        learns: bool | None,
        hidden: int,
        embed: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.shape, self.backbone = shape, backbone
        self.frozen = is_named if learns is None else not learns
        self.backbone.requires_grad_(not self.frozen)
        self.block = TabularBlock(width, hidden, embed, dropout)

    def train(self, mode: bool = True) -> "DocumentEncoder":
        """Training mode; a frozen backbone stays as it is at prediction."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, rows: Shaped[Tensor, "row ..."]) -> Float[Tensor, "row embed"]:
        """The embedding of each row: tokens or pixels, or what the frozen backbone made of them."""
        return self.block(rows if rows.is_floating_point() else read_rows(self.backbone, rows, self.frozen))


def read_rows(backbone: nn.Module, rows: Shaped[Tensor, "row ..."], frozen: bool) -> Float[Tensor, "row hidden"]:
    """What a backbone makes of its rows; some at a time where nothing is learned, so that memory is bounded. It is
    called even where there is no row: one of zeros stands in, so that every process of a training has the same
    graph."""
    if not len(rows):
        return read_rows(backbone, rows.new_zeros(1, *rows.shape[1:]), frozen)[:0]
    with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
        if torch.is_grad_enabled() or len(rows) <= BLOCK:
            return backbone(rows)
        return torch.cat([backbone(rows[begin : begin + BLOCK]) for begin in range(0, len(rows), BLOCK)])
