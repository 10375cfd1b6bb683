"""Raw csv and csv.gz tables, read in bounded memory, to the last row or not at all.

Decompression checks every member's CRC to the end of the file; the parser sees each line; a line with the wrong number of fields
is handed back for the ledger. A file that was cut, tampered with or is not what its name says is a `BrokenFileError`, never
fewer rows.
"""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
from isal import igzip, isal_zlib

from wardround import files
from wardround.errors import BrokenFileError, SourceError
from wardround.sources.raw_table import RawTable

MAX_RATIO: Final = 400
"""Real tables compress 5- to 30-fold; deflate's own limit is 1032."""
RATIO_FLOOR_BYTES: Final = 64 * 2**20
BLOCK_BYTES: Final = 16 * 2**20


def find_table(folder: Path, table: RawTable) -> Path | None:
    """The file of a raw table, whatever its case, `.csv.gz` or `.csv`.

    Returns:
        The path, or None where an optional table is absent.

    Raises:
        SourceError: where a required table is absent, or two files could be meant.
    """
    wanted = {f"{table.name}.csv".lower(), f"{table.name}.csv.gz".lower()}
    found = sorted(path for path in folder.iterdir() if path.name.lower() in wanted)
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise SourceError(f"{folder} holds {len(found)} files for table {table.name}: {names}. Keep one.")
    if not found and not table.optional:
        raise SourceError(f"{folder} has no {table.name}.csv or {table.name}.csv.gz. Give the folder with the raw tables.")
    return found[0] if found else None


def verify_published_sums(folder: Path, paths: list[Path]) -> int:
    """Check raw files against the `SHA256SUMS.txt` that PhysioNet ships, where the folder has one.

    Returns:
        How many of `paths` were checked.

    Raises:
        BrokenFileError: where a file differs from what was published.
    """
    sums = folder / "SHA256SUMS.txt"
    if not sums.is_file():
        return 0
    published = {}
    for line in sums.read_text(errors="replace").splitlines():
        digest, _, name = line.strip().partition(" ")
        published[name.strip().lstrip("*./")] = digest.lower()
    checked = [path for path in paths if path.name in published]
    for path in checked:
        if files.sha256(path) != published[path.name]:
            raise BrokenFileError(f"{path} differs from SHA256SUMS.txt beside it: it was cut or changed. Fetch it again.")
    return len(checked)


