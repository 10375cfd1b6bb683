"""Promise 18: disk full, I/O error, no permission, SIGTERM: a clean typed error, and what was there is still valid."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import raw_meds
from faulty_disk import REFUSALS, FaultyDisk
from raw_eicu import SCALE, none_of, prepare, small, tiny
from wardround import files, whole_file
from wardround.errors import RunError, StorageError, WardroundError
from wardround.export import export_meds
from wardround.sources import csv_reader, csv_stream, csv_tables
from wardround.stopping import Stopped, stop_on_sigterm

pytestmark = pytest.mark.usefixtures("fast_fsync")


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small().write(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="module")
def undisturbed(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return prepare(raw, tmp_path_factory.mktemp("left alone") / "data").hashes()


@pytest.mark.slow
def test_refused_at_every_call_that_changes_the_disk(
    raw: Path, undisturbed: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A refusal is a `StorageError`, or what could be cleaned up later; the next run gives the same bytes."""
    with monkeypatch.context() as patch:
        disk = FaultyDisk(patch)
        prepare(raw, tmp_path / "whole")
    calls, kinds = disk.count, list(REFUSALS.values())
    wrong, refused = [], 0
    for at in range(1, calls + 1):
        for kind in kinds if SCALE >= 1 else [kinds[at % len(kinds)]]:
            to = tmp_path / f"{at}-{kind}"
            with monkeypatch.context() as patch:
                FaultyDisk(patch, at, kind)
                try:
                    prepare(raw, to)
                except StorageError as error:
                    refused += 1
                    if os.strerror(kind) not in str(error) or "run the same command again" not in str(error):
                        wrong.append((at, str(error)))
            if prepare(raw, to).hashes() != undisturbed:
                wrong.append((at, "other bytes"))
    assert wrong == []
    assert refused >= calls - 1, "one only tidies up: the folder, were it empty"
    print(f"calls refused without a clean error, or with other bytes after: {none_of(refused)}")


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_finished_folder_stays_valid(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    data = prepare(raw, tmp_path / "data")
    before = data.hashes()
    with monkeypatch.context() as patch:
        FaultyDisk(patch, 1, REFUSALS[kind])
        prepare(raw, tmp_path / "data")
    assert data.hashes() == before
    files.verify_folder(tmp_path / "data", "data")


@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("at", range(1, 6))
def test_a_file_that_was_there_keeps_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, at: int):
    """The calls: open, write, fsync, rename, fsync of the folder; after the rename the new content is there, whole."""
    path = tmp_path / "settings.json"
    files.write_json(path, {"version": 1})
    with monkeypatch.context() as patch:
        FaultyDisk(patch, at, REFUSALS[kind])
        with pytest.raises(StorageError, match=r"writing .*settings\.json"):
            files.write_json(path, {"version": 2})
    assert files.read_json(path) == {"version": 1 if at < 5 else 2}
    assert [each.name for each in tmp_path.iterdir()] == ["settings.json"]


