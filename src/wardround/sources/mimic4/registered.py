"""Whether the patients of a database beside MIMIC-IV are patients of it: notes and pictures come in releases of their
own, and a number that `patients` does not have is nobody's that is known here.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Final

import polars as pl

from wardround.sources.conversion import with_reason
from wardround.sources.csv_reader import RawRows
from wardround.sources.mimic.placing import Place
from wardround.sources.raw_data import FoundTable
from wardround.sources.raw_table import ANY_TEXT, ID, Columns

LOOKED_UP: Final = "is_patient"
REGISTERED: Final[Columns] = {LOOKED_UP: (ANY_TEXT, ID)}
"""`yes`, or null where `patients` does not have the row's `subject_id`."""

UNREGISTERED: Final = "subject that patients does not have"


def registered(place: Place) -> Place:
    """The rule, with a reason for rows of a subject that is not in `patients`."""

    def placed(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
        unknown = pl.col("subject_id").is_not_null() & pl.col(LOOKED_UP).is_null()
        return place(with_reason(rows, unknown, UNREGISTERED), stays)

    return placed


def with_registered(table: FoundTable, patients: FoundTable) -> FoundTable:
    """A table whose blocks say who is in `patients`, which is read once, when the first block is.

    Its blocks raise what those of `patients` do.
    """
    ids = cache(lambda: _subject_ids(patients.blocks))

    def blocks() -> Iterator[RawRows]:
        for block in table.blocks():
            known = _number("subject_id").is_in(ids().implode()).fill_null(False)
            yield replace(block, frame=block.frame.with_columns(pl.when(known).then(pl.lit("yes")).alias(LOOKED_UP)))

    return replace(table, blocks=blocks)


def _subject_ids(blocks: Callable[[], Iterator[RawRows]]) -> pl.Series:
    return pl.concat([block.frame.select(_number("subject_id")) for block in blocks()]).to_series().drop_nulls()


def _number(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
