"""The state so far: worked by hand, against a loop, and causal to the bit."""

import torch

from wardround.models.latest_state import latest_ages, latest_state

TOKENS = torch.tensor([[-1.0], [-2.0], [-3.0]])


def drawn(stays: int = 5, events: int = 9, modalities: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(stays, events, 3), torch.randint(0, modalities, (stays, events)), torch.randn(modalities, 3)


def by_loop(embedded: torch.Tensor, modality: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    stays, events, width = embedded.shape
    made = torch.empty(stays, events, len(tokens), width)
    for i in range(stays):
        state = tokens.clone()
        for k in range(events):
            state[modality[i, k]] = embedded[i, k]
            made[i, k] = state
    return made


def test_by_hand():
    """Events of modalities 1, 0, 1: the latest of each, and the token of 2, which never comes."""
    state = latest_state(torch.tensor([[[10.0], [20], [30]]]), torch.tensor([[1, 0, 1]]), TOKENS)
    assert state.squeeze(-1).tolist() == [[[-1, 10, -3], [20, 10, -3], [20, 30, -3]]]


def test_a_loop_over_the_events_gives_the_same():
    made = drawn()
    assert torch.equal(latest_state(*made), by_loop(*made))


def test_no_stays_and_one_event():
    assert latest_state(torch.zeros(0, 2, 1), torch.zeros(0, 2, dtype=torch.int64), TOKENS).shape == (0, 2, 3, 1)
    assert latest_state(torch.ones(1, 1, 1), torch.tensor([[2]]), TOKENS).flatten().tolist() == [-1, -2, 1]


def test_nothing_after_an_event_enters_its_state():
    embedded, modality, tokens = drawn()
    before = latest_state(embedded, modality, tokens)
    for k in range(8):
        other, elsewhere = embedded.clone(), modality.clone()
        other[:, k + 1 :] = torch.nan
        elsewhere[:, k + 1 :] = 0
        assert torch.equal(latest_state(other, elsewhere, tokens)[:, : k + 1], before[:, : k + 1])


def test_the_gradient_goes_to_the_latest_of_each_modality_and_to_tokens_of_the_missing():
    embedded = torch.zeros(1, 3, 1, requires_grad=True)
    tokens = TOKENS.clone().requires_grad_()
    latest_state(embedded, torch.tensor([[1, 0, 1]]), tokens)[0, 1].sum().backward()
    assert embedded.grad.flatten().tolist() == [1, 1, 0]
    assert tokens.grad.flatten().tolist() == [0, 0, 1]


def test_embeddings_in_half_precision_stay_so():
    embedded, modality, tokens = drawn()
    assert latest_state(embedded.bfloat16(), modality, tokens).dtype == torch.bfloat16


def test_ages_by_hand():
    """Events of modalities 1, 0, 1 at the hours -1, 3 and 4; modality 2 never comes, and is as old as the stay."""
    ages = latest_ages(torch.tensor([[-1.0, 3, 4]]), torch.tensor([[1, 0, 1]]), 3)
    expected = torch.tensor([[[0.0, 0, 0, 0], [3, 0, 3, 3], [4, 1, 0, 4]]])
    torch.testing.assert_close(ages.expm1(), expected)


def test_nothing_after_an_event_enters_its_ages():
    hours, modality = torch.rand(5, 9).sort(dim=1).values * 48, drawn()[1]
    before = latest_ages(hours, modality, 4)
    other, elsewhere = hours.clone(), modality.clone()
    other[:, 5:], elsewhere[:, 5:] = torch.nan, 0
    assert torch.equal(latest_ages(other, elsewhere, 4)[:, :5], before[:, :5])
