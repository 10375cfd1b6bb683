"""What belongs to a parameter lies in memory as it does."""

import torch

from wardround.train.memory_layout import laid_out_as


def test_strides_of_the_parameter_and_numbers_of_the_values():
    turned, values = torch.nn.Parameter(torch.zeros(3, 2).t()), torch.arange(6.0).view(2, 3)
    made = laid_out_as(turned, values)
    assert made.stride() == turned.stride() != values.stride()
    assert torch.equal(made, values)
    assert not made.requires_grad
