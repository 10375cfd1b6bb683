"""The plan of a run: to JSON and back for every method; nothing that a version does not know is passed over."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from wardround.errors import RunError, UsageError
from wardround.methods.registry import METHODS
from wardround.settings import from_json, override
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train.plan import Plan, PretrainSettings, TrainSettings

HOSPITALS = SplitPlan(seed=3, by="hospital")
FOLD = SplitPlan(fold=(2, 5), pretrain_on="disjoint", strata="exact")
CHANGED = ["inputs.modalities=lab,aps", "content.hourly=", "loop.checkpoint_every_steps=7"]


def plans() -> dict[str, tuple[Plan, Callable | None]]:
    """A plan of each kind, and what reads its settings back."""
    pretraining = override(PretrainSettings(), [*CHANGED, "loss=all-pairs", "encoder.kind=set"])
    made: dict[str, tuple[Plan, Callable | None]] = {
        "alignment": (
            Plan("pretrain", "alignment", None, Window("paper", None), FOLD, None, pretraining, 2),
            partial(from_json, PretrainSettings),
        ),
        "score": (Plan("train", "score", "los", Window("paper", 12.0), SplitPlan(), None, None, 0), None),
    }
    for name, method in METHODS.items():
        own = ["train_encoders=false"] if method.encodes else ["model.codes=false"]
        settings = override(TrainSettings.default(method), [*CHANGED, "positive_weight=2", *own])
        plan = Plan("train", name, "mortality", Window(at_h=6.0), HOSPITALS, "abc", settings, 1, "def")
        made[name] = plan, partial(TrainSettings.from_json, method)
    return made


@pytest.mark.parametrize("name", plans())
def test_every_plan_comes_back_from_its_json(name: str):
    plan, read_settings = plans()[name]
    read = Plan.from_json(json.loads(json.dumps(plan.as_json())), read_settings)
    assert read.as_json() == plan.as_json()
    assert replace(read, settings=None) == replace(plan, settings=None)
    assert type(read.split.fold) is type(plan.split.fold)
    if plan.command == "train" and plan.settings is not None:
        assert type(read.settings.model) is METHODS[name].settings
    assert read.settings == plan.settings


def test_the_json_of_a_plan_by_hand():
    plan, _ = plans()["alignment"]
    values = plan.as_json()
    assert values.pop("settings")["inputs"]["modalities"] == ["lab", "aps"]
    assert values == {
        "command": "pretrain",
        "method": "alignment",
        "task": None,
        "protocol": "paper",
        "at_h": None,
        "split": {
            "seed": 0,
            "fold": "2/5",
            "by": "patient",
            "pretrain_on": "disjoint",
            "strata": "exact",
        },
        "encoders": None,
        "seed": 2,
        "init": None,
    }


@pytest.mark.parametrize("window", [Window(), Window(at_h=12), Window("paper", None), Window("paper", 12)], ids=str)
def test_a_task_that_is_asked_at_discharge_says_so_and_no_hour(window: Window):
    plan = Plan("train", "score", "next_visit_phenotyping", window, SplitPlan(), None, None, 0)
    values = json.loads(json.dumps(plan.as_json()))
    assert values["asked_at"] == "discharge"
    assert values["at_h"] == (window.at_h if window.protocol == "paper" else None), (
        "in the causal one it decides nothing"
    )
    again = Plan.from_json(values, None)
    assert again.as_json() == values
    assert again.window == (window if window.protocol == "paper" else Window())
    assert "asked_at" not in plans()["mlp"][0].as_json()


def edited(name: str, *path: str, value: object = "new", drop: bool = False) -> dict:
    """The JSON of a plan with one place changed, added or taken away."""
    values = json.loads(json.dumps(plans()[name][0].as_json()))
    place = values
    for key in path[:-1]:
        place = place[key]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return values


@pytest.mark.parametrize("name", plans())
@pytest.mark.parametrize("path", [("horizon_h",), ("split", "stratify")])
def test_a_field_that_this_version_does_not_know_is_refused(name: str, path: tuple[str, ...]):
    with pytest.raises(RunError, match="more than this version knows"):
        Plan.from_json(edited(name, *path), plans()[name][1])


@pytest.mark.parametrize("name", [*METHODS, "alignment"])
@pytest.mark.parametrize("part", [("loop",), ("inputs", "content")])
def test_a_setting_that_this_version_does_not_know_is_refused(name: str, part: tuple[str, ...]):
    with pytest.raises(RunError, match=r"settings do not fit .* of this version: momentum"):
        Plan.from_json(edited(name, "settings", *part, "momentum"), plans()[name][1])


@pytest.mark.parametrize(
    "path",
    [("task",), ("seed",), ("init",), ("protocol",), ("split", "by"), ("split",), ("settings", "loop"), ("settings",)],
)
def test_a_part_that_is_missing_is_refused(path: tuple[str, ...]):
    with pytest.raises(RunError, match=r"lacks a part|do not fit"):
        Plan.from_json(edited("mlp", *path, drop=True), plans()["mlp"][1])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("protocol",), "retrospective"),
        (("at_h",), -1),
        (("split", "fold"), "9/5"),
        (("split", "fold"), "a/b"),
        (("split", "by"), "ward"),
        (("split", "strata"), "exact"),
        (("split", "strata"), "forced"),
        (("split", "test"), "no"),
        (("split", "test"), True),
        (("seed",), -1),
        (("split",), None),
        (("settings", "loop", "epochs"), 0),
        (("settings", "model", "hidden"), 0),
    ],
)
def test_a_value_that_no_run_has_is_refused(path: tuple[str, ...], value: object):
    with pytest.raises(RunError):
        Plan.from_json(edited("mlp", *path, value=value), plans()["mlp"][1])


def test_a_plan_says_what_is_learned_of_a_duration_that_began_before_it_is_asked():
    plan = Plan("train", "elapsed", "los", Window(), SplitPlan(), None, None, 0)
    assert plan.as_json()["learns"] == "hours that are left"
    earlier = {name: value for name, value in plan.as_json().items() if name != "learns"}
    with pytest.raises(RunError, match="of another version"):
        Plan.from_json(earlier, None)
    assert "learns" not in Plan("train", "elapsed", "mortality", Window(), SplitPlan(), None, None, 0).as_json()


def test_a_row_has_no_settings():
    """JSON that holds some is of another kind of run."""
    with pytest.raises(RunError):
        Plan.from_json(edited("score", "settings", value={"epochs": 3}), None)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_the_defaults_of_a_method_are_its_own(method):
    made = TrainSettings.default(method)
    assert (made.model, made.inputs) == (method.settings(), method.inputs)


@pytest.mark.parametrize("change", ["batch_size=0", "batch_size=-1"])
def test_a_pretraining_without_stays_in_a_batch_is_refused(change: str):
    with pytest.raises(UsageError, match="batch_size must be 1 or more"):
        override(PretrainSettings(), [change])


def test_a_negative_seed_is_refused():
    with pytest.raises(UsageError, match="--seed -1: give 0 or more"):
        replace(plans()["mlp"][0], seed=-1)
