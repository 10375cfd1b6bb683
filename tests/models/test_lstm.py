import math

import pytest
import torch

from wardround.errors import UsageError
from wardround.models.lstm import LastStateLSTM

torch.set_num_threads(1)


def test_each_recurrent_gate_is_orthogonal_and_inputs_are_xavier():
    lstm = LastStateLSTM(5, 16, layers=2, dropout=0.1).lstm
    for layer in range(2):
        for gate in getattr(lstm, f"weight_hh_l{layer}").detach().chunk(4):
            torch.testing.assert_close(gate @ gate.T, torch.eye(16), rtol=0, atol=1e-5)
        for gate in getattr(lstm, f"weight_ih_l{layer}").detach().chunk(4):
            bound = math.sqrt(6 / sum(gate.shape))
            assert 0.8 * bound < gate.abs().max() <= bound
        assert not getattr(lstm, f"bias_hh_l{layer}").any()
        assert not getattr(lstm, f"bias_ih_l{layer}").any()


@pytest.mark.parametrize("layers", [1, 2])
def test_the_state_is_that_of_the_sequence_alone(layers):
    torch.manual_seed(0)
    model = LastStateLSTM(3, 8, layers).eval()
    sequence, lengths = torch.randn(4, 6, 3), torch.tensor([6, 1, 4, 2])
    together = model(sequence, lengths)
    for stay, length in enumerate(lengths.tolist()):
        alone = model.lstm(sequence[stay : stay + 1, :length])[1][0][-1, 0]
        torch.testing.assert_close(together[stay], alone, rtol=0, atol=1e-6)


def test_padding_is_never_read():
    model = LastStateLSTM(3, 8)
    sequence, lengths = torch.randn(3, 5, 3), torch.tensor([5, 2, 0])
    before = model(sequence, lengths)
    sequence[1, 2:], sequence[2] = math.nan, math.inf
    sequence.requires_grad_()
    after = model(sequence, lengths)
    assert torch.equal(after, before)
    assert not after[2].any()
    after.sum().backward()
    assert sequence.grad.isfinite().all()
    assert not sequence.grad[1, 2:].any()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("shape", [(0, 4, 3), (2, 0, 3)])
def test_nothing_to_read_is_zeros(shape):
    lengths = torch.zeros(shape[0], dtype=torch.int32)
    model = LastStateLSTM(3, 8)
    state = model(torch.zeros(shape), lengths)
    assert torch.equal(state, torch.zeros(shape[0], 8))
    state.sum().backward()
    assert not any(p.grad.any() for p in model.parameters())


def test_a_bad_width_is_refused():
    with pytest.raises(UsageError, match="layers must be 1 or more"):
        LastStateLSTM(3, 8, layers=0)
