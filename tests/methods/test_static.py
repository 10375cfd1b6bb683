"""The static models: what they read, what learns, what is taken away in training."""

import math
from dataclasses import replace

import pytest
import torch

from wardround.batches.static import StaticBatch
from wardround.errors import UsageError
from wardround.methods.registry import build_embedder
from wardround.methods.static import StaticModel, StaticSettings
from wardround.methods.target import Target
from wardround.models.modality_encoder import EncoderSettings, RowShape

torch.set_num_threads(1)

SHAPES = {"lab": RowShape(1, 2, 0), "medication": RowShape(1, 0, 3)}
FUSIONS = ("mlp", "lstm")
NAN = float("nan")


def model(fusion: str, kind: str = "binary", published_scale: float = 0.0, **settings) -> StaticModel:
    torch.manual_seed(0)
    encoder = EncoderSettings("tabular", hidden=8, embed=4, dropout=0.0, input_dropout=0.0)
    given = {"encoder": encoder, "hidden": 8, "dropout": 0.0, "modality_dropout_prob": 0.0} | settings
    embedder = build_embedder(SHAPES, encoder)
    target = Target(kind, given.get("positive_weight", 1.0))  # type: ignore[arg-type]
    return StaticModel(embedder, fusion, target, StaticSettings(**given), 0.4, published_scale)  # type: ignore[arg-type]


def batch(observed: list[list[bool]]) -> StaticBatch:
    torch.manual_seed(1)
    stays = len(observed)
    inputs = {name: torch.randn(stays, shape.width) for name, shape in SHAPES.items()}
    label = torch.arange(stays) % 2 * 1.0
    return StaticBatch(inputs, torch.tensor(observed), torch.arange(stays), label, torch.full((stays,), NAN))


BOTH, LAB, MEDICATION = [True, True], [True, False], [False, True]
STAYS = batch([BOTH, LAB, MEDICATION, [False, False]])


