"""Events packed while they wait are the same events again."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.sources.packed import LISTED, WordLists, as_words, in_one_order, unpacked

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


@settings(deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=4))
def test_categories_are_packed_as_the_words_that_they_are(tables):
    frames = [pl.DataFrame(rows, SCHEMA, orient="row") for rows in tables]
    lists, others = WordLists(), WordLists()
    for frame in frames:
        as_categories = frame.with_columns(pl.col("code", "modality").cast(pl.Categorical))
        assert others.packed(as_categories).equals(lists.packed(frame))
    assert lists.places == others.places


def test_without_a_word_there_is_no_place():
    frame = pl.DataFrame({"code": [None, "b", None], "modality": [None, None, None]}, dict.fromkeys(LISTED, pl.String))
    for words in (frame, frame.cast(pl.Categorical)):
        packed = WordLists().packed(words)
        assert packed["code"].to_list() == [None, 0, None]
        assert packed["modality"].null_count() == 3


@settings(deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=4))
def test_words_of_several_lists_sort_in_one_order_as_they_do_alone(tables):
    frames = [pl.DataFrame(rows, SCHEMA, orient="row") for rows in tables]
    orders = in_one_order([{name: frame[name] for name in LISTED} for frame in frames])
    for frame in frames:
        placed = frame.with_columns(pl.col(name).cast(order) for name, order in orders.items())
        assert as_words(placed.sort(LISTED)).equals(frame.sort(LISTED))
