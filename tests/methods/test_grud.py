"""GRU-D on stays drawn by hand: what the head reads, what the loss counts, what falls."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from wardround.batches.grid import GridBatch, GridSize
from wardround.errors import UsageError
from wardround.methods.grud import HOURLY, GRUDModel, GRUDSettings
from wardround.methods.target import Target
from wardround.models.modality_encoder import RowShape

torch.set_num_threads(1)

SHAPES = {"lab": RowShape(1, 2, 1), "medication": RowShape(1, 0, 3)}
LENGTHS = [4, 1, 3]
NAN = float("nan")


def batch(seed: int = 0, label: tuple[float, ...] = (1.0, 0.0, 1.0)) -> GridBatch:
    torch.manual_seed(seed)
    lengths = torch.tensor(LENGTHS)
    real = torch.arange(4) < lengths[:, None]
    observed = (torch.rand(3, 4, 2) < 0.5) & real[..., None]
    hours = torch.arange(4.0).expand(3, 4) * real
    return GridBatch(
        values=torch.randn(3, 4, 2) * observed,
        observed=observed,
        delta_h=hours[..., None].expand(3, 4, 2).clone(),
        codes=(torch.rand(3, 4, 4) < 0.5).cummax(dim=1).values,
        hours=hours,
        lengths=lengths,
        at_h=(lengths - 1).float(),
        label=torch.tensor(label),
        stays=torch.arange(3),
    )


def model(kind: str = "binary", falls: bool = False, start: float = 0.4, told: bool = True, **settings) -> GRUDModel:
    """In eval mode; `told`: with a head that reads the states."""
    torch.manual_seed(1)
    target = Target(kind, settings.pop("positive_weight", 1.0))  # type: ignore[arg-type]
    made = GRUDModel(SHAPES, target, GRUDSettings(hidden=5, **settings), start, falls)
    if told:
        nn.init.normal_(made.head.weight)
    return made.eval()


def test_the_head_reads_state_and_codes_of_the_hour():
    made, of = model(), batch()
    outputs, real = made.beliefs(of)
    states = made.grud(of.values, of.observed, of.delta_h)
    for stay, length in enumerate(LENGTHS):
        for hour in range(length):
            known = made.known(of.codes[stay, hour].float()).relu()
            expected = made.head(torch.cat([states[stay, hour], known]))
            torch.testing.assert_close(outputs[stay, hour], expected[0], rtol=0, atol=1e-6)
    assert real.tolist() == [[k < length for k in range(4)] for length in LENGTHS]


def test_the_printed_model_reads_no_code():
    made, of = model(codes=False), batch()
    assert made.known is None
    assert torch.equal(made.beliefs(of)[0], made.beliefs(replace(of, codes=~of.codes))[0])
    with_codes = model()
    assert not torch.equal(with_codes.beliefs(of)[0], with_codes.beliefs(replace(of, codes=~of.codes))[0])


def test_it_starts_at_the_training_share():
    made = model(told=False, start=-2.0)
    beliefs, last = made.predict(batch())
    torch.testing.assert_close(last, torch.full((3,), -2.0).sigmoid())
    torch.testing.assert_close(beliefs, torch.full((3, 4), -2.0).sigmoid())


@pytest.mark.parametrize("weighting", ["uniform", "last"])
def test_the_loss_by_hand(weighting: str):
    """Stay by stay, over its own hours; the padding and a stay without a label count nothing."""
    made, of = model(weighting=weighting, positive_weight=3.0), batch(label=(1.0, 0.0, NAN))
    outputs, _ = made.beliefs(of)
    of_stays = []
    for stay, length in enumerate(LENGTHS[:2]):
        counted = range(length) if weighting == "uniform" else [length - 1]
        prob = outputs[stay].double().sigmoid()
        of_stays.append(sum(-3 * prob[k].log() if stay == 0 else -(1 - prob[k]).log() for k in counted) / len(counted))
    expected = sum(of_stays) / 3
    loss, reported = made.loss(of)
    torch.testing.assert_close(loss.double(), expected, rtol=0, atol=1e-6)
    assert reported["task"] == loss


def test_what_is_left_of_a_stay_shrinks_by_the_hour():
    """Hours that are 10 at the prediction are 13 three hours earlier."""
    made, of = model("hours", falls=True), batch(label=(10.0, 20.0, 30.0))
    outputs, real = made.beliefs(of)
    label = of.label[:, None] + (of.at_h[:, None] - of.hours)
    assert label[0].tolist() == [13, 12, 11, 10]
    losses = ((outputs - label.log1p()) ** 2 * real).sum(dim=1) / real.sum(dim=1)
    torch.testing.assert_close(made.loss(of)[0], losses.mean())
    still = model("hours", falls=False)
    assert still.loss(of)[0] != made.loss(of)[0]


def test_the_prediction_is_the_last_belief():
    made, of = model(), batch()
    beliefs, last = made.predict(of)
    assert last.tolist() == [beliefs[stay, length - 1].item() for stay, length in enumerate(LENGTHS)]
    assert len(set(last.tolist())) == 3


def test_padding_is_not_read():
    made, of = model(), batch()
    padding = torch.arange(4) >= of.lengths[:, None]
    noisy = replace(
        of,
        values=torch.where(padding[..., None], 9.0, of.values),
        observed=of.observed | padding[..., None],
        delta_h=torch.where(padding[..., None], 50.0, of.delta_h),
        codes=of.codes | padding[..., None],
        hours=torch.where(padding, 99.0, of.hours),
    )
    assert torch.equal(made.predict(noisy)[1], made.predict(of)[1])
    assert made.loss(noisy)[0] == made.loss(of)[0]


def test_everything_learns():
    made = model().train()
    made.loss(batch())[0].backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in made.parameters())


def test_without_any_number_it_is_refused():
    with pytest.raises(UsageError, match="grud reads numbers, and medication have none"):
        GRUDModel({"medication": RowShape(1, 0, 3)}, Target("binary"), GRUDSettings())


@pytest.mark.parametrize("setting", [{"hidden": 0}, {"hours": 0}, {"budget": 0}, {"dropout": 1.0}])
def test_settings_that_no_model_has_are_refused(setting: dict):
    with pytest.raises(UsageError):
        GRUDSettings(**setting)


def test_it_reads_each_hour_by_itself():
    content = HOURLY.content
    assert {content.summaries_of(name) for name in content.hourly} == {("last",)}
    assert not content.running
    assert GRUDSettings(budget=7, hours=3).size == GridSize(7, 3)
