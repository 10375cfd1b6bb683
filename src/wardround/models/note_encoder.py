"""The encoder of notes: tokens to an embedding.

bag    the mean of learned word vectors, of which some are dropped in training (ours, the default where no weights are
       named: learned in minutes on a CPU; after arXiv 1607.01759)
bert   a BERT, mean of its last layer or its first token (arXiv 2604.18753: ClinicalBERT, 512 tokens): small and random,
       or the one whose weights are named

then what `document_encoder.py` says of both kinds of documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from wardround.errors import UsageError
from wardround.models.checks import check_widths
from wardround.models.document_encoder import DocumentEncoder
from wardround.models.row_shape import RowShape

START: Final = 0.02
"""Spread of word vectors before they have learned anything, a BERT's."""

LENGTH_STEP: Final = 64
"""A batch of notes is as long as its longest, up to a multiple of this."""


@dataclass(frozen=True)
class NoteEncoderSettings:
    """The encoder of notes.

    Attributes:
        kind: "bag", the mean of word vectors, or "bert"; with `text.weights` it is a BERT.
        train: whether words or BERT learn; none: where they start at random, and not where they are named.
        pool: of a BERT the "mean" of its tokens, or what stands at its first, "cls", which random ones have not.
        word_width: of word vectors, and of a random BERT.
        word_layers, word_heads: of a random BERT.
        word_dropout: chance that a word is left out, in training.

    Raises:
        UsageError: at construction, for a width below 1.
    """

    kind: Literal["bag", "bert"] = "bag"
    train: bool | None = None
    pool: Literal["mean", "cls"] = "mean"
    word_width: int = 64
    word_layers: int = 2
    word_heads: int = 2
    word_dropout: float = 0.3

    def __post_init__(self) -> None:
        check_widths(word_width=self.word_width, word_layers=self.word_layers, word_heads=self.word_heads)
        if not 0 <= self.word_dropout < 1:
            raise UsageError(f"word_dropout must be in [0, 1), got {self.word_dropout}")
        if self.word_width % self.word_heads:
            raise UsageError(f"word_width {self.word_width} is no multiple of word_heads {self.word_heads}.")


@dataclass(frozen=True)
class NoteShape(RowShape):
    """A row of tokens, 0 the padding.

    Attributes:
        tokens: of a row.
        vocabulary: one more than the largest token.
        sizes: of the BERT whose weights are named; empty for none.
    """

    tokens: int
    vocabulary: int
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])


class WordBag(nn.Module):
    """`mean over the words of v[word]`, 0 of a note without words.

    Args:
        vocabulary: one more than the largest token.
        width: of the vectors.
        dropout: chance that a word is left out, in training.
    """

    def __init__(self, vocabulary: int, width: int, dropout: float) -> None:
        super().__init__()
        self.width, self.dropout = width, dropout
        self.words = nn.EmbeddingBag(vocabulary, width, mode="mean", padding_idx=0)
        nn.init.normal_(self.words.weight, std=START)
        with torch.no_grad():
            self.words.weight[0] = 0

    def forward(self, rows: Shaped[Tensor, "row token"]) -> Float[Tensor, "row hidden"]:
        """The mean of each row."""
        if self.training and self.dropout:
            rows = rows.masked_fill(torch.rand(rows.shape, device=rows.device) < self.dropout, 0)
        return self.words(rows)


class BertReader(nn.Module):
    """A BERT, one vector a note.

    Args:
        shape: of the rows.
        settings: how it is pooled, and how large a random one is.

    Raises:
        UsageError: where the rows are longer than the named one reads, or a random one is asked for its first token.
    """

    def __init__(self, shape: NoteShape, settings: NoteEncoderSettings) -> None:
        import transformers

        super().__init__()
        sizes = dict(shape.sizes) or {
            "vocab_size": shape.vocabulary,
            "hidden_size": settings.word_width,
            "num_hidden_layers": settings.word_layers,
            "num_attention_heads": settings.word_heads,
            "intermediate_size": 4 * settings.word_width,
            "max_position_embeddings": shape.tokens,
        }
        if settings.pool == "cls" and not shape.sizes:
            raise UsageError("text.pool=cls reads the first token of a pretrained BERT: name its text.weights.")
        if shape.tokens > sizes["max_position_embeddings"]:
            most = sizes["max_position_embeddings"]
            raise UsageError(f"text.tokens={shape.tokens}: this BERT reads {most} at most.")
        self.width, self.pool = sizes["hidden_size"], settings.pool
        self.said: Any = ["bert", settings.pool, sizes]
        """What decides its answers beside its weights."""
        library: Any = transformers  # whose settings take every size by name
        self.bert = library.BertModel(library.BertConfig(**sizes), add_pooling_layer=False)

    def forward(self, rows: Shaped[Tensor, "row token"]) -> Float[Tensor, "row hidden"]:
        """The vector of each note; of one without words that of the padding."""
        read = rows != 0
        read[:, 0] = True
        longest = int(read.sum(dim=1).max()) if len(rows) else 1
        longest = -(-longest // LENGTH_STEP) * LENGTH_STEP  # few shapes: notes of like length are read in the same one
        rows, read = rows[:, :longest], read[:, :longest]
        states = self.bert(input_ids=rows.long(), attention_mask=read.long()).last_hidden_state
        if self.pool == "cls":
            return states[:, 0]
        return (states * read.unsqueeze(-1)).sum(dim=1) / read.sum(dim=1, keepdim=True)


class NoteEncoder(DocumentEncoder):
    """Notes of one modality to embeddings.

    Args:
        shape: of the rows.
        settings: kind and size.
        hidden, embed, dropout: of the block after it.
    """

    def __init__(
        self, shape: NoteShape, settings: NoteEncoderSettings, hidden: int, embed: int, dropout: float
    ) -> None:
        if shape.sizes or settings.kind == "bert":
            reader: BertReader | WordBag = BertReader(shape, settings)
        else:
            reader = WordBag(shape.vocabulary, settings.word_width, settings.word_dropout)
        super().__init__(shape, reader, reader.width, bool(shape.sizes), settings.train, hidden, embed, dropout)
