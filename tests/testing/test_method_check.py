"""`check_method`: every built-in method fulfils every requirement, and each planted fault is named by its own."""

import pytest
import torch
from faulty_methods import FAULTS, SOUND

from small_runs import DECODER, ENCODER, OWN
from wardround.errors import ExtensionError
from wardround.methods.registry import FITTED, KNOWN_METHODS, METHODS
from wardround.tasks import cohort
from wardround.testing import CheckFailed, check_method
from wardround.testing.method_check import REQUIREMENTS

SMALL = {"mlp": (*ENCODER, *OWN), "lstm": (*ENCODER, *OWN), "trajectory": (*ENCODER, *DECODER[:-1]), "grud": OWN}
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("lstm", "trajectory", "grud", *FITTED)]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["mlp", *SLOW])
def test_a_built_in_method_fits(name: str):
    check_method({**METHODS, **FITTED}[name], SMALL.get(name, ()))


def test_every_built_in_method_is_looked_at():
    assert {"mlp", "lstm", "trajectory", "grud", *FITTED} == {*METHODS, *FITTED}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SOUND)
def test_what_the_faults_are_planted_in_fits(shape: str):
    """Negative control of the faults: without them nothing is found."""
    check_method(SOUND[shape])


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str):
    method, requirement = FAULTS[fault]
    with pytest.raises(CheckFailed, match=rf"method 'faulty' does not fulfil '{requirement}': .*To mend it: ") as found:
        check_method(method)
    assert found.value.requirement == requirement
    print(f"{fault:32s} {found.value}")
    assert "faulty" not in KNOWN_METHODS.names()


@pytest.mark.slow
def test_a_leak_of_the_future_is_named(monkeypatch: pytest.MonkeyPatch):
    """The causal clock reads when a thing happened, not when it was known: planted in the product, for a method alone
    is given nothing after the prediction time."""
    monkeypatch.setattr(cohort.Window, "clock", property(lambda self: "time"))
    with pytest.raises(CheckFailed) as found:
        check_method(SOUND["static"])
    assert found.value.requirement == "future"


def test_every_requirement_has_a_fault():
    assert {requirement for _, requirement in FAULTS.values()} | {"future"} == {one.name for one in REQUIREMENTS}
    assert len({one.name for one in REQUIREMENTS}) == len(REQUIREMENTS)


def test_the_name_of_a_built_in_method_is_refused():
    import dataclasses

    with pytest.raises(ExtensionError, match="method 'mlp': the name is taken"):
        check_method(dataclasses.replace(SOUND["static"], name="mlp"))
