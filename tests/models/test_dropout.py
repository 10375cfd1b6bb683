"""Dropout: as many zeros as asked for, the mean kept, every number by itself, and nothing outside training."""

import pytest
import torch

from wardround.errors import UsageError
from wardround.models.dropout import Dropout

torch.set_num_threads(1)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.85])
def test_share_and_scale(rate: float):
    torch.manual_seed(0)
    drop, rows = Dropout(rate), torch.ones(1000, 400)
    made = drop(rows)
    dropped = (made == 0).double().mean()
    assert dropped == pytest.approx(rate, abs=1 / 512 + 5 * (rate * (1 - rate) / rows.numel()) ** 0.5)
    assert made.unique().tolist() == pytest.approx([0, 256 / (256 - drop.dropped)])
    assert made.double().mean() == pytest.approx(1, abs=0.01)


def test_numbers_are_dropped_by_themselves():
    """Neighbours share a draw of eight bytes, and nothing else: pairs are dropped together as chance has it, at every
    distance; so are two calls."""
    torch.manual_seed(0)
    drop = Dropout(0.25)
    gone = (drop(torch.ones(1 << 18)) == 0).double()
    again = (drop(torch.ones(1 << 18)) == 0).double()
    for distance in range(1, 17):
        assert (gone[distance:] * gone[:-distance]).mean() == pytest.approx(1 / 16, abs=0.003), distance
    assert (gone * again).mean() == pytest.approx(1 / 16, abs=0.003)


def test_all_bytes_are_drawn_alike():
    """A draw from half of the integers would leave the first bit of every eighth byte at 0."""
    torch.manual_seed(0)
    gone = (Dropout(0.5)(torch.ones(1 << 16, 8)) == 0).double().mean(dim=0)
    assert gone.tolist() == pytest.approx([0.5] * 8, abs=0.01)


def test_the_gradient_is_the_mask():
    torch.manual_seed(0)
    rows = torch.rand(5, 7).add(1).requires_grad_()
    made = Dropout(0.4)(rows)
    made.sum().backward()
    torch.testing.assert_close(rows.grad, made.detach() / rows.detach())


@pytest.mark.parametrize("shape", [(0,), (0, 3), (1,), (3, 5), (2, 3, 4)])
def test_any_shape(shape: tuple[int, ...]):
    rows = torch.rand(shape)
    assert Dropout(0.3)(rows).shape == rows.shape
    assert torch.equal(Dropout(0.3).eval()(rows), rows)
    assert torch.equal(Dropout(0.0)(rows), rows)


def test_it_follows_the_seed_and_the_precision():
    rows = torch.ones(40, dtype=torch.bfloat16)
    torch.manual_seed(3)
    first = Dropout(0.5)(rows)
    torch.manual_seed(3)
    assert torch.equal(Dropout(0.5)(rows), first)
    assert first.dtype == torch.bfloat16


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_what_is_no_chance_is_refused(rate: float):
    with pytest.raises(UsageError, match="dropout"):
        Dropout(rate)
