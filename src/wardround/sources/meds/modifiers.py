"""Columns beside the code that change what it means, a unit above all: each value makes a code of its own.

    code "LAB//glucose", unit "mg/dL"     ->  "LAB//glucose//mg/dL"
    code "LAB//glucose", unit "mmol/L"    ->  "LAB//glucose//mmol/L"
    code "LAB//glucose", no unit          ->  "LAB//glucose"

Nothing is converted: no mapping says which quantity a code is. Which columns they are the mapping says (`modifiers`),
else `code_modifier_columns` of `metadata/dataset.json` (MEDS 0.4). Any other column that is named as those of units are
(`unit_columns.py`) is refused: values in two units would else meet under one code. A list that is empty says that units
may be ignored.
"""

import json
from collections.abc import Iterable
from typing import Final

import polars as pl

from wardround.errors import SourceError
from wardround.json_kinds import is_list
from wardround.sources.meds.mapping import Mapping
from wardround.sources.meds.raw import DATA, DATASET, MedsFolder
from wardround.sources.meds.shards import MODIFIER_OF
from wardround.sources.meds.unit_columns import may_hold_units

DECLARED: Final = "code_modifier_columns"


def modifiers_of(folder: MedsFolder, mapping: Mapping) -> tuple[str, ...]:
    """The columns of a data set that are part of its codes.

    Args:
        folder: the data set.
        mapping: what it says goes before what the metadata say.

    Raises:
        SourceError: where one of them is in no shard, or the metadata name one of ids; or where another column may
            hold units.
        BrokenFileError: where a footer cannot be read.
        StorageError: where the disk refuses.
    """
    chosen = _declared(folder, mapping) if mapping.modifiers is None else mapping.modifiers
    if chosen is not None and not chosen:
        return ()
    chosen, found = chosen or (), folder.columns()
    lacking = [name for name in chosen if name not in found]
    if lacking:
        named = f"{DATASET} names under {DECLARED}" if mapping.modifiers is None else "the mapping names"
        raise SourceError(
            f"{folder.path / DATA}: no shard has column {', '.join(lacking)}, which {named}: without it a code may "
            f"hold several units. Get the whole data set. {mapping.in_it}, you can say which columns there are: "
            "modifiers = [...], [] for none."
        )
    known = mapping.never_modifiers | {*chosen}
    units = sorted(name for name in found - known if may_hold_units(name))
    if units:
        raise SourceError(
            f"{folder.path / DATA}: column {', '.join(units)} may hold units, and two units must not meet under one "
            f"code. {mapping.in_it}, say above its tables that it is part of the code: "
            f"modifiers = {json.dumps([*chosen, *units])}, or modifiers = [] where units may be ignored."
        )
    return chosen


def _declared(folder: MedsFolder, mapping: Mapping) -> tuple[str, ...] | None:
    """What the metadata name; None where they say nothing. Raises `SourceError` where that is no list of columns."""
    said = folder.dataset.get(DECLARED)
    if said is None:
        return None
    names = [each for each in said if isinstance(each, str)] if is_list(said) else []
    if not is_list(said) or len(names) < len(said):
        raise SourceError(f"{folder.path / DATASET}: {DECLARED} is no list of column names. Correct it.")
    refused = sorted(mapping.never_modifiers & {*names})
    if refused:
        raise SourceError(
            f"{folder.path / DATASET} names {', '.join(refused)} under {DECLARED}: ids and columns of MEDS itself are "
            f"no part of a code. {mapping.in_it}, say which columns are: modifiers = [...], [] for none."
        )
    return tuple(dict.fromkeys(names))


def modified(code: str, modifiers: Iterable[str]) -> pl.Expr:
    """The code of each row with its modifiers; one that is null or blank leaves no part, unless a later one does.

    Args:
        code: column of the code.
        modifiers: columns as they are read, apart from our own names.
    """
    parts = pl.lit("")
    for name in reversed([*modifiers]):
        value = pl.col(name).str.strip_chars().fill_null("")
        parts = pl.when((value == "") & (parts == "")).then(parts).otherwise(pl.lit("//") + value + parts)
    return pl.col(code) + parts


def as_read(modifiers: Iterable[str]) -> dict[str, pl.DataType]:
    """Modifier columns, under the names that they are read by, as text."""
    return {MODIFIER_OF + name: pl.String() for name in modifiers}
