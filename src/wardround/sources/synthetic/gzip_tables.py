"""Raw tables as csv.gz, in bounded memory.

Rows come in chunks; each chunk is a gzip member in a file of its own, with no time stamp and with the header line in
the first one only. A table is their concatenation (a gzip file may be one, and every reader reads it as one file).
"""

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import polars as pl

from wardround.files import storage_errors, write_bytes
from wardround.whole_file import whole_file

GZIP_LEVEL: Final = 1
"""Of the standard library, so that the bytes are the same whatever else is installed."""
COPY_BYTES: Final = 8 << 20
"""That are in memory at a time while members are joined."""


def write_member(path: Path, rows: pl.DataFrame, header: bool, quoted: frozenset[str] | None = None) -> None:
    """Write a chunk of rows, whole; nulls become empty fields.

    Args:
        path: the file.
        rows: the rows.
        header: whether the names of the columns are written.
        quoted: columns whose text stands in quotation marks whether it needs them or not; the names of all columns do
            then. None where only what needs them has them.

    Raises:
        StorageError: if the disk refuses.
    """
    if quoted is None:
        text = rows.write_csv(include_header=header)
    else:
        text = _quoted(rows, quoted).write_csv(include_header=header, quote_style="never")
    write_bytes(path, gzip.compress(text.encode(), GZIP_LEVEL, mtime=0))


def _quoted(rows: pl.DataFrame, quoted: frozenset[str]) -> pl.DataFrame:
    """Rows whose texts and names hold their quotation marks."""
    texts = pl.col([name for name in rows.columns if name in quoted]).cast(pl.String)
    rows = rows.with_columns(texts.str.replace_all('"', '""', literal=True).str.replace(r"(?s)^(.*)$", '"${1}"'))
    return rows.rename({name: f'"{name}"' for name in rows.columns})


def join_members(path: Path, members: Iterable[Path]) -> None:
    """Write a table, whole, from the files of its chunks in their order. Raises `StorageError`."""
    with whole_file(path) as table:
        for member in members:
            with storage_errors(member, "reading"), member.open("rb") as stream:
                while block := stream.read(COPY_BYTES):
                    table.write(block)
