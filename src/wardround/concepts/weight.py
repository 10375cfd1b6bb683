"""Body weight in kg over a stay: the latest measured by a time; before the first one, the first.

Source: `weight_durations` of the MIMIC Code Repository, which takes the first weight for the time before it too. There
a weight at admission holds from two hours before the stay, whenever it was charted; here the later of two counts.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from wardround.concepts.rows import measured

WEIGHTS: Final[Mapping[str, str]] = dict.fromkeys(("VITAL//weight//kg", "WEIGHT//kg"), "weight_kg")
"""Weights of a day, and at admission."""


def with_weight(rows: pl.DataFrame, events: pl.DataFrame, at: str) -> pl.DataFrame:
    """Rows with the weight of their stay at a time.

    Args:
        rows: with `stay_id` and `at`.
        events: of the rows' stays, with the `INPUT_COLUMNS`.
        at: the column of the time.

    Returns:
        The rows, sorted by `at`, with `weight_kg` and `weight_known`, when it was known; null where none ever was.
    """
    weights = measured(events, WEIGHTS).filter(pl.col("value") > 0).sort("time", "available_time", "value")
    weights = weights.select("stay_id", _time="time", weight_kg="value", weight_known="available_time")
    first = weights.group_by("stay_id", maintain_order=True).first()
    latest = weights.group_by("stay_id", "_time", maintain_order=True).last()
    found = rows.sort(at).join_asof(
        latest.sort("_time"), left_on=at, right_on="_time", by="stay_id", strategy="backward", check_sortedness=False
    )
    found = found.join(first.drop("_time"), on="stay_id", how="left", suffix="_first", maintain_order="left")
    filled = [pl.coalesce(name, f"{name}_first").alias(name) for name in ("weight_kg", "weight_known")]
    return found.with_columns(filled).drop("_time", "weight_kg_first", "weight_known_first")