class _Guarded(io.RawIOBase):
    """A decompressed stream that stops a decompression bomb and remembers how the text ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.packed = path.name.lower().endswith(".gz")
        self.stream = igzip.open(path, "rb") if self.packed else path.open("rb")
        self.limit = max(RATIO_FLOOR_BYTES, MAX_RATIO * path.stat().st_size)
        self.bytes_out = 0
        self.last = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.stream.read(size)
        self.bytes_out += len(data)
        self.last = data[-1:] or self.last
        if self.packed and self.bytes_out > self.limit:
            raise BrokenFileError(f"{self.path} unpacks to more than {MAX_RATIO} times its size. Fetch it again.")
        return data

    def close(self) -> None:
        self.stream.close()
        super().close()

    def check_end(self) -> None:
        """A plain csv has no checksum: a missing last line end is the one trace of a cut."""
        if not self.packed and self.last not in (b"\n", b"\r"):
            raise BrokenFileError(f"{self.path} does not end with a line end: it was cut. Copy it again.")


@dataclass
class RawRows:
    """A block of a raw table as text.

    Attributes:
        frame: one string column per column that is read, in declared names, empty text as null.
        first_row: number of the block's first row in the file.
        ragged: lines of this block with the wrong number of fields, which are not in `frame`.
    """

    frame: pl.DataFrame
    first_row: int
    ragged: int


def read_blocks(path: Path, table: RawTable, block_bytes: int = BLOCK_BYTES) -> Iterator[RawRows]:
    """Read a raw table block by block.

    Args:
        path: the file.
        table: what the source declares of it.
        block_bytes: unpacked bytes per block; bounds the memory.

    Raises:
        BrokenFileError: where the file is cut, tampered with, not UTF-8 or not csv.
        SourceError: where a declared column is missing.
    """
    broken = (EOFError, OSError, zlib.error, isal_zlib.error, pa.ArrowException)
    guarded = None
    try:
        guarded = _Guarded(path)
        yield from _blocks(guarded, table, block_bytes)
        guarded.check_end()
    except broken as error:
        kind = type(error).__name__
        raise BrokenFileError(f"{path} cannot be read to its end ({kind}): cut, changed, or not UTF-8 csv. Fetch it again.") from error
    finally:
        if guarded is not None:
            guarded.close()


def _blocks(guarded: _Guarded, table: RawTable, block_bytes: int) -> Iterator[RawRows]:
    ragged = [0]

    def count_ragged(_: pacsv.InvalidRow) -> str:
        ragged[0] += 1
        return "skip"

    header, source = _split_header(guarded)
    columns = match_columns(guarded.path, header, table)
    reader = pacsv.open_csv(
        pa.PythonFile(source, mode="r"),
        read_options=pacsv.ReadOptions(block_size=block_bytes, column_names=header, use_threads=False),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=count_ragged),
        convert_options=pacsv.ConvertOptions(
            include_columns=list(columns.values()),
            column_types={name: pa.string() for name in header},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    first_row = 0
    for batch in reader:
        frame = pl.DataFrame(pl.from_arrow(batch)).rename({raw: name for name, raw in columns.items()})
        yield RawRows(frame, first_row, ragged[0])
        first_row += frame.height + ragged[0]
        ragged[0] = 0
    if ragged[0]:
        yield RawRows(pl.DataFrame(schema=dict.fromkeys(columns, pl.String)), first_row, ragged[0])


class _Joined(io.RawIOBase):
    """What was read past the header, then the rest of the stream."""

    def __init__(self, head: bytes, rest: _Guarded) -> None:
        self.head, self.rest = head, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self.head:
            size = len(self.head) if size < 0 else size
            data, self.head = self.head[:size], self.head[size:]
            return data
        return self.rest.read(size)


def _split_header(guarded: _Guarded) -> tuple[list[str], _Joined]:
    """Read the header line by itself, so that its names can be matched before the rows are parsed.

    A final empty block is given to the parser as one line end, since it refuses a table without rows.
    """
    head = b""
    while b"\n" not in head:
        data = guarded.read(1 << 16)
        if not data:
            break
        head += data
        if len(head) > 1 << 20:
            raise BrokenFileError(f"{guarded.path} has no line end in its first MiB: not a csv table.")
    line, _, rest = head.partition(b"\n")
    if not line.strip():
        raise BrokenFileError(f"{guarded.path} has no header line: it is empty or was cut. Fetch it again.")
    text = line.decode("utf-8-sig", errors="replace").strip("\r")
    header = [name.strip().strip('"') for name in text.split(",")]
    rest = rest or guarded.read(1 << 16)
    return header, _Joined(rest or b"\n", guarded)


def match_columns(path: Path, header: list[str], table: RawTable) -> dict[str, str]:
    """Declared column -> the file's own spelling; case does not matter, order and added columns neither.

    Raises:
        SourceError: naming the file and each declared column that it lacks, and columns that are there twice.
    """
    spelling: dict[str, str] = {}
    for name in header:
        if name.lower() in spelling:
            raise SourceError(f"{path} has column {name} twice. Keep one.")
        spelling[name.lower()] = name
    missing = [name for name in table.read if name.lower() not in spelling]
    if missing:
        extra = sorted(set(spelling) - {name.lower() for name in table.columns})
        hint = f" It has {', '.join(extra[:5])}, which is not declared: renamed?" if extra else ""
        raise SourceError(f"{path} lacks column {', '.join(missing)} of table {table.name}.{hint}")
    return {name: spelling[name.lower()] for name in table.read}
