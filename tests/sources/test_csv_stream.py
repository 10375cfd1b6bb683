"""The checked bytes: quotes that open and close whole fields, in pieces of any size."""

import csv
import io
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.errors import BrokenFileError
from wardround.sources.csv_stream import CheckedStream, Quotes

FITTING = ("a,b\n", '"a",b\n', 'a,"b"\r\n', '"say ""so""",b\n', '"two\nlines",b\n', '"",""\n', '""""\n', '","\n', "")
NOT_FITTING = ('a"b,c\n', '"a"b,c\n', 'a,"b"c\n', '"a""b"c\n', ' "a"\n', '"a" ,b\n', '"a\n"b\n')


def fits(text: bytes, *cuts: int) -> tuple[bool, bool]:
    """Whether the quotes fit, and whether the text ends inside a field, read in pieces."""
    quotes = Quotes()
    fit = [quotes.fit(text[start:end]) for start, end in pairwise([0, *sorted(cuts), len(text)])]
    return all(fit), quotes.inside


@pytest.mark.parametrize("text", FITTING)
def test_quotes_around_whole_fields(text: str):
    assert fits(text.encode()) == (True, False)


@pytest.mark.parametrize("text", NOT_FITTING)
def test_quotes_inside_a_field(text: str):
    assert fits(text.encode())[0] is False


@pytest.mark.parametrize("text", ['a,"b\n', '"a""\n', '"\n'])
def test_a_field_that_is_not_closed(text: str):
    assert fits(text.encode()) == (True, True)


@given(st.text(alphabet='ab,"\n', max_size=30), st.lists(st.integers(0, 30), max_size=5))
def test_pieces_do_not_matter(text: str, cuts: list[int]):
    data = text.encode()
    assert fits(data, *(min(cut, len(data)) for cut in cuts)) == fits(data)


@given(st.lists(st.lists(st.text(alphabet='ab,"\n\r ', max_size=6), min_size=1, max_size=4), max_size=5))
def test_whatever_the_csv_module_writes_fits(rows: list[list[str]]):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    assert fits(text.getvalue().encode()) == (True, False)


def read_all(path: Path, size: int) -> bytes:
    stream = CheckedStream(path)
    try:
        data = b"".join(iter(lambda: stream.read(size), b""))
        stream.check_end()
        return data
    finally:
        stream.close()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 16])
def test_text_passes_unchanged_but_for_its_byte_order_mark(tmp_path: Path, size: int):
    text = 'a,b\n"µ",2\n"°","x\ny"\n'.encode()
    (tmp_path / "t.csv").write_bytes(text)
    assert read_all(tmp_path / "t.csv", size) == text
    if size >= 3:
        (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + text)
        assert read_all(tmp_path / "t.csv", size) == text


@pytest.mark.parametrize("size", [1, 2, 5, 1 << 16])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a\n\0\n", "holds a NUL byte"),
        (b"a\n\xff\n", "is not UTF-8, before byte"),
        (b"a\n\xc2", "is not UTF-8"),
        (b'a\nb"c\n', "a quote inside a bare field or text after a closing quote, before byte"),
        (b'a\n"b\n', "ends inside a quoted field"),
        (b"a\nb", "does not end with a line end"),
    ],
)
def test_faults_are_named_in_pieces_of_any_size(tmp_path: Path, size: int, text: bytes, message: str):
    (tmp_path / "t.csv").write_bytes(text)
    with pytest.raises(BrokenFileError, match=rf"t\.csv.*{message}"):
        read_all(tmp_path / "t.csv", size)
