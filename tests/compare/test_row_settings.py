"""What a row will be trained with, and what of a space it leaves free."""

import pytest

from wardround.compare.recipe import Encoders, Row
from wardround.compare.row_settings import as_it_stands, check_space, free_space, row_settings
from wardround.compare.spaces import SPACES, Choice, Range
from wardround.errors import UsageError
from wardround.methods.registry import FITTED, METHODS
from wardround.settings import flatten


def row(method: str, *assignments: str, encoders: Encoders | None = None) -> Row:
    return Row(method, method, encoders, assignments, (0,), ("mortality",))


@pytest.mark.parametrize("method", [*METHODS, *FITTED])
def test_every_method_has_a_space_of_settings_that_it_takes(method: str):
    assert SPACES[method]
    check_space(row(method), SPACES[method])


@pytest.mark.parametrize("method", [name for name, one in METHODS.items() if one.encodes])
def test_every_space_goes_with_pretrained_encoders(method: str):
    check_space(row(method, encoders=Encoders("a", ("encoder.hidden=8",))), SPACES[method])


def test_what_a_row_sets_is_not_searched():
    free = free_space(row("boosting", "leaves=9"), SPACES["boosting"])
    assert set(SPACES["boosting"]) - set(free) == {"model.leaves"}


@pytest.mark.parametrize("method", [*METHODS, *FITTED])
def test_the_defaults_of_every_method_lie_in_its_space(method: str):
    """So a search of it begins with them."""
    found = as_it_stands(row(method), SPACES[method])
    assert found == {path: flatten(row_settings(row(method)))[path] for path in free_space(row(method), SPACES[method])}


def test_a_row_stands_as_it_sets_itself_and_not_where_the_space_does_not_hold_it():
    space = {"model.leaves": Range(4, 20), "model.l2": Choice((0.5, 1.0))}
    assert as_it_stands(row("boosting"), space) == {"model.leaves": 15, "model.l2": 1.0}
    assert as_it_stands(row("boosting", "leaves=9"), space) == {"model.l2": 1.0}
    assert as_it_stands(row("boosting", "leaves=9", "l2=0.5"), space) is None
    assert as_it_stands(row("boosting"), {**space, "model.l2": Choice((2.0,))}) is None
    assert as_it_stands(row("boosting"), {"model.stay_fraction": Range(0, 1)}) is None, "0.6 is no whole number"
    assert as_it_stands(row("mlp"), {"model.evidence": Choice((1, 0))}) is None, "true is not 1"


def test_one_setting_by_two_names_is_refused():
    with pytest.raises(UsageError, match=r"model\.l2 stands in the space twice"):
        free_space(row("boosting"), {"l2": Range(0.0, 1.0), "model.l2": Choice((1.0,))})


def test_settings_are_those_that_training_will_have():
    aligned = row_settings(
        row("mlp", "model.hidden=9", encoders=Encoders("a", ("encoder.hidden=8",))), ["model.dropout=0.5"]
    )
    assert (aligned.model.encoder.hidden, aligned.model.hidden, aligned.model.dropout) == (8, 9, 0.5)
    with pytest.raises(UsageError, match="could be any of"):
        row_settings(row("mlp", "hidden=9"))
