"""What was started for one call goes with it, and nothing else does."""

import subprocess
import tempfile
from pathlib import Path

import pytest

from wardround.engines import own_processes
from wardround.engines.own_processes import own_folder, processes_of

SLEEP = ("sleep", "60")


def test_processes_with_a_file_of_the_folder_open_go_and_others_stay(tmp_path: Path):
    with (tmp_path / "log").open("w") as log, subprocess.Popen(SLEEP, stdout=log) as other:
        with own_folder() as folder:
            (folder / "session").mkdir()
            with (folder / "session" / "log").open("w") as log_there:
                ours = subprocess.Popen(SLEEP, stdout=log_there)
            assert processes_of(folder) == [ours.pid]
        assert ours.wait() == -9
        assert not folder.exists()
        assert other.poll() is None
        other.kill()


def test_a_file_that_this_process_has_open_does_not_end_it():
    with own_folder() as folder, (folder / "log").open("w"):
        assert processes_of(folder) == []


def test_paths_of_sockets_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    far = tmp_path / ("far" * 10)
    far.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(far))
    with own_folder() as folder:
        assert len(str(folder)) < own_processes.LONGEST
