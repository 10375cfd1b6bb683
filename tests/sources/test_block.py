"""One block: every row ends in exactly one place."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from raw_eicu import as_text
from wardround.errors import SourceError
from wardround.ledger import TableLedger
from wardround.sources.block import convert_block, numbered, refuse_retyped
from wardround.sources.conversion import FAR, EventTable, Selection, candidates, melted, timed
from wardround.sources.csv_reader import RawRows
from wardround.sources.packed import WordLists
from wardround.sources.raw_table import ID, INTEGER, NUMBER, TEXT, RawTable, at

RAW = RawTable(
    "vitals",
    {
        "id": (INTEGER, ID),
        "stay": (INTEGER, ID),
        "minute": (INTEGER, at("minute")),
        "note": (TEXT, at("minute")),
        "pulse": (NUMBER, at("minute")),
        "breath": (NUMBER, at("minute")),
    },
    offset="minute",
)


def convert(frame: pl.DataFrame) -> pl.DataFrame:
    long = melted(timed(frame, RAW, "pulse"), ["pulse", "breath"])
    return candidates(long, "vitals", pl.col("name"), pl.when(pl.col("number") < 900).then("number").otherwise(1e39))


TABLE = EventTable(RAW, convert, ("vitals",), floored_min=60, floored=pl.col("minute") % 60 == 0)
SHARDS = pl.DataFrame({"stay_id": [1, 2], "slice": [0, 7]})


def block(*rows: str, first_row: int = 0, ragged: int = 0) -> RawRows:
    cells = [[None if cell == "_" else cell for cell in row.split()] for row in rows]
    return RawRows(pl.DataFrame(cells, schema=dict.fromkeys(RAW.read, pl.String), orient="row"), first_row, ragged)


def test_rows_are_numbered_on_from_the_blocks_before():
    assert numbered(block("1 1 0 a 80 _", "2 1 0 a 80 _", first_row=40), RAW)["row"].to_list() == [40, 41]


def test_events_and_account():
    made = convert_block(
        block(
            "1 1 5 a 80 18",  # two events
            "2 2 6 a 80 999",  # one event, one value aside
            "3 2 6 a 999 999",  # both values aside
            "4 2 6 a _ _",  # no value
            "5 _ 6 a 80 18",  # no stay
            "6 3 6 a 80 18",  # unknown stay
            "7 2 _ a 80 18",  # no time
            "8 2 x a 80 18",  # not a number
            first_row=100,
            ragged=2,
        ),
        TABLE,
        "stay",
        SHARDS,
    )
    columns = ["row", "stay_id", "minute", "available_minute", "code", "numeric_value", "slice"]
    assert as_text(made.events.select(columns).sort("row", "code")) == "\n".join(
        ["100 1 5 5 breath 18 0", "100 1 5 5 pulse 80 0", "101 2 6 6 pulse 80 7"]
    )
    assert made.account.as_json() == {
        "rows_in": 10,
        "rows_out": 2,
        "set_aside": {
            "blank stay id": 1,
            "implausible value": 1,
            "no such stay": 1,
            "no time": 1,
            "no value": 1,
            "not a number: minute": 1,
            "wrong number of fields": 2,
        },
        "values_set_aside": {"implausible value": 1},
    }
    assert made.floored is False


def test_rows_that_are_not_looked_at_are_counted_and_the_others_keep_their_numbers():
    some = replace(TABLE, only=Selection("id", frozenset({2, 4}), "not wanted"))
    rows = [
        "1 1 x a 80 18",
        "2 1 5 a 80 _",
        "3 2 6 a 80 18",
        " 4 2 x a 80 18",
        "? 2 5 a 80 18",
        "1e1 1 5 a 80 18",
        "3.0 1 5 a 80 18",
    ]
    made = convert_block(block(*rows, first_row=100, ragged=1), some, "stay", SHARDS)
    assert made.events["row"].to_list() == [101]
    assert made.account.as_json() == {
        "rows_in": 8,
        "rows_out": 1,
        "set_aside": {
            "not a number: id": 1,
            "not a number: minute": 1,
            "not wanted": 4,
            "wrong number of fields": 1,
        },
    }


def test_whether_a_table_can_be_read_is_asked_of_the_rows_that_were_looked_at():
    account = TableLedger(100, 9, Counter({"not wanted": 80, "not a number: pulse": 11}))
    with pytest.raises(SourceError, match="column pulse of table vitals is not a number in 11 of 20 rows"):
        refuse_retyped(Path("v.csv"), RAW, account, Counter(), left_alone=80)
    refuse_retyped(Path("v.csv"), RAW, account, Counter(), left_alone=78)


def test_equal_rows_have_equal_hashes_wherever_they_stand():
    first = convert_block(block("1 1 5 a 80 18", "2 1 5 a 80 18"), TABLE, "stay", SHARDS).events
    later = convert_block(block("9 2 5 a 80 18", " 1 1 5 a 80.0 18", first_row=50), TABLE, "stay", SHARDS).events
    hashes = dict(pl.concat([first, later]).select("row", "row_hash").iter_rows())
    assert hashes[0] == hashes[51]
    assert len(set(hashes.values())) == 3


@pytest.mark.parametrize(
    ("minutes", "floored"), [((0, 60, -120), True), ((0, 61), False), ((), True)], ids=["whole hours", "not", "no rows"]
)
def test_whether_all_times_were_rounded_down(minutes: tuple[int, ...], floored: bool):
    rows = [f"{number} 1 {minute} a 80 18" for number, minute in enumerate(minutes)]
    assert convert_block(block(*rows, "99 77 5 a 80 18"), TABLE, "stay", SHARDS).floored is floored


def test_a_block_without_rows():
    made = convert_block(block(ragged=3), TABLE, "stay", SHARDS)
    assert made.events.height == 0
    assert made.account.as_json() == {"rows_in": 3, "rows_out": 0, "set_aside": {"wrong number of fields": 3}}


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("not a number: pulse", "column pulse of table vitals is not a number in 11 of 20 rows"),
        ("not a whole number: minute", "column minute of table vitals is not a whole number in 11 of 20 rows"),
        ("not a status: unit", "column unit of table vitals is not a status in 11 of 20 rows"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(reason: str, message: str):
    with pytest.raises(SourceError, match=rf"v\.csv: {message}: retyped or shifted"):
        refuse_retyped(Path("v.csv"), RAW, TableLedger(20, 9, Counter({reason: 11})), Counter())


def test_a_column_of_words_that_holds_numbers_is_refused():
    with pytest.raises(SourceError, match="column note of table vitals is a bare number in 11 of 20 rows"):
        refuse_retyped(Path("v.csv"), RAW, TableLedger(20, 20), Counter({"note": 11}))


@pytest.mark.parametrize(
    ("rows_in", "reasons", "words"),
    [
        (20, {"not a number: pulse": 10}, {}),
        (19, {"not a number: pulse": 19}, {}),
        (20, {"not a vital sign": 20}, {}),
        (20, {"no such stay": 20}, {}),
        (20, {}, {"note": 10}),
        (0, {}, {}),
    ],
)
def test_a_table_that_can_be_read_is_not(rows_in: int, reasons: dict[str, int], words: dict[str, int]):
    refuse_retyped(Path("v.csv"), RAW, TableLedger(rows_in, 0, Counter(reasons)), Counter(words))


@pytest.mark.parametrize(("away_min", "stays_in"), [(2**31 - 1, True), (2**31, False), (-(2**40), False)])
def test_minutes_that_cannot_wait_packed_are_set_aside(away_min: int, stays_in: bool):
    """A conversion of somebody's may not have asked how far away a row is; no error quotes the minute."""
    far = replace(TABLE, convert=lambda frame: convert(frame).with_columns(available_minute=pl.lit(away_min)))
    made = convert_block(block("1 1 5 a 80 _"), far, "stay", SHARDS)
    assert made.account.rows_out == WordLists().packed(made.events).height == int(stays_in)
    assert made.account.set_aside[FAR] == int(not stays_in)
