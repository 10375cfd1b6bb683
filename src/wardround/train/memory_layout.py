"""How tensors that belong to a parameter lie in memory: as it does, for a fused AdamW walks through all of them at once
in the order of memory, and asks nothing of their strides."""

import torch
from torch import Tensor


def laid_out_as(parameter: Tensor, values: Tensor) -> Tensor:
    """A copy of the values, on the parameter's device, in its type and with its strides.

    Args:
        parameter: whose gradient or moment they are to be.
        values: of the same shape.
    """
    return torch.empty_like(parameter, requires_grad=False).copy_(values)
