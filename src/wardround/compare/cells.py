"""The cells of a comparison: one row, task, split and seed each, with the folders in which its work is kept.

A folder is named by what it holds and a hash of all that decides it, the versions of wardround and of outside packages
included. So the same cell is found again, whatever else of a recipe has changed, and another never lies where it is
looked for.

    DIR/runs/mlp-aligned-mortality-split0-fold1of5-seed0-1a2b3c4d/   run/, evaluation-0a1b2c3d/, seconds.json
    DIR/encoders/aligned-split0-fold1of5-seed0-5e6f7a8b/
    DIR/searches/mlp-aligned-mortality-split0-fold1of5-9c0d1e2f/     trials.json
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wardround
from wardround.compare.recipe import Recipe, Row, Search
from wardround.compare.row_settings import as_it_stands, free_space, pretrain_settings, row_settings
from wardround.files import hash_of
from wardround.settings import as_json
from wardround.tasks.splits import SplitPlan
from wardround.train.packages import packages_behind


@dataclass(frozen=True)
class Hashes:
    """Of the manifests of the DATA folders: of the recipe's data, and of the data to test on where that is other."""

    data: str
    test_data: str | None = None

    def inputs(self) -> dict[str, str]:
        """For a manifest."""
        return {"data": self.data} | ({} if self.test_data is None else {"test_data": self.test_data})


@dataclass(frozen=True)
class Cell:
    """One training of a row and its evaluation.

    Attributes:
        row, task, split, seed: which.
        run, encoders, search: folder names under `runs`, `encoders`, `searches`; None where there is nothing to do.
        search_encoders: the encoders of its search, which are those of the row's first seed.
        evaluation: the name of the evaluation's folder beside the run's: by whom it asks, draws and their seed.
    """

    row: Row
    task: str
    split: SplitPlan
    seed: int
    run: str
    encoders: str | None
    search: str | None
    search_encoders: str | None
    evaluation: str

    @property
    def name(self) -> str:
        """For a person."""
        return f"{self.row.name}, {self.task}, {split_words(self.split)}, seed {self.seed}"

    def folder(self, to: Path) -> Path:
        """Where its run and its evaluation lie."""
        return to / "runs" / self.run


def split_words(split: SplitPlan) -> str:
    """A split for a person."""
    whole = f"split {split.seed}" if split.test else f"split {split.seed} without a test side"
    return whole if split.fold is None else f"{whole} fold {split.fold[0]} of {split.fold[1]}"


def cells_of(recipe: Recipe, hashes: Hashes) -> list[Cell]:
    """Every cell of a recipe, split after split, so that what is compared comes together early."""
    return list(_cells(recipe, hashes))


def _cells(recipe: Recipe, hashes: Hashes) -> Iterator[Cell]:
    asked = {"data": hashes.test_data or hashes.data, "draws": recipe.draws, "seed": recipe.seed}
    evaluation = f"evaluation-{hash_of(asked)[:8]}"
    for split in recipe.splits:
        for task in recipe.tasks:
            for row in recipe.rows_of(task):
                search = search_of(row, recipe.search)
                for seed in row.seeds:
                    yield Cell(
                        row,
                        task,
                        split,
                        seed,
                        _run_name(recipe, hashes, row, task, split, seed),
                        encoders_name(recipe, hashes, row, split, seed),
                        None if search is None else _search_name(recipe, hashes, row, task, split),
                        None if search is None else encoders_name(recipe, hashes, row, split, row.seeds[0]),
                        evaluation,
                    )


def search_of(row: Row, search: Search | None) -> Search | None:
    """The search of a row; None where it is trained as it stands."""
    if search is None or not row.tuned or row.method not in search.spaces:
        return None
    return search if free_space(row, search.spaces[row.method]) else None


def encoders_name(recipe: Recipe, hashes: Hashes, row: Row, split: SplitPlan, seed: int) -> str | None:
    """The folder of a row's pretraining."""
    if row.encoders is None:
        return None
    settings = pretrain_settings(row.encoders)
    packages = packages_behind("alignment", None, settings)
    decides = {
        **_decides(recipe, hashes, split),
        "settings": as_json(settings),
        "seed": seed,
        "packages": list(packages),
    }
    return f"{_slug(row.encoders.name)}-{_of_split(split)}-seed{seed}-{hash_of(decides)[:8]}"


def _run_name(recipe: Recipe, hashes: Hashes, row: Row, task: str, split: SplitPlan, seed: int) -> str:
    decides = {**_of_row(recipe, hashes, row, task, split), "seed": seed, "search": _searched(recipe, row, task)}
    return f"{_of_method(row)}-{task}-{_of_split(split)}-seed{seed}-{hash_of(decides)[:8]}"


def _search_name(recipe: Recipe, hashes: Hashes, row: Row, task: str, split: SplitPlan) -> str:
    decides = {
        **_of_row(recipe, hashes, row, task, split),
        "seeds": row.seeds[0],
        "search": _searched(recipe, row, task),
    }
    return f"{_of_method(row)}-{task}-{_of_split(split)}-{hash_of(decides)[:8]}"


def _of_row(recipe: Recipe, hashes: Hashes, row: Row, task: str, split: SplitPlan) -> dict[str, Any]:
    settings = row_settings(row)
    return {
        **_decides(recipe, hashes, split),
        "packages": list(packages_behind(row.method, task, settings)),
        "task": task,
        "method": row.method,
        "encoders": None if row.encoders is None else as_json(pretrain_settings(row.encoders)),
        "settings": None if settings is None else as_json(settings),
    }


def _searched(recipe: Recipe, row: Row, task: str) -> dict[str, Any] | None:
    """All that decides which settings a search chooses."""
    search = search_of(row, recipe.search)
    if search is None:
        return None
    return {
        "trials": search.budget(row.method),
        "first": as_it_stands(row, search.spaces[row.method]),
        "minutes": search.minutes,
        "objective": search.objective[task],
        "space": {path: values.as_json() for path, values in free_space(row, search.spaces[row.method]).items()},
        "seed": recipe.seed,
        "first_seed": row.seeds[0],
    }


def _decides(recipe: Recipe, hashes: Hashes, split: SplitPlan) -> dict[str, Any]:
    fold = None if split.fold is None else list(split.fold)
    return {
        "version": wardround.__version__,
        "data": hashes.data,
        "window": [recipe.window.protocol, recipe.window.at_h],
        "split": [split.seed, fold, split.by, split.pretrain_on, split.strata, *([] if split.test else ["no test"])],
    }


def _of_method(row: Row) -> str:
    return row.method if row.encoders is None else f"{row.method}-{_slug(row.encoders.name)}"


def _of_split(split: SplitPlan) -> str:
    whole = f"split{split.seed}" if split.test else f"split{split.seed}-whole"
    return whole if split.fold is None else f"{whole}-fold{split.fold[0]}of{split.fold[1]}"


def _slug(name: str) -> str:
    """A name as part of a folder's."""
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())
