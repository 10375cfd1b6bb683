"""The entries of a .tar.gz and of a .zip, every byte counted while it is decompressed.

Only plain files and folders come out; links, devices, pipes, sparse files and encrypted entries are refused. Tar
is parsed here (POSIX.1-1988 ustar, pax `path`, GNU long names), since what the standard library's parser accepts
beyond that would have to be refused again; zip uses `zipfile` for its directory and its CRC, never its `extract`.
"""

import contextlib
import errno
import gzip
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from wardround.errors import BrokenFileError
from wardround.sources.names import Entry, check_name

BLOCK_BYTES: Final = 1 << 20
TAR_BLOCK_BYTES: Final = 512
MAX_TAR_EXTENSION_BYTES: Final = 64 * 1024
"""A pax header or a GNU long name; real ones are under 1 KiB."""
MAX_ZIP_DIRECTORY_BYTES: Final = 32 * 2**20

_PAX_RECORD: Final = re.compile(rb"([1-9][0-9]{0,5}) ([^=\x00]+)=")


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold; the expansion is judged in total, above a floor below which it harms nobody.

    `file_bytes` is for files that are read whole into memory.
    """

    entries: int = 100_000
    total_bytes: int = 8 * 2**30
    ratio: int = 100
    ratio_floor_bytes: int = 2**20
    file_bytes: int = 16 * 2**20

    def expansion(self, archive_bytes: int) -> int:
        """The bytes that an archive of `archive_bytes` may expand to."""
        return min(self.total_bytes, max(self.ratio_floor_bytes, self.ratio * archive_bytes))


class Budget:
    """Counts what comes out of an archive, whatever it declares."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self.archive = archive
        self.left_bytes = self.allowed_bytes = limits.expansion(archive.stat().st_size)

    def spend(self, count_bytes: int) -> None:
        """Take `count_bytes` off. Raises `BrokenFileError` where the archive expands too far."""
        self.left_bytes -= count_bytes
        if self.left_bytes < 0:
            raise self.broken(f"expands to more than {self.allowed_bytes:,} bytes, too much for its size")

    def broken(self, what: str) -> BrokenFileError:
        """The error for a breach."""
        return BrokenFileError(f"{self.archive} {what}. Nothing of it is kept; get it again from its publisher.")


@contextlib.contextmanager
def _decoding(budget: Budget) -> Generator[None]:
    """Turn what gzip and zipfile raise on a malformed file into a `BrokenFileError`; the disk's own errors pass."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise budget.broken(f"cannot be read to its end ({type(error).__name__})") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # zipfile seeks to where a directory says, before the file's start too
            raise
        raise budget.broken("cannot be read to its end (an offset outside the file)") from error


class _Tar:
    """The decompressed bytes of a .tar.gz, metered."""

    def __init__(self, stream: BinaryIO, budget: Budget) -> None:
        self._plain = gzip.GzipFile(fileobj=stream)
        self.budget = budget

    def read(self, count_bytes: int) -> bytes:
        """Up to `count_bytes`, fewer only at the end. Raises `BrokenFileError`."""
        with _decoding(self.budget):
            data = self._plain.read(min(count_bytes, self.budget.left_bytes + 1))
        self.budget.spend(len(data))
        return data

    def content(self, size_bytes: int) -> Iterator[bytes]:
        """The content of an entry in blocks, and the padding after it read and dropped. Raises `BrokenFileError`."""
        left = size_bytes
        while left:
            block = self.read(min(BLOCK_BYTES, left))
            if not block:
                raise self.budget.broken("is cut in the middle of an entry")
            left -= len(block)
            yield block
        padding = -size_bytes % TAR_BLOCK_BYTES
        if len(self.read(padding)) < padding:
            raise self.budget.broken("is cut in the middle of an entry")

    def whole(self, size_bytes: int) -> bytes:
        """The content of a small entry. Raises `BrokenFileError`."""
        if size_bytes > MAX_TAR_EXTENSION_BYTES:
            raise self.budget.broken("holds an oversized tar header")
        return b"".join(self.content(size_bytes))


def tar_entries(stream: BinaryIO, budget: Budget) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """The files and folders of a .tar.gz, to its last byte; an entry's content has to be read before the next entry.

    Raises:
        BrokenFileError: where it is cut, malformed, holds anything but files and folders, or expands too far.
    """
    tar = _Tar(stream, budget)
    long_name: bytes | None = None
    while any(header := tar.read(TAR_BLOCK_BYTES)):
        name, kind, size_bytes = _tar_header(header, budget)
        if kind == b"L":
            long_name = tar.whole(size_bytes).removesuffix(b"\0")
        elif kind in (b"x", b"g"):
            found = _pax_path(tar.whole(size_bytes), budget)
            if found is not None and kind == b"g":
                raise budget.broken("names a file in a global tar header")
            long_name = found if found is not None else long_name
        else:
            entry = _tar_entry(long_name if long_name is not None else name, kind, size_bytes, budget)
            long_name = None
            content = tar.content(size_bytes)
            if entry is not None:
                yield entry, content
            for _ in content:
                pass
    if len(header) < TAR_BLOCK_BYTES or long_name is not None:
        raise budget.broken("ends before its end mark")
    while rest := tar.read(BLOCK_BYTES):
        if any(rest):
            raise budget.broken("holds data after its end mark")


def _tar_header(header: bytes, budget: Budget) -> tuple[bytes, bytes, int]:
    """Name, kind and size of a header. Raises `BrokenFileError` where it is not ustar or its checksum does not fit."""
    if len(header) < TAR_BLOCK_BYTES or header[257:262] != b"ustar":
        raise budget.broken("is not a tar archive (ustar) inside, or is cut")
    stated = _octal(header[148:156], budget)
    if stated != sum(header) - sum(header[148:156]) + 8 * ord(" "):
        raise budget.broken("holds a tar header whose checksum does not fit")
    name, _, hidden = header[:100].partition(b"\0")
    prefix, _, hidden_prefix = header[345:500].partition(b"\0") if header[257:263] == b"ustar\0" else (b"", b"", b"")
    if any(hidden) or any(hidden_prefix):
        raise budget.broken("holds a name with a NUL inside")
    return (prefix + b"/" + name if prefix else name), header[156:157], _octal(header[124:136], budget)


def _octal(field: bytes, budget: Budget) -> int:
    """A tar number. The base-256 form, for files above 8 GiB, is refused with the rest."""
    digits = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]{1,12}", digits):
        raise budget.broken("holds a tar header whose numbers cannot be read")
    return int(digits, 8)


def _pax_path(records: bytes, budget: Budget) -> bytes | None:
    """The `path` of a pax header (POSIX.1-2001), if it has one; a size or a sparse map of its own is refused."""
    path = None
    while records:
        match = _PAX_RECORD.match(records)
        length = int(match[1]) if match else 0
        if match is None or not match.end() < length <= len(records) or records[length - 1 : length] != b"\n":
            raise budget.broken("holds a pax header that cannot be read")
        key, value, records = match[2], records[match.end() : length - 1], records[length:]
        if key == b"path":
            path = value
        elif key in (b"size", b"linkpath") or key.startswith(b"GNU.sparse"):
            raise budget.broken("holds a link, a sparse file or a second size")
    return path


def _tar_entry(name: bytes, kind: bytes, size_bytes: int, budget: Budget) -> Entry | None:
    """The entry, or None for the archive's own root. Raises `BrokenFileError` for any kind but file and folder."""
    if kind not in (b"0", b"\0", b"5"):
        raise budget.broken(f"holds an entry that is neither a file nor a folder (tar kind {kind!a})")
    return _entry(name.decode("utf-8", errors="surrogateescape"), kind == b"5", size_bytes, budget)


