"""One file, whole or not at all, also where two writers meet; what a killed writer left goes, what a live one has
stays."""

import contextlib
import errno
import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from faulty_disk import FaultyDisk, Killed
from wardround import files, whole_file
from wardround.errors import RunError, StorageError

LEFTOVER = ".x.json.1-0123456789abcdef.partial"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def writers_that_meet(path: Path) -> None:
    """Two begin one file before either has finished it; the second one finishes first."""
    with whole_file.whole_file(path) as first:
        first.write(b"first, " * 300_000)
        with whole_file.whole_file(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
        first.write(b"to its end")


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path):
    writers_that_meet(tmp_path / "x.json")
    assert (tmp_path / "x.json").read_bytes() == b"first, " * 300_000 + b"to its end"
    assert names(tmp_path) == ["x.json"]


@pytest.mark.parametrize("fault", ["one name for all", "nothing is locked"])
def test_writers_that_share_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str):
    """Negative controls: the name of all writers that there was before; a live writer's file taken for a leftover."""
    if fault == "one name for all":
        monkeypatch.setattr(whole_file, "_temporary", lambda path: path.with_name(f".{path.name}.partial"))
    else:
        monkeypatch.setattr(whole_file.fcntl, "flock", lambda *_: None)
    with pytest.raises(StorageError):
        writers_that_meet(tmp_path / "x.json")


def test_threads_that_write_one_file_leave_one_of_their_contents(tmp_path: Path):
    contents = [bytes([65 + each]) * 10_000 for each in range(8)]
    errors: list[BaseException] = []

    def work(content: bytes) -> None:
        try:
            for _ in range(20):
                files.write_bytes(tmp_path / "x.json", content)
        except StorageError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (tmp_path / "x.json").read_bytes() in contents
    assert names(tmp_path) == ["x.json"]


def test_a_file_that_was_taken_before_it_was_locked_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sound, taken = whole_file.fcntl.flock, []

    def late(descriptor: int, how: int) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        sound(descriptor, how)

    monkeypatch.setattr(whole_file.fcntl, "flock", late)
    files.write_text(tmp_path / "x.json", "whole")
    assert len(taken) == 1
    assert (tmp_path / "x.json").read_text() == "whole"
    assert names(tmp_path) == ["x.json"]


def test_the_next_writer_takes_a_leftover_away(tmp_path: Path):
    """Of this file alone."""
    for name in (LEFTOVER, LEFTOVER.replace("x", "y"), ".x.json.partial", ".x.json.1-0.partial", "x.json.1.partial"):
        (tmp_path / name).write_text("half")
    (tmp_path / LEFTOVER.replace("1-", "2-")).symlink_to(tmp_path / "theirs")
    files.write_text(tmp_path / "x.json", "whole")
    left = {".x.json.partial", ".x.json.1-0.partial", "x.json.1.partial"}
    assert set(names(tmp_path)) == left | {"x.json", LEFTOVER.replace("x", "y"), LEFTOVER.replace("1-", "2-")}
    whole_file.remove_leftovers(tmp_path)
    assert set(names(tmp_path)) == left | {"x.json", LEFTOVER.replace("1-", "2-")}
    whole_file.remove_leftovers(tmp_path / "no folder")


def test_a_leftover_that_cannot_go_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / LEFTOVER).write_text("half")
    monkeypatch.setattr(os, "unlink", lambda *_: (_ for _ in ()).throw(PermissionError(1, "Operation not permitted")))
    files.write_text(tmp_path / "x.json", "whole")
    assert names(tmp_path) == [LEFTOVER, "x.json"]


def test_where_nothing_can_be_locked_nothing_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(whole_file.fcntl, "flock", no_locks)
    (tmp_path / LEFTOVER).write_text("half")
    writers_that_meet(tmp_path / "x.json")
    assert names(tmp_path) == [LEFTOVER, "x.json"]


