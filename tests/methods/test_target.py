"""What a head learns, worked by hand."""

import math

import pytest
import torch

from wardround.errors import UsageError
from wardround.methods.target import Target
from wardround.tasks.task import MAX_LOS_H, TASKS

NAN = float("nan")


def test_cross_entropy_by_hand():
    """Odds of 3 to 1: -log 3/4 where it happens, -log 1/4 where it does not; nothing where nobody knows."""
    logits = torch.tensor([math.log(3), math.log(3), 0.0, 5.0])
    losses = Target("binary").loss(logits, torch.tensor([1.0, 0.0, 1.0, NAN]))
    expected = torch.tensor([math.log(4 / 3), math.log(4), math.log(2), 0.0])
    torch.testing.assert_close(losses, expected)


def test_the_weight_is_of_deaths_alone():
    plain, weighted = (Target("binary", weight).loss(torch.zeros(2), torch.tensor([1.0, 0.0])) for weight in (1.0, 4.0))
    torch.testing.assert_close(weighted, plain * torch.tensor([4.0, 1.0]))


def test_squared_error_of_the_log_of_hours_by_hand():
    labels = torch.tensor([math.e - 1, 0.0, -5.0, NAN])
    losses = Target("hours").loss(torch.tensor([3.0, 0.5, 0.5, 9.0]), labels)
    torch.testing.assert_close(losses, torch.tensor([4.0, 0.25, 0.25, 0.0]))


def test_a_label_may_be_a_probability_which_the_weight_counts_in_part():
    """A death with a chance of 0.25 is a quarter of a death and three quarters of a survival."""
    target, output = Target("binary", 4.0), torch.tensor([0.7])
    death, survival = (target.loss(output, torch.tensor([label])) for label in (1.0, 0.0))
    torch.testing.assert_close(target.loss(output, torch.tensor([0.25])), 0.25 * death + 0.75 * survival)


@pytest.mark.parametrize("kind", ["binary", "hours"])
def test_an_unknown_label_teaches_nothing(kind: str):
    outputs = torch.tensor([0.3, 0.3], requires_grad=True)
    Target(kind).loss(outputs, torch.tensor([NAN, 1.0])).sum().backward()  # type: ignore[arg-type]
    assert outputs.grad[0] == 0
    assert outputs.grad[1] != 0


def test_predictions_are_probabilities_or_hours():
    outputs = torch.tensor([-math.log(3), 0.0, 100.0])
    torch.testing.assert_close(Target("binary").prediction(outputs), torch.tensor([0.25, 0.5, 1.0]))
    hours = Target("hours").prediction(torch.tensor([-3.0, 0.0, math.log(25), 1e9]))
    torch.testing.assert_close(hours, torch.tensor([0.0, 0.0, 24.0, MAX_LOS_H]))
    assert hours.max() == MAX_LOS_H


def test_a_prediction_of_the_label_has_no_loss():
    labels = torch.tensor([0.0, 0.5, 30.0, 700.0])
    outputs = labels.log1p()
    target = Target("hours")
    torch.testing.assert_close(target.prediction(outputs), labels)
    assert target.loss(outputs, labels).max() == 0


def test_a_head_starts_at_the_average():
    assert Target("binary").start(torch.tensor([1.0, 0, 0, 0, NAN])) == pytest.approx(-math.log(3), abs=1e-6)
    assert Target("hours").start(torch.tensor([0.0, math.e - 1, NAN])) == pytest.approx(0.5)


def test_a_weighted_head_starts_where_its_loss_is_lowest():
    labels = torch.tensor([1.0, 0, 0, 0])
    target = Target("binary", positive_weight=13)
    tried = torch.linspace(-4, 4, 8001)
    losses = target.loss(tried[:, None].expand(-1, 4), labels.expand(8001, -1)).mean(dim=1)
    assert target.start(labels) == pytest.approx(tried[losses.argmin()].item(), abs=2e-3)


@pytest.mark.parametrize(("labels", "prob"), [([0.0, 0.0], 1e-3), ([1.0, 1.0], 1 - 1e-3), ([NAN], 0.5), ([], 0.5)])
def test_a_start_without_both_classes_is_finite(labels: list[float], prob: float):
    start = Target("binary").start(torch.tensor(labels))
    assert torch.tensor(start).sigmoid().item() == pytest.approx(prob, rel=1e-4)


def test_a_start_without_known_hours_is_zero():
    assert Target("hours").start(torch.tensor([NAN])) == 0


@pytest.mark.parametrize("weight", [0.0, -1.0, NAN])
def test_a_weight_that_unlearns_deaths_is_refused(weight: float):
    with pytest.raises(UsageError, match="positive_weight must be above 0"):
        Target("binary", weight)


def test_of_several_answers_the_loss_is_the_mean_and_the_rest_as_of_each():
    target = Target("binary", 1.0, labels=2)
    logits = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]])
    labels = torch.tensor([[1.0, 1.0], [NAN, NAN]])
    torch.testing.assert_close(target.loss(logits, labels), torch.tensor([(math.log(4 / 3) + math.log(2)) / 2, 0.0]))
    assert target.n_labels == 2
    assert target.of_head(logits) is logits
    torch.testing.assert_close(target.prediction(logits), torch.tensor([[0.75, 0.5], [0.5, 0.5]]))
    start = target.start(torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, NAN]]))
    torch.testing.assert_close(start, torch.tensor([math.log(3), math.log(1 / 2)]))


def test_one_answer_has_no_axis_of_its_own():
    assert Target("binary").n_labels == 1
    assert Target("binary").of_head(torch.zeros(3, 1)).shape == (3,)


def test_a_task_names_how_many_answers_there_are():
    assert Target.of(TASKS["phenotyping"], 2.0) == Target("binary", 2.0, 25)
    assert Target.of(TASKS["los"]) == Target("hours")


def test_with_several_answers_each_has_a_constant_and_a_weight_of_the_published_odds():
    """Odds of 1 to 1 known for one stay: 0.5 times them, and the shift, for every answer; the constants elsewhere."""
    first = Target("binary", 1.0, labels=2).published_risk(0.5, torch.tensor([1.0, -1.0]))
    made = first(torch.tensor([2.0, NAN]))
    torch.testing.assert_close(made, torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
    assert {tuple(p.shape) for p in first.parameters()} == {(2,)}
    assert Target("binary", 1.0, labels=3).published_risk(0.0, 0.0).constant.shape == (3,)
