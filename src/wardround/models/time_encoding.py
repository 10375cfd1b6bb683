"""Fourier encoding of the time of an event, so that a decoder knows hours and not only the order.

Ours: the decoders of arXiv 2604.18753 know the order alone (rotary positions); this is added to an event's embedding.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wardround.errors import UsageError


class FourierTime(nn.Module):
    """`Linear([sin(2 pi h / p_k), cos(2 pi h / p_k)])` with periods `p_k` in geometric progression.

    Hours may be negative (events before admission) and are not bounded.

    Args:
        hidden: width of the output; even.
        shortest_h: shortest period, hours.
        longest_h: longest period, hours; by default 60 days, so that stays of 30 days do not wrap around.

    Raises:
        UsageError: if `hidden` is not even and positive, or the periods are not `0 < shortest_h <= longest_h`.
    """

    periods_h: Float[Tensor, " frequency"]

    def __init__(self, hidden: int, shortest_h: float = 1.0, longest_h: float = 1440.0) -> None:
        super().__init__()
        if hidden < 2 or hidden % 2:
            raise UsageError(f"hidden must be even and 2 or more, got {hidden}")
        if not 0 < shortest_h <= longest_h:
            raise UsageError(f"periods must be 0 < shortest_h <= longest_h, got {shortest_h} and {longest_h}")
        steps = torch.linspace(0, 1, hidden // 2, dtype=torch.float64)
        periods_h = shortest_h * (longest_h / shortest_h) ** steps
        self.register_buffer("periods_h", periods_h.to(torch.get_default_dtype()), persistent=False)
        self.project = nn.Linear(hidden, hidden)

    def forward(self, hours: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch hidden"]:
        """The encoding of each time, hours from admission."""
        turns = torch.remainder(hours.unsqueeze(-1) / self.periods_h, 1.0)
        angle = 2 * torch.pi * turns
        return self.project(torch.cat([angle.sin(), angle.cos()], dim=-1))
