"""Equation 1: an encoder where a modality is observed, its token where it is missing, and what is refused."""

import pytest
import torch
from torch import Tensor, nn

from wardround.errors import UsageError
from wardround.models.embedder import ModalityEmbedder
from wardround.models.numeric_set import NumericSet
from wardround.models.tabular import TabularBlock

torch.set_num_threads(1)

NAMES = ("demographics", "lab", "treatment")
EMBED = 8


def embedder() -> ModalityEmbedder:
    torch.manual_seed(0)
    return ModalityEmbedder({name: TabularBlock(5, 16, EMBED) for name in NAMES}, EMBED)


def inputs_of(stays: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(stays, 5, generator=generator) for name in NAMES}


def everything(stays: int) -> Tensor:
    return torch.ones(stays, len(NAMES), dtype=torch.bool)


def random_mask(stays: int = 32) -> Tensor:
    return torch.rand(stays, len(NAMES), generator=torch.Generator().manual_seed(0)) < 0.6


def test_observed_rows_are_encoded_and_missing_ones_are_tokens():
    model, inputs, observed = embedder(), inputs_of(32), random_mask()
    z = model.embed(inputs, observed)
    for m, name in enumerate(NAMES):
        encoded = model.encoders[name](inputs[name])
        expected = torch.where(observed[:, m, None], encoded, model.tokens[m])
        torch.testing.assert_close(z[:, m], expected, rtol=0, atol=1e-6)


def test_an_encoder_may_take_several_tensors():
    torch.manual_seed(0)
    numbers = NumericSet(torch.tensor([[-1.0, 0.0, 1.0]] * 5), 16, EMBED)
    model = ModalityEmbedder({"lab": numbers, "treatment": TabularBlock(5, 16, EMBED)}, EMBED)
    values, seen = torch.randn(6, 5), torch.rand(6, 5) < 0.5
    observed = torch.tensor([[True, True]] * 4 + [[False, True], [True, False]])
    z = model.embed({"lab": (values, seen), "treatment": torch.randn(6, 5)}, observed)
    torch.testing.assert_close(z[:4, 0], numbers(values, seen)[:4], rtol=0, atol=1e-6)
    assert torch.equal(z[4, 0], model.tokens[0])


@pytest.mark.parametrize(
    ("inputs", "observed", "message"),
    [
        ({"lab": torch.zeros(2, 5)}, everything(2), "no input for modality 'demographics'; the batch has lab"),
        (inputs_of(2), everything(2)[:, :2], "observed has 2 columns, the model 3"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(inputs, observed, message):
    with pytest.raises(UsageError, match=message):
        embedder().embed(inputs, observed)


def test_an_encoder_of_another_width_is_refused():
    model = ModalityEmbedder({"lab": nn.Linear(5, 3), "score": nn.Linear(5, EMBED)}, EMBED)
    with pytest.raises(UsageError, match=r"encoder of 'lab' gives \(2, 3\), expected stay x embed = \(2, 8\)"):
        model.embed({"lab": torch.zeros(2, 5), "score": torch.zeros(2, 5)}, everything(2)[:, :2])


def test_one_modality_is_enough_to_embed():
    model = ModalityEmbedder({"lab": nn.Linear(5, EMBED)}, EMBED)
    z = model.embed({"lab": torch.zeros(2, 5)}, torch.tensor([[True], [False]]))
    assert torch.equal(z[1, 0], model.tokens[0])


def test_no_modality_is_refused():
    with pytest.raises(UsageError, match="modalities must be 1 or more, got 0"):
        ModalityEmbedder({}, EMBED)


def test_no_row_at_all_leaves_every_encoder_in_the_graph():
    """Every process of a training needs the same graph, whatever stays it was given."""
    model = embedder()
    model.embed(inputs_of(0), everything(0)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
