"""The settings that a row will be trained with, before anything is trained: so that what they cannot be is said at
once."""

from collections.abc import Sequence
from typing import Any

from wardround.compare.recipe import Encoders, Row
from wardround.compare.spaces import Choice, Range, Space
from wardround.errors import UsageError
from wardround.methods.registry import FittedMethod, find_method
from wardround.methods.scores import ROWS, ScoreSettings, score_settings
from wardround.settings import find_key, flatten, override
from wardround.train.brought import settings_beside
from wardround.train.plan import FitSettings, PretrainSettings, TrainSettings


def pretrain_settings(encoders: Encoders) -> PretrainSettings:
    """The settings of a pretraining. Raises `UsageError` for one that is not there or cannot be."""
    return override(PretrainSettings(), encoders.assignments)


def row_settings(row: Row, further: Sequence[str] = ()) -> TrainSettings | FitSettings | ScoreSettings | None:
    """The settings of a row's trainings; None for a row that has none.

    Args:
        row: of a recipe.
        further: `KEY=VALUE` on top of the row's own.

    Raises:
        UsageError: for a setting that is not there or cannot be, and for encoders that the method does not take.
        ExtensionError: for a method of a package that cannot be used.
    """
    assignments = (*row.assignments, *further)
    if row.method in ROWS:
        if row.encoders or (assignments and row.method != "score"):
            raise UsageError(f"{row.method} learns no weights: it takes neither settings nor encoders.")
        return score_settings(assignments)
    method = find_method(row.method)
    if isinstance(method, FittedMethod):
        if row.encoders:
            raise UsageError(f"{row.method} is fitted whole: it takes no encoders.")
        return override(FitSettings.default(method), assignments)
    if row.encoders is None:
        return override(TrainSettings.default(method), assignments)
    if not method.encodes:
        raise UsageError(f"{row.method} has no encoders.")
    return settings_beside(method, pretrain_settings(row.encoders), assignments)


def free_space(row: Row, space: Space) -> dict[str, Range | Choice]:
    """The settings of a space that a row leaves free, by full path: what it sets itself is not searched.

    Raises:
        UsageError: for a setting that is not there, or stands in the space twice.
    """
    plain = row_settings(Row(row.name, row.method, None, (), (0,), row.tasks))
    fixed = {find_key(plain, assignment.partition("=")[0]) for assignment in row.assignments}
    found: dict[str, Range | Choice] = {}
    for key, values in space.items():
        path = find_key(plain, key)
        if path in found:
            raise UsageError(f"{path} stands in the space twice.")
        found[path] = values
    return {path: values for path, values in found.items() if path not in fixed}


def as_it_stands(row: Row, space: Space) -> dict[str, Any] | None:
    """What a row's settings are where a space leaves them free, by full path: the first trial of a search. None where
    one of them lies outside the space, or nothing is free.

    Raises:
        UsageError: as `free_space`.
    """
    free, plain = free_space(row, space), flatten(row_settings(row))
    inside = all(values.holds(plain[path]) for path, values in free.items())
    return {path: plain[path] for path in free} if free and inside else None


def check_space(row: Row, space: Space) -> None:
    """Hold every setting of a space, at both of its ends, against the method. Raises `UsageError`."""
    plain = row_settings(Row(row.name, row.method, None, (), (0,), row.tasks))
    for path, values in free_space(row, space).items():
        kind = flatten(plain)[path]
        if isinstance(values, Range) and isinstance(kind, int) and not values.whole:
            raise UsageError(f"{path} is a whole number: give low and high without a decimal point.")
        for text in values.ends():
            row_settings(row, [f"{path}={text}"])
