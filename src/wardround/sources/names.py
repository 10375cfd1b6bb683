"""Names from outside that are to become paths: which ones are let through.

Whoever writes an archive or a list of files chooses the names in it. One rule for all of them: a relative path of plain
parts, that means the same on every file system and in a URL, and no two that differ in case only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from wardround.errors import BrokenFileError, WardroundError

MAX_PART_CHARACTERS: Final = 200
"""File systems stop at 255 bytes; our hidden temporary names add a prefix and a suffix."""
MAX_NAME_CHARACTERS: Final = 800
MAX_DEPTH: Final = 32

# PhysioNet's rule (physionet-build, project/validators.py): letters, digits, dash, underscore and dot; no leading or
# trailing dot, no `..`, no Windows device name. Spaces inside and a few harmless marks pass here as well.
_PART: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9 _.,+=~@()-]*[A-Za-z0-9_+=~@()-])?", re.ASCII)
_DEVICE: Final = re.compile(r"(?:con|nul|aux|prn|com[0-9]|lpt[0-9])(?:[. ].*)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """What an archive says of one entry; `name` has no trailing slash."""

    name: str
    is_folder: bool


def check_name(name: str, where: str, error: type[WardroundError] = BrokenFileError) -> None:
    """Refuse a name that could lead out of its folder, hide in it, or mean something else on another system.

    Args:
        name: a relative path with `/` between its parts.
        where: the file that the name was read from, for the message.
        error: the class to raise.

    Raises:
        error: naming the file, the name (escaped, shortened) and the remedy.
    """
    parts = name.split("/")
    fits = len(name) <= MAX_NAME_CHARACTERS and len(parts) <= MAX_DEPTH and ".." not in name
    if not fits or not all(_is_plain(part) for part in parts):
        raise error(
            f"{where}: refused the name {name[:80]!a}. Expected a relative path of letters, digits and ' _.,+=~@()-', "
            f"no part hidden, reserved or over {MAX_PART_CHARACTERS} characters. Get it again from its publisher."
        )


def _is_plain(part: str) -> bool:
    return len(part) <= MAX_PART_CHARACTERS and bool(_PART.fullmatch(part)) and not _DEVICE.fullmatch(part)


def check_names(names: Iterable[Entry], where: str, error: type[WardroundError] = BrokenFileError) -> None:
    """Refuse a listing with an unsafe name, a duplicate, names that differ in case only, or a file used as a folder.

    Raises:
        error: naming the file and the first name that does not fit.
    """
    spelled: dict[str, tuple[str, bool]] = {}
    listed: set[str] = set()
    for entry in names:
        check_name(entry.name, where, error)
        parts = entry.name.split("/")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            found = (path, entry.is_folder or depth < len(parts))
            if spelled.setdefault(path.casefold(), found) != found:
                raise error(f"{where}: {entry.name[:80]!a} clashes with another name. Get it again from its publisher.")
        if entry.name in listed:
            raise error(f"{where}: {entry.name[:80]!a} is in it twice. Get it again from its publisher.")
        listed.add(entry.name)
