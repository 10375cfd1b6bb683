"""The embedder of a stay's modalities: an encoder a modality, and a learnable token where one is missing.

Source: arXiv 2604.18753, equation 1. The same encoders and tokens serve the alignment and the models that predict.
Tokens start with length about 1, so that a learning rate that suits the encoders turns them too (ours).
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wardround.errors import UsageError
from wardround.models.checks import check_widths
from wardround.models.document_encoder import DocumentEncoder

Inputs = Mapping[str, Tensor | tuple[Tensor, ...]]
"""By modality the encoder's arguments, stays first: `stay feature`, or a tuple such as (values, observed)."""


class ModalityEmbedder(nn.Module):
    """Encoders and missing tokens.

    Args:
        encoders: by modality name; their order is the order of the columns of `observed`.
        embed: width of the embeddings that all of them give.

    Raises:
        UsageError: if there is no modality, or `embed` is below 1.
    """

    def __init__(self, encoders: Mapping[str, nn.Module], embed: int) -> None:
        super().__init__()
        check_widths(modalities=len(encoders), embed=embed)
        self.modalities = tuple(encoders)
        self.encoders = nn.ModuleDict(encoders)
        self.tokens = nn.Parameter(torch.randn(len(encoders), embed) / math.sqrt(embed))

    def requires_grad_(self, requires_grad: bool = True) -> "ModalityEmbedder":
        """Whether encoders and tokens learn; backbones that are to stay as they are do in any case."""
        super().requires_grad_(requires_grad)
        for encoder in self.encoders.values():
            if isinstance(encoder, DocumentEncoder) and encoder.frozen:
                encoder.backbone.requires_grad_(False)
        return self

    @property
    def frozen_backbones(self) -> dict[str, nn.Module]:
        """By modality the first part of its encoder that does not learn, where it has one: it needs to meet each row
        only once, and the encoder takes what it made of it in place of the row."""
        return {
            name: encoder.backbone
            for name, encoder in self.encoders.items()
            if isinstance(encoder, DocumentEncoder)
            and not any(weight.requires_grad for weight in encoder.backbone.parameters())
        }

    def embed(self, inputs: Inputs, observed: Bool[Tensor, "stay modality"]) -> Float[Tensor, "stay modality embed"]:
        """Equation 1: `z[i,m] = E_m(x[i,m])` where observed, else `t_m`; not normalised.

        An encoder sees the rows of its modality that are observed, and nothing else: what stands in the others, NaN
        included, is not read. It is called even where no row is left, so that every process of a training has the same
        graph.

        Raises:
            UsageError: if a modality is not in `inputs`, or columns or widths do not fit.
        """
        if observed.shape[1] != len(self.modalities):
            raise UsageError(
                f"observed has {observed.shape[1]} columns, the model {len(self.modalities)}: {self.modalities}"
            )
        columns = [
            self._embed_modality(index, name, inputs, observed[:, index]) for index, name in enumerate(self.modalities)
        ]
        return torch.stack(columns, dim=1)

    def _embed_modality(
        self, index: int, name: str, inputs: Inputs, observed: Bool[Tensor, " stay"]
    ) -> Float[Tensor, "stay embed"]:
        if name not in inputs:
            raise UsageError(f"no input for modality {name!r}; the batch has {', '.join(inputs) or 'none'}")
        rows = observed.nonzero().squeeze(1)
        arguments = inputs[name]
        arguments = arguments if isinstance(arguments, tuple) else (arguments,)
        encoded = self.encoders[name](*(argument[rows] for argument in arguments))
        token = self.tokens[index]
        if encoded.shape != (len(rows), len(token)):
            expected = (len(rows), len(token))
            raise UsageError(f"encoder of {name!r} gives {tuple(encoded.shape)}, expected stay x embed = {expected}")
        return token.expand(len(observed), -1).index_copy(0, rows, encoded.to(token.dtype))
