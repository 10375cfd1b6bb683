"""The hours of a unit stay: hour h is [h, h + 1) since unit admission, known at its end at the earliest.

Hours run from unit admission, not on the clock: the first 24 of them are the first day. (The MIMIC Code Repository lays
hours on the clock, from the first heart rate on; a stay that begins at 10:40 then has a first hour of 20 minutes.) They
run to the end of the stay, the last one begun; that a stay will end says none of them.
"""

from typing import Final

import polars as pl

from wardround.events import HOUR_US, TIME

HOUR: Final = pl.duration(hours=1)
FIRST_DAY_H: Final = 24


def unit_hours(stays: pl.DataFrame, before: int = 0, at_least: int = 0) -> pl.DataFrame:
    """The hours of some stays.

    Args:
        stays: `stay_id, start, end, in_unit_until`; one whose end nobody knows has no hours but those asked for.
        before: hours before unit admission to add.
        at_least: hours that every stay gets, however early it ends.

    Returns:
        `stay_id, start, hour, closes, in_unit`: the end of the hour, and whether it begins in the stay.
    """
    length_us = (pl.coalesce("end", "in_unit_until") - pl.col("start")).dt.total_microseconds().fill_null(0)
    n_hours = (-(-length_us // HOUR_US)).clip(lower_bound=0)
    known = stays.drop_nulls("start").select("stay_id", "start", n_hours=n_hours)
    last = pl.max_horizontal("n_hours", pl.lit(at_least, pl.Int64))
    known = known.with_columns(hour=pl.int_ranges(pl.lit(-before, pl.Int64), last)).explode("hour").drop_nulls("hour")
    return known.select(
        "stay_id",
        "start",
        "hour",
        closes=(pl.col("start") + HOUR * (pl.col("hour") + 1)).cast(TIME),
        in_unit=pl.col("hour").is_between(0, pl.col("n_hours") - 1),
    ).sort("stay_id", "hour")


def with_hour(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Events of some stays with `hour`, the hour of the stay in which each happened, below 0 before unit admission."""
    starts = stays.drop_nulls("start").select("stay_id", "start")
    since_us = (pl.col("time") - pl.col("start")).dt.total_microseconds()
    return events.join(starts, on="stay_id").with_columns(hour=since_us // HOUR_US).drop("start")
