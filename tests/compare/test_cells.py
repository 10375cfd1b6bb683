"""A cell is kept under a name that changes with all that decides it, and with nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

import wardround
from wardround.compare import cells as module
from wardround.compare import planned
from wardround.compare.cells import Hashes, cells_of
from wardround.compare.recipe import Encoders, Recipe, Row, Search
from wardround.compare.spaces import SPACES, Range
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan

TASKS = ("mortality",)
ROW = Row("b", "boosting", None, ("rounds=5",), (0, 1), TASKS)
MLP = Row("m", "mlp", Encoders("aligned", ("alignment.loss=masked-global",)), (), (0,), TASKS)
SEARCH = Search(3, {}, None, {"mortality": "auroc"}, {"boosting": SPACES["boosting"]})
RECIPE = Recipe(Path("d"), None, TASKS, Window(), (SplitPlan(0), SplitPlan(1)), (ROW, MLP), "b", SEARCH)
HASHES = Hashes("0" * 64)


def names(recipe: Recipe, hashes: Hashes = HASHES) -> list[tuple[str, str | None, str | None]]:
    return [(cell.run, cell.encoders, cell.search) for cell in cells_of(recipe, hashes)]


def test_all_names_differ_and_seeds_share_a_search():
    cells = cells_of(RECIPE, HASHES)
    assert len({cell.run for cell in cells}) == len(cells) == 6
    assert len({cell.search for cell in cells if cell.search}) == 2, "one a split"
    assert len({cell.encoders for cell in cells if cell.encoders}) == 2
    assert {cell.name for cell in cells} >= {"b, mortality, split 1, seed 1", "m, mortality, split 0, seed 0"}


@pytest.mark.parametrize(
    "same",
    [
        replace(RECIPE, draws=7),
        replace(RECIPE, against="m"),
        replace(RECIPE, rows=(replace(ROW, name="x"), MLP)),
        replace(RECIPE, data=Path("moved")),
    ],
)
def test_what_does_not_decide_a_run_does_not_move_it(same: Recipe):
    assert names(same) == names(RECIPE)


@pytest.mark.parametrize(
    ("other", "changed"),
    [
        (replace(RECIPE, window=Window("causal", 12.0)), {"b", "m"}),
        (replace(RECIPE, splits=(SplitPlan(0, strata="exact"), SplitPlan(1, strata="exact"))), {"b", "m"}),
        (replace(RECIPE, splits=(SplitPlan(0, test=False), SplitPlan(1, test=False))), {"b", "m"}),
        (replace(RECIPE, rows=(replace(ROW, assignments=("rounds=6",)), MLP)), {"b"}),
        (replace(RECIPE, rows=(ROW, replace(MLP, encoders=Encoders("aligned", ("epochs=3",))))), {"m"}),
        (replace(RECIPE, search=replace(SEARCH, trials=4)), {"b"}),
        (replace(RECIPE, search=replace(SEARCH, minutes=4.0)), {"b"}),
        (replace(RECIPE, search=replace(SEARCH, objective={"mortality": "brier"})), {"b"}),
        (replace(RECIPE, search=replace(SEARCH, spaces={"boosting": {"l2": Range(0.0, 1.0)}})), {"b"}),
        (replace(RECIPE, search=None), {"b"}),
        (replace(RECIPE, seed=1), {"b"}),
    ],
)
def test_what_decides_a_run_moves_it_and_no_other(other: Recipe, changed: set[str]):
    before, after = cells_of(RECIPE, HASHES), cells_of(other, HASHES)
    assert {old.row.name for old, new in zip(before, after, strict=True) if old.run != new.run} == changed


def test_other_data_is_another_cell_and_another_cohort_another_evaluation():
    assert not {run for run, _, _ in names(RECIPE, Hashes("1" * 64))} & {run for run, _, _ in names(RECIPE)}
    external = cells_of(RECIPE, Hashes("0" * 64, "2" * 64))
    assert [cell.run for cell in external] == [cell.run for cell in cells_of(RECIPE, HASHES)]
    assert asked(RECIPE, Hashes("0" * 64, "2" * 64)).isdisjoint(asked(RECIPE))


def asked(recipe: Recipe, hashes: Hashes = HASHES) -> set[str]:
    return {cell.evaluation for cell in cells_of(recipe, hashes)}


@pytest.mark.parametrize("other", [replace(RECIPE, draws=7), replace(RECIPE, seed=7)])
def test_other_draws_are_another_evaluation(other: Recipe):
    assert asked(other).isdisjoint(asked(RECIPE))
    assert len(asked(other)) == 1


def test_another_version_of_wardround_or_of_a_package_is_another_cell(monkeypatch: pytest.MonkeyPatch):
    """What an older version trained never stands in one table with what this one did."""
    before = names(RECIPE)
    with monkeypatch.context() as patch:
        patch.setattr(wardround, "__version__", "0.0.0")
        older = names(RECIPE)
    asked = planned.recipe_json(RECIPE)
    for part in (module, planned):
        monkeypatch.setattr(part, "packages_behind", lambda *_: ({"package": "outside", "version": "2"},))
    assert planned.recipe_json(RECIPE) != asked, "nor is the comparison of the older one complete"
    for other in (older, names(RECIPE)):
        assert all(not {*old} & {*new} - {None} for old, new in zip(before, other, strict=True))
