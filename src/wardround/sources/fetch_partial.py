"""A download under way: the bytes so far in a hidden file, and beside it a note of what they are the beginning of.

The note holds the published SHA-256, the size, and what lets a server say whether its file is still the same: a
strong ETag, else Last-Modified (RFC 9110, 13.1.5). Bytes without a note that fits are of no use.
"""

import contextlib
import os
import re
from collections.abc import Callable, Iterable
from email.message import Message
from pathlib import Path
from typing import Final

from wardround import files
from wardround.errors import FetchError
from wardround.json_kinds import JsonObject, is_object

_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,15})-[0-9]{1,15}/([0-9]{1,15})")
_VALIDATOR: Final = re.compile(r"[\x20-\x7e]{1,200}")

Report = Callable[[int, int | None], None]
"""Called with the bytes so far and, where it is known, the size."""


class Partial:
    """The file that will be `final` once its SHA-256 is `digest`."""

    def __init__(self, final: Path, digest: str) -> None:
        self.final = final
        self.digest = digest
        self.path = final.with_name(f".{final.name}.partial")
        self.note_path = final.with_name(f".{final.name}.partial.json")

    def size_bytes(self) -> int:
        """The bytes so far."""
        return self.path.stat().st_size if self.path.is_file() and not self.path.is_symlink() else 0

    def _note(self) -> JsonObject:
        """What was noted when it began; empty where it has not, or the published file has changed since."""
        note = None
        if self.size_bytes() and self.note_path.is_file():
            with contextlib.suppress(FetchError):  # an unreadable note is none
                note = files.read_json(self.note_path, FetchError)
        return note if is_object(note) and note.get("sha256") == self.digest else {}

    def asked(self) -> dict[str, str]:
        """The request headers that ask for the rest; none where it has to come from the start."""
        note = self._note()
        headers = {"Range": f"bytes={self.size_bytes()}-"} if note else {}
        if note and isinstance(note.get("validator"), str) and _VALIDATOR.fullmatch(note["validator"]):
            headers["If-Range"] = note["validator"]
        return headers

    def goes_on(self, headers: Message) -> int | None:
        """The whole size, where a partial answer (206) with these headers is the rest of this file; else None."""
        note, match = self._note(), _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        if not note or match is None or int(match[1]) != self.size_bytes():
            return None
        return int(match[2]) if note.get("size_bytes") in (None, int(match[2])) else None

    def begin(self, headers: Message, total_bytes: int | None) -> None:
        """Start anew with the whole answer (200) that has these headers. Raises `StorageError`."""
        self.drop()
        etag = headers.get("ETag", "")
        validator = etag if etag.startswith('"') else headers.get("Last-Modified")
        files.write_json(self.note_path, {"sha256": self.digest, "validator": validator, "size_bytes": total_bytes})

    def append(self, blocks: Iterable[bytes], report: Report, total_bytes: int | None) -> int:
        """Append what comes, never through a link; the bytes then. Raises `StorageError`, and what `blocks` raises."""
        done_bytes = self.size_bytes()
        with files.storage_errors(self.path, "writing"), open(self.path, "ab", opener=_no_follow) as stream:
            for block in blocks:
                stream.write(block)
                done_bytes += len(block)
                report(done_bytes, total_bytes)
            stream.flush()
            os.fsync(stream.fileno())
        return done_bytes

    def drop(self) -> None:
        """Forget the bytes so far. Raises `StorageError`."""
        with files.storage_errors(self.path, "removing"):
            self.path.unlink(missing_ok=True)
            self.note_path.unlink(missing_ok=True)

    def finish(self) -> bool:
        """Give the file its name if it is the published one, else forget it; whether it was. Raises `StorageError`."""
        if files.sha256(self.path) != self.digest:
            self.drop()
            return False
        with files.storage_errors(self.final, "writing"):
            os.replace(self.path, self.final)
            self.note_path.unlink(missing_ok=True)
        return True


def _no_follow(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o644)
