"""GRU-D: a gated recurrent unit whose inputs and memory decay with the time since a number was last observed.

    gamma_t = exp(-max(0, W_g delta_t + b_g))                                        a decay, between 0 and 1
    x^_t    = m_t x_t + (1 - m_t) (gamma_x,t x_t' + (1 - gamma_x,t) x~)              W_g diagonal; t' last observed
    h^_t-1  = gamma_h,t * h_t-1                                                      W_g full
    r_t     = sigmoid(W_r x^_t + U_r h^_t-1 + V_r m_t + b_r)
    z_t     = sigmoid(W_z x^_t + U_z h^_t-1 + V_z m_t + b_z)
    c_t     = tanh(W x^_t + U (r_t * h^_t-1) + V m_t + b)
    h_t     = (1 - z_t) * h^_t-1 + z_t * c_t

Source: Che, Purushotham, Cho, Sontag, Liu, Recurrent Neural Networks for Multivariate Time Series with Missing Values,
Scientific Reports 8:6085, 2018, "GRU-D: Model with trainable decays". The mean x~ is 0 here: values come as z-scores.
"""

from typing import Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wardround.models.checks import check_widths

DAY_H: Final = 24.0
"""Decays are computed of days (ours): of hours, the sum over many numbers would wipe the memory out at the start."""


class GRUD(nn.Module):
    """The state after every hour.

    What stands before an hour's recurrence (decays, filled inputs, their share of the gates) is computed for all hours
    at once. Weights start as torch's of a linear layer, the recurrent ones orthogonal gate by gate. Decays start at one
    e-fold a day for inputs: a negative weight would never learn, for its decay is 1 and its gradient 0.

    Args:
        numbers: D.
        hidden: width of the state.

    Raises:
        UsageError: if a width is below 1.
    """

    def __init__(self, numbers: int, hidden: int) -> None:
        super().__init__()
        check_widths(numbers=numbers, hidden=hidden)
        self.input_decay = nn.Parameter(torch.ones(numbers))
        self.input_decay_bias = nn.Parameter(torch.zeros(numbers))
        self.hidden_decay = nn.Linear(numbers, hidden)
        self.of_inputs = nn.Linear(2 * numbers, 3 * hidden)
        self.of_gates = nn.Linear(hidden, 2 * hidden, bias=False)
        self.of_candidate = nn.Linear(hidden, hidden, bias=False)
        for gate in (*self.of_gates.weight.detach().chunk(2), self.of_candidate.weight.detach()):
            nn.init.orthogonal_(gate)

    def forward(
        self,
        values: Float[Tensor, "stay hour number"],
        observed: Bool[Tensor, "stay hour number"],
        delta_h: Float[Tensor, "stay hour number"],
    ) -> Float[Tensor, "stay hour hidden"]:
        """The states; nothing after an hour enters its state.

        Args:
            values: z-scores; not read where not observed.
            observed: m.
            delta_h: hours since the number was last observed before this hour, or since the first hour.
        """
        days = delta_h / DAY_H
        gamma_x = (-(self.input_decay * days + self.input_decay_bias).relu()).exp()
        gamma_h = (-self.hidden_decay(days).relu()).exp()
        filled = torch.where(observed, values, gamma_x * last_observed(values, observed))
        of_inputs = self.of_inputs(torch.cat([filled, observed.to(filled.dtype)], dim=-1))
        hidden = gamma_h.shape[-1]
        state = gamma_h.new_zeros(len(values), hidden)
        states: list[Tensor] = []
        for decay, own in zip(gamma_h.unbind(1), of_inputs.unbind(1), strict=True):
            before = decay * state
            reset, update = (own[:, : 2 * hidden] + self.of_gates(before)).sigmoid().chunk(2, dim=1)
            candidate = (own[:, 2 * hidden :] + self.of_candidate(reset * before)).tanh()
            state = before + update * (candidate - before)
            states.append(state)
        return torch.stack(states, dim=1)


def last_observed(
    values: Float[Tensor, "stay hour number"], observed: Bool[Tensor, "stay hour number"]
) -> Float[Tensor, "stay hour number"]:
    """At each hour the latest value observed by then, 0 (the mean) where there is none yet."""
    hour = torch.arange(values.shape[1], device=values.device).view(1, -1, 1)
    last = torch.where(observed, hour, -1).cummax(dim=1).values
    return torch.where(last >= 0, values.gather(1, last.clamp(min=0)), 0.0)
