"""A requirement that does not hold is an `AssertionError` that says which, what was found, and how to mend it."""

import pytest

from wardround import testing
from wardround.testing import CheckFailed, Requirement
from wardround.testing.requirement import hold_all


def fine(_: int) -> list[str]:
    return []


def even(number: int) -> list[str]:
    return [f"{number} is odd"] if number % 2 else []


def broken(_: int) -> list[str]:
    raise KeyError("lab")


REQUIREMENTS = (
    Requirement("fine", "nothing is asked", "nothing", fine),
    Requirement("even", "the number is even", "add one", even),
    Requirement("looked at", "it can be looked at", "bring the lab", broken),
)


def test_the_first_that_does_not_hold_is_named():
    with pytest.raises(AssertionError) as found:
        hold_all("the number", REQUIREMENTS, 3)
    said = "the number does not fulfil 'even': the number is even. Found: 3 is odd. To mend it: add one."
    assert str(found.value) == said
    assert isinstance(found.value, CheckFailed)
    assert found.value.requirement == "even"


def test_an_error_on_the_way_is_the_requirements_too():
    with pytest.raises(CheckFailed, match=r"'looked at': .* Found: KeyError: 'lab'\. To mend it: bring") as found:
        hold_all("the number", REQUIREMENTS, 2)
    assert isinstance(found.value.__cause__, KeyError)


def test_all_that_hold_are_silent():
    hold_all("the number", REQUIREMENTS[:2], 2)


def test_every_check_is_public():
    assert {name for name in testing.__all__ if name.startswith("check_")} == {
        f"check_{what}" for what in ("source", "task", "encoder", "method")
    }
