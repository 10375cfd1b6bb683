import math

import pytest
import torch

from wardround.errors import UsageError
from wardround.models.quantile import QuantileEncoding, quantile_edges

torch.set_num_threads(1)


def equation_1(x: float, edges: list[float]) -> list[float]:
    """Straight from arXiv 2203.05556, for edges that all differ."""
    bins = len(edges) - 1
    code = []
    for t in range(1, bins + 1):
        low, high = edges[t - 1], edges[t]
        if x < low and t > 1:
            code.append(0.0)
        elif x >= high and t < bins:
            code.append(1.0)
        else:
            code.append((x - low) / (high - low))
    return code


@pytest.mark.parametrize("edges", [[0.0, 1.0], [-2.0, 0.5, 3.0], [-1.0, 0.0, 0.1, 5.0, 6.0]])
def test_equals_equation_1(edges):
    encoding = QuantileEncoding(torch.tensor([edges], dtype=torch.float64))
    numbers = [*edges, -100.0, -1.5, 0.05, 0.7, 2.0, 5.5, 100.0]
    codes = encoding(torch.tensor(numbers, dtype=torch.float64).unsqueeze(1), torch.ones(len(numbers), 1) > 0)
    expected = torch.tensor([equation_1(x, edges) for x in numbers], dtype=torch.float64)
    torch.testing.assert_close(codes[:, 0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("edges", "number", "code"),
    [
        ([0.0, 1.0, 1.0, 2.0], 0.5, [0.5, 0.0, 0.0]),
        ([0.0, 1.0, 1.0, 2.0], 1.0, [1.0, 1.0, 0.0]),
        ([0.0, 1.0, 1.0, 2.0], 4.0, [1.0, 1.0, 3.0]),
        ([0.0, 1.0, 1.0, 1.0], 3.0, [3.0, 1.0, 1.0]),
        ([0.0, 0.0, 1.0, 2.0], -1.0, [0.0, -1.0, 0.0]),
        ([5.0, 5.0, 5.0], 4.9, [0.0, 0.0]),
        ([5.0, 5.0, 5.0], 5.0, [1.0, 1.0]),
    ],
)
def test_coinciding_edges_are_steps_and_the_outermost_wide_bins_are_open(edges, number, code):
    encoding = QuantileEncoding(torch.tensor([edges]))
    assert encoding(torch.tensor([number]), torch.tensor([True])).tolist() == [code]


def test_closed_bins_stay_between_0_and_1():
    encoding = QuantileEncoding(torch.tensor([[0.0, 1.0, 2.0]]), extrapolate=False)
    assert encoding(torch.tensor([[-9.0], [9.0]]), torch.tensor([[True], [True]])).tolist() == [
        [[0.0, 0.0]],
        [[1.0, 1.0]],
    ]


def test_unobserved_numbers_are_zeros_whatever_their_value():
    encoding = QuantileEncoding(torch.tensor([[0.0, 1.0, 2.0], [0.0, 10.0, 20.0]]))
    values = torch.tensor([[1.5, math.nan], [math.inf, 5.0]], requires_grad=True)
    observed = torch.tensor([[True, False], [False, True]])
    codes = encoding(values, observed)
    assert codes.tolist() == [[[1.0, 0.5], [0.0, 0.0]], [[0.0, 0.0], [0.5, 0.0]]]
    codes.sum().backward()
    assert values.grad.tolist() == [[1.0, 0.0], [0.0, pytest.approx(0.1)]]


@pytest.mark.parametrize("batch", [(), (3,), (2, 4)])
def test_any_leading_shape(batch):
    encoding = QuantileEncoding(torch.tensor([[0.0, 1.0, 2.0]] * 5))
    assert encoding(torch.zeros(*batch, 5), torch.ones(*batch, 5) > 0).shape == (*batch, 5, 2)
    assert (encoding.n_features, encoding.n_bins) == (5, 2)


def test_edges_travel_with_the_weights():
    source = QuantileEncoding(torch.tensor([[0.0, 1.0, 1.0]]))
    target = QuantileEncoding(torch.tensor([[0.0, 5.0, 9.0]]))
    target.load_state_dict(source.state_dict())
    number = torch.tensor([3.0])
    assert torch.equal(target(number, number > 0), source(number, number > 0))


def test_edges_are_observed_quantiles():
    values = torch.tensor([[4.0, 7.0, 9.0], [1.0, 7.0, 9.0], [3.0, 7.0, 9.0], [2.0, math.nan, 9.0], [5.0, 7.0, 9.0]])
    observed = torch.tensor([[True, True, False]] * 3 + [[True, False, False]] + [[True, True, False]])
    assert quantile_edges(values, observed, 4).tolist() == [[1, 2, 3, 4, 5], [7, 7, 7, 7, 7], [0, 0, 0, 0, 0]]
    assert quantile_edges(values, observed, 2)[0].tolist() == [1, 3, 5]


def test_each_bin_holds_about_the_same_share():
    values = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0)).exp()
    edges = quantile_edges(values, values > 0, 8)
    counts = torch.bucketize(values.flatten(), edges[0, 1:-1]).bincount()
    assert counts.min() > 495
    assert counts.max() < 505


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([[1.0]], "at least 1 feature and 2 edges"),
        ([[0.0, 1.0], [2.0, 1.0]], "feature 1 must be finite and not decrease"),
        ([[0.0, math.nan]], "feature 0 must be finite"),
        ([[0.0, math.inf]], "feature 0 must be finite"),
    ],
)
def test_bad_edges_are_refused(edges, message):
    with pytest.raises(UsageError, match=message):
        QuantileEncoding(torch.tensor(edges))


def test_bad_training_numbers_are_refused():
    with pytest.raises(UsageError, match="feature 1: observed numbers are NaN"):
        quantile_edges(torch.tensor([[1.0, math.nan]]), torch.tensor([[True, True]]), 4)
    with pytest.raises(UsageError, match="n_bins must be 1 or more"):
        quantile_edges(torch.zeros(1, 1), torch.ones(1, 1) > 0, 0)
