"""Raw csv and csv.gz tables, read in bounded memory, to the last row or not at all.

The bytes are checked by `csv_stream.py`, the columns against what the source declares; a line with the wrong number of
fields is handed back for the ledger. A file that was cut, tampered with or is not what its name says is a
`BrokenFileError`, never fewer rows. No message holds anything from a row: what a parser says about a value is dropped.
"""

import contextlib
import errno
import re
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa

from wardround import files
from wardround.errors import BrokenFileError, SourceError, StorageError
from wardround.sources.csv_rows import RowParser, rows_end
from wardround.sources.csv_stream import CheckedStream
from wardround.sources.gunzip import UNPACKABLE
from wardround.sources.raw_table import Kind, RawTable

BLOCK_BYTES: Final = 16 * 2**20
"""Unpacked bytes a block."""
ROW_BYTES: Final = 4 * 2**20
"""The longest row that is surely read."""
HEADER_BYTES: Final = 2**20
HEAD_BYTES: Final = 2**16
PIECE_BYTES: Final = 2**20
SUMS: Final = "SHA256SUMS.txt"

_PARSED: Final = {Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float64(), Kind.TIME: pa.timestamp("us")}

UNREADABLE: Final[tuple[type[Exception], ...]] = (OSError, pa.ArrowException, *UNPACKABLE)

_COLUMN_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def find_table(folder: Path, table: RawTable) -> Path | None:
    """The file of a raw table, whatever its case, `.csv.gz` or `.csv`.

    Returns:
        The path, or None where an optional table is absent.

    Raises:
        SourceError: where a required table is absent, or two files could be meant.
        StorageError: where the folder cannot be listed.
    """
    wanted = {f"{table.name}.csv".lower(), f"{table.name}.csv.gz".lower()}
    with files.storage_errors(folder, "listing"):
        found = sorted(path for path in folder.iterdir() if path.name.lower() in wanted and path.is_file())
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise SourceError(f"{folder} holds {len(found)} files for table {table.name}: {names}. Keep one.")
    if not found and not table.optional:
        raise SourceError(f"{folder} has no {table.name}.csv or {table.name}.csv.gz. Give the folder of raw tables.")
    return found[0] if found else None


def verify_published_sums(folder: Path, digests: Mapping[Path, str]) -> int:
    """Check raw files against the `SHA256SUMS.txt` that PhysioNet ships, where the folder has one.

    A file in a subfolder is listed by its path from there.

    Args:
        folder: where the list may lie.
        digests: file -> the SHA-256 it has.

    Returns:
        How many of the files are in the list.

    Raises:
        BrokenFileError: where a file differs from what was published.
        StorageError: where the list cannot be read.
    """
    sums = folder / SUMS
    if not sums.is_file():
        return 0
    with files.storage_errors(sums, "reading"):
        lines = sums.read_text(errors="replace").splitlines()
    parts = [line.strip().partition(" ") for line in lines]
    published = {name.strip().lstrip("*./").lower(): digest.lower() for digest, _, name in parts}
    listed = {path: _listed_name(path, folder) for path in digests}
    checked = [path for path, name in listed.items() if name in published]
    for path in checked:
        if digests[path] != published[listed[path]]:
            raise BrokenFileError(f"{path} differs from {SUMS} beside it: it was cut or changed. Get it again.")
    return len(checked)


def _listed_name(path: Path, folder: Path) -> str:
    return (path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name).lower()


@dataclass(frozen=True)
class RawRows:
    """A block of a raw table.

    Attributes:
        frame: a column of text for each column that is read, in declared names, empty text as null; or of numbers
            and times, where the reader was asked for them and every text of the block is what it is declared to be.
        first_row: number of the block's first row in the file.
        ragged: lines of this block with the wrong number of fields, which are not in `frame`.
        is_typed: whether the columns have their kinds already, as those of parquet do; they are taken as they are.
        share: how much of the table lies before the block's end, about; None where its reader cannot tell.
        row: number of each row in the file, where they do not follow one another from `first_row`.
        named: adds to rows the columns that are looked up elsewhere, text without blanks around it; None where there
            are none. Whoever takes the block calls it, for the rows that are looked at alone.
    """

    frame: pl.DataFrame
    first_row: int
    ragged: int
    is_typed: bool = False
    share: float | None = None
    row: pl.Series | None = None
    named: Callable[[pl.DataFrame], pl.DataFrame] | None = None


def read_blocks(path: Path, table: RawTable, block_bytes: int | None = None, parsed: bool = False) -> Iterator[RawRows]:
    """Read a raw table block by block; a table without rows gives one empty block.

    Args:
        path: the file.
        table: what the source declares of it.
        block_bytes: unpacked bytes per block, `BLOCK_BYTES` where None; bounds the memory.
        parsed: whether numbers and times come as such from blocks in which all are what they are declared to be, which
            is faster than text that becomes numbers later.

    Raises:
        BrokenFileError: where the file is cut, tampered with, not UTF-8 or not csv.
        SourceError: where a declared column is missing.
        StorageError: where the disk refuses to be read.
    """
    with _opened(path) as stream:
        yield from _blocks(stream, table, block_bytes or BLOCK_BYTES, parsed)


def check_header(path: Path, table: RawTable) -> None:
    """Read no more than the first line, to refuse a table of other columns before any work is done.

    Raises:
        BrokenFileError: where the file has no first line that can be read.
        SourceError: where a declared column is missing or there twice.
        StorageError: where the disk refuses to be read.
    """
    with _opened(path) as stream:
        match_columns(path, _split_header(stream, HEAD_BYTES)[0], table)


