"""Dropout whose masks are cheap on a CPU: a byte of randomness a number.

torch draws one Bernoulli number after the other there, which took a sixth of a training step of the trajectory model,
whose rows are a thousand numbers wide. Eight bytes a draw are enough, where the rate is a multiple of 1/256.
"""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wardround.models.checks import check_probs

_BYTES: Final = 256


class Dropout(nn.Module):
    """In training, `x * kept / P(kept)` with `kept` drawn anew for every number (JMLR 15:1929, 2014); else `x`.

    Args:
        rate: chance that a number is dropped; rounded to a multiple of 1/256, on every device, so that one below 1/512
            drops nothing.

    Raises:
        UsageError: if `rate` is outside [0, 1).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        check_probs(dropout=rate)
        self.dropped = min(round(rate * _BYTES), _BYTES - 1)
        """Of 256 bytes, how many mean that a number is dropped."""

    def forward(self, x: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch feature"]:
        """`x` with some numbers dropped, in training."""
        if not self.training or not self.dropped:
            return x
        if x.device.type != "cpu":
            return nn.functional.dropout(x, self.dropped / _BYTES)
        factor = torch.full((_BYTES,), _BYTES / (_BYTES - self.dropped), dtype=x.dtype)
        factor[: self.dropped] = 0.0
        eights = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        which = eights.view(torch.uint8)[: x.numel()].int()
        return x * factor.index_select(0, which).view(x.shape)

    def extra_repr(self) -> str:
        """The rate, as torch prints modules."""
        return f"rate={self.dropped / _BYTES:g}"
