"""Modality dropout takes away at its rate, and never the last modality of a stay."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wardround.models.modality_dropout import modality_dropout

torch.set_num_threads(1)


def everything(stays: int) -> Tensor:
    return torch.ones(stays, 3, dtype=torch.bool)


def random_mask(stays: int = 32, share: float = 0.6, seed: int = 0) -> Tensor:
    return torch.rand(stays, 3, generator=torch.Generator().manual_seed(seed)) < share


@given(st.integers(0, 10**6), st.floats(0, 0.99), st.sampled_from(["one", "independent"]))
@settings(max_examples=60, deadline=None)
def test_dropout_only_takes_away_and_never_the_last(seed, prob, mode):
    observed = random_mask(40, 0.5, seed)
    before = observed.clone()
    left = modality_dropout(observed, prob, mode, torch.Generator().manual_seed(seed))
    assert torch.equal(observed, before)
    assert not (left & ~observed).any()
    assert torch.equal(left.any(dim=1), observed.any(dim=1))
    if mode == "one":
        assert ((observed.sum(dim=1) - left.sum(dim=1)) <= 1).all()
    assert torch.equal(left, modality_dropout(observed, prob, mode, torch.Generator().manual_seed(seed)))


def test_the_rates_of_one():
    left = modality_dropout(everything(30_000), 0.3, "one", torch.Generator().manual_seed(0))
    torch.testing.assert_close(1 - left.double().mean(dim=0), torch.full((3,), 0.1).double(), rtol=0, atol=0.01)
    assert (left.sum(dim=1) < 3).double().mean().item() == pytest.approx(0.3, abs=0.01)


def test_the_rates_of_independent():
    left = modality_dropout(everything(30_000), 0.3, "independent", torch.Generator().manual_seed(0))
    rate = 0.3 - 0.3**3 / 3  # where all three would go, one of them stays
    torch.testing.assert_close(1 - left.double().mean(dim=0), torch.full((3,), rate).double(), rtol=0, atol=0.01)


def test_no_dropout_is_a_copy():
    observed = random_mask()
    left = modality_dropout(observed, 0.0)
    assert torch.equal(left, observed)
    assert left is not observed
