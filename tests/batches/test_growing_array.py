"""An array that grows on disk: it holds what was added, and leaves no file behind."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from wardround.batches.growing_array import GrowingArray
from wardround.errors import StorageError


def test_it_holds_what_was_added_in_its_order(tmp_path: Path):
    with GrowingArray(tmp_path, np.float32, 2) as rows, GrowingArray(tmp_path, np.int32) as numbers:
        for part in ([[0.5, 1]], [], [[2, 3], [4, 5]]):
            rows.add(np.asarray(part, np.float64).reshape(-1, 2))
            numbers.add(np.arange(len(part)))
        assert (rows.length, numbers.length) == (3, 3)
        made = rows.finish(), numbers.finish()
    assert (made[0].dtype, made[0].tolist()) == (np.float32, [[0.5, 1], [2, 3], [4, 5]])
    assert (made[1].dtype, made[1].tolist()) == (np.int32, [0, 0, 1])


def test_columns_that_lie_apart_are_rows_on_disk(tmp_path: Path):
    turned = np.arange(6, dtype=np.float32).reshape(3, 2).T
    with GrowingArray(tmp_path, np.float32, 3) as rows:
        rows.add(turned)
        assert rows.finish().tolist() == turned.tolist()


@pytest.mark.parametrize("width", [None, 0, 3])
def test_nothing_is_an_array_too(tmp_path: Path, width: int | None):
    with GrowingArray(tmp_path, np.float32, width) as rows:
        assert rows.finish().shape == ((0,) if width is None else (0, width))


def test_rows_without_numbers_are_counted(tmp_path: Path):
    with GrowingArray(tmp_path, np.float32, 0) as rows:
        rows.add(np.empty((4, 0), np.float32))
        assert rows.finish().shape == (4, 0)


def test_its_file_has_no_name(tmp_path: Path):
    with GrowingArray(tmp_path, np.float32, 8) as rows:
        rows.add(np.ones((100_000, 8)))
        assert list(tmp_path.iterdir()) == []
        made = rows.finish()
    assert list(tmp_path.iterdir()) == []
    assert made.sum() == 800_000, "mapped, though the file is closed and has no name"


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from wardround.batches.growing_array import GrowingArray
rows = GrowingArray(Path(sys.argv[1]), np.float32, 8)
rows.add(np.ones((100_000, 8)))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_leaves_nothing_behind(tmp_path: Path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_only_be_read_sends_it_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    real = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir, **rest: (asked.append(dir), real(dir=dir, **rest))[1])
    for writable in (True, False):
        monkeypatch.setattr(os, "access", lambda path, mode, writable=writable: writable)
        with GrowingArray(tmp_path, np.float32) as rows:
            rows.add(np.ones(2))
            assert rows.finish().tolist() == [1, 1]
    assert asked == [tmp_path, None]


def test_a_full_disk_is_named(tmp_path: Path):
    resource = pytest.importorskip("resource")
    of_before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, of_before[1]))
    try:
        with GrowingArray(tmp_path, np.float32) as rows:
            rows.add(np.ones(1 << 17))
            with pytest.raises(
                StorageError, match=rf"writing a temporary file in {tmp_path}: File too large\. Free or"
            ):
                rows.add(np.ones(1 << 18))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, of_before)


def test_a_disk_that_takes_no_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(StorageError, match=rf"making a temporary file in {tmp_path}: No space left"):
        GrowingArray(tmp_path, np.float32)
