"""MIMIC-III: which rows are true, and in whose unit stay they lie where MIMIC-IV's rules need a word more."""

from typing import Final

import polars as pl

from wardround.sources.conversion import with_reason
from wardround.sources.mimic.placing import Place, by_stay, by_time, midnight_after
from wardround.sources.raw_table import RawTable

IN_ERROR: Final = "charted in error"
REWRITTEN: Final = "rewritten order"
CANCELLED: Final = "cancelled order"


def by_icustay(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Rows with the `start` of the stay that each names as `icustay_id`, or the reason why there is none."""
    return by_stay(rows.rename({"icustay_id": "stay_id"}), stays)


def by_end_of_day(table: RawTable, column: str) -> Place:
    """A rule that gives rows the stay in which the end of their day lies."""
    by_midnight = by_time("_midnight")

    def place(rows: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
        return by_midnight(rows.with_columns(_midnight=midnight_after(table, column)), stays).drop("_midnight")

    return place


def not_in_error(frame: pl.DataFrame, flag: str) -> pl.DataFrame:
    """Rows, with a reason for those whose `flag` says that they were charted in error."""
    return with_reason(frame, (pl.col(flag) == 1), IN_ERROR)


def as_it_ran(frame: pl.DataFrame) -> pl.DataFrame:
    """Orders of MetaVision, with a reason for those that another row replaced, and for those that were cancelled."""
    frame = with_reason(frame, pl.col("statusdescription") == "Rewritten", REWRITTEN)
    return with_reason(frame, pl.col("cancelreason") != 0, CANCELLED)
