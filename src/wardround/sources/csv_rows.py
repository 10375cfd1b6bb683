"""Rows of csv text to columns: where whole rows end, and the parser of them.

The text was checked (`csv_stream.py`): its quotes open and close whole fields. Numbers and times are parsed where they
are plainly written, in one step for a whole block. A block in which a single one is not comes as text, all of it, and
`conversion.py` says which value it is; either way a text becomes the same value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv

_ZERO: Final = ord("0")
_X: Final = ord("x")
_LOWER: Final = 0x20


def may_be_hexadecimal(text: bytes) -> bool:
    """Whether 0x stands somewhere: the parser takes it for the begin of a number, nobody else does."""
    if b"x" not in text and b"X" not in text:
        return False
    letters = np.frombuffer(text, np.uint8)
    before = np.flatnonzero((letters[1:] | _LOWER) == _X)
    return bool((letters[before] == _ZERO).any())


def rows_end(text: bytes, inside: bool) -> int:
    """Where the last row of a text ends: after the last line end that stands in no quotes; 0 where there is none.

    A carriage return at the very end is none yet: a line feed may follow, which belongs to it.

    Args:
        text: a piece of a csv file.
        inside: whether it ends inside a quoted field.
    """
    end = len(text)
    while end:
        quote = text.rfind(b'"', 0, end)
        if not inside:
            returned = text.rfind(b"\r", quote + 1, min(end, len(text) - 1))
            place = max(text.rfind(b"\n", quote + 1, end), returned)
            if place >= 0:
                return place + 1
        end, inside = max(quote, 0), not inside
    return 0


@dataclass(frozen=True)
class RowParser:
    """Whole rows as a table.

    Attributes:
        header: the columns of the file.
        columns: those that are wanted, in declared names -> as the file has them.
        kinds: declared names of those that are not to be text -> what they are parsed as.
    """

    header: Sequence[str]
    columns: Mapping[str, str]
    kinds: Mapping[str, pa.DataType]

    def parse(self, text: bytes) -> tuple[pl.DataFrame, int]:
        """The rows, and how many lines have the wrong number of fields, which are not among them.

        Raises:
            pa.ArrowInvalid: where it is no csv.
        """
        if self.kinds and not may_be_hexadecimal(text):
            try:
                return self._parsed(text, self.kinds)
            except pa.ArrowInvalid:
                pass
        return self._parsed(text, {})

    def _parsed(self, text: bytes, kinds: Mapping[str, pa.DataType]) -> tuple[pl.DataFrame, int]:
        ragged = 0

        def count_ragged(_: pacsv.InvalidRow) -> str:
            nonlocal ragged
            ragged += 1
            return "skip"

        parsed = pacsv.read_csv(
            pa.BufferReader(text),
            read_options=pacsv.ReadOptions(block_size=len(text) + 1, column_names=list(self.header), use_threads=False),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=count_ragged),
            convert_options=pacsv.ConvertOptions(
                include_columns=list(self.columns.values()),
                column_types={raw: kinds.get(name, pa.string()) for name, raw in self.columns.items()},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        return pl.DataFrame(pl.from_arrow(parsed.rename_columns(list(self.columns)))), ragged
