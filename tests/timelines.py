"""The timelines of `wardround.testing`, by one name: what tests of data, batches and leaks are made from."""

from wardround.testing.data_folder import write_data
from wardround.testing.other_futures import available_after, available_by, other_future, twin_of
from wardround.testing.random_timelines import (
    PHYSIOLOGY,
    random_events,
    random_stays,
    random_timelines,
    with_billed_diagnoses,
    with_documents,
    with_physiology,
)
from wardround.testing.strategies import Drawn, drawn_events, small_timelines
from wardround.testing.timelines import (
    APART,
    APS_MIN,
    CATALOGUE,
    CODES,
    EVENT,
    NUMBERS,
    SPEAKING,
    STAY,
    Timelines,
    default_stay,
    hand,
    joined,
)

__all__ = [
    "APART", "APS_MIN", "CATALOGUE", "CODES", "EVENT", "NUMBERS", "PHYSIOLOGY", "SPEAKING", "STAY", "Drawn",
    "Timelines", "available_after", "available_by", "default_stay", "drawn_events", "hand", "joined", "other_future",
    "random_events", "random_stays", "random_timelines", "small_timelines", "twin_of",
    "with_billed_diagnoses", "with_documents", "with_physiology", "write_data",
]  # fmt: skip
