"""Raw tables as declared: what is read, and when it is known."""

import pytest

from wardround.sources.raw_table import (
    ADMIT,
    DISCHARGE,
    HOUR_24,
    ID,
    INTEGER,
    NEVER,
    NUMBER,
    TEXT,
    TIME,
    UNREAD,
    RawTable,
    at,
    end_of_day,
)

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


def test_what_is_known_at_the_end_of_a_day_or_at_discharge_has_no_offset():
    columns = {"day": (TIME, end_of_day("day")), "code": (TEXT, DISCHARGE)}
    table = RawTable("procedures", columns)
    for column, rule in (("day", "end of day"), ("code", "hospital discharge")):
        with pytest.raises(ValueError, match=f"procedures.{column} is known: {rule}; no offset"):
            table.known_at(column)
    with pytest.raises(ValueError, match=r"procedures\.day is known at \['date'\], which procedures does not have"):
        RawTable("procedures", {"day": (TIME, end_of_day("date"))})


def test_a_former_name_is_of_a_column_that_there_is():
    with pytest.raises(ValueError, match=r"gives a former name of \['race'\]"):
        RawTable("admissions", {"sex": (TEXT, ADMIT)}, former={"race": "ethnicity"})
