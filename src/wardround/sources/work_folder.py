"""The hidden folder in which a folder is made: what of it is finished, and whether it can be trusted.

    TO/.work/plan.json            what is being made, from which inputs, with which versions
    TO/.work/STEP/NAME.json       a finished step: its facts, and the SHA-256 of every file it left

A step counts as finished only while its record and each of its files are what they were, so parts that a crash left
half-written are made again. A folder that holds anything else than such work is somebody's: it is never cleared.
"""

import contextlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wardround import files
from wardround.errors import DataError, RunError
from wardround.json_kinds import is_object
from wardround.whole_file import partial_of

WORK: Final = ".work"
PLAN: Final = "plan.json"


@dataclass(frozen=True)
class WorkFolder:
    """The work under way.

    Attributes:
        to: the folder that is being made.
    """

    to: Path

    @property
    def path(self) -> Path:
        """The hidden folder in it."""
        return self.to / WORK

    def facts(self, step: str, name: str) -> dict[str, Any] | None:
        """The facts of a finished step; None where it is to be done (again).

        Raises:
            StorageError: if the disk refuses.
        """
        done = self.path / step / f"{name}.json"
        if not done.is_file():
            return None
        with contextlib.suppress(DataError):
            record = files.read_json(done)
            if not is_object(record) or record.pop("hash", None) != files.hash_of(record):
                return None
            if all(self._is_whole(file, digest) for file, digest in record["files"].items()):
                return record["facts"]
        return None

    def _is_whole(self, name: str, digest: str) -> bool:
        path = self.to / name
        return path.is_file() and files.sha256(path) == digest

    def finish(self, step: str, name: str, facts: Mapping[str, Any], made: Sequence[Path]) -> None:
        """Write down that a step is finished, with what it found and the files it made. Raises `StorageError`."""
        digests = {str(path.relative_to(self.to)): files.sha256(path) for path in made}
        record = {"facts": dict(facts), "files": digests}
        files.write_json(self.path / step / f"{name}.json", {**record, "hash": files.hash_of(record)})

    def remove(self) -> None:
        """Take the hidden folder away, once the folder is finished. Raises `StorageError`."""
        files.remove(self.path)

    def discard(self) -> None:
        """Take away all that was made, and the folder with it: its inputs are no good. Raises `StorageError`."""
        with files.storage_errors(self.to, "removing"):
            for path in sorted(self.to.iterdir(), key=lambda path: path.name == WORK):
                files.remove(path)
            self.to.rmdir()


def open_work(to: Path, plan: Mapping[str, Any], outputs: Sequence[str]) -> WorkFolder:
    """The work folder in `to`: gone on with where it is of the same plan, else begun anew.

    Args:
        to: the folder that is being made; may be absent.
        plan: what is made, from what.
        outputs: files and folders in `to` that the work writes; those of another plan are removed. Of a folder that
            stands here only with files in it (`truth/stays.parquet`), only these are.

    Raises:
        RunError: where `to` holds anything that is no such work: nothing of a person's is ever removed.
        StorageError: if the disk refuses.
    """
    work = WorkFolder(to)
    found = _own_names(work, outputs)
    if (work.path / PLAN).is_file():
        with contextlib.suppress(DataError):
            if files.read_json(work.path / PLAN) == plan:
                return work
    for path in found:
        files.remove(path)
    files.write_json(work.path / PLAN, dict(plan))
    return work


def refuse_others_files(to: Path, outputs: Sequence[str]) -> None:
    """Raises `RunError` where `open_work` would for what lies in an unfinished folder. Nothing is changed."""
    if not (to / files.MANIFEST).is_file():
        _own_names(WorkFolder(to), outputs)


def _own_names(work: WorkFolder, outputs: Sequence[str]) -> list[Path]:
    """What an earlier call left in the folder, the plan itself apart.

    Raises:
        RunError: where it holds anything else: a folder of ours is empty, or has a plan and what the work writes.
    """
    to = work.to
    if not to.exists():
        return []
    if not to.is_dir():
        raise RunError(f"{to} is a file. Choose another --to.")
    shared = {name.partition("/")[0] for name in outputs if "/" in name}
    with files.storage_errors(to, "listing"):
        found = [each for path in to.iterdir() if path != work.path for each in _opened(path, shared)]
        in_work = list(work.path.iterdir()) if work.path.is_dir() else []
    planned = any(path.name == PLAN for path in in_work)
    written: set[str] = set(outputs) if planned else set()
    beginning = all(partial_of(path.name) == PLAN for path in in_work)
    names = {str(path.with_name(partial_of(path.name) or path.name).relative_to(to)) for path in found}
    if not (names <= written and (planned or beginning)):
        raise RunError(f"{to} holds files that this command did not make. Choose another --to, or empty it yourself.")
    return [*found, *(path for path in in_work if path.name != PLAN)]


def _opened(path: Path, shared: Set[str]) -> list[Path]:
    """What to ask about: of a folder of which only some files are ours, the files in it. Raises OSError."""
    is_shared = path.name in shared and path.is_dir() and not path.is_symlink()
    return list(path.iterdir()) if is_shared else [path]
