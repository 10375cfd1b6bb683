"""The learning rate as a function of the step."""

import math

import pytest

from wardround.train.schedule import learning_rate_factor


def test_the_whole_schedule_written_out():
    factors = [round(learning_rate_factor(step, 12, 0.25, "cosine"), 4) for step in range(12)]
    assert factors == [0.3333, 0.6667, 1.0, 1.0, 0.9698, 0.883, 0.75, 0.5868, 0.4132, 0.25, 0.117, 0.0302]


@pytest.mark.parametrize("total", [1, 2, 7, 1000])
@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.5, 1.0])
def test_it_rises_then_never_rises_again(total: int, warmup: float):
    factors = [learning_rate_factor(step, total, warmup, "cosine") for step in range(total + 5)]
    top = max(round(warmup * total) - 1, 0)
    assert all(0 <= factor <= 1 for factor in factors)
    assert factors[:top] == sorted(factors[:top])
    assert factors[top:] == sorted(factors[top:], reverse=True)


def test_constant_after_the_warm_up():
    factors = [learning_rate_factor(step, 10, 0.2, "constant") for step in range(10)]
    assert factors == [0.5, *[1.0] * 9]


def test_beyond_the_end_it_stays_at_zero():
    assert math.isclose(learning_rate_factor(50, 10, 0.0, "cosine"), 0.0, abs_tol=1e-12)
