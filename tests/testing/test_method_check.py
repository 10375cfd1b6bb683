"""`check_method`: every built-in method fulfils every requirement, and each planted fault is named by its own."""

import os
from functools import partial
from pathlib import Path

import pytest
import torch
from faulty_methods import FAULTS, SOUND

from small_runs import DECODER, ENCODER, OWN
from wardround.errors import ExtensionError
from wardround.methods.registry import FITTED, KNOWN_METHODS, METHODS, FittedMethod, Method
from wardround.tasks import cohort
from wardround.testing import CheckFailed, check_method
from wardround.testing.method_check import REQUIREMENTS
from wardround.testing.method_trial import MethodTrial

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
SMALL = {"mlp": (*ENCODER, *OWN), "lstm": (*ENCODER, *OWN), "trajectory": (*ENCODER, *DECODER[:-1]), "grud": OWN}
WHOLE = ("peeks at later events",)
NIGHTLY = pytest.mark.skipif(
    SCALE < 1, reason="made of the same parts as mlp: at the full count (WARDROUND_PROMISE_SCALE=1)"
)
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("trajectory", "grud", *FITTED)]


pytestmark = pytest.mark.usefixtures("fast_fsync")


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["mlp", pytest.param("lstm", marks=[pytest.mark.slow, NIGHTLY]), *SLOW])
def test_a_built_in_method_fits(name: str):
    check_method({**METHODS, **FITTED}[name], SMALL.get(name, ()))


def test_every_built_in_method_is_looked_at():
    assert {"mlp", "lstm", "trajectory", "grud", *FITTED} == {*METHODS, *FITTED}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SOUND if SCALE >= 1 else ["sequence"])
def test_what_the_faults_are_planted_in_fits(shape: str):
    """Negative control of the faults: without them nothing is found. (The static one: whole in the night, and by the
    requirement that the future does not show on every change.)"""
    check_method(SOUND[shape])


def hold_one(name: str, folder: Path, method: Method | FittedMethod) -> None:
    """One requirement alone."""
    own = next(one for one in REQUIREMENTS if one.name == name)
    with KNOWN_METHODS.lend(method):
        own.hold(f"method {method.name!r}", MethodTrial(method, folder))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str, tmp_path: Path):
    """By its own requirement; those before it are looked at in the night, and for some faults on every change."""
    method, name = FAULTS[fault]
    look = check_method if SCALE >= 1 or fault in WHOLE else partial(hold_one, name, tmp_path)
    with pytest.raises(CheckFailed, match=rf"method 'faulty' does not fulfil '{name}': .*To mend it: ") as found:
        look(method)
    assert found.value.requirement == name
    print(f"{fault:32s} {found.value}")
    assert "faulty" not in KNOWN_METHODS.names()


def test_the_faults_that_are_looked_at_whole_are_there():
    assert {*WHOLE} <= {*FAULTS}


@pytest.mark.slow
def test_a_leak_of_the_future_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The causal clock reads when a thing happened, not when it was known: planted in the product, for a method alone
    is given nothing after the prediction time."""
    hold_one("future", tmp_path / "sound", SOUND["static"])
    monkeypatch.setattr(cohort.Window, "clock", property(lambda self: "time"))
    with pytest.raises(CheckFailed) as found:
        hold_one("future", tmp_path / "leaky", SOUND["static"])
    assert found.value.requirement == "future"


def test_every_requirement_has_a_fault():
    assert {requirement for _, requirement in FAULTS.values()} | {"future"} == {one.name for one in REQUIREMENTS}
    assert len({one.name for one in REQUIREMENTS}) == len(REQUIREMENTS)


def test_the_name_of_a_built_in_method_is_refused():
    import dataclasses

    with pytest.raises(ExtensionError, match="method 'mlp': the name is taken"):
        check_method(dataclasses.replace(SOUND["static"], name="mlp"))
