"""Promise 17, ETL: kill -9 anywhere, run the same again, the same bytes; and what is not ours is never touched."""

import contextlib
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

import raw_challenge
import raw_meds
from faulty_disk import FaultyDisk, Killed
from raw_eicu import SCALE, Data, none_of, prepare, small, tiny
from wardround import files, whole_file
from wardround.errors import RunError, WardroundError
from wardround.sources import data_target, gather, pipeline, work_folder
from wardround.sources.memory_plan import MemoryPlan
from wardround.sources.synthetic import SyntheticSettings, synthesise_eicu

pytestmark = pytest.mark.usefixtures("fast_fsync")

SCRIPT = """
import sys
from pathlib import Path
from wardround.sources import data_target, gather
from wardround.sources.eicu import EICU
from wardround.sources.pipeline import prepare
gather.STAYS_PER_SHARD = data_target.STAYS_PER_SHARD = 100
print("begin", flush=True)
prepare(EICU, Path(sys.argv[1]), Path(sys.argv[2]), workers=int(sys.argv[3]), quiet=True)
print("end", flush=True)
"""


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small().write(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="module")
def uninterrupted(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return prepare(raw, tmp_path_factory.mktemp("left alone") / "data").hashes()


def is_sound_or_unfinished(to: Path) -> bool:
    """What a reader finds: nothing that claims to be finished, or something that is."""
    if not (to / files.MANIFEST).is_file():
        return True
    files.verify_folder(to, "data")
    return True


def interrupted_at(at: int, raw: Path, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        FaultyDisk(patch, at)
        prepare(raw, to)


def count_calls(raw: Path, to: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    with monkeypatch.context() as patch:
        disk = FaultyDisk(patch)
        prepare(raw, to)
    return disk.count


@pytest.mark.slow
def test_killed_at_every_call_that_changes_the_disk(
    raw: Path, uninterrupted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    calls = count_calls(raw, tmp_path / "whole", monkeypatch)
    assert calls > 60
    differing = []
    for at in range(1, calls + 1):
        to = tmp_path / str(at)
        interrupted_at(at, raw, to, monkeypatch)
        assert is_sound_or_unfinished(to)
        if prepare(raw, to).hashes() != uninterrupted:
            differing.append(at)
    assert differing == []
    print(f"kills that change the bytes: {none_of(calls)}")


@pytest.mark.slow
def test_killed_up_to_five_times_a_run(
    raw: Path, uninterrupted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rng, runs = random.Random(17), max(5, round(300 * SCALE))
    for run in range(runs):
        to = tmp_path / str(run)
        for _ in range(rng.randint(1, 5)):
            interrupted_at(rng.randint(1, 70), raw, to, monkeypatch)
            assert is_sound_or_unfinished(to)
        assert prepare(raw, to).hashes() == uninterrupted, run
    print(f"runs that differ: {none_of(runs)}")


def begun(raw: Path, to: Path, workers: int) -> subprocess.Popen:
    """A process that has just begun to prepare."""
    command = [sys.executable, "-c", SCRIPT, str(raw), str(to), str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begin\n"
    return process


@pytest.mark.slow
def test_kill_minus_9_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A process of its own, several shards, one or two workers."""
    for module in (data_target, gather):
        monkeypatch.setattr(module, "STAYS_PER_SHARD", 100)
    synthesise_eicu(tmp_path / "raw", 400, 5, SyntheticSettings(odd_rows=True))
    began = time.monotonic()
    right = prepare(tmp_path / "raw", tmp_path / "whole").hashes()
    usual_s = time.monotonic() - began
    rng, runs, killed = random.Random(9), max(3, round(20 * SCALE)), 0
    for run in range(runs):
        to = tmp_path / str(run)
        for _ in range(rng.randint(1, 2)):
            with begun(tmp_path / "raw", to, 1 + run % 2) as process:
                time.sleep(rng.random() * usual_s)
                process.send_signal(signal.SIGKILL)
            killed += process.returncode == -signal.SIGKILL
            assert is_sound_or_unfinished(to)
        assert prepare(tmp_path / "raw", to).hashes() == right
        shutil.rmtree(to)
    assert killed > 0
    print(f"runs that differ: {none_of(runs)}, {killed} processes killed")


def test_a_finished_folder_is_left_alone(raw: Path, uninterrupted: dict[str, str], tmp_path: Path):
    prepare(raw, tmp_path / "data")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*")}
    prepare(raw, tmp_path / "data")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*")} == before


def test_a_kill_between_the_manifest_and_the_end_leaves_no_work_folder(raw: Path, tmp_path: Path):
    prepare(raw, tmp_path / "data")
    (tmp_path / "data" / ".work" / "runs").mkdir(parents=True)
    prepare(raw, tmp_path / "data")
    assert not (tmp_path / "data" / ".work").exists()


@pytest.fixture
def half_done(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder killed while it wrote its tables: runs and shards are finished."""
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_manifest", _die)
        with pytest.raises(Killed):
            prepare(raw, tmp_path / "data")
    assert (tmp_path / "data" / ".work" / "runs" / "lab" / "0.arrow").is_file()
    return tmp_path / "data"


def _die(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize(
    "name",
    [
        ".work/runs/lab/0.arrow",
        ".work/tables/lab.json",
        ".work/shards/0.json",
        ".work/summaries/0/codes.parquet",
        ".work/plan.json",
        "data/0.parquet",
        "stays.parquet",
    ],
)
@pytest.mark.parametrize("damage", ["half", "flip", "gone", "empty"])
def test_damaged_work_is_never_trusted(
    half_done: Path, raw: Path, uninterrupted: dict[str, str], name: str, damage: str
):
    path = half_done / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    changed = {"half": data[: len(data) // 2], "flip": data, "empty": b""}
    path.unlink() if damage == "gone" else path.write_bytes(changed[damage])
    if name == ".work/plan.json" and damage == "gone":
        with pytest.raises(RunError, match="holds files that this command did not make"):
            prepare(raw, half_done)
    else:
        assert prepare(raw, half_done).hashes() == uninterrupted


def test_finished_steps_are_not_done_again(half_done: Path, raw: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wardround.sources.reading.convert_block", _die)
    monkeypatch.setattr("wardround.sources.gather.gather", _die)
    prepare(raw, half_done)


def test_work_is_gone_on_with_whatever_memory_holds(
    raw: Path, uninterrupted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Tables read with room for a few rows, shards written with more, by more workers."""
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "plan_memory", lambda *_, **__: MemoryPlan(1, 5, 1, 10_000, 0))
        patch.setattr(pipeline, "ShardWriter", _die)
        with pytest.raises(Killed):
            prepare(raw, tmp_path / "data")
    assert len(list((tmp_path / "data" / ".work" / "runs" / "lab").iterdir())) > 1
    monkeypatch.setattr(pipeline.TableReader, "read", _die)
    assert prepare(raw, tmp_path / "data", workers=3).hashes() == uninterrupted


def test_work_on_other_inputs_is_begun_anew(half_done: Path, tmp_path: Path):
    other = small().add("lab", patientunitstayid=1, labresultoffset=5, labname="pH", labresult=7.4)
    other = other.write(tmp_path / "other")
    assert prepare(other, half_done).hashes() == prepare(other, tmp_path / "fresh").hashes()


def test_work_with_other_settings_is_begun_anew(half_done: Path, raw: Path, tmp_path: Path):
    assert prepare(raw, half_done, "paper").hashes() == prepare(raw, tmp_path / "fresh", "paper").hashes()


def test_a_finished_folder_of_other_settings_is_refused(raw: Path, tmp_path: Path):
    data = prepare(raw, tmp_path / "data")
    before = data.hashes()
    with pytest.raises(RunError, match="made with other settings or inputs"):
        prepare(raw, tmp_path / "data", "paper")
    assert data.hashes() == before


def persons_folder(folder: Path) -> Iterator[Path]:
    """Folders that a person may name by mistake."""
    for name, content in {
        "thesis": {"thesis.docx": "years of work"},
        "data": {"data/results.csv": "mine"},
        "nested": {"sub/sub/file.txt": "mine"},
        "hidden": {".bashrc": "mine"},
        "looks like ours": {"data/0.parquet": "mine", "stays.parquet": "mine", "ledger.json": "{}"},
        "a work folder of another tool": {".work/cache.db": "mine"},
        "ours, and a file of theirs": {".work/plan.json": "{}", "notes.txt": "mine"},
    }.items():
        for path, text in content.items():
            (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / path).write_text(text)
        yield folder / name


def test_a_folder_of_somebody_is_refused_and_untouched(raw: Path, tmp_path: Path):
    for to in persons_folder(tmp_path):
        before = Data(to).hashes()
        with pytest.raises(RunError, match=r"holds files that this command did not make. Choose another --to"):
            prepare(raw, to)
        assert Data(to).hashes() == before, to.name


def test_the_raw_folder_is_never_cleared(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw")
    before = Data(raw).hashes()
    with pytest.raises(RunError, match="holds files that this command did not make"):
        prepare(raw, raw)
    with pytest.raises(RunError, match="holds files that this command did not make"):
        prepare(raw, tmp_path)
    assert Data(raw).hashes() == before


def test_a_file_is_no_folder(raw: Path, tmp_path: Path):
    (tmp_path / "data").write_text("mine")
    with pytest.raises(RunError, match="data is a file"):
        prepare(raw, tmp_path / "data")
    assert (tmp_path / "data").read_text() == "mine"


def test_an_empty_folder_will_do(raw: Path, uninterrupted: dict[str, str], tmp_path: Path):
    (tmp_path / "data").mkdir()
    assert prepare(raw, tmp_path / "data").hashes() == uninterrupted


# What a resume can get wrong, planted. Each must change what comes out, or leave something that cannot be read.


def write_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """No temporary file: what is half-written lies under its final name."""
    monkeypatch.setattr(whole_file.os, "replace", lambda *_: None)

    def in_place(path: Path) -> Path:
        path.unlink(missing_ok=True)
        return path

    monkeypatch.setattr(whole_file, "_temporary", in_place)


def trust_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step counts as finished while its files exist, whatever is in them."""
    monkeypatch.setattr(work_folder.WorkFolder, "_is_whole", lambda work, name, _: (work.to / name).is_file())


def keep_another_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work of other settings is gone on with."""
    monkeypatch.setattr(work_folder, "_own_names", lambda *_: [])


def leave_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_folder.WorkFolder, "remove", lambda _: None)


def forget_what_was_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counters begin anew for tables that were finished before."""
    sound = work_folder.WorkFolder.facts

    def faulty(work: work_folder.WorkFolder, step: str, name: str):
        facts = sound(work, step, name)
        if step == "tables" and facts is not None:
            return facts | {"account": {"rows_in": 0, "rows_out": 0, "set_aside": {}}}
        return facts

    monkeypatch.setattr(work_folder.WorkFolder, "facts", faulty)


def bytes_after(half_done: Path, raw: Path) -> dict[str, str] | str:
    """What a resume makes of damaged work; or what it says."""
    run = half_done / ".work" / "runs" / "lab" / "0.arrow"
    batches = range(len(json.loads(files.read_notes(run)["slices"])))
    parts = [rows.head(2) for rows in files.read_batches(run, batches)]
    files.write_batches(run, pl.concat(parts), [rows.height for rows in parts], files.read_notes(run))
    (half_done / ".work" / "shards" / "0.json").unlink()
    try:
        return prepare(raw, half_done).hashes()
    except RunError as error:
        return str(error)


@pytest.mark.parametrize("fault", [None, trust_what_is_there, leave_the_work, forget_what_was_set_aside])
def test_a_planted_resume_bug_is_caught(
    half_done: Path, raw: Path, uninterrupted: dict[str, str], monkeypatch: pytest.MonkeyPatch, fault: Callable | None
):
    if fault is not None:
        fault(monkeypatch)
    assert (bytes_after(half_done, raw) == uninterrupted) == (fault is None)


def test_work_of_another_plan_that_is_kept_is_caught(
    half_done: Path, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    prepare(raw, tmp_path / "fresh", "paper")
    keep_another_plan(monkeypatch)
    with pytest.raises(RunError, match="events were made of the tables"):
        prepare(raw, half_done, "paper")


@pytest.mark.slow
def test_files_written_in_place_are_caught(
    raw: Path, uninterrupted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_in_place(monkeypatch)
    trust_what_is_there(monkeypatch)
    calls, caught = count_calls(raw, tmp_path / "whole", monkeypatch), 0
    for at in range(calls - 40, calls + 1):
        to = tmp_path / str(at)
        interrupted_at(at, raw, to, monkeypatch)
        try:
            caught += prepare(raw, to).hashes() != uninterrupted
        except WardroundError:
            caught += 1
    assert caught > 0


def test_the_challenge_killed_at_calls_that_change_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module in (data_target, gather):
        monkeypatch.setattr(module, "STAYS_PER_SHARD", 2)
    raw = raw_challenge.tiny_set().write(tmp_path / "raw", "zip")
    with monkeypatch.context() as patch:
        disk = FaultyDisk(patch)
        right = raw_challenge.prepare(raw, tmp_path / "whole").hashes()
    assert disk.count > 40
    for at in range(1, disk.count + 1, 3):
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            FaultyDisk(patch, at)
            raw_challenge.prepare(raw, tmp_path / str(at))
        assert is_sound_or_unfinished(tmp_path / str(at))
        assert raw_challenge.prepare(raw, tmp_path / str(at)).hashes() == right, at


def test_meds_killed_at_calls_that_change_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module in (data_target, gather):
        monkeypatch.setattr(module, "STAYS_PER_SHARD", 2)
    raw = raw_meds.tiny().write(tmp_path / "raw", shards=3)
    with monkeypatch.context() as patch:
        disk = FaultyDisk(patch)
        right = raw_meds.prepare(raw, tmp_path / "whole").hashes()
    assert disk.count > 40
    for at in range(1, disk.count + 1, 2):
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            FaultyDisk(patch, at)
            raw_meds.prepare(raw, tmp_path / str(at))
        assert is_sound_or_unfinished(tmp_path / str(at))
        assert raw_meds.prepare(raw, tmp_path / str(at)).hashes() == right, at
