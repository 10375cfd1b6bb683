import math

import pytest
import torch
from torch import nn

from wardround.errors import UsageError
from wardround.models.belief_sequence import BeliefSequence
from wardround.models.decoder import Decoder, DecoderSettings

torch.set_num_threads(1)

SMALL = DecoderSettings(hidden=32, layers=2, heads=4, mlp_hidden=48, max_positions=64)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    torch.manual_seed(0)
    return Decoder(SMALL).eval()


def sequences(stays: int = 3, positions: int = 20) -> torch.Tensor:
    return torch.randn(stays, positions, 32, generator=torch.Generator().manual_seed(1))


def leak(model: nn.Module, positions: int = 20) -> float:
    """The largest change before a position when everything from it on is replaced, over all positions."""
    embeddings, lengths = sequences(positions=positions), torch.full((3,), positions)
    largest = 0.0
    with torch.no_grad():
        before = model(embeddings, lengths)
        for k in range(1, positions):
            other = torch.cat([embeddings[:, :k], 100 * torch.randn(3, positions - k, 32)], dim=1)
            largest = max(largest, float((model(other, lengths)[:, :k] - before[:, :k]).abs().max()))
    return largest


class TwoWay(nn.Module):
    """The planted fault: attention that sees later positions."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(32, 4, 48, dropout=0.0, batch_first=True)

    def forward(self, embeddings, lengths):
        return self.layer(embeddings)


def test_what_follows_changes_no_bit_at_the_same_shape(decoder):
    assert leak(decoder) == 0.0


def test_the_check_finds_two_way_attention():
    assert leak(TwoWay().eval()) > 1e-3


@pytest.mark.parametrize("positions", [1, 7, 19])
def test_a_prefix_alone_gives_the_same_states(decoder, positions):
    embeddings = sequences()
    whole = decoder(embeddings, torch.full((3,), 20))
    prefix = decoder(embeddings[:, :positions], torch.full((3,), positions))
    torch.testing.assert_close(whole[:, :positions], prefix, rtol=0, atol=1e-5)


def test_padding_and_batch_mates_do_not_matter(decoder):
    embeddings, lengths = sequences(), torch.tensor([20, 5, 0])
    before = decoder(embeddings, lengths)
    dirty = embeddings.clone()
    dirty[1, 5:], dirty[2] = math.nan, math.inf
    after = decoder(dirty, lengths)
    assert torch.equal(after, before)
    assert not after[1, 5:].any()
    assert not after[2].any()
    alone = decoder(embeddings[1:2, :5], torch.tensor([5]))
    torch.testing.assert_close(before[1:2, :5], alone, rtol=0, atol=1e-5)


def test_no_gradient_reaches_later_positions_or_padding(decoder):
    embeddings = sequences().requires_grad_()
    decoder(embeddings, torch.tensor([20, 12, 20]))[:, 8].square().sum().backward()
    assert not embeddings.grad[:, 9:].any()
    assert (embeddings.grad[:, :9].abs().sum(dim=-1) > 0).all()


def test_the_order_of_positions_matters(decoder):
    embeddings, lengths = sequences(), torch.full((3,), 20)
    swapped = torch.cat([embeddings[:, :19].flip(1), embeddings[:, 19:]], dim=1)
    assert not torch.allclose(decoder(embeddings, lengths)[:, 19], decoder(swapped, lengths)[:, 19], atol=1e-3)


def test_every_parameter_is_used():
    model = Decoder(SMALL)
    model(sequences(), torch.full((3,), 20)).square().mul(torch.arange(32.0)).sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_dropout_acts_in_training_only():
    model = Decoder(DecoderSettings(hidden=32, layers=1, heads=4, mlp_hidden=48, dropout=0.3))
    embeddings, lengths = sequences(), torch.full((3,), 20)
    assert not torch.equal(model(embeddings, lengths), model(embeddings, lengths))
    model.eval()
    assert torch.equal(model(embeddings, lengths), model(embeddings, lengths))


def test_a_belief_is_not_changed_by_later_events(decoder):
    beliefs = BeliefSequence(32)
    events, lengths = sequences(positions=6), torch.tensor([6, 6, 3])
    sequence = beliefs(events, lengths)
    whole = sequence.read(decoder(sequence.embeddings, sequence.lengths))
    first = beliefs(events[:, :3], torch.tensor([3, 3, 3]))
    early = first.read(decoder(first.embeddings, first.lengths))
    torch.testing.assert_close(whole[:, :3], early, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 36, "heads": 4}, "multiple of 2 x heads = 8, got 36"),
        ({"layers": 0}, "layers must be 1 or more"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        DecoderSettings(**settings)


def test_too_long_a_sequence_is_refused(decoder):
    with pytest.raises(UsageError, match="sequence of 65 positions, at most 64 accepted"):
        decoder(sequences(positions=65), torch.full((3,), 65))
