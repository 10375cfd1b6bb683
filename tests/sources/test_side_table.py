"""Tables that tell more of the stays: joined by stay id, each of their rows accounted for."""

from pathlib import Path

import polars as pl
import pytest

from wardround.errors import SourceError
from wardround.ledger import check_balanced
from wardround.sources.csv_reader import RawRows
from wardround.sources.raw_data import FoundTable
from wardround.sources.raw_table import ID, INTEGER, NEVER, TEXT, UNREAD, RawTable
from wardround.sources.side_table import Doubt, SideTable, joined

SIDE = SideTable(
    RawTable(
        "outcomes",
        {"id": (INTEGER, ID), "died": (INTEGER, NEVER), "ward": (TEXT, NEVER), "score": (INTEGER, UNREAD)},
    ),
    (Doubt("died", pl.col("died") == -1, "not known (-1)"), Doubt("died", pl.col("died") > 1, "not 0 or 1")),
)
STAYS = pl.DataFrame({"stay_id": [3, 1, 2, 9], "reason": [None, None, None, "no age"]})


def found(*rows: tuple[str | None, str | None, str | None], blocks: int = 1, ragged: int = 0) -> FoundTable:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("id", "died", "ward"), pl.String), orient="row")
    size = max(1, -(-frame.height // blocks))
    parts = [
        RawRows(frame[at : at + size], at, ragged if at == 0 else 0) for at in range(0, max(1, frame.height), size)
    ]
    return FoundTable(Path("Outcomes.txt"), lambda: iter(parts))


@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_every_row_tells_of_a_stay_or_is_set_aside(blocks: int):
    rows = [
        ("1", "1", "a"),
        ("2", "-1", "b"),
        ("2", "-1", "b"),
        ("9", "0", "c"),
        ("7", "0", "c"),
        ("", "0", "c"),
        ("3", "x", "c"),
        ("1x", "0", "c"),
    ]
    table, account = joined(STAYS, SIDE, found(*rows, blocks=blocks, ragged=2), "id")
    assert table.select("stay_id", "died", "ward").rows() == [
        (3, None, None),
        (1, 1, "a"),
        (2, None, "b"),
        (9, None, None),
    ]
    assert account.as_json() == {
        "rows_in": 10,
        "rows_out": 2,
        "set_aside": {
            "blank stay id": 1,
            "duplicate row": 1,
            "no such stay": 2,
            "not a number: died": 1,
            "not a number: id": 1,
            "wrong number of fields": 2,
        },
        "values_set_aside": {"not known (-1)": 1},
    }
    check_balanced({"outcomes": account})


def test_two_different_rows_of_one_stay_are_both_set_aside():
    table, account = joined(STAYS, SIDE, found(("1", "1", "a"), ("1", "0", "a"), ("2", "7", "a")), "id")
    assert table["died"].to_list() == [None] * 4
    assert account.set_aside["stay id used for different rows"] == 2
    assert account.values_set_aside == {"not known (-1)": 0, "not 0 or 1": 1}


def test_an_absent_table_tells_nothing_of_anyone():
    table, account = joined(STAYS, SIDE, None, "id")
    assert table.schema == {**STAYS.schema, "died": pl.Int64(), "ward": pl.String()}
    assert table.select("died", "ward").null_count().row(0) == (4, 4)
    assert (account.rows_in, account.rows_out) == (0, 0)


def test_a_table_of_other_content_is_refused():
    rows = [(str(n), "yes", "a") for n in range(40)]
    with pytest.raises(SourceError, match=r"Outcomes\.txt: column died of table outcomes is not a number in 40 of 40"):
        joined(STAYS, SIDE, found(*rows), "id")


SHARED = SideTable(
    RawTable("patients", {"person": (INTEGER, ID), "sex": (TEXT, NEVER), "ward": (TEXT, NEVER)}), key="person"
)


def test_a_row_may_tell_of_what_several_stays_share():
    stays = pl.DataFrame({"stay_id": [3, 1, 2], "person": [7, 7, 8], "ward": ["a", "b", "c"], "reason": [None] * 3})
    rows = [("7", "F", "x"), ("8", "M", "y"), ("9", "F", "z"), ("", "F", "z")]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("person", "sex", "ward"), pl.String), orient="row")
    found = FoundTable(Path("patients.csv"), lambda: iter([RawRows(frame, 0, 0)]))
    table, account = joined(stays, SHARED, found, "stay_id")
    assert table.select("stay_id", "person", "ward", "sex", "patients.ward").rows() == [
        (3, 7, "a", "F", "x"),
        (1, 7, "b", "F", "x"),
        (2, 8, "c", "M", "y"),
    ]
    assert account.as_json() == {"rows_in": 4, "rows_out": 2, "set_aside": {"blank person": 1, "of no stay": 1}}


def test_two_rows_of_one_key_are_both_set_aside():
    stays = pl.DataFrame({"stay_id": [3], "person": [7], "reason": [None]})
    frame = pl.DataFrame([("7", "F", "x"), ("7", "M", "x")], schema=["person", "sex", "ward"], orient="row")
    table, account = joined(
        stays, SHARED, FoundTable(Path("patients.csv"), lambda: iter([RawRows(frame, 0, 0)])), "stay_id"
    )
    assert table["sex"].to_list() == [None]
    assert account.set_aside["person used for different rows"] == 2
