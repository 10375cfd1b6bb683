"""The work of a comparison: every cell pretrained, searched, trained and evaluated, unless an earlier call did.

A cell that fails is written down with its reason and the others go on; being asked to stop, or a disk that refuses,
ends the call. What was done is kept either way.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import torch

from wardround import files
from wardround.compare.cells import Cell, Hashes, encoders_name, search_of
from wardround.compare.measures import LOWER_IS_BETTER
from wardround.compare.recipe import Recipe
from wardround.compare.row_settings import as_it_stands, free_space, pretrain_settings
from wardround.compare.search import Budget, Found, best, read_trials, search
from wardround.errors import RunError, StorageError, WardroundError
from wardround.evaluate.evaluation import evaluate
from wardround.evaluate.question import Question
from wardround.stopping import Stopped, StopRequest
from wardround.train.data import OpenData, open_data
from wardround.train.pretrain import pretrain
from wardround.train.supervised import train

SECONDS: Final = "seconds.json"
TOO_LARGE: Final = "out of memory: make its batches or its model smaller, or take fewer --workers."


@runtime_checkable
class Bar(Protocol):
    """What hears how far the work is: a `Progress`, or one that tells another process."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """`count` more cells or trials are done."""
        ...


@dataclass
class Work:
    """The cells of a recipe under way.

    Attributes:
        recipe, hashes: what is compared, on what.
        to: the folder of the comparison.
        stop: whether to leave between two steps.
        bar: how far it is; advanced by a trial or a cell.
        failed: cell -> why it gave no numbers.
    """

    recipe: Recipe
    hashes: Hashes
    to: Path
    stop: StopRequest
    bar: Bar
    failed: dict[Cell, str] = field(default_factory=dict[Cell, str])

    def run(self, cells: Iterable[Cell]) -> None:
        """Do all cells.

        Raises:
            Stopped: after SIGTERM; the same call goes on.
            StorageError: if the disk refuses.
        """
        for cell in cells:
            self.stop.check()
            if is_done(cell, self.to):  # the bar has begun with it
                continue
            self.bar.advance(0, cell.name)
            try:
                self._timed(cell)
            except (Stopped, StorageError):
                raise
            except WardroundError as error:
                self.failed[cell] = str(error)
            except (MemoryError, torch.OutOfMemoryError):
                self.failed[cell] = TOO_LARGE
            self.bar.advance(1, cell.name)

    def _timed(self, cell: Cell) -> None:
        """A cell, and the seconds it took in all calls together."""
        path, begun = cell.folder(self.to) / SECONDS, time.monotonic()
        before = seconds_of(cell, self.to)
        try:
            self._do(cell)
        finally:
            files.write_json(path, {"seconds": round(before + time.monotonic() - begun, 3)})

    def _do(self, cell: Cell) -> None:
        found = self._searched(cell)
        self.stop.check()
        run = cell.folder(self.to) / "run"
        self._train(cell, run, cell.seed, () if found is None else found.settings, self.recipe.data)
        self.stop.check()
        external = self.recipe.test_data is not None
        question = Question("all" if external else "test", draws=self.recipe.draws, seed=self.recipe.seed)
        data = self.recipe.test_data or self.recipe.data
        evaluate(run, data, cell.folder(self.to) / cell.evaluation, question, quiet=True)

    def _train(self, cell: Cell, run: Path, seed: int, further: tuple[str, ...], data: Path | OpenData) -> None:
        window, row = self.recipe.window, cell.row
        encoders = self._pretrained(cell, seed, data)
        assignments = (*row.assignments, *further)
        train(row.method, data, cell.task, run, window, cell.split, encoders, assignments, seed, quiet=True)

    def _pretrained(self, cell: Cell, seed: int, data: Path | OpenData) -> Path | None:
        """The encoders of a cell, made where they are not there."""
        name, encoders = encoders_name(self.recipe, self.hashes, cell.row, cell.split, seed), cell.row.encoders
        if name is None or encoders is None:
            return None
        folder = self.to / "encoders" / name
        settings = pretrain_settings(encoders)
        pretrain(data, folder, self.recipe.window, cell.split, settings, seed, quiet=True)
        return folder

    def _searched(self, cell: Cell) -> Found | None:
        """The settings that a search chose on the validation side; the cells of other seeds share it."""
        chosen = search_of(cell.row, self.recipe.search)
        if chosen is None or cell.search is None:
            return None
        folder, first_seed, metric = self.to / "searches" / cell.search, cell.row.seeds[0], chosen.objective[cell.task]

        @cache
        def data() -> OpenData:
            return open_data(self.recipe.data, self.recipe.window, quiet=True)  # once: every trial would hash it anew

        def judge(number: int, settings: tuple[str, ...]) -> float:
            self.stop.check()
            run = folder / f"trial-{number}"
            try:
                self._train(cell, run, first_seed, settings, data())
            except (MemoryError, torch.OutOfMemoryError):
                raise RunError(TOO_LARGE) from None
            return on_validation(run, metric)

        def ended(number: int) -> None:
            files.remove(folder / f"trial-{number - 1}")
            self.bar.advance(1, f"{cell.name}: trial {number}")

        if cell.encoders is not None:  # before the search: its minutes are for trials, with encoders or without
            self._pretrained(cell, first_seed, data())
        return search(
            folder,
            free_space(cell.row, chosen.spaces[cell.row.method]),
            Budget(chosen.budget(cell.row.method), None if chosen.minutes is None else chosen.minutes * 60),
            metric not in LOWER_IS_BETTER,
            self.recipe.seed,
            judge,
            ended,
            as_it_stands(cell.row, chosen.spaces[cell.row.method]),
        )


def on_validation(run: Path, metric: str) -> float:
    """What a run says of its own validation side. Raises `RunError` where the metric is undefined there."""
    metrics = files.read_json(run / "metrics.json", RunError)
    value = metrics["metrics"][metric]["value"]
    if metrics["split"] != "val" or value is None:
        raise RunError(f"{metric} is undefined on the {metrics['n_stays']} validation stays.")
    return float(value)


def is_done(cell: Cell, to: Path) -> bool:
    """Whether an earlier call finished a cell: what it says is verified when it is read."""
    return (cell.folder(to) / cell.evaluation / files.MANIFEST).is_file()


def seconds_of(cell: Cell, to: Path) -> float:
    """What a cell took, pretraining and search where it came first to them."""
    path = cell.folder(to) / SECONDS
    return files.read_json(path, RunError)["seconds"] if path.is_file() else 0.0


def found_by(cell: Cell, recipe: Recipe, to: Path) -> Found | None:
    """What the search of a cell came to; None where there was none, or it gave nothing."""
    chosen = search_of(cell.row, recipe.search)
    if chosen is None or cell.search is None:
        return None
    trials = read_trials(to / "searches" / cell.search)
    if all(trial["value"] is None for trial in trials):
        return None
    return best(trials, chosen.objective[cell.task] not in LOWER_IS_BETTER)


def _n_trials(folder: Path) -> int:
    """How many trials of a search ended; none where the file cannot be read, which the cell that needs it will say."""
    try:
        return len(read_trials(folder))
    except RunError:
        return 0


def steps(cells: Iterable[Cell], recipe: Recipe, to: Path) -> tuple[int, int]:
    """How many cells and trials there are, and how many of them are done."""
    total = done = 0
    searches: dict[str, int] = {}
    for cell in cells:
        total, done = total + 1, done + is_done(cell, to)
        chosen = search_of(cell.row, recipe.search)
        if chosen is not None and cell.search is not None:
            searches[cell.search] = chosen.budget(cell.row.method)
    for name, budget in searches.items():
        total, done = total + budget, done + min(budget, _n_trials(to / "searches" / name))
    return total, done
