"""Urine output of each hour, in mL and in mL/kg/h: what was charted in it, irrigation fluid taken off.

    urine_output              mL charted in the hour; no row for an hour without a charted volume
    urine_output_ml_kg_h      the same by the weight at the end of the hour (`weight.py`); no row where none is known

Source: `urine_output` of the MIMIC Code Repository (mimic-iv/concepts/measurement), whose twelve output items are
`IO//urine//mL` of `prepare mimic4` and, with CareVue's, of `prepare mimic3`. An hour can be below zero: what went into
a bladder may come out an hour later. Urine is charted in lumps, mostly every hour or two: for rates over hours take the
sum of several.
"""

from typing import Final

import polars as pl

from wardround.concepts.needs import Need
from wardround.concepts.rows import long_rows, measured, sorted_rows
from wardround.concepts.unit_hours import unit_hours, with_hour
from wardround.concepts.weight import CODES as WEIGHTS
from wardround.concepts.weight import with_weight

URINE: Final = {"IO//urine//mL": "urine_ml"}
CODES: Final = (*URINE, *WEIGHTS)
NEEDS: Final = (Need("urine", tuple(URINE)),)


def urine_output(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """The urine of each hour of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id, start, end, in_unit_until`.

    Returns:
        Rows with the `ROW_COLUMNS`; `time_h` is the end of the hour.
    """
    volumes = with_hour(measured(events, URINE), stays)
    summed = volumes.group_by("stay_id", "hour").agg(pl.col("value").sum(), known=pl.col("available_time").max())
    hours = unit_hours(stays).filter("in_unit").join(summed, on=["stay_id", "hour"])
    hours = with_weight(hours, events, at="closes")
    hours = hours.with_columns(known=pl.max_horizontal("closes", "known"), time_h=pl.col("hour") + 1.0)
    volume = hours.with_columns(available_time="known", urine_output="value")
    rate = hours.with_columns(
        available_time=pl.max_horizontal("known", "weight_known"),
        urine_output_ml_kg_h=pl.col("value") / pl.col("weight_kg"),
    )
    return sorted_rows(pl.concat([long_rows(volume, ["urine_output"]), long_rows(rate, ["urine_output_ml_kg_h"])]))
