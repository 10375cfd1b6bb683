"""The first day of a unit stay, [0, 24) hours from unit admission: what was lowest and highest in it, and its scores.

A score of the first day is asked when the day has ended, and is known when the last value of the day is: a result that
comes late makes it known late, and moves no score that was known.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from wardround.concepts.rows import long_rows, sorted_rows
from wardround.concepts.unit_hours import FIRST_DAY_H
from wardround.events import TIME

DAY = pl.duration(hours=FIRST_DAY_H)


def first_days(stays: pl.DataFrame) -> pl.DataFrame:
    """Stays with `closes`, the end of their first day; those that began at no known time are left out."""
    return stays.drop_nulls("start").with_columns(closes=(pl.col("start") + DAY).cast(TIME))


def in_first_day(frame: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Rows with `stay_id` and `time` that lie in the first day of their stay."""
    starts = stays.drop_nulls("start").select("stay_id", "start")
    found = frame.join(starts, on="stay_id")
    return found.filter(pl.col("time") >= pl.col("start"), pl.col("time") < pl.col("start") + DAY).drop("start")


def extremes(values: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """What was lowest and highest.

    Args:
        values: `stay_id, name, value, available_time`.
        names: of what is asked.

    Returns:
        `stay_id`, and of each name `{name}_min, {name}_max` and `{name}_known`, when the last of its values was known;
        nulls where there is none.
    """
    asked: list[pl.Expr] = []
    for name in names:
        value, known = (pl.col(column).filter(pl.col("name") == name) for column in ("value", "available_time"))
        asked += [
            value.min().alias(f"{name}_min"),
            value.max().alias(f"{name}_max"),
            known.max().alias(f"{name}_known"),
        ]
    return values.group_by("stay_id").agg(asked)


def by_minute(values: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, time, name, value, available_time` with one value a minute: the mean, as MIMIC Code's `vitalsign` has
    it of a pressure that an arterial line and a cuff tell at once."""
    keys = ["stay_id", "time", "name"]
    return values.group_by(keys).agg(
        pl.col("value").mean().round_sig_figs(12), pl.col("available_time").max()
    )  # fmt: skip


def points(*cases: tuple[pl.Expr, float], measured: str | Sequence[str]) -> pl.Expr:
    """The points of the first case that holds, 0 if none does; null where nothing was measured.

    Args:
        cases: (condition, points).
        measured: columns of which any has a value where something was measured.
    """
    given = pl.lit(0.0)
    for condition, worth in reversed(cases):
        given = pl.when(condition.fill_null(False)).then(pl.lit(worth)).otherwise(given)
    columns = [measured] if isinstance(measured, str) else list(measured)
    return pl.when(pl.any_horizontal(pl.col(column).is_not_null() for column in columns)).then(given)


def score_rows(days: pl.DataFrame, name: str, parts: Mapping[str, Sequence[str]], **totals: pl.Expr) -> pl.DataFrame:
    """Parts and totals of a score as rows at hour 24.

    Args:
        days: a row a stay: `stay_id, closes`, the points of each part (null where it was not measured), and when what a
            part is of was known.
        name: of the score.
        parts: part -> the columns that say when what it is of was known.
        totals: what is made of all parts, `{name}` first of all.

    Returns:
        Rows with the `ROW_COLUMNS`: `{name}_{part}` where it was measured, known when it and the day are, and the
        totals, known when every part is.
    """
    whole = pl.max_horizontal("closes", *dict.fromkeys(column for columns in parts.values() for column in columns))
    days = days.with_columns(time_h=pl.lit(float(FIRST_DAY_H)), whole=whole)
    rows = [
        long_rows(
            days.select(
                "stay_id", "time_h", pl.col(part).alias(f"{name}_{part}"),
                available_time=pl.max_horizontal("closes", *known),
            ),
            [f"{name}_{part}"],
        )
        for part, known in parts.items()
    ]  # fmt: skip
    made = days.select("stay_id", "time_h", available_time="whole", **totals)
    return sorted_rows(pl.concat([*rows, long_rows(made, list(totals))]))
