"""compare: a recipe, or runs that are there, to one table with intervals and paired differences.

A recipe's cells are made one after the other, or several side by side, and kept; a second call makes only those that
are not there, and one that was interrupted goes on at the step where it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wardround import files
from wardround.compare.against_data import check_data, data_hashes
from wardround.compare.cells import Cell, cells_of
from wardround.compare.existing import Existing, compare_existing
from wardround.compare.folder import JSON, REPORT, TABLE, ComparisonFolder, read_outcome
from wardround.compare.gather import Answered, gather, past_prediction, patient_notes, read_answers
from wardround.compare.outcome import Line, Outcome, TaskTable, table_of
from wardround.compare.page import comparison_page
from wardround.compare.planned import plan_lines, recipe_json
from wardround.compare.pooled import Asked
from wardround.compare.recipe import Recipe
from wardround.compare.recipe_file import read_recipe
from wardround.compare.runs_beforehand import check_runs
from wardround.compare.search import require_optuna
from wardround.compare.side_by_side import Orders, side_by_side
from wardround.compare.spent import row_facts, search_facts, spent_by_row
from wardround.compare.work import Work, steps
from wardround.compare.written import as_csv, as_json
from wardround.errors import RunError, UsageError
from wardround.evaluate.page import write_page
from wardround.launcher import launched_processes
from wardround.metrics.bootstrap import DRAWS
from wardround.progress import progress
from wardround.stopping import StopRequest, stop_on_sigterm
from wardround.tasks.task import find_task
from wardround.whole_file import one_writer


@dataclass(frozen=True)
class Compared:
    """What a call came to: what `comparison.json` says, whether it was already there, and how many cells, or rows that
    cannot be judged, failed."""

    found: dict[str, Any]
    already: bool
    n_failed: int = 0


def is_recipe(sources: Sequence[Path]) -> bool:
    """Whether a recipe is meant, rather than folders."""
    return len(sources) == 1 and not sources[0].is_dir()


def plan_of(sources: Sequence[Path], to: Path | None, seed: int = 0, quiet: bool = True) -> list[str]:
    """The cells of a recipe as lines, and which of them lie in `to`, to which nothing is written. Raises as
    `compare`."""
    if not is_recipe(sources):
        raise UsageError("--dry-run goes with a recipe: folders are compared as they are.")
    recipe = read_recipe(sources[0], seed)
    hashes = data_hashes(recipe)
    check_data(recipe, hashes, quiet)
    return plan_lines(recipe, cells_of(recipe, hashes), to)


def compare(
    sources: Sequence[Path],
    to: Path,
    data: Path | None = None,
    against: str | None = None,
    seed: int = 0,
    quiet: bool = False,
    workers: int = 1,
) -> Compared:
    """Compare.

    Args:
        sources: one recipe, or two folders or more that `train` or `evaluate` wrote.
        to: the folder to write.
        data: where RUN folders are asked; a recipe names its own.
        against: the row that the others are paired with; a recipe names its own. Default the first.
        seed: of the bootstrap, and of a search.
        quiet: no progress on stderr.
        workers: how many cells of a recipe are made side by side, each in a process of its own where there are several.

    Raises:
        UsageError: where recipe, folders or options do not go together; nothing is then written.
        DataError, RunError: where a folder is not whole, the data cannot be asked what a recipe or a run asks, `to`
            holds somebody's files, another process is comparing into it, or one of several workers cannot work.
        Stopped: after SIGTERM; the same call goes on.
        StorageError: if the disk refuses.
    """
    if workers < 1:
        raise UsageError(f"--workers must be at least 1, got {workers}.")
    if launched_processes() > 1:
        raise UsageError("compare runs in one process: call it without torchrun or accelerate.")
    if not is_recipe(sources):
        if workers != 1:
            raise UsageError("--workers goes with a recipe: folders are asked one after the other.")
        existing = Existing.of(sources, data, against, DRAWS, seed)
        with one_writer(to, RunError, "comparing"):
            return _existing(existing, to, quiet)
    if data is not None or against is not None:
        raise UsageError("--data and --against go with folders; a recipe says data and against itself.")
    recipe = read_recipe(sources[0], seed)
    if recipe.search is not None:
        require_optuna()
    hashes = data_hashes(recipe)
    if not ComparisonFolder(to).is_complete(recipe_json(recipe), hashes.inputs()):
        check_data(recipe, hashes, quiet)
    with one_writer(to, RunError, "comparing") as lock:
        return _from_recipe(recipe, Orders(sources[0], seed, hashes, to, lock), workers, quiet)


def _from_recipe(recipe: Recipe, orders: Orders, workers: int, quiet: bool) -> Compared:
    hashes, to = orders.hashes, orders.to
    asked, folder = recipe_json(recipe), ComparisonFolder(to)
    inputs = hashes.inputs()
    if folder.is_complete(asked, inputs):
        return Compared(read_outcome(to), True)
    folder.begin()
    cells = cells_of(recipe, hashes)
    with stop_on_sigterm() as stop:
        failed = _work(recipe, orders, cells, workers, stop, quiet)
        answers, unread = read_answers([cell for cell in cells if cell not in failed], recipe, to)
        failed |= unread
        outcome = _outcome(recipe, cells, answers, failed, to, stop, quiet)
    found = _write(outcome, to)
    if not outcome.failures:
        folder.finish(asked, inputs, spent_by_row(outcome))
    return Compared(found, False, len(outcome.failures))


def _existing(existing: Existing, to: Path, quiet: bool) -> Compared:
    folder, inputs = ComparisonFolder(to), existing.hashes()
    asked = {
        "against": existing.against,
        "names": list(existing.folders),
        "rows": {row: list(names) for row, names in existing.rows.items()},
        "draws": existing.draws,
        "seed": existing.seed,
    }
    if folder.is_complete(asked, inputs):
        return Compared(read_outcome(to), True)
    check_runs(existing, quiet)
    folder.begin()
    with stop_on_sigterm() as stop:
        outcome = compare_existing(existing, to, stop, quiet)
    found = _write(outcome, to)
    if not outcome.failures:
        folder.finish(asked, inputs, {})
    return Compared(found, False, len(outcome.failures))


def _work(
    recipe: Recipe, orders: Orders, cells: list[Cell], workers: int, stop: StopRequest, quiet: bool
) -> dict[Cell, str]:
    """Do what is not done; cell -> why it gave no numbers."""
    total, done = steps(cells, recipe, orders.to)
    with progress(total, "cells" if recipe.search is None else "cells and trials", quiet=quiet, done=done) as bar:
        if workers > 1:
            return side_by_side(orders, cells, workers, stop, bar)
        work = Work(recipe, orders.hashes, orders.to, stop, bar)
        work.run(cells)
    return work.failed


def _asked_at(recipe: Recipe) -> dict[str, Any]:
    """The hour of the predictions; none where every task is asked at discharge."""
    if all(find_task(task).next_visit for task in recipe.tasks):
        return {"at_h": None, "asked_at": "discharge"}
    return {"at_h": recipe.window.at_h}


def _outcome(
    recipe: Recipe,
    cells: list[Cell],
    answers: Mapping[Cell, Answered],
    failed: Mapping[Cell, str],
    to: Path,
    stop: StopRequest,
    quiet: bool,
) -> Outcome:
    tables: list[TaskTable] = []
    for task in progress(recipe.tasks, f"tables, {recipe.draws:,} draws of patients", quiet=quiet):
        stop.check()
        tables.append(_table(recipe, task, [cell for cell in cells if cell.task == task], answers, failed, to))
    about = {
        "kind": "recipe",
        "protocol": recipe.window.protocol,
        **_asked_at(recipe),
        "draws": recipe.draws,
        "split_by": recipe.splits[0].by,
        "split_seeds": sorted({split.seed for split in recipe.splits}),
        "folds": None if recipe.splits[0].fold is None else recipe.splits[0].fold[1],
        "asked": "every stay of another cohort" if recipe.test_data else "the test side of each split",
    }
    whom = {row.name: [one.metrics for cell, one in answers.items() if cell.row == row] for row in recipe.rows}
    return Outcome(about, tables, patient_notes(whom), search_facts(recipe, cells, to))


def _table(
    recipe: Recipe,
    task: str,
    cells: list[Cell],
    answers: Mapping[Cell, Answered],
    failed: Mapping[Cell, str],
    to: Path,
) -> TaskTable:
    """The rows of a task; one with a cell that failed has no numbers, for a mean over the others would flatter it."""
    rows: dict[str, Asked] = {}
    lines: list[Line] = []
    for row in recipe.rows_of(task):
        own = [cell for cell in cells if cell.row == row]
        why = {cell.name: failed[cell] for cell in own if cell in failed}
        if not why:
            rows[row.name] = gather({cell: answers[cell].predictions for cell in own}, recipe.test_data is not None)
        reports = [(cell.name, f"runs/{cell.run}/{cell.evaluation}/report.html") for cell in own if cell not in failed]
        past = past_prediction([answers[cell].metrics for cell in own if cell in answers])
        facts = {**row_facts(row, own, recipe, to), "sees_past_prediction": past}
        lines.append(Line(row.name, facts, None, why, reports))
    return table_of(task, recipe.against, rows, lines, recipe.draws, recipe.seed)


def _write(outcome: Outcome, to: Path) -> dict[str, Any]:
    """Table, JSON and page. Raises `StorageError` if the disk refuses."""
    found = as_json(outcome)
    files.write_text(to / TABLE, as_csv(outcome))
    files.write_json(to / JSON, found)
    write_page(to / REPORT, comparison_page(outcome))
    return found
