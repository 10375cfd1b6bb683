"""MIMIC-III, labevents and microbiologyevents: results as events (`mimic/labs.py`).

Nothing is stored of when a result came: each is known the stated delay after its draw.
"""

from dataclasses import replace
from typing import Final

import polars as pl

from wardround.sources.conversion import EventTable
from wardround.sources.mimic.labs import PAPER_LABS, cultures, labs
from wardround.sources.mimic.placing import by_time
from wardround.sources.mimic3.columns import LABEVENTS, MICROBIOLOGYEVENTS

_SPECIMEN: Final = 50800
"""Which blood a gas is of: MIMIC-IV's "Specimen Type" of "Blood", here under a number and in capitals of its own."""


def _labs(frame: pl.DataFrame) -> pl.DataFrame:
    specimen = (pl.col("itemid") == _SPECIMEN).fill_null(False)
    frame = frame.with_columns(
        label=pl.when(specimen).then(pl.lit("Specimen Type")).otherwise("label"),
        fluid=pl.when(specimen).then(pl.lit("Blood")).otherwise("fluid"),
    )
    return labs(LABEVENTS, frame)


def _cultures(frame: pl.DataFrame) -> pl.DataFrame:
    """Cultures have no name of a test; its place in the code stays empty before what grew."""
    nameless = pl.when(pl.col("org_name").is_not_null()).then(pl.lit(""))
    return cultures(MICROBIOLOGYEVENTS, frame.with_columns(test_name=nameless))


_PLACE: Final = by_time("charttime")
LAB_TABLE: Final = EventTable(LABEVENTS, _labs, ("lab", "blood_gas"), place=_PLACE)
PAPER_LAB_TABLE: Final = replace(LAB_TABLE, only=PAPER_LABS)
CULTURE_TABLE: Final = EventTable(
    MICROBIOLOGYEVENTS, _cultures, ("microbiology", "charting"), place=by_time("charttime", "chartdate")
)
