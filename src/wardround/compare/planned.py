"""A recipe as JSON, for the manifest, and as lines, for a dry run."""

from pathlib import Path
from typing import Any

from wardround.compare.cells import Cell, search_of
from wardround.compare.recipe import Recipe, Row
from wardround.compare.row_settings import free_space, pretrain_settings, row_settings
from wardround.compare.work import is_done
from wardround.settings import as_json
from wardround.tables import aligned
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
