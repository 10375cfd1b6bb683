import pytest
import torch

from wardround.errors import UsageError
from wardround.models.belief_sequence import BeliefSequence

torch.set_num_threads(1)


def test_every_event_is_followed_by_predict():
    model = BeliefSequence(4)
    events = torch.randn(2, 3, 4)
    beliefs = model(events, torch.tensor([3, 1]))
    assert beliefs.embeddings.shape == (2, 6, 4)
    assert torch.equal(beliefs.embeddings[:, 0::2], events)
    assert torch.equal(beliefs.embeddings[:, 1::2], model.predict.expand(2, 3, 4))
    assert beliefs.lengths.tolist() == [6, 2]
    assert beliefs.predict_positions.tolist() == [1, 3, 5]


def test_the_states_are_read_at_predict():
    model = BeliefSequence(1)
    beliefs = model(torch.zeros(1, 3, 1), torch.tensor([3]))
    states = torch.arange(6.0).reshape(1, 6, 1)
    assert beliefs.read(states).flatten().tolist() == [1, 3, 5]


def test_predict_is_learned():
    model = BeliefSequence(4)
    model(torch.randn(2, 3, 4), torch.tensor([3, 3])).embeddings.sum().backward()
    assert model.predict.grad.tolist() == [6.0] * 4


def test_no_event_is_no_position():
    beliefs = BeliefSequence(4)(torch.zeros(2, 0, 4), torch.tensor([0, 0]))
    assert beliefs.embeddings.shape == (2, 0, 4)
    assert beliefs.predict_positions.tolist() == []


def test_a_bad_width_is_refused():
    with pytest.raises(UsageError, match="hidden must be 1 or more"):
        BeliefSequence(0)
