"""Raw tables as declared: what is read, and when it is known."""

import pytest

from wardround.sources.raw_table import ADMIT, HOUR_24, ID, INTEGER, NEVER, NUMBER, TEXT, UNREAD, RawTable, at

LAB = RawTable(
    "lab",
    {
        "labid": (INTEGER, ID),
        "drawn": (INTEGER, at("drawn")),
        "revised": (INTEGER, at("drawn", "revised")),
        "value": (NUMBER, at("drawn", "revised")),
        "unit": (TEXT, ADMIT),
        "worst": (NUMBER, HOUR_24),
        "outcome": (TEXT, NEVER),
        "comment": (TEXT, UNREAD),
    },
    offset="drawn",
)


def test_all_but_the_unread_columns_are_read_in_their_order():
    assert LAB.read == ("labid", "drawn", "revised", "value", "unit", "worst", "outcome")


def test_a_value_waits_for_its_offsets():
    assert LAB.known_at("value") == ("drawn", "revised")
    assert LAB.known_at("drawn") == ("drawn",)


@pytest.mark.parametrize("column", ["labid", "unit", "worst", "outcome", "comment"])
def test_other_columns_have_no_offset(column: str):
    with pytest.raises(ValueError, match=f"lab.{column} is known: .*; no offset says when it may enter an event"):
        LAB.known_at(column)


def test_a_table_happens_at_a_column_of_its_own():
    with pytest.raises(ValueError, match="lab happens at minute, which it does not have"):
        RawTable("lab", {"labid": (INTEGER, ID)}, offset="minute")