@pytest.mark.parametrize("full_at", [0, 1, 2, 3])
def test_a_disk_that_is_full_amid_a_large_table_is_told_of_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_at: int
):
    """Whoever writes a table closes it where a write failed, and writes its end then: that was a BufferError."""
    table = pl.DataFrame({"x": np.frombuffer(np.random.default_rng(0).bytes(4 << 20), np.int64)})
    sound, count = os.write, itertools.count()

    def full(descriptor: int, data: memoryview) -> int:
        if next(count) >= full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return sound(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StorageError, match="No space left on device"):
            files.write_batches(tmp_path / "x.arrow", pl.concat([table, table]), [table.height] * 2, {})
    assert next(count) > full_at
    assert names(tmp_path) == []


@pytest.mark.parametrize("at", range(1, 6))
def test_kills_do_not_accumulate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int):
    for _ in range(3):
        with monkeypatch.context() as patch:
            disk = FaultyDisk(patch, at)
            with pytest.raises(Killed):
                files.write_text(tmp_path / "x.json", "whole")
        assert disk.dead
        assert len(names(tmp_path)) <= 1 + (tmp_path / "x.json").exists()
        assert not (tmp_path / "x.json").exists() or (tmp_path / "x.json").read_text() == "whole"
    files.write_text(tmp_path / "x.json", "whole")
    assert names(tmp_path) == ["x.json"]


def test_a_process_that_was_killed_has_no_lock_any_more(tmp_path: Path):
    script = """
import sys, time
from pathlib import Path
from wardround.whole_file import whole_file
with whole_file(Path(sys.argv[1])) as file:
    print("begun", flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "x.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        (begun,) = names(tmp_path)
        assert whole_file.partial_of(begun) == "x.json"
        assert begun.startswith(f".x.json.{process.pid}-")
        files.write_text(tmp_path / "x.json", "meanwhile")
        assert names(tmp_path) == [begun, "x.json"], "it is alive: its file stays"
        process.send_signal(signal.SIGKILL)
    assert names(tmp_path) == [begun, "x.json"]
    files.write_text(tmp_path / "x.json", "whole")
    assert names(tmp_path) == ["x.json"]


@pytest.mark.parametrize(
    ("name", "final"),
    [
        (LEFTOVER, "x.json"),
        ("..hidden.12-0123456789abcdef.partial", ".hidden"),
        (".x.json.partial", None),
        ("x.json", None),
        (".partial", None),
    ],
)
def test_a_temporary_name_tells_of_what_it_is(name: str, final: str | None):
    assert whole_file.partial_of(name) == final


# One writer a folder


def test_a_folder_has_one_writer_at_a_time(tmp_path: Path):
    with whole_file.one_writer(tmp_path, RunError, "working"):
        with (
            pytest.raises(RunError, match=r"another process is working into it\. Wait for its end, or choose"),
            whole_file.one_writer(tmp_path, RunError, "working"),
        ):
            pytest.fail("two writers in one folder")
        with whole_file.one_writer(tmp_path / "other", RunError, "working"):
            (tmp_path / "other" / "x").write_text("x")
    with whole_file.one_writer(tmp_path, RunError, "working"):
        assert names(tmp_path) == ["other"], "the lock itself is no file"


def test_a_killed_writer_keeps_nobody_out(tmp_path: Path):
    code = (
        "import sys, time; from pathlib import Path; from wardround.errors import RunError\n"
        "from wardround.whole_file import one_writer\n"
        "with one_writer(Path(sys.argv[1]), RunError, 'working'):\n    print('in', flush=True)\n    time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(RunError), whole_file.one_writer(tmp_path, RunError, "working"):
            pytest.fail("two writers in one folder")
        other.kill()
    with whole_file.one_writer(tmp_path, RunError, "working"):
        pass


@pytest.mark.parametrize("fails", [False, True])
def test_a_folder_into_which_nothing_came_goes_again(tmp_path: Path, fails: bool):
    with contextlib.suppress(ZeroDivisionError), whole_file.one_writer(tmp_path / "new", RunError, "working"):
        assert (tmp_path / "new").is_dir()
        _ = 1 / (not fails)
    assert names(tmp_path) == []


def test_without_locks_nobody_is_kept_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(whole_file.fcntl, "flock", no_locks)
    with whole_file.one_writer(tmp_path, RunError, "a"), whole_file.one_writer(tmp_path, RunError, "b"):
        pass