def learning(made: StaticModel) -> set[str]:
    """The parts that have a gradient after a loss."""
    made.loss(STAYS)[0].backward()
    return {".".join(name.split(".")[:2]) for name, value in made.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("fusion", FUSIONS)
def test_embeddings_then_tokens_where_missing_then_the_fusion(fusion: str):
    made = model(fusion).eval()
    embedder = made.embedder
    lab, medication = (embedder.encoders[name](STAYS.inputs[name]) for name in SHAPES)
    rows = [
        [lab[0], medication[0]],
        [lab[1], embedder.tokens[1]],
        [embedder.tokens[0], medication[2]],
        list(embedder.tokens),
    ]
    embedded = torch.stack([torch.stack(row) for row in rows])
    torch.testing.assert_close(made.outputs(STAYS), made.fusion(embedded).squeeze(-1) + 0.4)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_head_starts_at_the_published_odds_where_there_are_some(fusion: str):
    """Where deaths weigh three times in the loss, at three times the odds; the fusion adds to them."""
    made = model(fusion, published_scale=1.0, positive_weight=3.0).eval()
    told = replace(STAYS, published=torch.tensor([-2.0, NAN, 0.5, NAN]))
    start = torch.tensor([-2 + math.log(3), 0.4, 0.5 + math.log(3), 0.4])
    fused = made.fusion(made.embedder.embed(STAYS.inputs, STAYS.observed)).squeeze(-1)
    torch.testing.assert_close(made.outputs(told), fused + start)
    torch.testing.assert_close(made.outputs(STAYS), fused + 0.4)


def test_what_is_added_is_held_to_the_equation_only_where_the_stay_keeps_it(monkeypatch: pytest.MonkeyPatch):
    """A stay from whom the equation was taken in training starts at the constant, from which it may move freely."""
    torch.manual_seed(0)
    encoder = EncoderSettings("tabular", hidden=8, embed=4, dropout=0.0, input_dropout=0.0)
    shapes = {"lab": RowShape(1, 2, 0), "severity": RowShape(1, 1, 0)}
    settings = StaticSettings(encoder, hidden=8, dropout=0.0, shrinkage=2.0)
    made = StaticModel(build_embedder(shapes, encoder), "mlp", Target("binary", 1.0), settings, 0.4, 1.0).train()
    for weights in made.fusion.parameters():
        torch.nn.init.normal_(weights)
    inputs = {name: torch.randn(3, shape.width) for name, shape in shapes.items()}
    told = StaticBatch(
        inputs, torch.ones(3, 2, dtype=torch.bool), torch.arange(3), torch.ones(3), torch.tensor([-2.0, NAN, 0.5])
    )
    kept = torch.tensor([[True, True], [True, True], [True, False]])
    monkeypatch.setattr("wardround.methods.static.modality_dropout", lambda observed, prob: kept)
    loss, parts = made.loss(told)
    added = made.fusion(made.embedder.embed(inputs, kept)).squeeze(-1)
    assert (added.abs() > 0.1).all()
    torch.testing.assert_close(loss - parts["task"], 2.0 * added[0].square() / 3)


@pytest.mark.parametrize(("scale", "held"), [(1.0, True), (0.0, False)])
def test_only_an_equation_that_was_made_for_the_outcome_holds_anything_back(scale: float, held: bool):
    told = replace(STAYS, published=torch.tensor([-2.0, NAN, 0.5, NAN]))
    with_, without = (model("mlp", published_scale=scale, shrinkage=weight).eval() for weight in (5.0, 0.0))
    assert (with_.loss(told)[0] > without.loss(told)[0]).item() is held


def test_for_another_outcome_the_odds_count_for_nothing_at_first_and_are_learned():
    made = model("mlp", "hours")
    told = replace(STAYS, published=torch.tensor([-2.0, NAN, 0.5, NAN]))
    torch.testing.assert_close(made.eval().outputs(told), made.outputs(STAYS))
    made.loss(told)[0].backward()
    assert made.start.scale.grad.abs() > 0


def test_the_two_fusions_are_not_the_same():
    one, other = (model(fusion).eval().outputs(STAYS) for fusion in FUSIONS)
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_what_stands_where_a_modality_is_missing_is_never_read(fusion: str):
    noisy = {name: rows.clone() for name, rows in STAYS.inputs.items()}
    noisy["medication"][1] = noisy["lab"][2] = NAN
    made = model(fusion).eval()
    assert torch.equal(made.outputs(replace(STAYS, inputs=noisy)), made.outputs(STAYS))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_encoders_and_tokens_learn_with_the_fusion(fusion: str):
    """And nothing is there that could not: a training would warn of a parameter without gradient."""
    made = model(fusion)
    parts = learning(made)
    assert {"embedder.encoders", "embedder.tokens", "start.scale", "start.shift", "start.constant"} <= parts
    assert any(part.startswith("fusion.") for part in parts)
    assert {name for name, value in made.named_parameters() if value.grad is None} == set()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_frozen_encoders_have_no_gradient_and_no_dropout(fusion: str):
    frozen = {"train_encoders": False, "encoder": EncoderSettings("tabular", hidden=8, embed=4, dropout=0.9)}
    made = model(fusion, **frozen)
    assert not any(part.startswith("embedder") for part in learning(made))
    made.train()
    assert made.fusion.training
    assert not made.embedder.training
    assert torch.equal(made.outputs(STAYS), made.outputs(STAYS))


def test_modality_dropout_takes_one_of_several_and_never_the_last():
    made = model("mlp", modality_dropout_prob=0.999)
    stays = batch([BOTH] * 40 + [LAB, MEDICATION] * 10)
    one_gone = [
        replace(stays, observed=torch.tensor([kept] * 40 + [LAB, MEDICATION] * 10)) for kept in (LAB, MEDICATION)
    ]
    made.eval()
    no_drop, without = made.outputs(stays), torch.stack([made.outputs(gone) for gone in one_gone])
    torch.manual_seed(0)
    dropped = made.train().outputs(stays)
    assert torch.equal(dropped[40:], no_drop[40:])
    which = torch.isclose(dropped[:40], without[:, :40]).int()
    assert (which.sum(dim=0) == 1).all(), "each stay lost exactly one"
    assert which.sum(dim=1).min() > 5, "either one"
    assert torch.equal(made.eval().outputs(stays), no_drop), "in training alone"


def test_the_loss_is_the_mean_over_the_stays_of_the_batch():
    made = model("mlp").eval()
    label = torch.tensor([1.0, 0.0, NAN, 1.0])
    each = Target("binary").loss(made.outputs(STAYS), label)
    assert each[2] == 0
    loss, parts = made.loss(replace(STAYS, label=label))
    torch.testing.assert_close(loss, each.sum() / 4)
    torch.testing.assert_close(parts["task"], loss.detach())
    assert not parts["task"].requires_grad


@pytest.mark.parametrize("fusion", FUSIONS)
def test_predictions_are_probabilities_or_hours_in_the_order_of_the_stays(fusion: str):
    for kind in ("binary", "hours"):
        made = model(fusion, kind).eval()
        outputs, predicted = made.outputs(STAYS), made.predict(STAYS)
        torch.testing.assert_close(predicted, Target(kind).prediction(outputs))
    order = torch.tensor([2, 0, 3, 1])
    turned = StaticBatch(
        {name: rows[order] for name, rows in STAYS.inputs.items()},
        STAYS.observed[order],
        STAYS.subject[order],
        STAYS.label[order],
        STAYS.published[order],
    )
    torch.testing.assert_close(made.predict(turned), predicted[order])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden": 0}, "hidden must be 1 or more"),
        ({"batch_size": 0}, "batch_size must be 1 or more, got 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
        ({"modality_dropout_prob": 2.0}, "modality_dropout_prob must be in"),
    ],
)
def test_settings_that_no_training_can_have(change: dict, message: str):
    with pytest.raises(UsageError, match=message):
        StaticSettings(**change)
