"""`PROCEDUREEVENTS_MV`: what was done at the bedside (`mimic/care.py`), in the words of MIMIC-III. CareVue has no such
table."""

from typing import Final

import polars as pl

GROUPS: Final = {"Access Lines - Peripheral": "Peripheral Lines", "Access Lines - Invasive": "Invasive Lines"}
KINDS: Final = {"ContinuousProcess": "Task", "Task": "Electrolytes"}
"""What MIMIC-IV calls otherwise."""


def procedure_event_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of `PROCEDUREEVENTS_MV`, with `stay`, of MetaVision's part of those of `mimic.care.bedside_rows`."""
    return rows.rename({"stay_id": "icustay_id", "caregiver_id": "cgid"}).with_columns(
        pl.col("ordercategoryname").replace(GROUPS),
        pl.col("ordercategorydescription").replace(KINDS),
        cancelreason=pl.lit(0),
    )
