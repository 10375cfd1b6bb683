"""The sets of records that a call was given, wherever they lie: folders or archives, and their outcomes.

    RAW/set-a.tar.gz, RAW/set-a.zip or RAW/set-a/*.txt   several sets in one RAW are all read
    RAW/*.txt                                             or RAW is a set itself, as a folder or as an archive
    Outcomes-a.txt                                        beside the set or in it

PhysioNet gives a set in all three forms, and `fetch` extracts the archives: of one set the archive is read, since it
can show that it is whole. Members are read in place. Only files that are named after a record (132539.txt) are records.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wardround import files
from wardround.errors import BrokenFileError, SourceError
from wardround.sources.archive import read_files
from wardround.sources.archive_formats import Limits

ARCHIVES: Final = (".tar.gz", ".tgz", ".zip")
MAX_RECORD_BYTES: Final = 4 * 2**20
"""The largest published one has 20 KiB."""

_SET: Final = re.compile(r"(set-([a-z]))(\.tar\.gz|\.tgz|\.zip)?", re.IGNORECASE)
_RECORD: Final = re.compile(r"([0-9]{1,15})\.txt", re.IGNORECASE)


@dataclass(frozen=True)
class RecordSet:
    """A set of records.

    Attributes:
        name: set-a, or the folder's own name.
        path: the folder or archive.
    """

    name: str
    path: Path

    def records(self) -> Iterator[tuple[str, bytes, str]]:
        """The id in the name of each record file, its content, and what a message calls it (no id).

        Raises:
            BrokenFileError: where the archive breaks a rule or cannot be read to its end, or a file is too large.
            StorageError: if the disk refuses.
        """
        number = 0
        for name, content in self._members():
            match = _RECORD.fullmatch(name.rpartition("/")[2])
            if match is not None:
                number += 1
                yield match[1], content, f"{self.path}: record file {number:,}"

    def _members(self) -> Iterator[tuple[str, bytes]]:
        if not self.path.is_dir():
            yield from read_files(self.path, Limits(file_bytes=MAX_RECORD_BYTES))
            return
        for path in record_paths(self.path):
            with files.storage_errors(self.path, "reading"):
                if path.stat().st_size > MAX_RECORD_BYTES:
                    raise BrokenFileError(f"{self.path} holds a file of more than {MAX_RECORD_BYTES:,} bytes.")
                content = path.read_bytes()
            yield path.name, content

    def sha256(self) -> str:
        """Of the archive; of a folder, of the list of its records and their sums. Raises `StorageError`."""
        if not self.path.is_dir():
            return files.sha256(self.path)
        return files.hash_of({path.name: files.sha256(path) for path in record_paths(self.path)})

    def outcomes(self) -> Path | None:
        """The file of its outcomes, in it or beside it.

        Raises:
            SourceError: where two files could be meant.
            StorageError: if the disk refuses.
        """
        is_set = _SET.fullmatch(self.path.name)
        wanted = rf"outcomes-{is_set[2]}\.txt" if is_set else r"outcomes(-[a-z])?\.txt"
        places = ([self.path] if self.path.is_dir() else []) + ([self.path.parent] if is_set else [])
        for folder in places:
            fits = [path for path in _listed(folder) if re.fullmatch(wanted, path.name, re.IGNORECASE)]
            if len(fits) > 1:
                raise SourceError(f"{folder} holds {len(fits)} files of outcomes for {self.name}. Keep one.")
            if fits:
                return fits[0]
        return None


def record_paths(folder: Path) -> list[Path]:
    """The record files right in a folder, by name. Raises `StorageError`."""
    return [path for path in _listed(folder) if _RECORD.fullmatch(path.name) and path.is_file()]


def _listed(folder: Path) -> list[Path]:
    with files.storage_errors(folder, "listing"):
        return sorted(folder.iterdir())


def find_sets(raws: Sequence[Path]) -> list[RecordSet]:
    """The sets in the folders and archives of a call, by name.

    Raises:
        SourceError: where one of them holds none, or a set is given twice.
        StorageError: if the disk refuses.
    """
    found = [each for raw in raws for each in _sets_in(raw)]
    for name in {each.name for each in found}:
        twice = [str(each.path) for each in found if each.name == name]
        if len(twice) > 1:
            raise SourceError(f"{name} is given {len(twice)} times: {', '.join(twice)}. Give it once.")
    return sorted(found, key=lambda each: each.name)


def _sets_in(raw: Path) -> list[RecordSet]:
    if raw.is_file() and raw.name.lower().endswith(ARCHIVES):
        return [RecordSet(_name(raw), raw)]
    if not raw.is_dir():
        raise SourceError(f"{raw} is not a folder or an archive. Give the folder with set-a, or set-a.tar.gz itself.")
    sets: dict[str, Path] = {}
    for path in sorted(_listed(raw), key=lambda path: (path.is_dir(), _suffix_rank(path), path.name)):
        match = _SET.fullmatch(path.name)
        if match is not None and (match[3] is not None) == path.is_file():
            sets.setdefault(match[1].lower(), path)
    if sets:
        return [RecordSet(name, path) for name, path in sets.items()]
    if not record_paths(raw):
        raise SourceError(f"{raw} holds no set-a/, set-a.tar.gz or set-a.zip, and no record files (NUMBER.txt).")
    return [RecordSet(_name(raw), raw)]


def _suffix_rank(path: Path) -> int:
    return next((rank for rank, suffix in enumerate(ARCHIVES) if path.name.lower().endswith(suffix)), len(ARCHIVES))


def _name(path: Path) -> str:
    """set-a where the file or folder is called that, else its own name."""
    match = _SET.fullmatch(path.name)
    return match[1].lower() if match else path.name
