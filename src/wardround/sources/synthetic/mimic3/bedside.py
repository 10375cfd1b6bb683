"""`PROCEDUREEVENTS_MV`: what was done at the bedside (`mimic/care.py`), in the words of MIMIC-III. CareVue has no such
table."""

from typing import Final

import polars as pl

from wardround.sources.synthetic.mimic.care import DIALYSIS

GROUPS: Final = {
    **dict.fromkeys((225401, 225432), "Procedures"),
    224275: "Peripheral Lines",
    **dict.fromkeys((224263, 225752), "Invasive Lines"),
    DIALYSIS: "Continuous Procedures",
}
KINDS: Final = {"ContinuousProcess": "Task", "Task": "Electrolytes"}
"""What MIMIC-IV calls otherwise."""


def procedure_event_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of `PROCEDUREEVENTS_MV`, with `stay`, of MetaVision's part of those of `mimic.care.bedside_rows`."""
    dialysis = pl.col("itemid") == DIALYSIS
    group = pl.col("itemid").replace_strict(GROUPS, default=None, return_dtype=pl.String)
    kind = pl.col("ordercategorydescription").replace(KINDS)
    return rows.rename({"stay_id": "icustay_id", "caregiver_id": "cgid"}).with_columns(
        ordercategoryname=pl.coalesce(group, "ordercategoryname"),
        ordercategorydescription=pl.when(dialysis).then(pl.lit("Task")).otherwise(kind),
        value=pl.when(dialysis).then(pl.col("end") - pl.col("begin")).otherwise("value"),
        valueuom=pl.when(dialysis).then(pl.lit("min")).otherwise("valueuom"),
        cancelreason=pl.lit(0),
    )
