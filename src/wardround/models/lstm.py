"""An LSTM that reads a padded sequence and gives its last state.

Source: arXiv 2604.18753, appendix B.1: orthogonal recurrent weights, Xavier-uniform input weights.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wardround.models.checks import check_widths


class LastStateLSTM(nn.Module):
    """The hidden state after the last real step of each sequence.

    Both initialisations are done gate by gate, so that each of the four recurrent matrices is orthogonal ("exact" in
    the paper) rather than their stack; biases start at zero (ours, the paper does not say).

    Args:
        in_features: width of a step.
        hidden: width of the state.
        layers: stacked LSTMs.
        dropout: between stacked layers, in training.

    Raises:
        UsageError: if a width is below 1.
    """

    def __init__(self, in_features: int, hidden: int, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        check_widths(in_features=in_features, hidden=hidden, layers=layers)
        between = dropout if layers > 1 else 0.0  # torch warns of dropout with a single layer, which would do nothing
        self.lstm = nn.LSTM(in_features, hidden, layers, batch_first=True, dropout=between)
        for name, parameter in self.lstm.named_parameters():
            for gate in parameter.detach().chunk(4):
                if name.startswith("weight_hh"):
                    nn.init.orthogonal_(gate)
                elif name.startswith("weight_ih"):
                    nn.init.xavier_uniform_(gate)
                else:
                    nn.init.zeros_(gate)

    def forward(
        self, sequence: Float[Tensor, "stay position feature"], lengths: Int[Tensor, " stay"]
    ) -> Float[Tensor, "stay hidden"]:
        """Read the first `lengths[i]` steps of stay i; whatever stands behind them, NaN included, is never read.

        A stay of length 0 gets the state before any step, zeros.
        """
        real = torch.arange(sequence.shape[1], device=sequence.device) < lengths.unsqueeze(-1)
        sequence = sequence.masked_fill(~real.unsqueeze(-1), 0.0)
        if not sequence.shape[0] or not sequence.shape[1]:  # torch packs no empty batch; the weights stay in the graph
            nothing = torch.stack([weight.sum() for weight in self.parameters()]).sum() * 0.0
            return nothing.expand(sequence.shape[0], self.lstm.hidden_size)
        packed = nn.utils.rnn.pack_padded_sequence(
            sequence, lengths.clamp(min=1).to("cpu", torch.int64), batch_first=True, enforce_sorted=False
        )
        _, (state, _) = self.lstm(packed)
        return state[-1].masked_fill((lengths == 0).unsqueeze(-1), 0.0)
