"""Which combinations of modalities stays have."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from wardround.evaluate.small_cells import MINIMUM, SMALL, is_small
from wardround.events import MODALITIES, NOT_INPUTS

MOST_PATTERNS: Final = 12
STEP: Final = 0.05
"""Shares of single modalities are rounded to this, so that they say no more than a picture does."""
LEAST: Final = 0.02
"""Share that is told of a modality which some stay has, and too few for the first step: a bar that can be seen."""


def patterns(stays: pl.DataFrame, modalities: Sequence[str] = ()) -> tuple[list[dict[str, Any]], list[str]]:
    """The combinations of modalities present at any time of a stay, most frequent first; published scores left aside.

    Args:
        stays: rows of `stays.parquet`.
        modalities: names to look at; default all that some stay has.

    Returns:
        `modalities` (list; None for all rarer combinations together), `n_stays` and `share`: at most 12 combinations of
        11 stays or more, and the rest in one row, left out where it is itself below 11. And the names, the most
        frequent first.
    """
    present = stays["modalities"].explode().drop_nulls()
    names = [
        name
        for name in MODALITIES
        if name not in NOT_INPUTS and (name in modalities if modalities else (present == name).any())
    ]
    names.sort(key=lambda name: -int((present == name).sum()))
    has = stays.select(pl.col("modalities").list.contains(name).fill_null(False).alias(name) for name in names)
    if not names or not stays.height:
        return [], names
    found = has.group_by(names).len("n_stays").sort(["n_stays", *names], descending=True)
    frequent = found.filter(pl.col("n_stays") >= MINIMUM).head(MOST_PATTERNS)
    rest = stays.height - int(frequent["n_stays"].sum())
    if 0 < rest < MINIMUM and frequent.height:  # alone it could be worked out from the total
        rest += int(frequent["n_stays"][-1])
        frequent = frequent.head(frequent.height - 1)
    rows = [
        {
            "modalities": [name for name in names if row[name]],
            "n_stays": row["n_stays"],
            "share": row["n_stays"] / stays.height,
        }
        for row in frequent.iter_rows(named=True)
    ]
    if rest >= MINIMUM:
        rows.append({"modalities": None, "n_stays": rest, "share": rest / stays.height})
    return rows, names


def column_shares(
    stays: pl.DataFrame, rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> dict[str, float | None]:
    """The share of stays that have each modality, to the nearest 5 %.

    Args:
        stays: rows of `stays.parquet`.
        rows, names: what `patterns` found in them.

    Returns:
        By name, 0 where no stay has it. None where the rounded share, beside the counts of the rows, would say more of
        1 to 10 stays that have it or lack it than that they are 1 to 10: among all stays, or among those of the last
        row.
    """
    listed = [row for row in rows if row["modalities"] is not None]
    rest = stays.height - sum(row["n_stays"] for row in listed)
    shares: dict[str, float | None] = {}
    for name in names:
        have = int(stays["modalities"].list.contains(name).sum() or 0)
        known = sum(row["n_stays"] for row in listed if name in row["modalities"])
        step = round(have / stays.height / STEP)
        told = max(round(STEP * step, 2), LEAST) if have else 0.0
        shares[name] = None if _tells(have, known, rest, stays.height, step) else told
    return shares


def _tells(have: int, known: int, rest: int, n_stays: int, step: int) -> bool:
    """Whether a share of `step` steps narrows a small count: `known` of those that have the modality, and all but
    `rest` stays, are in rows that are shown."""
    lowest = max(known, math.floor((step - 0.5) * STEP * n_stays) + 1)
    highest = min(known + rest, math.ceil((step + 0.5) * STEP * n_stays) - 1)
    cells = (
        (have, lowest, highest),
        (n_stays - have, n_stays - highest, n_stays - lowest),
        (have - known, lowest - known, highest - known),
        (rest + known - have, rest + known - highest, rest + known - lowest),
    )
    return any(is_small(count) and not (low <= 1 and high >= MINIMUM - 1) for count, low, high in cells)


def share_text(share: float) -> str:
    """A share in whole percent; what is there is never said to be nothing."""
    text = f"{share:.0%}"
    return "<1%" if share > 0 and text == "0%" else text


def pattern_words(row: dict[str, Any], names: Sequence[str]) -> str:
    """A combination in words: what is missing from it, which is shorter than what is there."""
    if row["modalities"] is None:
        return f"all other combinations, some of {SMALL} stays"
    missing = [name for name in names if name not in row["modalities"]]
    return "nothing missing" if not missing else f"without {', '.join(missing)}"
