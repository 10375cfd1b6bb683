import pytest
import torch

from wardround.errors import UsageError
from wardround.models.time_encoding import FourierTime

torch.set_num_threads(1)


def plain(encoding: FourierTime) -> FourierTime:
    """With the projection taken away."""
    torch.nn.init.eye_(encoding.project.weight)
    torch.nn.init.zeros_(encoding.project.bias)
    return encoding


def test_is_sine_and_cosine_of_every_period():
    encoding = plain(FourierTime(8, shortest_h=2.0, longest_h=54.0))
    assert encoding.periods_h.tolist() == pytest.approx([2, 6, 18, 54])
    hours = torch.tensor([-30.5, 0.0, 0.25, 100.0])
    angle = 2 * torch.pi * hours[:, None] / torch.tensor([2.0, 6.0, 18.0, 54.0])
    torch.testing.assert_close(encoding(hours), torch.cat([angle.sin(), angle.cos()], dim=1), rtol=0, atol=1e-4)


@pytest.mark.parametrize("batch", [(), (3,), (2, 5)])
def test_any_shape_and_sign(batch):
    out = FourierTime(16)(-torch.rand(batch) * 5000)
    assert out.shape == (*batch, 16)
    assert out.isfinite().all()


def test_hours_within_sixty_days_are_told_apart():
    codes = plain(FourierTime(32))(torch.arange(0.0, 1440.0))
    distance = torch.cdist(codes, codes) + 10 * torch.eye(1440)
    assert distance.min() > 0.05


def test_a_single_period_is_the_shortest():
    assert FourierTime(2, 3.0, 3.0).periods_h.tolist() == [3.0]


@pytest.mark.parametrize("arguments", [(3,), (0,), (4, 0.0), (4, 5.0, 2.0)])
def test_bad_numbers_are_refused(arguments):
    with pytest.raises(UsageError):
        FourierTime(*arguments)
