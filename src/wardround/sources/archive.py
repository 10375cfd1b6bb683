"""Our own extractor for .tar.gz, .tgz and .zip: an archive is hostile until each of its bytes has been looked at.

The archive is read twice. The first reading writes nothing: it goes through every entry to the last byte, and a
breach of the rules for names (`names`), kinds or sizes (`archive_formats`) refuses the whole archive. The second
writes into a hidden temporary folder under the same rules and renames it into place, so the destination holds
everything or nothing. Where files are read in place (`read_files`), the rules are the same and nothing is written.
"""

import contextlib
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from wardround import files
from wardround.errors import BrokenFileError, UsageError
from wardround.sources.archive_formats import Budget, Limits, tar_entries, zip_entries
from wardround.sources.names import Entry, check_names


def extract(archive: Path, to: Path, limits: Limits | None = None) -> list[str]:
    """Extract `archive` into the new folder `to`: everything, or nothing at all.

    Args:
        archive: a .tar.gz, .tgz or .zip.
        to: a folder that does not exist yet, or is empty.
        limits: what the archive may hold.

    Returns:
        The names of the files written, relative to `to`, sorted.

    Raises:
        UsageError: where the name is of no kind that we extract, or `to` is taken.
        BrokenFileError: where the archive breaks a rule or cannot be read to its end; nothing is written then.
        StorageError: if the disk refuses.
    """
    limits = limits or Limits()
    if to.is_symlink() or (to.exists() and not (to.is_dir() and not any(to.iterdir()))):
        raise UsageError(f"{to} is taken. Give a folder that does not exist yet.")
    if not archive.is_file():
        raise BrokenFileError(f"{archive} is not a file. Give a .tar.gz, .tgz or .zip.")
    hidden = to.with_name(f".{to.name}.extracting")
    with files.storage_errors(archive, "extracting"), archive.open("rb") as stream:
        listing = [entry for entry, content in _walk(stream, archive, limits) if _drained(content)]
        check_names(listing, str(archive))
        files.empty_folder(hidden)
        try:
            _write(_walk(stream, archive, limits), listing, hidden, archive)
            if to.exists():
                to.rmdir()
            os.replace(hidden, to)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    return sorted(entry.name for entry in listing if not entry.is_folder)


def read_files(archive: Path, limits: Limits | None = None) -> Iterator[tuple[str, bytes]]:
    """Each file of `archive`, read where it lies: name and content, in the order of the archive.

    Whoever has not come to the end knows only that what came so far is sound: the clash of two names shows there. No
    message tells a name: a file in it may be called after a patient.

    Args:
        archive: a .tar.gz, .tgz or .zip.
        limits: what the archive may hold; `file_bytes` bounds what is in memory at once.

    Raises:
        UsageError: where the name is of no kind that we read.
        BrokenFileError: where the archive breaks a rule or cannot be read to its end.
        StorageError: if the disk refuses.
    """
    limits = limits or Limits()
    listing: list[Entry] = []
    with files.storage_errors(archive, "reading"), archive.open("rb") as stream:
        entries = _walk(stream, archive, limits)
        while (read := _next_whole(entries, archive, limits)) is not None:
            entry, content = read
            listing.append(entry)
            if not entry.is_folder:
                yield entry.name, content
    with _without_names(archive):
        check_names(listing, str(archive))


def _next_whole(
    entries: Iterator[tuple[Entry, Iterator[bytes]]], archive: Path, limits: Limits
) -> tuple[Entry, bytes] | None:
    """The next entry with its content in memory; None at the end."""
    with _without_names(archive):
        for entry, content in entries:
            whole = bytearray()
            for block in content:
                whole += block
                if len(whole) > limits.file_bytes:
                    raise BrokenFileError(f"{archive} holds a file of more than {limits.file_bytes:,} bytes.")
            return entry, bytes(whole)
    return None


@contextlib.contextmanager
def _without_names(archive: Path) -> Generator[None]:
    """Say that an archive breaks a rule, but not of which entry."""
    try:
        yield
    except BrokenFileError:
        raise BrokenFileError(
            f"{archive} cannot be read to its end or breaks a rule: cut, damaged, expanding too far, or with an entry "
            "that is a link, too large, or named so that it could lead out. Get it again from its publisher."
        ) from None


def _drained(content: Iterator[bytes]) -> bool:
    for _ in content:
        pass
    return True


def _write(walk: Iterator[tuple[Entry, Iterator[bytes]]], listing: list[Entry], folder: Path, archive: Path) -> None:
    """Write the entries, which must be those of the checked listing (the file may have been changed in between)."""
    expected = iter(listing)
    for entry, content in walk:
        if entry != next(expected, None):
            raise BrokenFileError(f"{archive} changed while it was read. Run the same command again.")
        path = folder / entry.name
        if entry.is_folder:
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.writelines(content)
    if next(expected, None) is not None:
        raise BrokenFileError(f"{archive} changed while it was read. Run the same command again.")


def _walk(stream: BinaryIO, archive: Path, limits: Limits) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """Each entry and its content, from the start; the content has to be read before the next entry is asked for."""
    stream.seek(0)
    budget = Budget(archive, limits)
    if archive.name.lower().endswith((".tar.gz", ".tgz")):
        entries = tar_entries(stream, budget)
    elif archive.name.lower().endswith(".zip"):
        entries = zip_entries(stream, budget)
    else:
        raise UsageError(f"{archive} is of no kind that is extracted here. Expected .tar.gz, .tgz or .zip.")
    for number, (entry, content) in enumerate(entries, start=1):
        if number > limits.entries:
            raise budget.broken(f"holds more than {limits.entries:,} entries")
        yield entry, content
