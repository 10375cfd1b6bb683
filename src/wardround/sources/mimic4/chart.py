"""MIMIC-IV, chartevents: rows as events, known at their storetime, as `mimic/chart.py` reads them."""

from dataclasses import replace
from typing import Final

from wardround.sources.conversion import EventTable
from wardround.sources.mimic.chart import MODALITIES, Chart
from wardround.sources.mimic.items import METAVISION
from wardround.sources.mimic.placing import by_stay
from wardround.sources.mimic4.columns import CHARTEVENTS

CHART: Final = Chart(CHARTEVENTS, METAVISION)
CHART_TABLE: Final = EventTable(CHARTEVENTS, CHART.chart, MODALITIES, place=by_stay)
PAPER_CHART_TABLE: Final = replace(CHART_TABLE, modalities=MODALITIES[:-1], only=CHART.paper)
