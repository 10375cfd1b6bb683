"""The derived events that models are given beside the recorded ones."""

from collections.abc import Collection
from typing import Final

import polars as pl

from wardround.concepts.apache_iv import CANDIDATES, CODES, MODALITY, Clock, apache_iv

DERIVED_CODES: Final = CODES


def derived_events(events: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    """What the concepts make of some stays' events, each at the time at which the last of its inputs is known.

    Args:
        events: `stay_id, time, available_time, modality, code, numeric_value`.
        clock: which of the two times counts.

    Returns:
        Events with these columns. None depends on an event that its clock puts later.
    """
    return apache_iv(events, clock)


def derived_from(modalities: Collection[str]) -> frozenset[str]:
    """The modalities whose events are made of some others: where those are as if never recorded, these are not made."""
    return frozenset({MODALITY}) if CANDIDATES & set(modalities) else frozenset()
