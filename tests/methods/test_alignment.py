"""Degenerate batches, tokens, temperature: what the module does with the losses of promise 37."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from wardround.errors import UsageError
from wardround.methods.alignment import (
    TEMPERATURE_RANGE,
    Alignment,
    AlignmentBatch,
    AlignmentSettings,
)
from wardround.methods.contrastive import all_pairs_loss, masked_global_loss, one_vs_others_loss
from wardround.models.embedder import ModalityEmbedder
from wardround.models.tabular import TabularBlock

torch.set_num_threads(1)

NAMES = ("demographics", "lab", "treatment")
LOSSES = ("masked-global", "one-vs-others", "all-pairs")
EMBED = 8


@dataclass(frozen=True)
class Batch:
    inputs: dict[str, Tensor | tuple[Tensor, ...]]
    observed: Tensor
    subject: Tensor


def batch_of(observed: Tensor, seed: int = 0) -> Batch:
    """All modalities of a stay are noisy views of one hidden vector."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(len(observed), 5, generator=generator)
    noise = torch.randn(len(NAMES), len(observed), 5, generator=generator)
    inputs = {name: hidden + 0.3 * noise[m] for m, name in enumerate(NAMES)}
    return Batch(inputs, observed, torch.arange(len(observed)))


def random_mask(stays: int = 32, share: float = 0.6, seed: int = 0) -> Tensor:
    return torch.rand(stays, len(NAMES), generator=torch.Generator().manual_seed(seed)) < share


def model_of(seed: int = 0, **options) -> Alignment:
    torch.manual_seed(seed)
    encoders = {name: TabularBlock(5, 16, EMBED) for name in NAMES}
    return Alignment(ModalityEmbedder(encoders, EMBED), AlignmentSettings(**options))


def everything(stays: int = 32) -> Tensor:
    return torch.ones(stays, len(NAMES), dtype=torch.bool)


@pytest.mark.parametrize("planted", [math.nan, math.inf, 1e30])
def test_what_stands_at_a_missing_modality_is_never_read(planted):
    model, batch = model_of(dropout_prob=0.0), batch_of(random_mask())
    before = model.loss(batch)[0]
    dirty = {
        name: x.masked_fill(~batch.observed[:, m, None], planted).requires_grad_()
        for m, (name, x) in enumerate(batch.inputs.items())
    }
    after = model.loss(replace(batch, inputs=dirty))[0]
    assert torch.equal(after, before)
    after.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    for m, name in enumerate(NAMES):
        assert not dirty[name].grad[~batch.observed[:, m]].any()


def test_one_modality_has_nothing_to_align():
    with pytest.raises(UsageError, match="2 modalities or more, got 1"):
        Alignment(ModalityEmbedder({"lab": nn.Linear(5, 3)}, 3))


# Settings -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dropout_prob": 1.0}, r"dropout_prob must be in \[0, 1\), got 1.0"),
        ({"dropout_prob": -0.1}, "dropout_prob"),
        ({"token_weight": -1.0}, "token_weight must not be negative"),
        ({"temperature": 0.0}, "temperature must be within 0.01 and 1.0"),
    ],
)
def test_bad_numbers_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        AlignmentSettings(**options)


@pytest.mark.parametrize("option", ["loss", "dropout_mode"])
def test_unknown_names_are_refused(option):
    """As a user meets it, without the type checker of the tests in front."""
    plain = object.__new__(AlignmentSettings)
    for name, value in {**AlignmentSettings().__dict__, option: "nonesuch"}.items():
        object.__setattr__(plain, name, value)
    with pytest.raises(UsageError, match=f"unknown {option} 'nonesuch'; one of"):
        plain.__post_init__()


