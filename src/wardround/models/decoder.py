"""The embedded decoder: a small Llama, randomly initialised and trained whole, with no weights to fetch.

Source: arXiv 2604.18753, section 3.4.2, fine-tunes Llama-3-8B and others; the same architecture at a small
size, which trains on a CPU, is ours.

- causal attention, rotary positions, RMSNorm, gated MLP: `transformers.LlamaModel`, nothing re-implemented
- reads embeddings, so there is no vocabulary: the token embedding is taken out and no parameter is left unused
- weights drawn at `hidden ** -0.5`, the spread that keeps signals alive at a small width
- right-padded: no position sees a later one, so padding needs no mask, and the state at k never changes when more
  events come
"""

from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wardround.errors import UsageError
from wardround.models.checks import check_probs, check_widths
from wardround.models.dropout import Dropout

WIDE: Final = 256
"""Width from which bfloat16 is the faster on a CPU that has it. Measured, one step of 8 x 256 positions on one core of
a Xeon with AMX, float32 / bfloat16: width 64, 1 layer (the default trajectory's) 39 / 72 ms; width 128, 2 layers 276 /
210 ms; width 256, 4 layers 812 / 433 ms; width 256, 6 layers (5 M parameters) 1,597 / 852 ms."""


@dataclass(frozen=True)
class DecoderSettings:
    """Size of a decoder.

    Attributes:
        hidden: width; a multiple of `2 * heads` (rotary positions turn pairs).
        layers: decoder layers; 2 to 4 train on a CPU.
        heads: attention heads.
        mlp_hidden: width of the gated MLP.
        dropout: on the input embeddings, in training.
        max_positions: longest sequence accepted.

    Raises:
        UsageError: if a width is below 1, `hidden` does not divide, or dropout is not in [0, 1).
    """

    hidden: int = 128
    layers: int = 2
    heads: int = 4
    mlp_hidden: int = 344  # 8/3 of hidden to a multiple of 8: Llama's own ratio
    dropout: float = 0.0
    max_positions: int = 2048

    def __post_init__(self) -> None:
        check_widths(
            hidden=self.hidden,
            layers=self.layers,
            heads=self.heads,
            mlp_hidden=self.mlp_hidden,
            max_positions=self.max_positions,
        )
        if self.hidden % (2 * self.heads):
            raise UsageError(f"hidden must be a multiple of 2 x heads = {2 * self.heads}, got {self.hidden}")
        check_probs(dropout=self.dropout)


class Decoder(nn.Module):
    """`LlamaModel(inputs_embeds)`: the state at position k depends on positions 0..k alone.

    Args:
        settings: the size.
    """

    def __init__(self, settings: DecoderSettings) -> None:
        from transformers import LlamaConfig, LlamaModel  # slow to import, and only decoders need it

        super().__init__()
        self.settings = settings
        config = LlamaConfig(
            vocab_size=1,
            hidden_size=settings.hidden,
            intermediate_size=settings.mlp_hidden,
            num_hidden_layers=settings.layers,
            num_attention_heads=settings.heads,
            initializer_range=settings.hidden**-0.5,  # Llama's 0.02 is for width 4096; here it would mute attention
            max_position_embeddings=settings.max_positions,
            attention_dropout=0.0,  # on a CPU, dropout inside attention costs the fused kernel: four times the time
            use_cache=False,
            bos_token_id=None,
            eos_token_id=None,
        )
        self.dropout = Dropout(settings.dropout)
        self.llama = LlamaModel(config)
        self.llama.set_attn_implementation("sdpa")  # "eager" is the one that can give attention weights
        self.llama.set_input_embeddings(nn.Identity())

    @property
    def gains_from_bf16(self) -> bool:
        """Whether training steps are faster in bfloat16, on a CPU that has it."""
        return self.settings.hidden >= WIDE

    def forward(
        self, embeddings: Float[Tensor, "stay position hidden"], lengths: Int[Tensor, " stay"]
    ) -> Float[Tensor, "stay position hidden"]:
        """The hidden state after each position; zero behind the first `lengths[i]` positions of stay i.

        Raises:
            UsageError: if the sequence is longer than `max_positions`.
        """
        positions = embeddings.shape[1]
        if positions > self.settings.max_positions:
            raise UsageError(
                f"sequence of {positions} positions, at most {self.settings.max_positions} accepted: "
                "keep the latest events, or raise max_positions"
            )
        padding = (torch.arange(positions, device=embeddings.device) >= lengths.unsqueeze(-1)).unsqueeze(-1)
        # Later positions get attention weight 0, and 0 x NaN is NaN: what stands in the padding must not come in.
        inputs = self.dropout(embeddings.masked_fill(padding, 0.0))
        states: Tensor = self.llama(inputs_embeds=inputs, use_cache=False).last_hidden_state
        return states.masked_fill(padding, 0.0)
