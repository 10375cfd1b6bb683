"""The state so far: at each event, the latest embedding of every modality, a missing token where there is none yet.

With it a sequence model is given what a static model sees, at every event, rather than made to rediscover it (ours).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def latest_state(
    embedded: Float[Tensor, "stay event embed"],
    modality: Int[Tensor, "stay event"],
    tokens: Float[Tensor, "modality embed"],
) -> Float[Tensor, "stay event modality embed"]:
    """`state[i, k, m] = embedded[i, l]` for the last event `l <= k` of modality m, `tokens[m]` where there is none.

    Causal: nothing after event k enters `state[:, k]`.

    Args:
        embedded: the events, in the order in which they became known.
        modality: of each event.
        tokens: of the missing modalities.
    """
    stays, events, width = embedded.shape
    modalities = len(tokens)
    place = torch.arange(events, device=modality.device).view(1, events, 1)
    mine = modality.unsqueeze(-1) == torch.arange(modalities, device=modality.device)
    last = torch.where(mine, place, -1).cummax(dim=1).values
    index = last.clamp(min=0).reshape(stays, events * modalities, 1).expand(-1, -1, width)
    found = embedded.gather(1, index).view(stays, events, modalities, width)
    return torch.where((last >= 0).unsqueeze(-1), found, tokens.to(found.dtype))


def latest_ages(
    hours: Float[Tensor, "stay event"], modality: Int[Tensor, "stay event"], modalities: int
) -> Float[Tensor, "stay event feature"]:
    """How old the state is: log(1 + hours) since unit admission, then since the latest event of each modality; where a
    modality has none yet, since admission.

    Args:
        hours: of each event, from unit admission; negative ones count as 0.
        modality: of each event.
        modalities: how many there are.
    """
    hours = hours.clamp(min=0)
    latest = latest_state(hours.unsqueeze(-1), modality, hours.new_zeros(modalities, 1)).squeeze(-1)
    return torch.cat([hours.unsqueeze(-1), (hours.unsqueeze(-1) - latest).clamp(min=0)], dim=-1).log1p()
