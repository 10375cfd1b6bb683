"""One encoder a modality: a row of numbers with their observed mask, and codes, to an embedding.

tabular    TabularBlock on the row (arXiv 2604.18753, appendix B.1, eICU)
quantile   numbers in piecewise-linear quantile codes, then TabularBlock (ours, after arXiv 2203.05556)
both       the numbers and their quantile codes, then TabularBlock (ours, the default)
set        NumericSet on the observed numbers, for modalities of measurements (ours); codes beside them through
           TabularBlock

Notes and pictures have encoders of their own, whatever the kind (`note_encoder.py`, `picture_encoder.py`).

An installed package may add a kind (`extensions.py`): an `EncoderKind`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from wardround.errors import UsageError
from wardround.extensions import Registry
from wardround.models.checks import check_probs, check_widths
from wardround.models.dropout import Dropout
from wardround.models.note_encoder import NoteEncoder, NoteEncoderSettings, NoteShape
from wardround.models.numeric_set import NumericSet
from wardround.models.picture_encoder import PictureEncoder, PictureEncoderSettings, PictureShape
from wardround.models.quantile import QuantileEncoding
from wardround.models.row_shape import RowShape
from wardround.models.tabular import TabularBlock


@dataclass(frozen=True)
class EncoderSettings:
    """Size and kind of the encoders.

    Attributes:
        kind: a name of `wardround list encoders`.
        hidden, embed: widths, of the inner layer and of the embedding.
        dropout: of the inner layer, in training.
        input_dropout: of what the first layer reads, in training, but for `set`; and of what a linear term reads.
        bins: quantile bins of `quantile`, `both` and `set`.
        text: of notes.
        image: of pictures.

    Raises:
        UsageError: at construction, for an unknown kind, a width below 1 or a dropout outside [0, 1).
        ExtensionError: for a kind of a package that cannot be used.
    """

    kind: str = "both"
    hidden: int = 128
    embed: int = 64
    dropout: float = 0.5
    input_dropout: float = 0.3
    bins: int = 4
    text: NoteEncoderSettings = field(default_factory=NoteEncoderSettings)
    image: PictureEncoderSettings = field(default_factory=PictureEncoderSettings)

    def __post_init__(self) -> None:
        check_widths(hidden=self.hidden, embed=self.embed, bins=self.bins)
        check_probs(dropout=self.dropout, input_dropout=self.input_dropout)
        find_encoder(self.kind)


class ModalityEncoder(nn.Module):
    """Rows of one modality to embeddings.

    Args:
        shape: the layout of the row.
        settings: kind and size.
        edges: bin edges of the numbers' summaries, fitted on training rows; zeros where weights are loaded afterwards.

    Raises:
        UsageError: for a kind of a package, which is built by its own `EncoderKind.build`.
    """

    def __init__(
        self, shape: RowShape, settings: EncoderSettings, edges: Float[Tensor, "number bin_edge"] | None = None
    ) -> None:
        super().__init__()
        if settings.kind not in ENCODERS:
            raise UsageError(f"encoder kind {settings.kind!r} is not built by ModalityEncoder: use its own `build`.")
        self.shape = shape
        self.kind = settings.kind if shape.numbers else "tabular"
        values = shape.numbers * shape.summaries
        if edges is None:
            edges = torch.zeros(values, settings.bins + 1)
        hidden, embed, dropout = settings.hidden, settings.embed, settings.dropout
        self.coded_width = shape.width
        self.drop = Dropout(settings.input_dropout)
        if self.kind in ("quantile", "both"):
            self.numbers = QuantileEncoding(edges, extrapolate=False)
            self.coded_width += values * (settings.bins - (self.kind == "quantile"))
        if self.kind == "set":
            self.numbers = NumericSet(edges, hidden // 2, embed, dropout, extrapolate=False)
            self.block = TabularBlock(embed + shape.codes, hidden, embed, dropout) if shape.codes else nn.Identity()
        else:
            self.block = TabularBlock(self.coded_width, hidden, embed, dropout)

    def coded(self, rows: Float[Tensor, "row feature"]) -> Float[Tensor, "row coded"]:
        """What the first layer reads: the rows as they are, or with quantile codes of their numbers in place of them
        (`quantile`) or before them (`both`)."""
        if self.kind not in ("quantile", "both"):
            return rows
        values, rest, observed = self._split(rows)
        parts = [self.numbers(values, observed).flatten(1), rest]
        if self.kind == "both":
            parts.insert(1, values.masked_fill(~observed, 0.0))
        return torch.cat(parts, dim=1)

    def forward(self, rows: Float[Tensor, "row feature"]) -> Float[Tensor, "row embed"]:
        """The embedding of each row."""
        return self.of_coded(self.coded(rows))

    def of_coded(self, coded: Float[Tensor, "row coded"]) -> Float[Tensor, "row embed"]:
        """The embedding of rows that `coded` made: for who needs them twice."""
        if self.kind != "set":
            return self.block(self.drop(coded))
        values, rest, observed = self._split(coded)
        return self.block(torch.cat([self.numbers(values, observed), rest[:, self.shape.numbers :]], dim=1))

    def _split(
        self, rows: Float[Tensor, "row feature"]
    ) -> tuple[Float[Tensor, "row number"], Float[Tensor, "row rest"], Bool[Tensor, "row number"]]:
        """The summaries of the numbers, what comes after them, and which of the summaries were observed."""
        values, rest = rows.tensor_split([self.shape.numbers * self.shape.summaries], dim=1)
        return values, rest, (rest[:, : self.shape.numbers] > 0.5).repeat(1, self.shape.summaries)


def coded_rows(encoder: nn.Module, rows: Shaped[Tensor, "row ..."]) -> Shaped[Tensor, "row ..."]:
    """What the first layer of an encoder reads; of notes, pictures and an encoder of a package, which name no codes,
    the rows as they are."""
    return encoder.coded(rows) if isinstance(encoder, ModalityEncoder) else rows


def embedded_rows(encoder: nn.Module, coded: Shaped[Tensor, "row ..."]) -> Float[Tensor, "row embed"]:
    """The embedding of rows that `coded_rows` made; no hook of a `ModalityEncoder` is run: it is entered half-way."""
    return encoder.of_coded(coded) if isinstance(encoder, ModalityEncoder) else encoder(coded)


@dataclass(frozen=True)
class EncoderKind:
    """A kind of encoder.

    Attributes:
        name: as in `--set encoder.kind=NAME`.
        build: layout of the row, sizes, bin edges (`number bin_edge`; None where weights are loaded afterwards) -> a
            module from `row feature` to `row embed`.
        summary: one line.
        edges: whether it is given bin edges, fitted on training rows.
        zeroed: whether it counts on zeros in the row where a number was not observed, as batches leave them, and does
            not mask them itself.
    """

    name: str
    build: Callable[[RowShape, EncoderSettings, Tensor | None], nn.Module]
    summary: str
    edges: bool = False
    zeroed: bool = False


ENCODERS: Final[dict[str, EncoderKind]] = {
    kind.name: kind
    for kind in (
        EncoderKind("tabular", ModalityEncoder, "a small MLP on the row as it is (arXiv 2604.18753, B.1)", zeroed=True),
        EncoderKind("quantile", ModalityEncoder, "the same on quantile codes of the numbers (arXiv 2203.05556)", True),
        EncoderKind("both", ModalityEncoder, "the same on the numbers beside their quantile codes", True),
        EncoderKind("set", ModalityEncoder, "the mean over the numbers that were observed (arXiv 1703.06114)", True),
    )
}
"""The kinds that are built in."""

KNOWN_ENCODERS: Final[Registry[EncoderKind]] = Registry("encoders", "encoder kind", ENCODERS, (EncoderKind,))
"""And those of installed packages."""


def find_encoder(name: str) -> EncoderKind:
    """The kind of that name. Raises `UsageError` listing those that exist, `ExtensionError` for a broken package."""
    return KNOWN_ENCODERS.find(name)


def build_encoder(shape: RowShape, settings: EncoderSettings, edges: Tensor | None = None) -> nn.Module:
    """The encoder of one modality, by what its rows are.

    Args:
        shape: layout of its rows: of notes a `NoteShape`, of pictures a `PictureShape`.
        settings: kind and size.
        edges: quantile edges from training rows, where the kind needs them.
    """
    of_block = settings.hidden, settings.embed, settings.dropout
    if isinstance(shape, NoteShape):
        return NoteEncoder(shape, settings.text, *of_block)
    if isinstance(shape, PictureShape):
        return PictureEncoder(shape, settings.image, *of_block)
    return find_encoder(settings.kind).build(shape, settings, edges)
