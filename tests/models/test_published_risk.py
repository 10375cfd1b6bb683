"""The first term of a head, by hand."""

import numpy as np
import pytest
import torch

from wardround.metrics.newton import fit_logistic
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


def drawn(stays: int, slope: float, shift: float) -> tuple[torch.Tensor, torch.Tensor]:
    """An equation's log odds, and deaths that follow it so far."""
    rng = np.random.default_rng(0)
    logit = rng.normal(-2, 1.5, stays)
    died = rng.random(stays) < 1 / (1 + np.exp(-(slope * logit + shift)))
    return torch.tensor(logit, dtype=torch.float32), torch.tensor(died.astype(np.float64))


def recalibrated(logit: torch.Tensor, died: torch.Tensor, weight: float = 1.0) -> tuple[float, float]:
    start = PublishedRisk(1.0, 0.0, -2.0)
    start.recalibrate(logit, died, weight)
    assert float(start.constant.detach()) == -2.0
    return float(start.scale.detach()), float(start.shift.detach())


def test_many_stays_put_the_equation_where_the_likelihood_has_its_maximum():
    logit, died = drawn(20_000, 0.6, -0.4)
    columns = np.stack([logit.numpy(), np.ones(20_000)], axis=1).astype(np.float64)
    asked = fit_logistic(died.numpy(), columns, np.zeros(20_000), np.ones((1, 20_000)))[0]
    assert recalibrated(logit, died) == pytest.approx(tuple(asked), abs=2e-3)
    assert asked[0] == pytest.approx(0.6, abs=0.05)


def test_few_stays_move_it_less():
    """Whoever sees ten stays keeps nearer to the equation than whoever sees the same ten a hundred times."""
    logit, died = drawn(10, -1.0, -2.0)
    few, many = recalibrated(logit, died), recalibrated(logit.repeat(100), died.repeat(100))
    assert abs(few[0] - 1) < abs(many[0] - 1) / 2


def test_it_is_the_maximum_of_likelihood_and_prior():
    logit, died = drawn(40, 0.5, 0.0)
    slope, shift = recalibrated(logit, died)

    def posterior(slope: float, shift: float) -> float:
        output = slope * logit.double() + shift
        chance = torch.where(died == 1, output, -output).sigmoid().log().sum()
        return float(chance) - ((slope - 1) / 0.5) ** 2 / 2 - (shift / 5) ** 2 / 2

    best = posterior(slope, shift)
    for step in (0.02, -0.02):
        assert posterior(slope + step, shift) < best
        assert posterior(slope, shift + step) < best


def test_a_weighted_death_counts_as_so_many():
    logit, died = drawn(300, 0.8, 0.0)
    twice = torch.cat([logit, logit[died == 1]]), torch.cat([died, died[died == 1]])
    assert recalibrated(logit, died, 2.0) == pytest.approx(recalibrated(*twice), abs=1e-5)


def test_stays_without_the_equation_have_no_part():
    logit, died = drawn(100, 0.5, 0.0)
    more = torch.cat([logit, torch.full((50,), NAN)]), torch.cat([died, torch.ones(50)])
    assert recalibrated(*more) == recalibrated(logit, died)
    assert recalibrated(torch.full((3,), NAN), torch.ones(3)) == (1.0, 0.0)
    assert recalibrated(torch.empty(0), torch.empty(0)) == (1.0, 0.0)


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("logit", [-60.0, 0.0, 60.0])
def test_where_all_or_none_died_it_stays_finite(logit: float, label: float):
    slope, shift = recalibrated(torch.full((30,), logit), torch.full((30,), label))
    assert np.isfinite([slope, shift]).all()
    assert abs(shift) < 15
