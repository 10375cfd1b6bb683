"""A record file to rows of text: every line a row or counted, whatever stands in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raw_challenge import HEADER, record
from wardround.errors import BrokenFileError
from wardround.sources.challenge2012.record_text import observation_rows, record_lines, record_rows

LINES = "00:00,RecordID,17\n00:00,Age,54\n00:07,HR,73\n"


def test_the_lines_below_the_header_are_kept_as_they_are():
    assert record_lines(f"{HEADER}\n{LINES}".encode(), "it") == LINES
    assert (
        record_lines(f"\ufeff{HEADER}\r\n{LINES}".replace("\n", "\r\n").replace("\r\r", "\r").encode(), "it") == LINES
    )
    assert record_lines(f"{HEADER}\n".encode(), "it") == ""


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "does not begin with Time,Parameter,Value"),
        (LINES.encode(), "does not begin with Time,Parameter,Value"),
        (HEADER.encode(), "does not end with a line end"),
        (f"{HEADER}\n{LINES}00:09,H".encode(), "does not end with a line end"),
        (f"{HEADER}\n00:07,HR,\0\n".encode(), "holds a NUL byte"),
        (f"{HEADER}\n00:07,HR,".encode() + b"\xff\n", "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_whole_record_is_refused_without_showing_it(content: bytes, why: str):
    with pytest.raises(BrokenFileError, match=why) as raised:
        record_lines(content, "set-a: record file 3")
    assert str(raised.value).startswith("set-a: record file 3 ")
    assert "17" not in str(raised.value)


def test_rows_carry_their_record_and_ragged_lines_are_counted():
    block = observation_rows(["1", "2"], ["00:00,Age,54\n\n00:07,HR,7,3\n", "00:07,HR,73\nnothing\n"], 10)
    assert block.frame.columns == ["RecordID", "Time", "Parameter", "Value"]
    assert block.frame.rows() == [("1", "00:00", "Age", "54"), ("2", "00:07", "HR", "73")]
    assert (block.first_row, block.ragged) == (10, 3)


def test_no_record_gives_an_empty_block():
    for rows in (observation_rows, record_rows):
        block = rows([], [], 0)
        assert (block.frame.height, block.ragged) == (0, 0)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\n\0"), max_size=12)


@given(st.lists(st.lists(st.lists(TEXT, min_size=1, max_size=4).map(",".join), max_size=6), max_size=5))
def test_every_line_is_a_row_of_its_record_or_counted(records: list[list[str]]):
    ids = [str(number) for number in range(len(records))]
    block = observation_rows(ids, ["".join(f"{line}\n" for line in lines) for lines in records], 0)
    expected = [
        (ids[at], *line.split(",")) for at, lines in enumerate(records) for line in lines if line.count(",") == 2
    ]
    assert block.frame.rows() == expected
    assert block.frame.height + block.ragged == sum(map(len, records))


def joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def test_a_record_states_its_id_age_and_sex():
    block = record_rows(["17", "18"], [joined(record(17, "03:00,Age,99")), "00:07,HR,73\n"], 5)
    assert block.frame.columns == ["RecordID", "StatedID", "Age", "Gender"]
    assert block.frame.rows() == [("17", "17", "60", "1"), ("18", None, None, None)]
    assert (block.first_row, block.ragged) == (5, 0)


def test_what_is_stated_twice_is_read_where_it_is_the_same():
    twice = joined([*record(17), "00:00,Age,60", "00:00,Gender,0"])
    assert record_rows(["17"], [twice], 0).frame.rows() == [("17", "17", "60", "0 1")]


@given(st.permutations([*record(17, "00:07,HR,73"), "00:00,Age,61"]))
def test_the_order_of_lines_does_not_matter(lines: list[str]):
    assert record_rows(["17"], [joined(lines)], 0).frame.rows() == [("17", "17", "60 61", "1")]
