"""Body weight in kg over a stay: the latest weight of a day by a time; before there is one, that of admission.

Source: `weight_durations` of the MIMIC Code Repository, which lets the weight at admission hold from two hours before
the stay, whenever it was charted, until the first weight of a day, and without it takes the first of those. There the
weight at admission is the one in kg alone; events hold the one in pounds and those of the clinic as well, so here it is
the first of them.
"""

from typing import Final

import polars as pl

from wardround.concepts.rows import measured

DAILY: Final = "VITAL//weight//kg"
ADMISSION: Final = "WEIGHT//kg"
CODES: Final = (DAILY, ADMISSION)


def with_weight(rows: pl.DataFrame, events: pl.DataFrame, at: str) -> pl.DataFrame:
    """Rows with the weight of their stay at a time.

    Args:
        rows: with `stay_id` and `at`.
        events: of the rows' stays, with the `INPUT_COLUMNS`.
        at: the column of the time.

    Returns:
        The rows, sorted by `at`, with `weight_kg` and `weight_known`, when it was known; null where none ever was.
    """
    daily, admission = _weights(events, DAILY), _weights(events, ADMISSION)
    found = rows.sort(at).join_asof(
        daily.sort("_time"), left_on=at, right_on="_time", by="stay_id", strategy="backward", check_sortedness=False
    )
    for suffix, weights in (("_admission", admission), ("_first", daily)):
        first = weights.group_by("stay_id", maintain_order=True).first().drop("_time")
        found = found.join(first, on="stay_id", how="left", suffix=suffix, maintain_order="left")
    filled = {name: [name, f"{name}_admission", f"{name}_first"] for name in ("weight_kg", "weight_known")}
    found = found.with_columns(pl.coalesce(names).alias(name) for name, names in filled.items())
    return found.drop("_time", *(f"{name}{suffix}" for name in filled for suffix in ("_admission", "_first")))


def _weights(events: pl.DataFrame, code: str) -> pl.DataFrame:
    """`stay_id, _time, weight_kg, weight_known`, by time: the highest weight of each minute."""
    weights = measured(events, {code: "weight_kg"}).filter(pl.col("value") > 0)
    weights = weights.sort("stay_id", "time", "value", "available_time", descending=[False, False, True, False])
    highest = weights.group_by("stay_id", "time", maintain_order=True).first()
    return highest.select("stay_id", _time="time", weight_kg="value", weight_known="available_time")
