"""Whether the folder in which work is done is the same one wherever it is done.

Whoever hands out work leaves a mark with a number of its own; a worker that does not find it sees another folder, or
none, or comes late with work of a call that is over.
"""

import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wardround import files
from wardround.errors import ClusterError, DataError

NAME: Final = "shared.json"


@dataclass(frozen=True)
class Mark:
    """A mark in a folder.

    Attributes:
        folder: where it is, an absolute path.
        token: what it says.
    """

    folder: Path
    token: str

    def check(self, where: str) -> None:
        """Raises `ClusterError` where the mark is not there, naming the folder and `where` that is."""
        with contextlib.suppress(DataError):
            if files.read_json(self.folder / NAME) == {"token": self.token}:
                return
        raise ClusterError(
            f"{self.folder} is not the same folder on node {where}: with --engine ray every node must see the folder "
            "of --to, under the same path. Put it on a disk that all share, or leave --engine out."
        )


def mark(folder: Path) -> Mark:
    """Leave a mark in a folder, over that of an earlier call. Raises `StorageError`."""
    made = Mark(folder, secrets.token_hex(16))
    files.write_json(folder / NAME, {"token": made.token})
    return made
