"""Body weight in kg over a stay: the latest weight of a day by a time; before there is one, that of admission.

Source: `weight_durations` of the MIMIC Code Repository, which lets the weight at admission hold from two hours before
the stay, whenever it was charted, until the first weight of a day, and without it takes the first of those. The weight
at admission is the one charted in kg, as there; the one in pounds counts where no other is, which has none there.
"""

from typing import Final

import polars as pl

from wardround.concepts.rows import measured, with_latest

DAILY: Final = "VITAL//weight//kg"
ADMISSION: Final = "WEIGHT//kg"
POUNDS: Final = "lb"
"""The words of a weight at admission that was charted in pounds."""
BESIDE_INFUSION: Final = "CHART//weight at infusion//kg"
"""Beside a rate that is not by weight."""

CODES: Final = (DAILY, ADMISSION)
_NAMES: Final = ("weight_kg", "weight_known")


def with_weight(rows: pl.DataFrame, events: pl.DataFrame, at: str, beside_infusion: bool = False) -> pl.DataFrame:
    """Rows with the weight of their stay at a time.

    Args:
        rows: with `stay_id` and `at`.
        events: of the rows' stays, with the `INPUT_COLUMNS`.
        at: the column of the time.
        beside_infusion: whether the latest weight beside an infusion counts before all others.

    Returns:
        The rows, sorted by `at`, with `weight_kg` and `weight_known`, when it was known; null where none ever was.
    """
    found = rows.sort(at)
    latest = [BESIDE_INFUSION, DAILY] if beside_infusion else [DAILY]
    for code in latest:
        weights = _weights(events, code).rename({name: f"{name} {code}" for name in _NAMES})
        found = with_latest(found, at, weights).drop("_time")
    in_pounds = pl.col("code").eq(ADMISSION) & pl.col("text_value").eq_missing(POUNDS)
    others = events.filter(~in_pounds)
    firsts = {"first": (others, ADMISSION), "daily": (others, DAILY), "pounds": (events.filter(in_pounds), ADMISSION)}
    for which, (of, code) in firsts.items():
        first = _weights(of, code).group_by("stay_id", maintain_order=True).first()
        first = first.select("stay_id", **{f"{name} {which}": name for name in _NAMES})
        found = found.join(first, on="stay_id", how="left", maintain_order="left")
    weight = {name: pl.coalesce(f"{name} {each}" for each in (*latest, *firsts)) for name in _NAMES}
    return found.select(*rows.columns, **weight)


def _weights(events: pl.DataFrame, code: str) -> pl.DataFrame:
    """`stay_id, _time, weight_kg, weight_known`, by time: the highest weight of each minute."""
    weights = measured(events, {code: "weight_kg"}).filter(pl.col("value") > 0)
    weights = weights.sort("stay_id", "time", "value", "available_time", descending=[False, False, True, False])
    highest = weights.group_by("stay_id", "time", maintain_order=True).first()
    return highest.select("stay_id", _time="time", weight_kg="value", weight_known="available_time")
