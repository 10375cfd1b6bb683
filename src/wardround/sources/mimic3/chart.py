"""MIMIC-III, chartevents: rows of CareVue and MetaVision as events, known at their storetime (`mimic/chart.py`)."""

from dataclasses import replace
from typing import Final

import polars as pl

from wardround.sources.conversion import EventTable
from wardround.sources.mimic.chart import MODALITIES, Chart
from wardround.sources.mimic.items import METAVISION
from wardround.sources.mimic3.carevue_items import CAREVUE, CATEGORIES, CATEGORY_OF
from wardround.sources.mimic3.columns import CHARTEVENTS
from wardround.sources.mimic3.placing import by_icustay, not_in_error

CHART: Final = Chart(CHARTEVENTS, {**METAVISION, **CAREVUE})
_DEGREES: Final = {"?F": "°F", "?C": "°C"}
"""MIMIC-III was written in an alphabet without a degree sign."""


def _readable(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows in the words of MetaVision; units of CareVue's items are their own."""
    of_form = pl.col("itemid").is_in(list(CAREVUE)).fill_null(False)
    category = pl.col("itemid").replace_strict(CATEGORIES, default=None, return_dtype=pl.String)
    frame = frame.with_columns(
        valueuom=pl.when(~of_form).then(pl.col("valueuom").replace(_DEGREES)),
        category=pl.coalesce(category, pl.col("category").replace(CATEGORY_OF)),
    )
    return not_in_error(frame, "error")


def chart(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of charted rows."""
    return CHART.chart(_readable(frame))


CHART_TABLE: Final = EventTable(CHARTEVENTS, chart, MODALITIES, place=by_icustay)
PAPER_CHART_TABLE: Final = replace(CHART_TABLE, modalities=MODALITIES[:-1], only=CHART.paper)
