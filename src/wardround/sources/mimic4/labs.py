"""MIMIC-IV, labevents and microbiologyevents: results as events, known at their storetime (`mimic/labs.py`)."""

from dataclasses import replace
from functools import partial
from typing import Final

from wardround.sources.conversion import EventTable
from wardround.sources.mimic.labs import PAPER_LABS, cultures, labs
from wardround.sources.mimic.placing import by_time
from wardround.sources.mimic4.columns import LABEVENTS, MICROBIOLOGYEVENTS

_PLACE: Final = by_time("charttime")
LAB_TABLE: Final = EventTable(LABEVENTS, partial(labs, LABEVENTS), ("lab", "blood_gas"), place=_PLACE)
PAPER_LAB_TABLE: Final = replace(LAB_TABLE, only=PAPER_LABS)
CULTURE_TABLE: Final = EventTable(
    MICROBIOLOGYEVENTS,
    partial(cultures, MICROBIOLOGYEVENTS),
    ("microbiology", "charting"),
    place=by_time("charttime", "chartdate"),
)
