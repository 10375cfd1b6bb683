"""Where whole rows end, and that a text becomes the same value whether or not its block is parsed at once."""

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from wardround.sources import csv_rows
from wardround.sources.conversion import typed
from wardround.sources.csv_reader import read_blocks
from wardround.sources.csv_rows import may_be_hexadecimal, rows_end
from wardround.sources.raw_table import ID, INTEGER, NUMBER, PROSE, TIME, RawTable

TABLE = RawTable("t", {"whole": (INTEGER, ID), "number": (NUMBER, ID), "time": (TIME, ID), "words": (PROSE, ID)})
ODD_NUMBERS = (
    "", " ", "1", " 7 ", "+5", "-0", "007", "1.0", "1e2", ".5", "5.", "nan", "NaN", "inf", "-Infinity", "1e400",
    "1e-400", "0x1F", "0X1f", "-0x1", "1_0", "x", "1 2", "1,5", "9007199254740992", "9007199254740993",
    "9223372036854775808", "0.1234567890123456789", "true", "1e5x", "nan(1)", "\t3", "１",
)  # fmt: skip
ODD_TIMES = (
    "", " ", "2180-07-23 10:11:12", " 2180-07-23 10:11:12 ", "2180-07-23", "2180-07-23T10:11:12", "2180-07-23 10:11",
    "2180-07-23 10", "2180-07-23 10:11:12.5", "2180-07-23 10:11:12.123456", "2180-07-23 10:11:12.1234567",
    "2180-07-23 10:11:12Z", "2180-07-23 10:11:12+01:00", "2180-02-30", "2180-07-23 24:00:00", "2180-07-23 10:11:60",
    "23/07/2180", "2180-7-3", "21800723", "2180-07-23 101112", "0001-01-01", "9999-12-31 23:59:59", "x",
    "2180-07-23  10:11:12", "0000-01-01", "0000-01-01 00:00:00", "0000-02-29T10:00", "-001-01-01 00:00:00",
)  # fmt: skip
PLAIN = ("7", "7.5", "2180-07-23 10:11:12", "some words")


def row_of(number: str, whole: str, time: str) -> tuple[str, str, str, str]:
    return whole, number, time, "said"


ROWS = st.lists(st.builds(row_of, *map(st.sampled_from, (ODD_NUMBERS, ODD_NUMBERS, ODD_TIMES))), min_size=1, max_size=4)


def read(path: Path, rows: list[tuple[str, str, str, str]], parsed: bool) -> pl.DataFrame:
    """The rows, each in a block with two plain ones, typed; what is no number is null, however it was written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TABLE.columns)
    for row in rows:
        writer.writerows([PLAIN, row, PLAIN])
    path.write_text(text.getvalue())
    made = pl.concat(typed(block.frame, TABLE) for block in read_blocks(path, TABLE, parsed=parsed))
    return made.with_columns(pl.col("number").fill_nan(None))


@settings(max_examples=50, deadline=None)
@given(ROWS)
@example([(text, "1", PLAIN[2], "") for text in ODD_NUMBERS])
@example([("1", text, PLAIN[2], "") for text in ODD_NUMBERS])
@example([("1", "1", text, "") for text in ODD_TIMES])
def test_a_text_is_the_same_value_whatever_stands_beside_it(tmp_path_factory, rows):
    """A block of three is parsed at once where its odd row allows it; the same rows as text say what each is."""
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    alone = [read(path, [row], parsed=True) for row in rows]
    assert_frame_equal(pl.concat(alone), read(path, rows, parsed=False))


def test_plain_blocks_are_parsed_at_once_and_odd_ones_come_as_text(tmp_path: Path):
    (tmp_path / "t.csv").write_text("whole,number,time,words\n7,7.5,2180-07-23 10:11:12,\n,,,a\n")
    (block,) = read_blocks(tmp_path / "t.csv", TABLE, parsed=True)
    assert [str(kind) for kind in block.frame.dtypes] == [
        "Int64", "Float64", "Datetime(time_unit='us', time_zone=None)", "String",
    ]  # fmt: skip
    (tmp_path / "t.csv").write_text("whole,number,time,words\n7,7.5,2180-07-23 10:11:12,\nx,,,a\n")
    (block,) = read_blocks(tmp_path / "t.csv", TABLE, parsed=True)
    assert set(block.frame.dtypes) == {pl.String}


def test_control_hexadecimal_numbers_are_seen_where_nobody_looks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = [("0x1F", "1", PLAIN[2], "")]
    monkeypatch.setattr(csv_rows, "may_be_hexadecimal", lambda text: False)
    assert not read(tmp_path / "t.csv", rows, parsed=True).equals(read(tmp_path / "t.csv", rows, parsed=False))


@pytest.mark.parametrize(("text", "may"), [(b"0x1", True), (b"a 0X", True), (b"xylophone 0", False), (b"10\n", False)])
def test_hexadecimal_numbers(text: bytes, may: bool):
    assert may_be_hexadecimal(text) is may


def ends_one_by_one(text: str) -> tuple[int, bool]:
    """The end of the last row, by looking at each character, and whether the text ends in quotes."""
    inside, end = False, 0
    for place, letter in enumerate(text):
        inside ^= letter == '"'
        if not inside and (letter == "\n" or (letter == "\r" and place < len(text) - 1)):
            end = place + 1
    return end, inside


@given(st.text(alphabet='a,"\n\r', max_size=30))
def test_rows_end_where_no_quotes_are_open(text: str):
    end, inside = ends_one_by_one(text)
    assert rows_end(text.encode(), inside) == end


def test_control_an_end_in_quotes_is_no_end():
    assert rows_end(b'1,"a\nb', inside=True) == 0
    assert rows_end(b'1,"a\nb', inside=False) == 5
