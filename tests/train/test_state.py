"""The state of a training. That all of it is needed, and enough: tests/promises/test_17."""

import dataclasses
import json

import pytest
import torch
from torch import nn

from wardround.errors import RunError
from wardround.train.checkpoint import Checkpoint
from wardround.train.state import Counters, TrainingState, counters_from_json
from wardround.train.weights import layouts_of


def state_of(model: nn.Module) -> TrainingState:
    return TrainingState(model, torch.optim.AdamW(model.parameters()), torch.device("cpu"))


def test_counters_survive_json_to_the_bit():
    counters = Counters(step=7, best_epoch=2, sums={"loss": 0.1 + 0.2}, counts={"loss": 3}, history=[{"val": None}])
    assert counters_from_json(json.loads(json.dumps(dataclasses.asdict(counters)))) == counters


def test_means_leave_out_what_is_not_finite():
    counters = Counters()
    counters.add({"loss": 1.0, "images": 5.0})
    counters.add({"loss": 3.0, "images": float("inf")})
    assert counters.means() == {"loss": 2.0, "images": 5.0}
    counters.begin_epoch(1)
    assert counters.means() == {}


def test_a_checkpoint_holds_what_was_true_when_it_was_made():
    state = state_of(nn.Linear(2, 1))
    state.counters.history.append({"epoch": 0.0})
    checkpoint = state.to_checkpoint()
    state.counters.history[0]["epoch"] = 9.0
    assert checkpoint.state["counters"]["history"] == [{"epoch": 0.0}]


def test_it_says_beforehand_what_it_will_hold():
    state = state_of(nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1)))
    state.model(torch.rand(4, 2)).sum().backward()
    state.optimizer.step()
    state.counters.best_epoch = 0
    state.remember_best()
    checkpoint = state.to_checkpoint()
    assert state.expected_layouts(checkpoint.state) == layouts_of(checkpoint.tensors)


def test_a_random_state_that_is_none_of_torchs_is_refused():
    state = state_of(nn.Linear(2, 1))
    sound = state.to_checkpoint()
    tensors = {**sound.tensors, "random/cpu": torch.full_like(sound.tensors["random/cpu"], 255)}
    before = torch.random.get_rng_state()
    with pytest.raises(RunError, match="random state is not one of torch's"):
        state.restore(Checkpoint(0, tensors, sound.state))
    assert torch.equal(torch.random.get_rng_state(), before)
