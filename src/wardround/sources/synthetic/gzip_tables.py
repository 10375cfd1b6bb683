"""Raw tables as csv.gz, in bounded memory.

Rows come in chunks; each chunk becomes one gzip member (a gzip file may be a concatenation of members, and every
reader reads it as one file), with the header line in the first member only and no time stamp. Members wait in an
unnamed temporary file and go to their place whole, through `wardround.files.write_bytes`, when the table is complete.
"""

import mmap
import tempfile
from pathlib import Path

import polars as pl
from isal import igzip

from wardround.files import storage_errors, write_bytes

GZIP_LEVEL = 2


class GzipTable:
    """One raw table on its way to disk."""

    def __init__(self, path: Path) -> None:
        """Begin the table that will lie at `path`, whose folder exists. Raises `StorageError`."""
        self.path = path
        self.rows = 0
        self._begun = False
        with storage_errors(path, "writing"):
            self._members = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed by `finish`

    def add(self, rows: pl.DataFrame) -> None:
        """Append a chunk of rows; nulls become empty fields. Raises `StorageError`."""
        text = rows.write_csv(include_header=not self._begun)
        with storage_errors(self.path, "writing"):
            self._members.write(igzip.compress(text.encode(), GZIP_LEVEL, mtime=0))
        self._begun = True
        self.rows += rows.height

    def finish(self) -> None:
        """Put the table in its place, whole. Raises `StorageError`."""
        with storage_errors(self.path, "writing"), self._members as members:
            members.flush()
            write_bytes(self.path, memoryview(mmap.mmap(members.fileno(), 0, access=mmap.ACCESS_READ)))
