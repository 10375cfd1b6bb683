"""A recipe against its data, before any work: what a cell would fail for is said before the first one is begun, as far
as it shows without a training.

    a task             nobody can be asked, the labels are made of what is not there, a side of a split is empty
    a pretraining      fewer than two of its modalities are there
    a row              none of its modalities is there, nor a number where it needs one; its score is not, or what it
                       names to read notes and pictures; its rows are not as wide as its encoders take; nothing that it
                       will learn to read is in `test_data`
    a search           what it is after is undefined on a validation side

"There" is what is in enough stays of the side that is learned from (`min_stay_share`) by the prediction time.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from wardround import files
from wardround.batches.first_look import first_look
from wardround.batches.normaliser import Normaliser
from wardround.batches.stay_table import TableSettings
from wardround.batches.store import (
    Featuriser,
    InputSettings,
    asked_modalities,
    named_backbones,
    vocabulary_of,
)
from wardround.compare.cells import Hashes, search_of, split_words
from wardround.compare.measures import OBJECTIVES, undefined_objectives
from wardround.compare.recipe import Encoders, Recipe, Row
from wardround.compare.row_settings import pretrain_settings, row_settings
from wardround.concepts.derived import derived_from
from wardround.errors import DataError, UsageError
from wardround.events import INPUT_MODALITIES, OPTIONAL_STAY_COLUMNS, STAY_COLUMNS
from wardround.methods.registry import Method, find_method
from wardround.methods.scores import ScoreSettings, score_settings
from wardround.tasks.cohort import Cohort, cohort
from wardround.tasks.splits import TEST, TRAIN, VAL, split_stays
from wardround.tasks.task import Task, find_task
from wardround.train.brought import check_widths
from wardround.train.data import OpenData, Sides, open_data
from wardround.train.derived_labels import with_derived
from wardround.train.named_weights import hashes_of_weights
from wardround.train.plan import FitSettings, TrainSettings
from wardround.train.scored_stays import refuse_none_scored, scored_stays


def data_hashes(recipe: Recipe) -> Hashes:
    """Of the folders that a recipe names.

    Raises:
        DataError: where one is not whole.
        UsageError: where `test_data` is the same data in another folder.
    """
    data = files.read_manifest(recipe.data, "data", DataError)["hash"]
    if recipe.test_data is None:
        return Hashes(data)
    other = files.read_manifest(recipe.test_data, "data", DataError)["hash"]
    if other == data:
        raise UsageError(
            f"test_data: {recipe.test_data} holds the very data of {recipe.data}: its patients were trained on. "
            "Leave test_data out, or give another cohort."
        )
    return Hashes(data, other)


def check_data(recipe: Recipe, hashes: Hashes, quiet: bool = True) -> None:
    """Hold a recipe against its data.

    Args:
        recipe: what is compared.
        hashes: of its data.
        quiet: no progress on stderr while labels are made of events, and events are put in order; both are kept in the
            cache of the data.

    Raises:
        DataError: where a folder is not whole, nobody in it can be asked a task, the labels of one are made of what it
            does not hold, nobody is left on a side of a split, or it has nothing for a row or a pretraining.
        UsageError: where the data has nothing to split by, a task cannot be asked at the hour, or a row or a
            pretraining names a modality or a folder of weights that is not there.
    """
    stays = _stays(recipe.data)
    tables = [split_stays(stays, split) for split in recipe.splits]
    asked = {task: _asked(task, recipe.data, hashes.data, stays, recipe, quiet) for task in recipe.tasks}
    needed = (TRAIN, VAL) if recipe.test_data is not None else (TRAIN, VAL, TEST)
    sides = {task: _sides(task, recipe, chosen, tables, needed) for task, chosen in asked.items()}
    elsewhere: dict[str, Cohort] = {}
    theirs: set[str] = set()
    if recipe.test_data is not None and hashes.test_data is not None:
        stays = _stays(recipe.test_data)
        theirs = _modalities(stays)
        elsewhere = {
            task: _asked(task, recipe.test_data, hashes.test_data, stays, recipe, quiet) for task in recipe.tasks
        }
    _Rows(recipe, tables, sides, elsewhere, theirs, quiet).check()


def _stays(folder: Path) -> pl.DataFrame:
    return files.read_columns(folder / "stays.parquet", STAY_COLUMNS, optional=OPTIONAL_STAY_COLUMNS)


def _modalities(stays: pl.DataFrame) -> set[str]:
    """Those that a stay has at any time, and those that may be made of them."""
    recorded = set(stays["modalities"].explode().drop_nulls())
    return recorded | derived_from(recorded)


@contextmanager
def said_of(what: str) -> Generator[None]:
    """Say of what an error is."""
    try:
        yield
    except (DataError, UsageError) as error:
        raise type(error)(f"{what}: {error}") from error


def _asked(name: str, folder: Path, data_hash: str, stays: pl.DataFrame, recipe: Recipe, quiet: bool) -> Cohort:
    """Whom a task asks. Raises as a training or an evaluation would for the labels alone."""
    task = find_task(name)
    stays = with_derived(folder, data_hash, stays, task, quiet=quiet)
    with said_of(f"{name} on {folder}"):
        return cohort(stays, recipe.window, task)


def _sides(
    name: str, recipe: Recipe, chosen: Cohort, tables: Sequence[pl.DataFrame], needed: Sequence[str]
) -> list[Sides]:
    """The sides of each split, nobody of which may be missing."""
    made: list[Sides] = []
    for table in tables:
        with said_of(f"{name} on {recipe.data}"):
            made.append(Sides.of(chosen, table, "split"))
            for side in needed:
                made[-1].members(side)
    return made


@dataclass(frozen=True)
class _Rows:
    """The rows and pretrainings of a recipe whose tasks can be asked.

    Attributes:
        recipe: what is compared.
        tables: of its splits.
        sides: task -> the sides of each split.
        elsewhere: task -> whom `test_data` asks; empty without that.
        theirs: modalities of `test_data`; empty without that.
        quiet: no progress on stderr.
    """

    recipe: Recipe
    tables: Sequence[pl.DataFrame]
    sides: dict[str, list[Sides]]
    elsewhere: dict[str, Cohort]
    theirs: set[str]
    quiet: bool

    def check(self) -> None:
        """Raises `DataError`, `UsageError` naming the row or the pretraining."""
        rows, other = self.recipe.rows, self.recipe.test_data
        if all(row.method == "elapsed" for row in rows):
            return
        data = open_data(self.recipe.data, self.recipe.window, self.quiet)
        judged = [data]
        if other is not None and any(row.method == "score" for row in rows):
            judged.append(open_data(other, self.recipe.window, self.quiet))
        for encoders in dict.fromkeys(row.encoders for row in rows if row.encoders is not None):
            with said_of(f"encoders {encoders.name!r}"):
                self._check_encoders(encoders, data)
        for task in self.recipe.tasks:
            for row in self.recipe.rows_of(task):
                with said_of(f"row {row.name!r}, {task}"):
                    self._check_row(row, find_task(task), judged)

    def _check_encoders(self, encoders: Encoders, data: OpenData) -> None:
        inputs = pretrain_settings(encoders).inputs
        for split, train in zip(self.recipe.splits, self._pretraining_sides(data), strict=True):
            _check_inputs(inputs, data, train, f"the pretraining side of {split_words(split)}")

    def _pretraining_sides(self, data: OpenData) -> list[Cohort]:
        """Who is learned from in each split, labels aside."""
        everybody = data.cohort(None)
        return [Sides.of(everybody, table, "pretrain_split").part(TRAIN) for table in self.tables]

    def _check_row(self, row: Row, task: Task, judged: Sequence[OpenData]) -> None:
        self._check_objective(row, task)
        if row.method == "score":
            self._check_score(score_settings(row.assignments), task, judged)
        settings = row_settings(row)
        if row.encoders is not None and isinstance(settings, TrainSettings):
            self._check_widths(settings.inputs, pretrain_settings(row.encoders).inputs, judged[0])
        elif isinstance(settings, TrainSettings | FitSettings):
            for split, sides in zip(self.recipe.splits, self.sides[task.name], strict=True):
                where = f"the training side of {split_words(split)}"
                _check_inputs(settings.inputs, judged[0], sides.part(TRAIN), where, row.method, task.hides)
        if self.elsewhere and isinstance(settings, TrainSettings | FitSettings):
            self._check_elsewhere(settings.inputs, task, judged[0])

    def _check_objective(self, row: Row, task: Task) -> None:
        """Whether what a search is after is defined on every validation side."""
        search = search_of(row, self.recipe.search)
        if search is None:
            return
        for split, sides in zip(self.recipe.splits, self.sides[task.name], strict=True):
            label = sides.cohort.frame["label"].to_numpy()[sides.members(VAL)]
            undefined = undefined_objectives(task, label)
            if search.objective[task.name] in undefined:
                others = [name for name in OBJECTIVES[task.kind] if name not in undefined]
                another = f", or another objective ({', '.join(others)})" if others else ""
                raise DataError(
                    f"[search] is after {search.objective[task.name]}, which is undefined on the val side of "
                    f"{split_words(split)}: its {len(label)} stays all have the same outcome. Take more stays, another "
                    f"split{another}."
                )

    def _check_elsewhere(self, inputs: InputSettings | TableSettings, task: Task, data: OpenData) -> None:
        """Whether `test_data` has anything of what a row can learn to read here."""
        asked = set(inputs.modalities or INPUT_MODALITIES) - set(task.hides)
        taught = asked & _modalities(data.stays)
        if taught.isdisjoint(self.theirs):
            raise DataError(
                f"it learns to read {', '.join(sorted(taught))}, and no stay of {self.recipe.test_data} has any of "
                "them: it would say the same of every stay there. Name other modalities, leave it out, or prepare "
                "test_data that have one of them."
            )

    def _check_widths(self, inputs: InputSettings, brought: InputSettings, data: OpenData) -> None:
        """Where the summaries are not as many, what the encoders will have learned to read is looked up."""
        if all(len(inputs.content.summaries_of(m)) == len(brought.content.summaries_of(m)) for m in INPUT_MODALITIES):
            return
        for train in self._pretraining_sides(data):
            vocabulary = vocabulary_of(data.lines, train, brought.modalities, brought.features, True)
            check_widths(inputs, Featuriser(brought, vocabulary, Normaliser({}, {})))

    def _check_score(self, settings: ScoreSettings | None, task: Task, judged: Sequence[OpenData]) -> None:
        """`judged`: the data, and after them those of `test_data`."""
        asked = {
            f"the {side} side of {split_words(split)}": sides.members(side)
            for split, sides in zip(self.recipe.splits, self.sides[task.name], strict=True)
            for side in ((VAL,) if self.elsewhere else (VAL, TEST))
        }
        chosen = self.sides[task.name][0].cohort
        have = scored_stays(judged[0], chosen, task, settings, list(asked.values()), self.quiet)
        for where, members in asked.items():
            refuse_none_scored(have[members], where, self.recipe.window, settings)
        for other in judged[1:]:
            chosen = self.elsewhere[task.name]
            everybody = np.arange(chosen.frame.height)
            have = scored_stays(other, chosen, task, settings, [everybody], self.quiet)
            refuse_none_scored(have, f"{other.folder}", self.recipe.window, settings)


def _check_inputs(
    inputs: InputSettings | TableSettings,
    data: OpenData,
    train: Cohort,
    where: str,
    method: str | None = None,
    hidden: Sequence[str] = (),
) -> None:
    """Refuse inputs of which the stays that are learned from show less than it takes: two modalities to align, where
    no method is named, else one, and a number where the method needs one."""
    at_least, found = (2 if method is None else 1), None if method is None else find_method(method)
    numbers = isinstance(found, Method) and found.needs_numbers
    asked = asked_modalities(inputs.modalities, hidden)
    views = inputs.image.views if isinstance(inputs, InputSettings) else ()
    look = first_look(data.lines, train, asked, inputs.features, at_least, numbers, views)
    needs = f"it needs {'one' if at_least == 1 else 'two'} or more of {', '.join(asked)}"
    if len(look.shown) < at_least:
        raise DataError(
            f"{needs}; the stays of {where} show {', '.join(look.shown) or 'none'} by the prediction time. Name other "
            "modalities, leave it out, or prepare data that have them."
        )
    if len(look.read) < at_least:
        so_often = f"but {', '.join(look.read)} alone" if look.read else "and none"
        raise DataError(
            f"{needs} with a code in {100 * inputs.features.min_stay_share:g} % of the stays of {where} "
            f"(min_stay_share); they show {', '.join(look.shown)}, {so_often} so often. "
            "Lower min_stay_share, leave it out, or bring more data."
        )
    if isinstance(found, Method):
        found.refuse_without_numbers(look.read, look.numbers)
    if isinstance(inputs, InputSettings):
        hashes_of_weights(inputs)
        named_backbones(inputs, set(asked) & set(data.recorded))