@contextlib.contextmanager
def _opened(path: Path) -> Generator[CheckedStream]:
    """Its checked bytes; what goes wrong inside the block is said without the parser's words, they quote rows."""
    stream = None
    try:
        stream = CheckedStream(path)
        yield stream
    except UNREADABLE as error:
        raise _unreadable(path, error) from None
    finally:
        if stream is not None:
            stream.close()


def _unreadable(path: Path, error: Exception) -> SourceError | StorageError:
    if isinstance(error, OSError) and error.errno is not None:
        reason = errno.errorcode.get(error.errno, type(error).__name__)
        return StorageError(f"reading {path}: {reason}. Free or fix the disk, then run the same command again.")
    return BrokenFileError(f"{path} cannot be read to its end ({type(error).__name__}): cut or changed. Get it again.")


def _blocks(stream: CheckedStream, table: RawTable, block_bytes: int, parsed: bool) -> Iterator[RawRows]:
    header, head = _split_header(stream, min(block_bytes, PIECE_BYTES))
    columns = match_columns(stream.path, header, table)
    parser = RowParser(header, columns, _kinds(table) if parsed else {})
    first_row = 0
    for text in _texts(stream, head, block_bytes):
        frame, ragged = parser.parse(text)
        yield RawRows(frame, first_row, ragged, share=stream.share)
        first_row += frame.height + ragged
    if not first_row:
        yield RawRows(pl.DataFrame(schema=dict.fromkeys(columns, pl.String)), 0, 0)


def _kinds(table: RawTable) -> dict[str, pa.DataType]:
    """The columns that are declared to be numbers or times, and what these are parsed as."""
    return {name: _PARSED[kind] for name in table.read if (kind := table.columns[name][0]) in _PARSED}


def _texts(stream: CheckedStream, head: bytes, block_bytes: int) -> Iterator[bytes]:
    """The rows after the header as text, whole rows of some `block_bytes` together."""
    pieces, held = list[bytes](), 0
    piece = head or stream.read(min(block_bytes, PIECE_BYTES))
    while piece:
        end = rows_end(piece, stream.ends_inside_quotes) if held + len(piece) >= block_bytes else 0
        if end:
            yield b"".join((*pieces, piece[:end]))
            pieces, held = [], 0
        pieces.append(piece[end:])
        held += len(piece) - end
        if held > block_bytes + ROW_BYTES:
            raise BrokenFileError(f"{stream.path} has a row larger than {ROW_BYTES >> 20} MiB: damaged or no csv.")
        piece = stream.read(min(block_bytes, PIECE_BYTES))
    stream.check_end()
    if held:
        yield b"".join(pieces)


def _split_header(stream: CheckedStream, piece_bytes: int) -> tuple[list[str], bytes]:
    """Read the header line by itself, so that its names can be matched before the rows are parsed; what was read past
    it comes with it."""
    head = b""
    while b"\n" not in head:
        piece = stream.read(piece_bytes)
        if not piece:
            break
        head += piece
        if len(head) > HEADER_BYTES:
            raise BrokenFileError(f"{stream.path} has no line end in its first MiB: not a csv table.")
    line, _, rest = head.partition(b"\n")
    if not line.strip():
        raise BrokenFileError(f"{stream.path} has no header line: it is empty or was cut. Get it again.")
    text = line.decode(errors="replace").strip("\r")
    if text.count('"') % 2 or "\r" in text:
        raise BrokenFileError(f"{stream.path} has a line end inside a column's name: it is damaged. Get it again.")
    header = [name.strip().strip('"') for name in text.split(",")]
    return header, rest


def match_columns(path: Path, header: list[str], table: RawTable) -> dict[str, str]:
    """Declared column -> the file's own spelling; case does not matter, order and added columns neither. A column that
    is not there may be under the name that it had in earlier versions.

    Raises:
        SourceError: naming the file and each declared column that it lacks, or that is there twice.
    """
    spelling: dict[str, list[str]] = {}
    for name in header:
        spelling.setdefault(name.lower(), []).append(name)
    wanted = {name: _name_in(spelling.keys(), name, table) for name in table.read}
    missing = [name for name, there in wanted.items() if there not in spelling]
    if missing:
        hint = _hint(spelling.keys(), table)
        raise SourceError(f"{path} lacks column {', '.join(missing)} of table {table.name}.{hint}")
    for name, there in wanted.items():
        if len(spelling[there]) > 1:
            raise SourceError(f"{path} has column {name} of table {table.name} twice. Keep one.")
    return {name: spelling[there][0] for name, there in wanted.items()}


def _name_in(header: Collection[str], name: str, table: RawTable) -> str:
    """The name, in lower case, under which a declared column should stand in a header."""
    former = table.former.get(name, name).lower()
    return former if name.lower() not in header and former in header else name.lower()


def _hint(header: Collection[str], table: RawTable) -> str:
    """What may have happened to a column. Names are shown only where the line surely is a header, no patient's row."""
    found = sum(name.lower() in header for name in table.read)
    if 2 * found < len(table.read):
        return f" Its first line names {found} of {len(table.read)} columns: is it the header?"
    declared = {name.lower() for name in table.columns}
    extra = sorted(name for name in header if name not in declared and _COLUMN_NAME.fullmatch(name))
    return f" It has {', '.join(extra[:5])}, which is not declared: renamed?" if extra else ""
