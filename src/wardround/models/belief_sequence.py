"""The sequence that a trajectory model reads: event_1, [PREDICT], event_2, [PREDICT], ...

The head reads the state at every [PREDICT], so each event updates the belief.
Source: arXiv 2604.18753, sections 3.3.2 and 3.4.2.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wardround.models.checks import check_widths


class Beliefs(NamedTuple):
    """An interleaved sequence and where to read it.

    Attributes:
        embeddings: the decoder's input, right-padded.
        lengths: real positions of each stay: twice its events.
        predict_positions: the position of the [PREDICT] after event k, `2 k + 1`.
    """

    embeddings: Float[Tensor, "stay position hidden"]
    lengths: Int[Tensor, " stay"]
    predict_positions: Int[Tensor, " event"]

    def read(self, states: Float[Tensor, "stay position hidden"]) -> Float[Tensor, "stay event hidden"]:
        """The decoder's states at the [PREDICT] positions: the belief after each event."""
        return states.index_select(1, self.predict_positions)


class BeliefSequence(nn.Module):
    """Puts one learnable [PREDICT] embedding, the same everywhere, after every event.

    Args:
        hidden: width of the decoder.

    Raises:
        UsageError: if `hidden` is below 1.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        check_widths(hidden=hidden)
        self.predict = nn.Parameter(torch.randn(hidden) * 0.02)  # the scale at which Llama draws token embeddings

    def forward(self, events: Float[Tensor, "stay event hidden"], lengths: Int[Tensor, " stay"]) -> Beliefs:
        """Interleave; `lengths` are the numbers of real events."""
        stays, n_events, hidden = events.shape
        predict = self.predict.to(events.dtype).expand(stays, n_events, hidden)
        embeddings = torch.stack([events, predict], dim=2).reshape(stays, 2 * n_events, hidden)
        positions = 2 * torch.arange(n_events, device=events.device) + 1
        return Beliefs(embeddings, 2 * lengths, positions)
