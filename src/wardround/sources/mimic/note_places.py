"""MIMIC: in whose unit stays a note lies.

A discharge note is of a hospital stay as a whole, and so of each unit stay in it: of the hospital stay that it names,
else of that in whose time it lies. A report, as any row of the hospital, is of the unit stay in whose time it lies
(`placing.py`); where it names a hospital stay, that has to be the same one.
"""

from typing import Final

import polars as pl

from wardround.sources.conversion import with_reason
from wardround.sources.mimic.placing import NO_SUBJECT, NO_UNIT_STAY, Place, by_admission, by_time

OTHERS_ADMISSION: Final = "hospital stay of another patient"
OUTSIDE_ADMISSION: Final = "not in the time of the hospital stay that it names"

_NAMED: Final = pl.col("hadm_id").is_not_null()


def of_admission(*columns: str) -> Place:
    """A rule that gives rows `stays`, all of their hospital stay: the one that each names, else the one in whose time
    the first of `columns` that it has lies."""
    by = by_time(*columns)

    def place(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
        rows = _named_rightly(rows, stays)
        placed = by(rows.filter(~_NAMED), stays).drop("hadm_id")
        placed = placed.join(stays.select("stay_id", "hadm_id"), on="stay_id", how="left", maintain_order="left")
        return by_admission(pl.concat([rows.filter(_NAMED), placed.select(rows.columns)]), stays)

    return place


def at_time(*columns: str) -> Place:
    """A rule that gives rows the stay in which the first of `columns` that each has lies, and that is of the hospital
    stay that it names, if any."""
    by = by_time(*columns)

    def place(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
        rows = _named_rightly(rows, stays)
        rows = with_reason(rows, _NAMED & ~pl.col("hadm_id").is_in(stays["hadm_id"].implode()), NO_UNIT_STAY)
        found = stays.select("stay_id", _found="hadm_id")
        placed = by(rows, stays).join(found, on="stay_id", how="left", maintain_order="left")
        return with_reason(placed, _NAMED & pl.col("_found").ne_missing(pl.col("hadm_id")), OUTSIDE_ADMISSION).drop(
            "_found"
        )

    return place


def _named_rightly(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Rows, with a reason for those that name no patient, or a hospital stay of another one."""
    rows = with_reason(rows, pl.col("subject_id").is_null(), NO_SUBJECT)
    own = stays.select("hadm_id", "subject_id", _own=pl.lit(True)).unique()
    rows = rows.join(own, on=["hadm_id", "subject_id"], how="left", maintain_order="left")
    others = pl.col("hadm_id").is_in(stays["hadm_id"].implode()) & pl.col("_own").is_null()
    return with_reason(rows, others, OTHERS_ADMISSION).drop("_own")
