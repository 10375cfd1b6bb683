"""A table as one buffer: what comes back is equal, of a slice the slice alone."""

import datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from wardround.engines.frames import from_buffer, to_buffer

TABLE = pl.DataFrame(
    {
        "text": ["a", None, "a text that is too long to lie in a view", ""],
        "whole": pl.Series([1, None, 3, 4], dtype=pl.Int64),
        "hash": pl.Series([1, 2, 2**64 - 1, 0], dtype=pl.UInt64),
        "real": [0.5, None, -0.0, 1e300],
        "is": [True, None, False, True],
        "time": pl.Series([datetime.datetime(2100, 3, 1, 2, 30)] * 3 + [None], dtype=pl.Datetime("us")),
        "list": pl.Series([["a"], [], None, ["b", "c"]], dtype=pl.List(pl.String)),
        "kind": pl.Series(["x", "y", None, "x"], dtype=pl.Enum(["x", "y"])),
        "nothing": pl.Series([None] * 4, dtype=pl.Null),
    }
)


@pytest.mark.parametrize("rows", [slice(0, 4), slice(1, 3), slice(0, 0)])
def test_what_comes_back_is_equal(rows: slice):
    table = TABLE[rows]
    assert_frame_equal(from_buffer(to_buffer(table)), table)


def test_a_slice_is_sent_alone():
    many = pl.DataFrame({"text": ["a text that is too long to lie in a view"] * 100_000, "number": range(100_000)})
    assert to_buffer(many.slice(50_000, 10)).size < 10_000 < 1_000_000 < to_buffer(many).size
