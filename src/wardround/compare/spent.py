"""What each row cost and what its searches chose."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wardround.compare.cells import Cell, search_of, split_words
from wardround.compare.outcome import Outcome
from wardround.compare.recipe import Recipe, Row
from wardround.compare.search import Found
from wardround.compare.work import found_by, seconds_of
from wardround.errors import RunError
from wardround.methods.scores import ROWS


def row_facts(row: Row, cells: Sequence[Cell], recipe: Recipe, to: Path) -> dict[str, Any]:
    """What a reader should know of a row of one task: settings, cells, seconds, trials, and what was chosen.

    Args:
        row: of the recipe.
        cells: of that row and one task.
        recipe: whose row it is.
        to: the folder of the comparison.
    """
    searches = {cell.search: cell for cell in cells if cell.search}
    chosen: list[dict[str, Any]] = []
    trials = failed = 0
    for cell in searches.values():
        found = _found(cell, recipe, to)
        if found is not None:
            trials, failed = trials + found.trials, failed + found.failed
            chosen.append(
                {
                    "split": split_words(cell.split),
                    "settings": list(found.settings),
                    "on_validation": found.value,
                    "trials": found.trials,
                }
            )
    budget = search_of(row, recipe.search)
    return {
        "method": row.method,
        "encoders": None if row.encoders is None else row.encoders.name,
        "settings": list(row.assignments),
        "seeds": list(row.seeds),
        "cells": len(cells),
        "seconds": round(sum(_seconds(cell, to) for cell in cells), 1),
        "searches": len(searches),
        "trials_allowed": 0 if budget is None else budget.budget(row.method) * len(searches),
        "trials": trials,
        "trials_failed": failed,
        "chosen": chosen,
    }


def _found(cell: Cell, recipe: Recipe, to: Path) -> Found | None:
    """What a cell's search came to; None where its file cannot be read, of which the cell's failure tells."""
    try:
        return found_by(cell, recipe, to)
    except RunError:
        return None


def _seconds(cell: Cell, to: Path) -> float:
    """What a cell took; nothing where its file cannot be read, of which the cell's failure tells."""
    try:
        return seconds_of(cell, to)
    except RunError:
        return 0.0


def search_facts(recipe: Recipe, cells: Sequence[Cell], to: Path) -> dict[str, Any] | None:
    """The budget of every method, where less of it was used, and which rows that learn had none; None where nothing was
    searched."""
    if recipe.search is None:
        return None
    budgets = {row.method: recipe.search.budget(row.method) for row in recipe.rows if search_of(row, recipe.search)}
    stopped: dict[str, str] = {}
    for cell in {cell.search: cell for cell in cells if cell.search}.values():
        found, budget = _found(cell, recipe, to), budgets[cell.row.method]
        if found is not None and found.trials < budget:
            stopped[f"{cell.row.name}, {cell.task}, {split_words(cell.split)}"] = f"{found.trials} of {budget}"
    as_they_stand = [row.name for row in recipe.rows if row.method not in ROWS and not search_of(row, recipe.search)]
    return {
        "trials": budgets,
        "equal": len(set(budgets.values())) <= 1,
        "not_searched": as_they_stand,
        "minutes": recipe.search.minutes,
        "stopped_by_time": stopped,
        "objective": {task: recipe.search.objective[task] for task in recipe.tasks},
    }


def spent_by_row(outcome: Outcome) -> dict[str, Any]:
    """Task -> row -> cells, trials and seconds, for the manifest."""
    names = ("cells", "trials_allowed", "trials", "seconds")
    return {
        table.task: {line.name: {name: line.facts.get(name) for name in names} for line in table.lines}
        for table in outcome.tables
    }
