"""The first term of a head, by hand."""

import pytest
import torch

from wardround.models.published_risk import PublishedRisk

NAN = float("nan")


@pytest.mark.parametrize("shape", [(4,), (2, 2), (1, 4)])
def test_scaled_and_shifted_where_known_and_constant_elsewhere(shape: tuple[int, ...]):
    start = PublishedRisk(2.0, 0.5, -3.0)
    logit = torch.tensor([1.0, NAN, -2.0, 0.0]).view(shape)
    torch.testing.assert_close(start(logit), torch.tensor([2.5, -3.0, -3.5, 0.5]).view(shape))


def test_all_three_numbers_learn_and_what_is_unknown_teaches_the_constant_alone():
    start = PublishedRisk(1.0, 0.0, 0.0)
    start(torch.tensor([3.0, NAN, 4.0])).sum().backward()
    assert [float(number.grad) for number in (start.scale, start.shift, start.constant)] == [7, 2, 1]
    start.zero_grad()
    start(torch.tensor([NAN])).sum().backward()
    assert [float(number.grad) for number in (start.scale, start.shift, start.constant)] == [0, 0, 1]


def test_nobody_asked():
    assert PublishedRisk(1.0, 0.0, 0.0)(torch.empty(0)).shape == (0,)
