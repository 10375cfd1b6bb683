"""MEDS: the columns of its shards, and of the stays that are gathered from them, with when each is known.

A MEDS row has one time, when it happened. When it was known the mapping says, code by code (`known.py`); what no rule
gives an hour waits for the discharge. `available_time` is what our own folders hold (`own.py`).
"""

from collections.abc import Iterable
from typing import Final

from wardround.sources.meds.shards import ROW_KEY, SUBJECT
from wardround.sources.raw_table import ADMIT, ANY_TEXT, ID, INTEGER, NEVER, NUMBER, Kind, Known, RawTable, at

STAY: Final = "stay"
"""A stay's id as its column writes it."""

STAYS: Final = RawTable(
    "stays",
    {
        STAY: (ANY_TEXT, ID),
        SUBJECT: (INTEGER, ID),
        "start": (INTEGER, ADMIT),
        "hospital_start": (INTEGER, ADMIT),
        "birth": (INTEGER, ADMIT),
        "sex": (ANY_TEXT, ADMIT),
        "end": (INTEGER, NEVER),
        "hospital_end": (INTEGER, NEVER),
        "death": (INTEGER, NEVER),
        "died_in_hospital": (INTEGER, NEVER),
        "died_in_unit": (INTEGER, NEVER),
    },
    optional=False,
)
"""A row each that opens a stay, with what the other rows of its patient tell of it."""

_OF_MEDS: Final[dict[str, tuple[Kind, Known]]] = {
    ROW_KEY: (INTEGER, ID),
    SUBJECT: (INTEGER, ID),
    "time": (INTEGER, at("time")),
}


def event_columns(ids: Iterable[str], available: str | None = None, modifiers: Iterable[str] = ()) -> RawTable:
    """The table `data`: all rows of all shards.

    Args:
        ids: columns that are read besides, all ids.
        available: the column that says when a row was known; None where the mapping says it.
        modifiers: columns that are part of the code.
    """
    waits = at("time") if available is None else at("time", available)
    values: dict[str, tuple[Kind, Known]] = {"code": (ANY_TEXT, waits), "numeric_value": (NUMBER, waits)}
    values |= dict.fromkeys(("text_value", *modifiers), (ANY_TEXT, waits))
    return RawTable("data", {**_OF_MEDS, **values, **dict.fromkeys(ids, (ANY_TEXT, ID))}, optional=False, offset="time")
