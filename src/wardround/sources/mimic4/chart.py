"""MIMIC-IV, chartevents: rows as events, known at their storetime, as `mimic/chart.py` reads them."""

from typing import Final

from wardround.sources.conversion import EventTable
from wardround.sources.mimic.chart import MODALITIES, Chart
from wardround.sources.mimic.items import METAVISION
from wardround.sources.mimic.placing import by_stay
from wardround.sources.mimic4.columns import CHARTEVENTS

CHART: Final = Chart(CHARTEVENTS, METAVISION)
CHART_TABLE: Final = EventTable(CHARTEVENTS, CHART.chart, MODALITIES, place=by_stay)
PAPER_CHART_TABLE: Final = EventTable(CHARTEVENTS, CHART.paper, MODALITIES[:-1], place=by_stay)
