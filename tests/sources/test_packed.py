"""Events packed while they wait are the same events again."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.sources.packed import WordLists, unpacked

WORDS = st.sampled_from(["LAB//sodium//mmol/L", "VITAL//heartrate//bpm", "", "é", "lab"])
EVENTS = st.lists(
    st.tuples(WORDS, WORDS, st.integers(-(2**31), 2**31 - 1), st.none() | st.integers(0, 59_999_999)), max_size=8
)
SCHEMA = {"code": pl.String, "modality": pl.String, "minute": pl.Int64, "available_minute_us": pl.Int64}


@settings(deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=4))
def test_what_was_packed_comes_back(tables):
    frames = [pl.DataFrame(rows, SCHEMA, orient="row").with_columns(row=pl.lit(1)) for rows in tables]
    lists = WordLists()
    packed = [lists.packed(frame) for frame in frames]
    assert all(frame.schema["code"] == pl.UInt32 and frame.schema["minute"] == pl.Int32 for frame in packed)
    assert all(unpacked(each, lists.words).equals(frame) for each, frame in zip(packed, frames, strict=True))
    assert all(words.is_unique().all() for words in lists.words.values())
