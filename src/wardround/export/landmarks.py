"""What `stays.parquet` says, as codes that every MEDS tool reads: where stays begin and end, and who died.

    HOSPITAL_ADMISSION  HOSPITAL_DISCHARGE  HOSPITAL_DISCHARGE//DIED  ICU_ADMISSION  ICU_DISCHARGE  MEDS_DEATH

They name no stay and no modality, so that `prepare meds` takes them for no events; the stays themselves lie beside the
shards. Birth is not among them: an age in years dates no birth. Sex and age are events of the data already.
"""

from typing import Final

import polars as pl

from wardround.events import EVENT_COLUMNS

DESCRIPTIONS: Final[dict[str, str]] = {
    "HOSPITAL_ADMISSION": "the hospital stay begins",
    "HOSPITAL_DISCHARGE": "the hospital stay ends; alive, or not known",
    "HOSPITAL_DISCHARGE//DIED": "the hospital stay ends with death",
    "ICU_ADMISSION": "the stay in the unit begins",
    "ICU_DISCHARGE": "the stay in the unit ends",
    "MEDS_DEATH": "death in hospital",
}


def landmarks(stays: pl.DataFrame) -> pl.DataFrame:
    """The rows that tell of some stays.

    Args:
        stays: rows of `stays.parquet`.

    Returns:
        `EVENT_COLUMNS`, known when they happen; a row for each time that is known, one for the hospital stay that
            several unit stays share.
    """
    died = pl.col("died_in_hospital").fill_null(False)
    discharge = pl.when(died).then(pl.lit("HOSPITAL_DISCHARGE//DIED")).otherwise(pl.lit("HOSPITAL_DISCHARGE"))
    death = pl.when(died).then(pl.col("hospital_end").fill_null(pl.col("end")))
    told = [
        ("hospital_start", pl.lit("HOSPITAL_ADMISSION")),
        ("start", pl.lit("ICU_ADMISSION")),
        ("end", pl.lit("ICU_DISCHARGE")),
        ("hospital_end", discharge),
    ]
    rows = [stays.select("subject_id", time=time, code=code) for time, code in told]
    rows.append(stays.select("subject_id", time=death, code=pl.lit("MEDS_DEATH")))
    made = pl.concat(rows).drop_nulls("time").unique()
    made = made.with_columns(pl.lit(None, kind).alias(n) for n, kind in EVENT_COLUMNS.items() if n not in made.columns)
    return made.select(EVENT_COLUMNS.keys()).with_columns(available_time="time")