def _entry(name: str, is_folder: bool, size_bytes: int, budget: Budget) -> Entry | None:
    if is_folder and size_bytes:
        raise budget.broken("holds a folder with content of its own")
    plain = name.removesuffix("/") if is_folder else name
    if is_folder and plain == ".":
        return None
    plain = plain.removeprefix("./")
    check_name(plain, str(budget.archive))
    return Entry(plain, is_folder)


def zip_entries(stream: BinaryIO, budget: Budget) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """The files and folders of a .zip, each with its content in blocks.

    Raises:
        BrokenFileError: where it is cut, malformed, holds anything but files and folders, or expands too far.
    """
    count = _check_zip_end(stream, budget)
    with _decoding(budget):
        archive = zipfile.ZipFile(stream)
    if len(archive.infolist()) != count:
        raise budget.broken("lists another number of entries than it declares")
    if sum(info.file_size for info in archive.infolist()) > budget.left_bytes:
        raise budget.broken(f"declares more than {budget.allowed_bytes:,} bytes, too much for its size")
    for info in archive.infolist():
        entry = _zip_entry(info, budget)
        if entry is not None:
            yield entry, _zip_content(archive, info, budget)


def _check_zip_end(stream: BinaryIO, budget: Budget) -> int:
    """Bound the directory before it is parsed: its end record must be the last 22 bytes (no comment, no zip64).

    Returns:
        The number of entries that it declares, which zipfile does not look at.
    """
    size_bytes = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size_bytes - 42))
    tail = stream.read()
    end = tail[-22:]
    if end[:4] != b"PK\5\6" or end[-2:] != b"\0\0" or tail[:-22].startswith(b"PK\6\7"):
        raise budget.broken("is not a plain zip: its end is cut, has a comment, or is zip64")
    if int.from_bytes(end[12:16], "little") > min(MAX_ZIP_DIRECTORY_BYTES, size_bytes):
        raise budget.broken("holds an oversized directory")
    return int.from_bytes(end[10:12], "little")


def _zip_entry(info: zipfile.ZipInfo, budget: Budget) -> Entry | None:
    """The entry. Raises `BrokenFileError` for links and devices, encryption, and methods other than deflate."""
    mode = stat.S_IFMT(info.external_attr >> 16)
    is_folder = info.orig_filename.endswith("/")
    if mode not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG):
        raise budget.broken("holds an entry that is neither a file nor a folder")
    if info.flag_bits & 0x2041 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise budget.broken("holds an entry that is encrypted or compressed in a way other than deflate")
    return _entry(info.orig_filename, is_folder, info.file_size, budget)


def _zip_content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Iterator[bytes]:
    """The content in blocks; zipfile compares its CRC at the end, we its size. Raises `BrokenFileError`."""
    count_bytes = 0
    with _decoding(budget), archive.open(info) as stream:
        while block := stream.read(BLOCK_BYTES):
            budget.spend(len(block))
            count_bytes += len(block)
            yield block
    if count_bytes != info.file_size:
        raise budget.broken("holds an entry that is shorter or longer than declared")
