"""The vocabulary: columns, their types on disk, modalities, the synthetic calendar."""

from datetime import datetime
from itertools import pairwise

import meds
import polars as pl
import pytest

from wardround import events


def test_the_columns_are_those_of_meds_with_three_more():
    extra = {"stay_id", "modality", "available_time"}
    assert set(events.EVENT_COLUMNS) == set(meds.DataSchema.schema().names) | extra
    assert events.MEDS_EVENT_SCHEMA.names == list(events.EVENT_COLUMNS)
    for name in set(events.EVENT_COLUMNS) - extra:
        assert events.MEDS_EVENT_SCHEMA.field(name).type == meds.DataSchema.schema().field(name).type, name


def test_times_are_naive_microseconds():
    assert pl.Datetime("us", time_zone=None) == events.TIME
    assert events.EVENT_COLUMNS["available_time"] == events.EVENT_COLUMNS["time"]
    assert events.HOUR_US == 60 * events.MINUTE_US == 3_600_000_000


def test_the_order_on_disk_names_every_column_once():
    assert sorted(events.SORT_WITHIN_SUBJECT) == sorted(events.EVENT_COLUMNS)
    assert events.SORT_WITHIN_SUBJECT[:2] == ("subject_id", "time")


def test_modalities_are_distinct_and_the_papers_come_first():
    assert len(set(events.MODALITIES)) == len(events.MODALITIES)
    assert events.MODALITIES[:6] == events.PAPER_EICU
    assert set(events.MODALITIES) >= events.NOT_INPUTS


def test_no_two_hospital_stays_share_a_year():
    starts = [events.calendar_start(index) for index in range(1_000)]
    assert starts[0] == datetime(2001, 7, 1)
    assert all((later - earlier).days in (365, 366) for earlier, later in pairwise(starts))


def test_a_calendar_has_no_stay_before_the_first():
    with pytest.raises(ValueError, match="must be 0 or more, got -1"):
        events.calendar_start(-1)
