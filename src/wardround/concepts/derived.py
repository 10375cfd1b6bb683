"""The derived events that models are given beside the recorded ones."""

from typing import Final

import polars as pl

from wardround.concepts.apache_iv import CODES, Clock, apache_iv

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
