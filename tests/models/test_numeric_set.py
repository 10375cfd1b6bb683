import math

import pytest
import torch

from wardround.errors import UsageError
from wardround.models.numeric_set import NumericSet

torch.set_num_threads(1)

FEATURES = 6


@pytest.fixture
def encoder() -> NumericSet:
    torch.manual_seed(0)
    return NumericSet(torch.randn(FEATURES, 5).sort(dim=-1).values, hidden=16, embed=8, dropout=0.3).eval()


def rows(count: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, FEATURES, generator=generator), torch.rand(count, FEATURES, generator=generator) < 0.6


def test_the_value_of_an_unobserved_feature_does_not_matter(encoder):
    values, observed = rows()
    before = encoder(values, observed)
    for planted in (0.0, 1e30, math.nan, math.inf):
        assert torch.equal(encoder(values.masked_fill(~observed, planted), observed), before)


def test_the_value_of_an_observed_feature_does(encoder):
    values, observed = rows()
    moved = encoder(values + observed * 0.1, observed)
    has_some = observed.any(dim=1)
    assert ((moved - encoder(values, observed)).abs().amax(dim=1) > 1e-4)[has_some].all()


def test_observed_at_zero_differs_from_missing(encoder):
    values, observed = torch.zeros(1, FEATURES), torch.zeros(1, FEATURES) > 1
    seen = observed.clone()
    seen[0, 2] = True
    assert not torch.allclose(encoder(values, seen), encoder(values, observed))


def test_the_count_is_known_beside_the_mean(encoder):
    """Two features with one embedding and one code have the mean of one; the count tells them apart."""
    with torch.no_grad():
        encoder.name[1] = encoder.name[0]
        encoder.weight[1] = encoder.weight[0]
        encoder.encoding.edges[1] = encoder.encoding.edges[0]
    values = torch.ones(1, FEATURES)
    one, two = torch.zeros(1, FEATURES) > 1, torch.zeros(1, FEATURES) > 1
    one[0, 0], two[0, :2] = True, True
    assert not torch.allclose(encoder(values, one), encoder(values, two))


def test_the_order_of_features_does_not_matter(encoder):
    values, observed = rows()
    before = encoder(values, observed)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    permuted = NumericSet(encoder.encoding.edges[order], hidden=16, embed=8).eval()
    state = encoder.state_dict()
    for name in ("name", "weight", "encoding.edges", "encoding._opens_below", "encoding._opens_above"):
        state[name] = state[name][order]
    permuted.load_state_dict(state)
    torch.testing.assert_close(permuted(values[:, order], observed[:, order]), before, rtol=0, atol=1e-6)


def test_with_nothing_observed_the_output_and_the_gradients_are_finite(encoder):
    out = encoder(torch.full((2, FEATURES), math.nan), torch.zeros(2, FEATURES) > 1)
    out.square().sum().backward()
    assert out.isfinite().all()
    assert all(p.grad.isfinite().all() for p in encoder.parameters() if p.grad is not None)


@pytest.mark.parametrize("batch", [(), (3,), (2, 4), (0,)])
def test_any_leading_shape(encoder, batch):
    assert encoder(torch.zeros(*batch, FEATURES), torch.ones(*batch, FEATURES) > 0).shape == (*batch, 8)


def test_every_parameter_learns(encoder):
    values, observed = rows()
    encoder(values, observed).square().mul(torch.arange(8.0)).sum().backward()
    assert [name for name, p in encoder.named_parameters() if not p.grad.abs().sum() > 0] == []


def test_a_bad_width_is_refused():
    with pytest.raises(UsageError, match="embed must be 1 or more"):
        NumericSet(torch.tensor([[0.0, 1.0]]), hidden=4, embed=0)
