import pytest
import torch
from torch import nn

from wardround.errors import UsageError
from wardround.models.dropout import Dropout
from wardround.models.tabular import TabularBlock, mlp_head

torch.set_num_threads(1)


def test_the_block_is_the_paper_s_chain():
    block = TabularBlock(5, 7, 3, dropout=0.2)
    assert [type(layer) for layer in block.layers] == [
        nn.Linear,
        nn.LayerNorm,
        nn.ReLU,
        Dropout,
        nn.Linear,
        nn.LayerNorm,
    ]
    assert block.layers[3].dropped / 256 == pytest.approx(0.2, abs=1 / 512)


@pytest.mark.parametrize("batch", [(), (4,), (2, 6), (0,)])
def test_any_leading_shape(batch):
    assert TabularBlock(5, 7, 3)(torch.randn(*batch, 5)).shape == (*batch, 3)


def test_a_row_does_not_see_the_rest_of_its_batch():
    block = TabularBlock(5, 7, 3)
    rows = torch.randn(6, 5)
    torch.testing.assert_close(block(rows)[2:3], block(rows[2:3]))


def test_head_gives_logits_of_any_sign():
    torch.manual_seed(0)
    logits = mlp_head(5, 7, 25, dropout=0.1)(torch.randn(40, 5))
    assert logits.shape == (40, 25)
    assert (logits < 0).any()
    assert (logits > 0).any()


@pytest.mark.parametrize("make", [lambda: TabularBlock(0, 7, 3), lambda: mlp_head(5, 0, 1)])
def test_an_empty_layer_is_refused_by_name(make):
    with pytest.raises(UsageError, match=r"(in_features|hidden) must be 1 or more, got 0"):
        make()
