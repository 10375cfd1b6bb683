"""A peer for training speed: the same Llama-type decoder with no padding at all.

The linear layers run on the events of all stays of a batch, one after the other; attention runs stay by stay with the
fused kernel. Written for the benchmark, so that the product's padded batches have a floor of the same size to be
compared with.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PackedDecoder(nn.Module):
    """`layers` of pre-norm attention with rotary positions and a gated MLP.

    Args:
        hidden, layers, heads, mlp_hidden: as `DecoderSettings`.
    """

    def __init__(self, hidden: int, layers: int, heads: int, mlp_hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(hidden, heads, mlp_hidden) for _ in range(layers))
        self.norm = nn.RMSNorm(hidden, eps=1e-6)

    def forward(self, positions: Tensor, lengths: list[int]) -> Tensor:
        """`position hidden` of all stays, one after the other, to states."""
        angles = torch.cat([torch.arange(n) for n in lengths])
        for layer in self.layers:
            positions = layer(positions, lengths, angles)
        return self.norm(positions)


class _Layer(nn.Module):
    def __init__(self, hidden: int, heads: int, mlp_hidden: int) -> None:
        super().__init__()
        self.heads, self.width = heads, hidden // heads
        self.before_attention, self.before_mlp = nn.RMSNorm(hidden, eps=1e-6), nn.RMSNorm(hidden, eps=1e-6)
        self.qkv = nn.Linear(hidden, 3 * hidden, bias=False)
        self.out = nn.Linear(hidden, hidden, bias=False)
        self.gate, self.up = nn.Linear(hidden, mlp_hidden, bias=False), nn.Linear(hidden, mlp_hidden, bias=False)
        self.down = nn.Linear(mlp_hidden, hidden, bias=False)
        self.register_buffer("speed", 10_000.0 ** (-torch.arange(0, self.width, 2) / self.width))

    def forward(self, x: Tensor, lengths: list[int], places: Tensor) -> Tensor:
        query, key, value = self.qkv(self.before_attention(x)).view(len(x), 3, self.heads, self.width).unbind(1)
        turned = places[:, None] * self.speed
        query, key = _rotate(query, turned), _rotate(key, turned)
        parts = zip(query.split(lengths), key.split(lengths), value.split(lengths), strict=True)
        attended = torch.cat(
            [
                F.scaled_dot_product_attention(*(p.transpose(0, 1)[None] for p in part), is_causal=True)[0].transpose(
                    0, 1
                )
                for part in parts
            ]
        )
        x = x + self.out(attended.reshape(len(x), -1))
        rows = self.before_mlp(x)
        return x + self.down(F.silu(self.gate(rows)) * self.up(rows))


def _rotate(x: Tensor, turned: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    cos, sin = turned.cos()[:, None], turned.sin()[:, None]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