class FailingReads:
    """The k-th read of a raw file fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, kind: int):
        self.count = 0
        sound = csv_stream.CheckedStream.read

        def read(stream: csv_stream.CheckedStream, size: int = -1) -> bytes:
            self.count += 1
            if self.count == at:
                raise OSError(kind, os.strerror(kind))
            return sound(stream, size)

        monkeypatch.setattr(csv_stream.CheckedStream, "read", read)


@pytest.mark.parametrize("kind", REFUSALS)
def test_every_read_of_a_raw_file_may_fail(
    raw: Path, undisturbed: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    with monkeypatch.context() as patch:
        reads = FailingReads(patch, 0, 0)
        prepare(raw, tmp_path / "whole")
    for at in range(1, reads.count + 1):
        with monkeypatch.context() as patch:
            FailingReads(patch, at, REFUSALS[kind])
            with pytest.raises(StorageError, match=r"reading .*csv\.gz: E"):
                prepare(raw, tmp_path / str(at))
    assert prepare(raw, tmp_path / str(at)).hashes() == undisturbed
    print(f"{reads.count} of {reads.count} failing reads are a StorageError")


def test_a_raw_file_that_may_not_be_read(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sound = Path.open

    def refuse(path: Path, *args, **kwargs):
        if path.name.startswith("lab"):
            raise PermissionError(13, "Permission denied")
        return sound(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StorageError, match=r"reading .*lab\.csv\.gz: (Permission denied|EACCES)"):
        prepare(raw, tmp_path / "data")


@pytest.mark.parametrize("workers", [1, 4])
def test_an_error_in_one_table_stops_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int):
    sound, begun = csv_tables.read_blocks, []

    def refuse(path: Path, table, **how):
        begun.append(table.name)
        if table.name == "diagnosis":
            raise StorageError("the disk refused")
        return sound(path, table, **how)

    monkeypatch.setattr(csv_tables, "read_blocks", refuse)
    with pytest.raises(StorageError, match="the disk refused"):
        prepare(tiny().write(tmp_path / "raw"), tmp_path / "data", workers=workers)
    assert len(begun) < 14


@pytest.mark.parametrize("workers", [1, 4])
def test_sigterm_leaves_at_the_next_block_and_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
):
    raw = tiny().write(tmp_path / "raw")
    right = prepare(raw, tmp_path / "whole").hashes()
    before = signal.getsignal(signal.SIGTERM)
    sound = csv_reader._blocks

    def blocks(stream, *args):
        if stream.path.name.startswith("lab"):
            os.kill(os.getpid(), signal.SIGTERM)
        return sound(stream, *args)

    with monkeypatch.context() as patch:
        patch.setattr(csv_reader, "_blocks", blocks)
        with pytest.raises(Stopped, match=r"Stopped as asked \(SIGTERM\)\. Run the same command again"):
            prepare(raw, tmp_path / "data", workers=workers)
    assert signal.getsignal(signal.SIGTERM) == before
    assert not (tmp_path / "data" / files.MANIFEST).exists()
    assert prepare(raw, tmp_path / "data").hashes() == right


def test_a_stop_is_a_run_error_with_exit_code_1():
    assert issubclass(Stopped, RunError)
    assert Stopped("").exit_code == 1


def test_elsewhere_than_in_the_main_thread_no_handler_is_set():
    before, seen = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with stop_on_sigterm() as stop:
            stop.check()
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.slow
def test_a_process_that_is_asked_to_stop_says_so_and_leaves_with_1(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw")
    script = """
import os, signal, sys, time
from pathlib import Path
from wardround.errors import WardroundError
from wardround.sources import pipeline, reading
from wardround.sources.eicu import EICU
sound = reading.convert_block
def slow(*args):
    print("begin", flush=True)
    time.sleep(0.3)
    return sound(*args)
reading.convert_block = slow
try:
    pipeline.prepare(EICU, Path(sys.argv[1]), Path(sys.argv[2]), quiet=True)
except WardroundError as error:
    print(error, file=sys.stderr)
    raise SystemExit(error.exit_code)
"""
    command = [sys.executable, "-c", script, str(raw), str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begin\n"
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, "Stopped as asked (SIGTERM). Run the same command again to go on.\n")
    assert prepare(raw, tmp_path / "data").hashes() == prepare(raw, tmp_path / "whole").hashes()


def test_an_error_that_is_not_turned_into_ours_is_caught(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Negative control: without the one door to disk a refusal comes out bare."""
    for module in (files, whole_file):
        monkeypatch.setattr(module, "storage_errors", lambda *_: contextlib.nullcontext())
    FaultyDisk(monkeypatch, 1, REFUSALS["disk full"])
    with pytest.raises(OSError, match="No space left") as caught:
        prepare(raw, tmp_path / "data")
    assert not isinstance(caught.value, WardroundError)


def test_meds_refused_at_calls_that_change_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its preparation and its export: a clean error, and the next run gives the same bytes."""
    raw = raw_meds.tiny().write(tmp_path / "raw")

    def both(to: Path) -> dict[str, str]:
        raw_meds.prepare(raw, to / "data")
        export_meds(to / "data", to / "meds", quiet=True)
        return raw_meds.Data(to).hashes()

    with monkeypatch.context() as patch:
        disk = FaultyDisk(patch)
        right = both(tmp_path / "whole")
    refused, kinds = 0, list(REFUSALS.values())
    for at in range(1, disk.count + 1, 3):
        to, kind = tmp_path / str(at), kinds[at % len(kinds)]
        with monkeypatch.context() as patch:
            FaultyDisk(patch, at, kind)
            try:
                both(to)
            except StorageError as error:
                refused += os.strerror(kind) in str(error)
        assert both(to) == right, at
    assert refused > 20


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_shard_that_the_disk_does_not_give_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    folder = raw_meds.tiny().write(tmp_path / "raw")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(REFUSALS[kind], os.strerror(REFUSALS[kind]))

    monkeypatch.setattr("pyarrow.parquet.ParquetFile.iter_batches", refuse)
    with pytest.raises(StorageError, match=rf"reading .*0\.parquet: {os.strerror(REFUSALS[kind])}"):
        raw_meds.prepare(folder, tmp_path / "data")
