"""MIMIC-IV, labevents and microbiologyevents: results as events, known at their storetime (`mimic/labs.py`)."""

from functools import partial
from typing import Final

from wardround.sources.conversion import EventTable
from wardround.sources.mimic.labs import cultures, labs, paper_labs
from wardround.sources.mimic.placing import by_time
from wardround.sources.mimic4.columns import LABEVENTS, MICROBIOLOGYEVENTS

_PLACE: Final = by_time("charttime")
PAPER_LAB_TABLE: Final = EventTable(LABEVENTS, partial(paper_labs, LABEVENTS), ("lab", "blood_gas"), place=_PLACE)
LAB_TABLE: Final = EventTable(LABEVENTS, partial(labs, LABEVENTS), ("lab", "blood_gas"), place=_PLACE)
CULTURE_TABLE: Final = EventTable(
    MICROBIOLOGYEVENTS,
    partial(cultures, MICROBIOLOGYEVENTS),
    ("microbiology", "charting"),
    place=by_time("charttime", "chartdate"),
)
