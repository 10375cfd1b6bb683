"""The cell against a loop over the paper's equations, and what it must not read."""

import math

import pytest
import torch

from wardround.errors import UsageError
from wardround.models.gru_d import DAY_H, GRUD, last_observed

torch.set_num_threads(1)


def drawn(stays: int = 3, hours: int = 7, numbers: int = 4, seed: int = 0):
    """Values, which are observed, hours since; a number that is never observed among them."""
    torch.manual_seed(seed)
    values = torch.randn(stays, hours, numbers, dtype=torch.float64)
    observed = torch.rand(stays, hours, numbers) < 0.4
    observed[0, :, 1] = False
    return values, observed, torch.rand(stays, hours, numbers, dtype=torch.float64) * 30


def cell(numbers: int = 4, hidden: int = 5, seed: int = 1) -> GRUD:
    """With every weight drawn, so that no bias or decay is at its start."""
    torch.manual_seed(seed)
    made = GRUD(numbers, hidden).double()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made


def by_equations(model: GRUD, values, observed, delta_h):
    """The paper's equations, stay by stay, hour by hour, number by number."""
    hidden, numbers = model.hidden_decay.weight.shape
    own, gates, candidate = model.of_inputs.weight, model.of_gates.weight, model.of_candidate.weight
    made = torch.zeros(len(values), values.shape[1], hidden, dtype=torch.float64)
    for i in range(len(values)):
        state, last = torch.zeros(hidden, dtype=torch.float64), [0.0] * numbers
        for t in range(values.shape[1]):
            days = [float(delta_h[i, t, d]) / DAY_H for d in range(numbers)]
            filled, mask = [], [float(observed[i, t, d]) for d in range(numbers)]
            for d in range(numbers):
                gamma = math.exp(-max(0.0, float(model.input_decay[d]) * days[d] + float(model.input_decay_bias[d])))
                last[d] = float(values[i, t, d]) if mask[d] else last[d]
                filled.append(mask[d] * last[d] + (1 - mask[d]) * (gamma * last[d] + (1 - gamma) * 0.0))
            days_, x, m = (torch.tensor(each, dtype=torch.float64) for each in (days, filled, mask))
            gamma_h = torch.exp(-torch.clamp(model.hidden_decay.weight @ days_ + model.hidden_decay.bias, min=0))
            before = gamma_h * state
            w, v, b = own[:, :numbers] @ x, own[:, numbers:] @ m, model.of_inputs.bias
            (w_r, w_z, w_c), (v_r, v_z, v_c), (b_r, b_z, b_c) = (part.chunk(3) for part in (w, v, b))
            u_r, u_z = gates.chunk(2)
            r = torch.sigmoid(w_r + u_r @ before + v_r + b_r)
            z = torch.sigmoid(w_z + u_z @ before + v_z + b_z)
            c = torch.tanh(w_c + candidate @ (r * before) + v_c + b_c)
            state = (1 - z) * before + z * c
            made[i, t] = state
    return made


@pytest.mark.parametrize("seed", range(4))
def test_the_states_are_those_of_the_equations(seed: int):
    model, given = cell(seed=seed), drawn(seed=seed)
    with torch.no_grad():
        torch.testing.assert_close(model(*given), by_equations(model, *given), rtol=0, atol=1e-9)


def test_in_single_precision_too():
    model, (values, observed, delta_h) = cell(), drawn()
    with torch.no_grad():
        expected = by_equations(model, values, observed, delta_h)
        found = model.float()(values.float(), observed, delta_h.float())
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-6)


def test_gradients_are_right():
    model, (values, observed, delta_h) = cell(2, 3), drawn(2, 4, 2)
    values.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: model(x, observed, delta_h), (values,))


def test_what_is_not_observed_is_never_read():
    model, (values, observed, delta_h) = cell(), drawn()
    before = model(values, observed, delta_h)
    noise = torch.where(observed, values, math.nan).requires_grad_()
    after = model(noise, observed, delta_h)
    assert torch.equal(after, before)
    after.sum().backward()
    assert not noise.grad[~observed].any()
    moved = model(torch.where(observed, values + 1, values), observed, delta_h)
    assert not torch.equal(moved, before), "what is observed is read"


def test_nothing_later_enters_a_state():
    model, (values, observed, delta_h) = cell(), drawn()
    values.requires_grad_()
    delta_h.requires_grad_()
    model(values, observed, delta_h)[:, 3].sum().backward()
    assert not values.grad[:, 4:].any()
    assert not delta_h.grad[:, 4:].any()
    assert values.grad[:, :4].any()
    assert delta_h.grad[:, :4].any()


def test_a_value_decays_to_the_mean_and_the_memory_to_nothing():
    """After ten days a value once seen is as if it had been the mean, and a memory that decays is gone."""
    torch.manual_seed(0)
    model = GRUD(1, 6)
    torch.nn.init.constant_(model.hidden_decay.weight, 2.0)
    observed = torch.tensor([[[True], [False]]])
    states = [
        model(torch.tensor([[[value], [0.0]]]), observed, torch.tensor([[[0.0], [240.0]]]))[0, 1]
        for value in (3.0, -3.0)
    ]
    torch.testing.assert_close(*states, rtol=0, atol=1e-3)
    soon = [
        model(torch.tensor([[[value], [0.0]]]), observed, torch.tensor([[[0.0], [1.0]]]))[0, 1] for value in (3.0, -3.0)
    ]
    assert (soon[0] - soon[1]).abs().max() > 0.1


def test_the_latest_value_by_hand():
    values = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]).unsqueeze(-1)
    observed = torch.tensor([[False, True, False, True], [False, False, False, False]]).unsqueeze(-1)
    assert last_observed(values, observed).squeeze(-1).tolist() == [[0, 2, 2, 4], [0, 0, 0, 0]]


def test_recurrent_gates_start_orthogonal_and_every_decay_can_learn():
    model = GRUD(3, 8)
    for gate in (*model.of_gates.weight.detach().chunk(2), model.of_candidate.weight.detach()):
        torch.testing.assert_close(gate @ gate.T, torch.eye(8), rtol=0, atol=1e-5)
    assert (model.input_decay > 0).all()


def test_a_bad_width_is_refused():
    with pytest.raises(UsageError, match="numbers must be 1 or more"):
        GRUD(0, 4)
