"""The bytes of a raw csv or csv.gz file, checked while they pass, to the last one.

A parser alone is too kind: it takes a file that was cut inside a quoted field, or one stray quote that swallows the
lines up to the next, and gives fewer rows without a word. Here such a file is a `BrokenFileError`. What is checked: the
checksum and length of every gzip member, a bound on what it unpacks to, UTF-8 without a NUL, quotes that open and close
whole fields (RFC 4180), and a last line end. Nothing can show a cut exactly between two gzip members, or between two
lines of a plain csv, but `SHA256SUMS.txt` beside the file.
"""

import codecs
import io
from pathlib import Path
from typing import Final

import numpy as np

from wardround.errors import BrokenFileError
from wardround.sources.gunzip import open_gzip
from wardround.sources.gzip_size import text_bytes

MAX_RATIO: Final = 400
"""Real tables compress 5- to 30-fold; deflate's own limit is 1032."""
RATIO_FLOOR_BYTES: Final = 64 * 2**20
"""What a file of any size may unpack to."""

_BOM: Final = b"\xef\xbb\xbf"
_QUOTE: Final = ord('"')
_BETWEEN_FIELDS: Final = np.frombuffer(b',\r\n"', np.uint8)
"""What may stand before an opening or after a closing quote; two quotes in a row are one inside the field."""


class Quotes:
    """Whether the quotes of a text open and close whole fields, in pieces of any size."""

    def __init__(self) -> None:
        self.inside = False
        self._before = ord("\n")
        self._closed_at_end = False

    def fit(self, text: bytes) -> bool:
        """Look at the next piece; False where a quote stands inside a bare field or text follows a closing quote."""
        if not text:
            return True
        follows = not self._closed_at_end or text[0] in _BETWEEN_FIELDS
        pairs_fit = b'"' not in text or self._pairs_fit(np.frombuffer(text, np.uint8))
        self._before = text[-1]
        self._closed_at_end = text[-1] == _QUOTE and not self.inside
        return follows and pairs_fit

    def _pairs_fit(self, text: np.ndarray) -> bool:
        """Quotes open and close in turn: each opening one needs the right byte before it, each closing one after it."""
        places = np.flatnonzero(text == _QUOTE)
        opening = (np.arange(places.size) % 2 == 0) != self.inside
        self.inside ^= bool(places.size % 2)
        before = np.where(places > 0, text[places - 1], self._before)
        has_next = places + 1 < text.size
        after = text[np.where(has_next, places + 1, 0)]
        opens_well = np.isin(before[opening], _BETWEEN_FIELDS).all()
        closes_well = np.isin(after[~opening & has_next], _BETWEEN_FIELDS).all()
        return bool(opens_well and closes_well)


class CheckedStream(io.RawIOBase):
    """A raw file as unpacked bytes without a byte order mark; whoever reads to the end then calls `check_end`.

    Raises:
        BrokenFileError: from `read` and `check_end`, naming the file.
        OSError: from `read`, where the disk refuses, or the file is no gzip.
        gunzip.UNPACKABLE: from `read`, where the file cannot be unpacked.
    """

    def __init__(self, path: Path) -> None:
        """Open the file. Raises OSError."""
        self.path = path
        packed = path.name.lower().endswith(".gz")
        self._limit = max(RATIO_FLOOR_BYTES, MAX_RATIO * path.stat().st_size) if packed else None
        self._size = path.stat().st_size
        self._file = path.open("rb")
        self._stream = open_gzip(self._file) if packed else self._file
        self._bytes_out = 0
        self._last = b""
        self._quotes = Quotes()
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`; empty at the end."""
        data = self._stream.read(size)
        if self._bytes_out == 0 and data == _BOM:
            self._bytes_out, data = len(data), self._stream.read(size)
        if self._limit is not None and self._bytes_out + len(data) > self._limit:
            raise BrokenFileError(f"{self.path} unpacks to more than {MAX_RATIO} times its size. Get it again.")
        if b"\0" in data:
            raise BrokenFileError(f"{self.path} holds a NUL byte: it is damaged or no UTF-8 csv. Get it again.")
        if self._bytes_out == 0:
            self._bytes_out, data = len(data), data.removeprefix(_BOM)
        else:
            self._bytes_out += len(data)
        self._check_utf8(data)
        if not self._quotes.fit(data):
            raise BrokenFileError(
                f"{self.path} has a quote inside a bare field or text after a closing quote, "
                f"before byte {self._bytes_out:,} of its text: it is damaged or no csv. Get it again."
            )
        self._last = data[-1:] or self._last
        return data

    def _check_utf8(self, data: bytes) -> None:
        """The parser looks at the columns that are read alone, and drops lines of other bytes and a wrong length."""
        try:
            if not data or not data.isascii() or self._decoder.getstate()[0]:
                self._decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            where = f"before byte {self._bytes_out:,} of its text"
            raise BrokenFileError(f"{self.path} is not UTF-8, {where}: save it as UTF-8, or get it again.") from None

    @property
    def ends_inside_quotes(self) -> bool:
        """Whether what was read so far ends inside a quoted field."""
        return self._quotes.inside

    @property
    def share(self) -> float:
        """How much of the text was read, about. Raises OSError."""
        taken = self._file.tell() / max(self._size, 1)
        if self._limit is None or not 0 < taken < 1 or not self._bytes_out:
            return taken
        return min(self._bytes_out / text_bytes(self._file, self._size, self._bytes_out / taken), 1.0)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._file.close()
        super().close()

    def check_end(self) -> None:
        """Refuse a text that stops inside a quoted field or without a line end: it was cut."""
        if self._quotes.inside:
            raise BrokenFileError(f"{self.path} ends inside a quoted field: it was cut or damaged. Get it again.")
        if self._last not in (b"\n", b"\r"):
            raise BrokenFileError(f"{self.path} does not end with a line end: it was cut. Get it again.")
