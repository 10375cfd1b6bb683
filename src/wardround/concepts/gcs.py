"""The Glasgow coma scale at each charting, 3 to 15: eyes 1 to 4, verbal 1 to 5, motor 1 to 6.

    gcs                                the total
    gcs_eyes, gcs_verbal, gcs_motor    its parts; verbal is 0 in an intubated patient
    gcs_unable                         1 where this charting says that ("No Response-ETT", "1.0 ET/Trach"), else 0

Source: `gcs` of the MIMIC Code Repository (mimic-iv/concepts/measurement). A part that is not charted is that of the
charting before, if that is less than 6 h old, else normal. The intubation rule: a patient who cannot speak because of
a tube has a total of 15, and after the tube the parts are not carried on. So a total of 15 is also "cannot be told":
`gcs_verbal == 0` says where, also at a charting that says nothing of speech and has the tube of the one before, where
`gcs_unable` is 0, as in the repository; `gcs_eyes + gcs_motor` is what could be seen.
"""

from typing import Final

import polars as pl

from wardround.concepts.needs import Need
from wardround.concepts.rows import hours_since, long_rows, measured

PARTS: Final = {f"VITAL//gcs {part}//": part for part in ("eyes", "verbal", "motor")}
CODES: Final = tuple(PARTS)
NEEDS: Final = tuple(Need(f"gcs {part}", (code,)) for code, part in PARTS.items())
NORMAL: Final = {"eyes": 4, "verbal": 5, "motor": 6}
INTUBATED: Final = "No Response-ETT"
CAREVUE_INTUBATED: Final = "1.0 ET/Trach"
CARRIED: Final = pl.duration(hours=6)
NAMES: Final = ("gcs", "gcs_eyes", "gcs_verbal", "gcs_motor", "gcs_unable")


def gcs(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """The coma scale of some stays.

    Args:
        events: with the `INPUT_COLUMNS`.
        stays: `stay_id, start`.

    Returns:
        Rows with the `ROW_COLUMNS`; `time_h` is when it was charted.
    """
    chartings = gcs_chartings(events).join(stays.drop_nulls("start").select("stay_id", "start"), on="stay_id")
    return long_rows(chartings.with_columns(time_h=hours_since("time")), NAMES)


def gcs_chartings(events: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, time, available_time` and the `NAMES`, a row for each minute at which a part was charted."""
    parts = measured(events, PARTS)
    tube = (pl.col("name") == "verbal") & pl.col("text_value").is_in((INTUBATED, CAREVUE_INTUBATED)).fill_null(False)
    parts = parts.with_columns(value=pl.when(tube).then(0.0).otherwise("value"), tube=tube)
    charted = parts.group_by("stay_id", "time").agg(
        *(pl.col("value").filter(pl.col("name") == part).max().alias(part) for part in NORMAL),
        gcs_unable=pl.col("tube").any(),
        known=pl.col("available_time").max(),
    )
    charted = charted.sort("stay_id", "time")
    recent = pl.col("time").shift().over("stay_id") > pl.col("time") - CARRIED
    before = [
        pl.when(recent).then(pl.col(name).shift().over("stay_id")).alias(f"{name}_before")
        for name in (*NORMAL, "known")
    ]
    charted = charted.with_columns(before)
    whole = pl.all_horizontal(pl.col(list(NORMAL)).is_not_null())
    return charted.select(
        "stay_id",
        "time",
        available_time=pl.when(whole).then("known").otherwise(pl.max_horizontal("known", "known_before")),
        gcs=_total(),
        **{f"gcs_{part}": pl.coalesce(part, f"{part}_before") for part in NORMAL},
        gcs_unable="gcs_unable",
    )


def _total() -> pl.Expr:
    """The total of a charting and the one before it; a part that neither has is normal."""
    had_tube = (pl.col("verbal_before") == 0).fill_null(False)
    has_tube = (pl.coalesce("verbal", "verbal_before") == 0).fill_null(False)
    fresh = pl.sum_horizontal(pl.col(part).fill_null(most) for part, most in NORMAL.items())
    carried = pl.sum_horizontal(pl.coalesce(part, f"{part}_before", pl.lit(most)) for part, most in NORMAL.items())
    return pl.when(has_tube).then(15.0).when(had_tube).then(fresh).otherwise(carried)
