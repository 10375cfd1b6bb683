"""A record of the Challenge, one small text file, to rows of text.

    Time,Parameter,Value
    00:00,RecordID,132539
    00:07,HR,73

No field is quoted and none holds a comma. A line with another number of fields is counted, not guessed at.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from wardround.errors import BrokenFileError
from wardround.sources.challenge2012.columns import RECORD
from wardround.sources.csv_reader import RawRows

HEADER: Final = "Time,Parameter,Value"
ADMISSION: Final = "00:00"
_FIELDS: Final = ("Time", "Parameter", "Value")
_STATED: Final = {RECORD: "StatedID", "Age": "Age", "Gender": "Gender"}
"""Parameter -> the column of `RECORDS` that it fills."""


def record_lines(content: bytes, what: str) -> str:
    """The lines of a record file below its header, each with its line end.

    Args:
        content: the file.
        what: names the file in a message, without its id.

    Raises:
        BrokenFileError: where it is cut, not UTF-8, or no record.
    """
    if b"\0" in content:
        raise BrokenFileError(f"{what} holds a NUL byte: it is damaged. Get the set again.")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise BrokenFileError(f"{what} is not UTF-8: it is damaged. Get the set again.") from None
    header, end, lines = text.partition("\n")
    if header.strip() != HEADER:
        raise BrokenFileError(f"{what} does not begin with {HEADER}: it is no record, or was cut. Get the set again.")
    if not end or not text.endswith("\n"):
        raise BrokenFileError(f"{what} does not end with a line end: it was cut. Get the set again.")
    return lines


def observation_rows(ids: Sequence[str], lines: Sequence[str], first_row: int) -> RawRows:
    """The lines of some records as rows of `OBSERVATIONS`.

    Args:
        ids: the records' ids, as their files are named.
        lines: what `record_lines` gave of each.
        first_row: number of the first row.
    """
    counts = [text.count("\n") for text in lines]
    text = pl.Series("line", "".join(lines).split("\n")[:-1], pl.String)
    owner = pl.Series(RECORD, list(ids), pl.String).gather(np.repeat(np.arange(len(ids)), counts))
    frame = pl.DataFrame([owner, text])
    whole = frame.filter(pl.col("line").str.count_matches(",", literal=True) == len(_FIELDS) - 1)
    fields = pl.col("line").str.split_exact(",", len(_FIELDS) - 1).struct.rename_fields(_FIELDS)
    parts = whole.select(RECORD, fields.alias("fields")).unnest("fields")
    return RawRows(parts, first_row, frame.height - parts.height)


def record_rows(ids: Sequence[str], lines: Sequence[str], first_row: int) -> RawRows:
    """The same records as rows of `RECORDS`: what the lines at 00:00 state of each.

    A record that states one thing twice, in different words, has them both in the cell, which then cannot be read.
    """
    stated = observation_rows(ids, lines, 0).frame.filter(
        pl.col("Time").str.strip_chars() == ADMISSION, pl.col("Parameter").str.strip_chars().is_in(list(_STATED))
    )
    names = pl.col("Parameter").str.strip_chars().replace(_STATED)
    cells = stated.group_by(RECORD, names).agg(pl.col("Value").str.strip_chars().unique().sort().str.join(" "))
    frame = pl.DataFrame({RECORD: list(ids)}, schema={RECORD: pl.String})
    for name in _STATED.values():
        cell = cells.filter(pl.col("Parameter") == name).select(RECORD, pl.col("Value").alias(name))
        frame = frame.join(cell, on=RECORD, how="left", maintain_order="left")
    return RawRows(frame, first_row, 0)
