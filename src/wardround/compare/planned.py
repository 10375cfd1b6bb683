"""A recipe as JSON, for the manifest; as lines, for a dry run; and against its data, before any work."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from wardround import files
from wardround.compare.cells import Cell, Hashes, search_of
from wardround.compare.recipe import Recipe, Row
from wardround.compare.row_settings import free_space, pretrain_settings, row_settings
from wardround.compare.work import is_done
from wardround.errors import DataError, UsageError
from wardround.events import OPTIONAL_STAY_COLUMNS, STAY_COLUMNS
from wardround.settings import as_json
from wardround.tables import aligned
from wardround.tasks.cohort import Window, cohort
from wardround.tasks.splits import split_stays
from wardround.tasks.task import find_task
from wardround.train.data import Sides
from wardround.train.derived_labels import with_derived
from wardround.train.packages import packages_behind


def recipe_json(recipe: Recipe) -> dict[str, Any]:
    """All that decides the outcome, folders apart: their hashes stand beside it."""
    search = recipe.search
    return {
        "tasks": list(recipe.tasks),
        "protocol": recipe.window.protocol,
        "at_h": recipe.window.at_h,
        "splits": [
            {"seed": one.seed, "fold": None if one.fold is None else list(one.fold), "by": one.by,
             "pretrain_on": one.pretrain_on, "strata": one.strata, "test": one.test}
            for one in recipe.splits
        ],
        "rows": [_row_json(row, recipe) for row in recipe.rows],
        "against": recipe.against,
        "draws": recipe.draws,
        "seed": recipe.seed,
        "search": None if search is None else {"minutes": search.minutes, "objective": dict(search.objective)},
    }  # fmt: skip


def _row_json(row: Row, recipe: Recipe) -> dict[str, Any]:
    settings, chosen = row_settings(row), search_of(row, recipe.search)
    searched = None
    if chosen is not None:
        space = free_space(row, chosen.spaces[row.method])
        searched = {
            "trials": chosen.budget(row.method),
            "space": {path: values.as_json() for path, values in space.items()},
        }
    return {
        "name": row.name,
        "method": row.method,
        "encoders": None if row.encoders is None else row.encoders.name,
        "pretraining": None if row.encoders is None else as_json(pretrain_settings(row.encoders)),
        "settings": None if settings is None else as_json(settings),
        "seeds": list(row.seeds),
        "tasks": list(row.tasks),
        "search": searched,
    } | _packages(row)


def _packages(row: Row) -> dict[str, Any]:
    """The outside packages behind a row, with their versions; nothing where there is none."""
    behind = [one for task in row.tasks for one in packages_behind(row.method, task, row_settings(row))]
    if row.encoders is not None:
        behind += packages_behind("alignment", None, pretrain_settings(row.encoders))
    return {"packages": behind} if behind else {}


def check_data(recipe: Recipe, quiet: bool = True) -> Hashes:
    """Hold a recipe against its data: what every cell of a task would fail for is said before the first one is begun.

    Args:
        recipe: what is compared.
        quiet: no progress on stderr while labels are made of events; they are kept in the cache of the data.

    Raises:
        DataError: where a folder is not whole, nobody in it can be asked a task, the labels of one are made of what it
            does not hold, or nobody is left on a side of a split.
        UsageError: where the data has nothing to split by, `test_data` is the same data in another folder, or a task
            cannot be asked at the hour.
    """
    data = files.read_manifest(recipe.data, "data", DataError)["hash"]
    other = None
    if recipe.test_data is not None:
        other = files.read_manifest(recipe.test_data, "data", DataError)["hash"]
        if other == data:
            raise UsageError(
                f"test_data: {recipe.test_data} holds the very data of {recipe.data}: its patients were trained on. "
                "Leave test_data out, or give another cohort."
            )
    stays = _stays(recipe.data)
    tables = [split_stays(stays, split) for split in recipe.splits]
    for task in recipe.tasks:
        _check_task(task, recipe.data, data, stays, recipe.window, tables, quiet)
    if recipe.test_data is not None and other is not None:
        stays = _stays(recipe.test_data)
        for task in recipe.tasks:
            _check_task(task, recipe.test_data, other, stays, recipe.window, (), quiet)
    return Hashes(data, other)


def _stays(folder: Path) -> pl.DataFrame:
    return files.read_columns(folder / "stays.parquet", STAY_COLUMNS, optional=OPTIONAL_STAY_COLUMNS)


def _check_task(
    name: str,
    folder: Path,
    data_hash: str,
    stays: pl.DataFrame,
    window: Window,
    tables: Iterable[pl.DataFrame],
    quiet: bool,
) -> None:
    """What a training or an evaluation would refuse for the labels alone; `tables` are those of the splits."""
    task = find_task(name)
    stays = with_derived(folder, data_hash, stays, task, quiet=quiet)
    try:
        chosen = cohort(stays, window, task)
        for table in tables:
            Sides.of(chosen, table, "split")
    except DataError as error:
        raise DataError(f"{name} on {folder}: {error}") from error


def plan_lines(recipe: Recipe, cells: list[Cell], to: Path | None) -> list[str]:
    """Every cell, and how much there is to do."""
    state = {cell: "done" if to is not None and is_done(cell, to) else "to do" for cell in cells}
    rows = [["cell", "trials", "state"]]
    searches: dict[str, int] = {}
    for cell in cells:
        chosen = search_of(cell.row, recipe.search)
        budget = 0 if chosen is None else chosen.budget(cell.row.method)
        if cell.search is not None:
            searches[cell.search] = budget
        rows.append([cell.name, f"{budget or '-'}", state[cell]])
    encoders = len({cell.encoders for cell in cells if cell.encoders})
    parts = [f"{len(cells)} cells, {list(state.values()).count('done')} of them done", f"{encoders} pretrainings"]
    parts += [f"{sum(searches.values())} trials in {len(searches)} searches"] if searches else []
    return [*aligned(rows), "; ".join(parts)]
