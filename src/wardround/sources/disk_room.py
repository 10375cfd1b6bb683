"""Whether a disk holds what `prepare` makes: asked before a long run, not found out at its end.

What is needed is an estimate, so that it refuses only what is surely too little and else warns; a run that meets a full
disk stops by itself and can be gone on with.
"""

import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wardround.errors import StorageError
from wardround.sources.memory_plan import GIB, MIB
from wardround.whole_file import storage_errors

SURELY: Final = 0.7
"""Less than this share of the estimate is too little, whatever the estimate is off by."""
MARGIN: Final = 1.1
"""What is asked of the disk beyond the estimate, to say nothing."""


@dataclass(frozen=True)
class DiskRoom:
    """What a folder that is being made may take.

    Attributes:
        to: the folder.
        free_bytes: of its disk, now.
        made_bytes: that an earlier call left in it, which are gone on with or make room.
    """

    to: Path
    free_bytes: int
    made_bytes: int

    @property
    def total_bytes(self) -> int:
        """Both together."""
        return self.free_bytes + self.made_bytes

    def judge(self, needed_bytes: int) -> str | None:
        """Whether it holds what is needed.

        Args:
            needed_bytes: about, of the whole work.

        Returns:
            What to say of a disk that may be too small; None where it is large enough.

        Raises:
            StorageError: where it surely is too small.
        """
        if self.total_bytes < SURELY * needed_bytes:
            raise StorageError(f"{self._lacking(needed_bytes)} Free the disk, or choose another --to.")
        if self.total_bytes < MARGIN * needed_bytes:
            return f"{self._lacking(needed_bytes)} It may not be enough; a run that stops there can be gone on with."
        return None

    def _lacking(self, needed_bytes: int) -> str:
        made = f", and {size_of(self.made_bytes)} are made already" if self.made_bytes else ""
        return (
            f"{self.to}: some {size_of(needed_bytes)} are needed while data are made, {size_of(self.free_bytes)} are "
            f"free there{made}."
        )


def room_of(to: Path) -> DiskRoom:
    """What a folder may take; it may be absent, or hold what an earlier call left. Raises `StorageError`."""
    with storage_errors(to, "looking at"):
        there = next(path for path in (to.absolute(), *to.absolute().parents) if path.exists())
        disk = shutil.disk_usage(there)
        free_bytes = disk.free if disk.total else sys.maxsize  # a file system that tells no size
        return DiskRoom(to, free_bytes, bytes_of([to]))


def bytes_of(paths: Iterable[Path]) -> int:
    """The sizes of some files together, and of all that lies in some folders. Raises OSError."""
    inside = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    return sum(file.stat().st_size for file in inside if file.is_file())


def size_of(n_bytes: float) -> str:
    """Bytes for a reader."""
    return f"{n_bytes / GIB:,.1f} GiB" if n_bytes >= GIB else f"{n_bytes / MIB:,.1f} MiB"