def test_dropout_acts_in_training_only_and_follows_its_generator():
    model, batch = model_of(dropout_prob=0.5), batch_of(everything())
    draws = [model.loss(batch, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    model.eval()
    assert torch.equal(model.loss(batch)[0], model.loss(batch)[0])


# The tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("observed", "dropout_prob"), [(random_mask(), 0.0), (everything(), 0.5)], ids=["missing", "dropped"]
)
def test_tokens_are_trained_by_default_and_not_at_weight_zero(observed, dropout_prob):
    for token_weight, trained in ((0.1, True), (0.0, False)):
        model = model_of(token_weight=token_weight, dropout_prob=dropout_prob)
        model.loss(batch_of(observed))[0].backward()
        assert (model.embedder.tokens.grad.abs().sum(dim=1) > 0).tolist() == [trained] * 3


def test_the_token_term_does_not_move_the_encoders():
    observed = random_mask()
    gradients = []
    for token_weight in (0.0, 5.0):
        model = model_of(token_weight=token_weight, dropout_prob=0.0)
        model.loss(batch_of(observed))[0].backward()
        gradients.append([p.grad for p in model.embedder.encoders.parameters()])
    for without, with_tokens in zip(*gradients, strict=True):
        torch.testing.assert_close(without, with_tokens, rtol=0, atol=1e-7)


def test_untrained_tokens_are_named():
    model = model_of(dropout_prob=0.0)
    model.loss(batch_of(everything()))
    assert model.diagnostics() == {
        "untrained_missing_tokens": "demographics, lab, treatment: nothing was missing and none was dropped out; "
        "such a token is still its random start"
    }
    observed = everything()
    observed[3, 1] = False
    observed[4] = False  # a stay with nothing trains no token
    model.loss(batch_of(observed))
    assert model.diagnostics()["untrained_missing_tokens"].startswith("demographics, treatment: ")
    again = model_of()
    again.load_state_dict(model.state_dict())
    assert again.diagnostics() == model.diagnostics()


def test_with_dropout_every_token_is_trained_and_nothing_is_said():
    model = model_of(dropout_prob=0.5)
    model.loss(batch_of(everything(64)))
    assert model.diagnostics() == {}


def test_validation_batches_do_not_count_as_training():
    model = model_of().eval()
    model.loss(batch_of(random_mask()))
    assert "untrained_missing_tokens" in model.diagnostics()


@pytest.mark.parametrize("options", [{"loss": "one-vs-others"}, {"loss": "all-pairs"}, {"token_weight": 0.0}])
def test_losses_without_a_token_term_say_so(options):
    model = model_of(**options)
    model.loss(batch_of(random_mask()))
    assert "no token term" in model.diagnostics()["untrained_missing_tokens"]


# Degenerate batches ---------------------------------------------------------------------------------------------------

ONE_EACH = torch.eye(3, dtype=torch.bool)[torch.arange(9) % 3]
NOTHING_TO_CONTRAST = {
    "batch of one": everything(1),
    "one modality a stay": ONE_EACH,
    "all missing": torch.zeros(4, 3, dtype=torch.bool),
    "no stays": torch.zeros(0, 3, dtype=torch.bool),
}
SOMETHING = {
    "a modality that nobody has": torch.tensor([[True, True, False]]).expand(6, 3).clone(),
    "one anchor among single ones": torch.cat([ONE_EACH, everything(1)]),
    "stays with nothing": torch.cat([everything(4), torch.zeros(3, 3, dtype=torch.bool)]),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("observed", NOTHING_TO_CONTRAST.values(), ids=NOTHING_TO_CONTRAST)
def test_nothing_to_contrast_is_exactly_zero(loss, observed):
    model = model_of(loss=loss, dropout_prob=0.0, token_weight=0.0)
    value, parts = model.loss(batch_of(observed))
    value.backward()
    assert value.item() == 0.0
    assert parts["alignment"].item() == 0.0
    assert all(not p.grad.any() for p in model.parameters())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("observed", [*NOTHING_TO_CONTRAST.values(), *SOMETHING.values()])
def test_every_gradient_is_there_and_finite(loss, observed):
    model = model_of(loss=loss, dropout_prob=0.0)
    value, parts = model.loss(batch_of(observed))
    value.backward()
    assert value.isfinite()
    assert set(parts) == {"alignment", "token", "temperature"}
    assert all(part.isfinite() and not part.requires_grad for part in parts.values())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("loss", LOSSES)
def test_stays_of_one_patient_only_are_no_negatives(loss):
    batch = replace(batch_of(everything(5)), subject=torch.zeros(5, dtype=torch.int64))
    assert model_of(loss=loss, dropout_prob=0.0).loss(batch)[1]["alignment"].item() == 0.0
    assert model_of(loss=loss, dropout_prob=0.0, mask_same_subject=False).loss(batch)[1]["alignment"].item() > 0.0


def test_opposite_embeddings_have_finite_gradients():
    """Their centroid is zero and has no direction."""
    one = normalize(torch.randn(4, 1, EMBED), dim=-1)
    u = torch.cat([one, -one, one.roll(1, 0)], dim=1).requires_grad_()
    tokens = torch.zeros(3, EMBED, requires_grad=True)
    value, _ = masked_global_loss(u, tokens, everything(4), torch.arange(4), torch.tensor(math.log(0.01)))
    value.backward()
    assert value.isfinite()
    assert u.grad.isfinite().all()
    assert tokens.grad.isfinite().all()


def test_on_complete_data_one_vs_others_is_masked_global():
    u = normalize(torch.randn(7, 3, EMBED, dtype=torch.float64), dim=-1)
    subject, log_temperature = torch.tensor([0, 1, 2, 2, 3, 4, 5]), torch.tensor(-2.0, dtype=torch.float64)
    ours, _ = masked_global_loss(u, u[0], everything(7), subject, log_temperature, 0.0)
    theirs, _ = one_vs_others_loss(u, everything(7), subject, log_temperature)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_with_two_modalities_and_all_there_all_pairs_is_masked_global():
    u = normalize(torch.randn(7, 2, EMBED, dtype=torch.float64), dim=-1)
    observed, log_temperature = everything(7)[:, :2], torch.tensor(-2.0, dtype=torch.float64)
    ours, _ = masked_global_loss(u, u[0], observed, torch.arange(7), log_temperature, 0.0)
    pairs, _ = all_pairs_loss(u, observed, torch.arange(7), log_temperature, torch.zeros(1, dtype=torch.float64))
    torch.testing.assert_close(ours, pairs, rtol=0, atol=1e-12)


# Learning -------------------------------------------------------------------------------------------------------------


def learned_weights(guarded: bool) -> Tensor:
    """Pair weights trained alone, where pair (0, 1) is solved and the two others are at chance."""
    generator = torch.Generator().manual_seed(0)
    first, other = normalize(torch.randn(2, 64, EMBED, generator=generator), dim=-1)
    u = torch.stack([first, first, other], dim=1)
    logits = torch.zeros(3, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.1)
    for _ in range(300):
        loss, _ = all_pairs_loss(u, everything(64), torch.arange(64), torch.tensor(math.log(0.1)), logits)
        log_weights = logits.log_softmax(dim=0)
        divergence = -math.log(64) * (log_weights + math.log(3)).mean()
        optimiser.zero_grad()
        (loss if guarded else loss - divergence).backward()
        optimiser.step()
    return logits.detach().softmax(dim=0)


def test_pair_weights_do_not_collapse_onto_the_easiest_pair():
    weights = learned_weights(guarded=True)
    assert weights[0] > weights[1]
    assert weights.min() > 0.1
    assert learned_weights(guarded=False).min() < 0.01


@pytest.mark.parametrize("loss", LOSSES)
def test_training_aligns_held_out_stays(loss):
    model = model_of(loss=loss, temperature=0.2)
    held_out = batch_of(random_mask(64, 0.7, seed=9), seed=9)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)

    def validation() -> float:
        model.eval()
        with torch.no_grad():
            return model.loss(held_out)[1]["alignment"].item()

    before = validation()
    for step in range(60):
        model.train()
        optimiser.zero_grad()
        model.loss(batch_of(random_mask(64, 0.7, seed=step), seed=100 + step))[0].backward()
        optimiser.step()
    assert validation() < 0.6 * before


def test_the_temperature_stays_in_its_range_and_comes_back():
    low, high = TEMPERATURE_RANGE
    model, batch = model_of(), batch_of(everything())
    for outside in (-50.0, 50.0):
        with torch.no_grad():
            model.log_temperature.fill_(outside)
        value, parts = model.loss(batch)
        assert parts["temperature"].item() == pytest.approx(low if outside < 0 else high, rel=1e-6)
        value.backward()
        assert model.log_temperature.grad.item() != 0.0


def test_the_loss_is_in_full_precision_under_autocast():
    model, batch = model_of(dropout_prob=0.0), batch_of(random_mask())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value, _ = model.loss(batch)
        z = model.embedder.embed(batch.inputs, batch.observed)
    u = normalize(z.float(), dim=-1)
    expected, _ = masked_global_loss(
        u, model.embedder.tokens, batch.observed, batch.subject, model.log_temperature, 0.1
    )
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, expected, rtol=0, atol=1e-6)


def test_any_object_with_the_three_fields_is_a_batch():
    assert isinstance(batch_of(everything(2)), AlignmentBatch)


def test_state_round_trips():
    model, batch = model_of(loss="all-pairs").eval(), batch_of(random_mask())
    other = model_of(seed=1, loss="all-pairs").eval()
    other.load_state_dict(model.state_dict())
    assert torch.equal(model.loss(batch)[0], other.loss(batch)[0])
