"""The processes and files of a cluster that was started for one call: whatever ends it, they go.

Every such process has its log open in the cluster's folder, whatever title it gives itself. Ray's own end leaves some
of them for minutes, where it is interrupted while it starts.
"""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final

LONGEST: Final = 30
"""Characters of the system's folder for temporary files: below it Ray puts sockets, whose paths may have 107."""
END_S: Final = 10.0
QUIET_S: Final = 0.2
"""One that was just being started shows up in that time."""


@contextlib.contextmanager
def own_folder() -> Generator[Path]:
    """A folder for a cluster's files, for as long as the block lasts: at its end the processes that have one of them
    open end, this one apart, and it is removed. Ray opens to everybody what it makes; it lies in a folder that nobody
    else can enter."""
    usual = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="wr-", dir=usual if len(usual) <= LONGEST else "/tmp"))
    inside = folder / "ray"
    inside.mkdir()
    try:
        yield inside
    finally:
        _end(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _end(folder: Path) -> None:
    """End the processes of a folder, and wait until they are gone."""
    now_s = time.monotonic()
    until_s, quiet_s = now_s + END_S, now_s + QUIET_S
    while now_s < min(until_s, quiet_s):
        left = processes_of(folder)
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
        now_s = time.monotonic()
        quiet_s = now_s + QUIET_S if left else quiet_s


def processes_of(folder: Path) -> list[int]:
    """The other processes that have a file in a folder open; none where the system does not tell (no `/proc`)."""
    found: list[int] = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            opened = (_target(link) for link in (place / "fd").iterdir())
            if int(place.name) != os.getpid() and any(name.startswith(f"{folder}/") for name in opened):
                found.append(int(place.name))
    return found


def _target(link: Path) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(link)
    return ""
