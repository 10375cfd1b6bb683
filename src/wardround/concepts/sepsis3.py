"""Sepsis by its third definition: the first suspicion of an infection with a SOFA of 2 or more about it.

    sepsis3         1, at the time at which the infection was suspected; one row a stay, none where there is no sepsis
    sepsis3_sofa    the SOFA of the first hour that has 2 or more, 48 hours before the suspicion to 24 hours after it

Source: Singer et al., JAMA 315:801-810 (2016), as `sepsis3` of the MIMIC Code Repository (mimic-iv/concepts/sepsis):
SOFA before the unit is taken for 0, and only antibiotics started in the unit count. Both rows are known when the
suspicion is and so is SOFA of every hour up to that one. The hours are those of `sofa.py`, from unit admission; there
those of the clock.
"""

from typing import Final

import polars as pl

from wardround.concepts import sofa as organ_failure
from wardround.concepts import suspicion_of_infection as suspicion
from wardround.concepts.antibiotics import ORDERED
from wardround.concepts.rows import hours_since, long_rows, sorted_rows
from wardround.concepts.sofa import sofa
from wardround.concepts.suspicion_of_infection import SPECIMEN, suspicions
from wardround.concepts.unit_hours import HOUR

CODES: Final = organ_failure.CODES
FAMILIES: Final = (ORDERED, SPECIMEN)
NEEDS: Final = (*organ_failure.NEEDS, *suspicion.NEEDS)
POINTS: Final = 2
SINCE_H: Final = 48
UNTIL_H: Final = 24


def sepsis3(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Sepsis of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `subject_id, stay_id, start, end, in_unit_until`.

    Returns:
        Rows with the `ROW_COLUMNS`.
    """
    hours = sofa(events, stays).filter(pl.col("name") == "sofa").join(stays.select("stay_id", "start"), on="stay_id")
    told = pl.col("available_time").dt.epoch("us").cum_max().over("stay_id")
    hours = hours.with_columns(
        closes=pl.col("start") + HOUR * pl.col("time_h").cast(pl.Int64), sofa_known=pl.from_epoch(told, "us")
    )
    failing = hours.filter(pl.col("value") >= POINTS).select("stay_id", "start", "closes", "sofa_known", sofa="value")
    both = suspicions(events, stays).join(failing, on="stay_id")
    since, until = pl.col("time") - SINCE_H * HOUR, pl.col("time") + UNTIL_H * HOUR
    both = both.filter(pl.col("closes").is_between(since, until)).sort("stay_id", "time", "closes")
    first = both.group_by("stay_id", maintain_order=True).first()
    first = first.with_columns(
        available_time=pl.max_horizontal("known", "sofa_known"), sepsis3=1.0, sepsis3_sofa="sofa"
    )
    suspected = first.with_columns(time_h=hours_since("time"))
    failed = first.with_columns(time_h=hours_since("closes"))
    return sorted_rows(pl.concat([long_rows(suspected, ["sepsis3"]), long_rows(failed, ["sepsis3_sofa"])]))
