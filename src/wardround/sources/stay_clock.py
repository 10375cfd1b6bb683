"""Where rows with a date and a time lie: in whose stay, and when on its clock."""

import polars as pl

from wardround.events import MINUTE_US
from wardround.sources.conversion import FAR, WITHIN_MINUTE, YEAR_MIN, with_reason


def stay_windows(stays: pl.DataFrame, before_h: float) -> pl.DataFrame:
    """`subject_id, stay_id, opens, closes`: the time in which a patient's rows belong to a stay; no two overlap, since
    of two that have opened the later one counts. A null `closes` is not known, so nothing is after it.

    Args:
        stays: `stays.parquet`.
        before_h: hours before the hospital stay that belong to it too.
    """
    begins = pl.coalesce("hospital_start", "start")
    group = stays.select(
        "subject_id", "stay_id", "start", "end", "hospital_end", visit=begins, begins=pl.min_horizontal(begins, "start")
    )
    group = group.sort("subject_id", "begins", "start", "stay_id")
    first = pl.col("visit") != pl.col("visit").shift(1).over("subject_id")
    before = pl.col("begins") - pl.duration(microseconds=round(before_h * 60 * MINUTE_US))
    earlier = pl.max_horizontal("end", "hospital_end").shift(1).over("subject_id")
    ended = pl.col("end").shift(1).over("subject_id")
    opens = pl.when(first.fill_null(True)).then(pl.max_horizontal(before, earlier)).otherwise(ended)
    return group.select(
        "subject_id",
        "stay_id",
        opens=pl.min_horizontal(opens.fill_null(pl.col("start")), "start"),
        closes=pl.max_horizontal("end", "hospital_end"),
    )


def on_stay_clock(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `time` and `known` told in whole minutes from `start`, and the microseconds past them.

    A row more than a year from unit admission gets its reason.
    """
    for minute, rest in WITHIN_MINUTE.items():
        since_us = (pl.col("time" if minute == "minute" else "known") - pl.col("start")).dt.total_microseconds()
        rows = rows.with_columns((since_us // MINUTE_US).alias(minute))
        rows = rows.with_columns((since_us - pl.col(minute) * MINUTE_US).alias(rest))
    far = (pl.col("minute").abs() > YEAR_MIN) | (pl.col("available_minute").abs() > YEAR_MIN)
    return with_reason(rows, far, FAR)
