"""Promise 17, synthetic cohorts: kill -9 anywhere, run the same again, the same bytes; nothing of a person's goes."""

import contextlib
import functools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faulty_disk import REFUSALS, FaultyDisk, Killed
from raw_eicu import SCALE, Data, none_of, prepare
from wardround import files, whole_file
from wardround.errors import RunError, SourceError, StorageError, WardroundError
from wardround.sources import work_folder
from wardround.sources.synthetic import SyntheticSettings, cohort, made, synthesise_eicu, write
from wardround.stopping import Stopped

pytestmark = pytest.mark.usefixtures("fast_fsync")

STAYS, SEED, PATIENTS = 5, 5, 3
ODD = SyntheticSettings(odd_rows=True)

SCRIPT = """
import sys
from pathlib import Path
from wardround.errors import WardroundError
from wardround.sources.synthetic import SyntheticSettings, synthesise_eicu
from wardround.sources.synthetic import write
write.PATIENTS_PER_CHUNK = int(sys.argv[3])
print("begin", flush=True)
try:
    synthesise_eicu(Path(sys.argv[1]), int(sys.argv[2]), 5, SyntheticSettings(odd_rows=True), quiet=True)
except WardroundError as error:
    print(error, file=sys.stderr)
    raise SystemExit(error.exit_code)
"""


@pytest.fixture(scope="module", autouse=True)
def small_chunks() -> Iterator[None]:
    """A few patients a chunk; what was drawn once is drawn no more, as it hangs on its arguments alone."""
    sound, chunks = cohort.Cohort.chunk, dict[str, made.Chunk]()

    def drawn(self: cohort.Cohort, so_far: made.Made, patients: int, wanted: int) -> made.Chunk:
        key = repr((self.layout, so_far, patients, wanted))
        if key not in chunks:
            chunks[key] = sound(self, so_far, patients, wanted)
        return chunks[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "PATIENTS_PER_CHUNK", PATIENTS)
        patch.setattr(write, "Cohort", functools.lru_cache(cohort.Cohort))
        patch.setattr(cohort.Cohort, "chunk", drawn)
        yield


def synth(to: Path, settings: SyntheticSettings = ODD) -> dict[str, str]:
    """The cohort, and the hash of each file in its folder, hidden ones included."""
    synthesise_eicu(to, STAYS, SEED, settings, quiet=True)
    return Data(to).hashes()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return synth(tmp_path_factory.mktemp("left alone") / "raw")


def interrupted_at(at: int, to: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A run that is killed at a call that changes the disk; how many there were until then."""
    with monkeypatch.context() as patch:
        disk = FaultyDisk(patch, at)
        with contextlib.suppress(Killed):
            synth(to)
    return disk.count


def is_sound_or_unfinished(to: Path) -> bool:
    """What a reader finds: nothing that claims to be finished, or something that is."""
    return not (to / files.MANIFEST).is_file() or bool(files.verify_folder(to, "raw"))


def differing(calls: list[int], right: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Those of the kills after which the next run makes other bytes, or fails."""
    wrong: list[int] = []
    for at in calls:
        to = folder / str(at)
        interrupted_at(at, to, monkeypatch)
        assert is_sound_or_unfinished(to)
        try:
            if synth(to) != right:
                wrong.append(at)
        except WardroundError:
            wrong.append(at)
        shutil.rmtree(to)
    return wrong


def test_the_cohort_is_worth_killing(uninterrupted: dict[str, str], half_done: Path):
    assert {"truth/odd_rows.json", "truth/hours.parquet", "patient.csv.gz", "manifest.json"} <= set(uninterrupted)
    assert not any(name.startswith(".") for name in uninterrupted)
    assert len(list((half_done / ".work" / "chunks").iterdir())) > 1


@pytest.mark.slow
def test_killed_at_calls_that_change_the_disk(
    uninterrupted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """At every one in the night, at every third of them on a change."""
    calls = interrupted_at(0, tmp_path / "whole", monkeypatch)
    assert calls > 200
    step = 1 if SCALE >= 1 else 3
    chosen = list(range(1, calls + 1, step))
    assert differing(chosen, uninterrupted, tmp_path, monkeypatch) == []
    print(f"kills that change the bytes: {none_of(len(chosen))}")


def test_killed_up_to_five_times_a_run(uninterrupted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rng, runs = random.Random(17), max(5, round(100 * SCALE))
    for run in range(runs):
        to = tmp_path / str(run)
        for _ in range(rng.randint(1, 5)):
            interrupted_at(rng.randint(1, 300), to, monkeypatch)
            assert is_sound_or_unfinished(to)
        assert synth(to) == uninterrupted, run
    print(f"runs that differ: {none_of(runs)}")


@pytest.mark.slow
def test_refused_at_calls_that_change_the_disk(
    uninterrupted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A refusal is a `StorageError`, and the next run gives the same bytes."""
    calls, kinds = interrupted_at(0, tmp_path / "whole", monkeypatch), list(REFUSALS.values())
    chosen, refused = range(1, calls + 1, max(1, round(1 / SCALE))), 0
    for at in chosen:
        with monkeypatch.context() as patch:
            FaultyDisk(patch, at, kinds[at % len(kinds)])
            try:
                synth(tmp_path / str(at))
            except StorageError:
                refused += 1
        assert synth(tmp_path / str(at)) == uninterrupted, at
    assert refused >= 0.9 * len(chosen)
    print(f"calls refused without a clean error, or with other bytes after: {none_of(len(chosen))}")


def begun(to: Path, stays: int, patients: int) -> subprocess.Popen[str]:
    """A process that has just begun."""
    command = [sys.executable, "-c", SCRIPT, str(to), str(stays), str(patients)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begin\n"
    return process


@pytest.mark.slow
def test_kill_minus_9_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A process of its own, with chunks that take their time."""
    monkeypatch.setattr(write, "PATIENTS_PER_CHUNK", 60)
    began = time.monotonic()
    with begun(tmp_path / "whole", 400, 60) as process:
        assert process.wait() == 0
    usual_s, right = time.monotonic() - began, Data(tmp_path / "whole").hashes()
    rng, runs, killed = random.Random(9), max(3, round(20 * SCALE)), 0
    for run in range(runs):
        to = tmp_path / str(run)
        for _ in range(rng.randint(1, 3)):
            with begun(to, 400, 60) as process:
                time.sleep(rng.random() * usual_s)
                process.send_signal(signal.SIGKILL)
            killed += process.returncode == -signal.SIGKILL
            assert is_sound_or_unfinished(to)
        synthesise_eicu(to, 400, SEED, ODD, quiet=True)
        assert Data(to).hashes() == right
    assert killed > 0
    print(f"runs that differ: {none_of(runs)}, {killed} processes killed")


@pytest.mark.slow
def test_a_process_that_is_asked_to_stop_says_so_and_leaves_with_1(tmp_path: Path):
    with begun(tmp_path / "raw", 20_000, 60) as process:
        while not (tmp_path / "raw" / ".work" / "chunks" / "1.json").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (1, "Stopped as asked (SIGTERM). Run the same command again to go on.\n")
    assert not list((tmp_path / "raw").rglob("*.partial"))


@pytest.mark.parametrize("step", ["_write_chunk", "_table"])
def test_sigterm_leaves_after_the_file_under_way_and_goes_on_later(
    uninterrupted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
):
    before, sound = signal.getsignal(signal.SIGTERM), getattr(write._Job, step)

    def asked(*arguments: object) -> object:
        os.kill(os.getpid(), signal.SIGTERM)
        return sound(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(write._Job, step, asked)
        with pytest.raises(Stopped, match=r"Stopped as asked \(SIGTERM\)\. Run the same command again"):
            synth(tmp_path / "raw")
    assert signal.getsignal(signal.SIGTERM) == before
    assert (tmp_path / "raw" / ".work" / "chunks" / "0.json").is_file() or step == "_table"
    assert not (tmp_path / "raw" / files.MANIFEST).exists()
    assert synth(tmp_path / "raw") == uninterrupted


@pytest.fixture
def half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder killed before its manifest: chunks and tables are finished."""
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_manifest", _die)
        with pytest.raises(Killed):
            synth(tmp_path / "raw")
    return tmp_path / "raw"


def _die(*_: object) -> None:
    raise Killed


def test_finished_chunks_and_tables_are_not_made_again(
    half_done: Path, uninterrupted: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    for name in ("write_member", "join_members"):
        monkeypatch.setattr(write, name, _die)
    monkeypatch.setattr(cohort.Cohort, "chunk", _die)
    assert synth(half_done) == uninterrupted


def test_a_kill_between_the_manifest_and_the_end_leaves_no_work_folder(half_done: Path, uninterrupted: dict[str, str]):
    shutil.copytree(half_done / ".work", half_done.parent / "work")
    synth(half_done)
    shutil.copytree(half_done.parent / "work", half_done / ".work")
    assert synthesise_eicu(half_done, STAYS, SEED, ODD, quiet=True)
    assert Data(half_done).hashes() == uninterrupted


@pytest.mark.parametrize(
    "name",
    [
        ".work/parts/1/lab.csv.gz",
        ".work/parts/0/truth/hours.parquet",
        ".work/chunks/0.json",
        ".work/tables/lab.json",
        ".work/plan.json",
        "lab.csv.gz",
        "hospital.csv.gz",
        "truth/stays.parquet",
    ],
)
@pytest.mark.parametrize("damage", ["half", "flip", "gone", "empty"])
def test_damaged_work_is_never_trusted(half_done: Path, uninterrupted: dict[str, str], name: str, damage: str):
    path = half_done / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    changed = {"half": data[: len(data) // 2], "flip": data, "empty": b""}
    path.unlink() if damage == "gone" else path.write_bytes(changed[damage])
    if name == ".work/plan.json" and damage == "gone":
        with pytest.raises(RunError, match="holds files that this command did not make"):
            synth(half_done)
    else:
        assert synth(half_done) == uninterrupted


def test_work_on_another_cohort_is_begun_anew(half_done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Other settings, seed, number of stays, size of a chunk."""
    fresh = tmp_path / "fresh"
    kept = shutil.copytree(half_done, tmp_path / "kept")
    for stays, seed, settings, patients in (
        (STAYS, SEED, SyntheticSettings(), PATIENTS),
        (STAYS, SEED + 1, ODD, PATIENTS),
        (STAYS + 1, SEED, ODD, PATIENTS),
        (STAYS, SEED, ODD, PATIENTS + 1),
    ):
        monkeypatch.setattr(write, "PATIENTS_PER_CHUNK", patients)
        for to in (half_done, fresh):
            synthesise_eicu(to, stays, seed, settings, quiet=True)
        assert Data(half_done).hashes() == Data(fresh).hashes()
        shutil.rmtree(fresh)
        shutil.rmtree(half_done)
        shutil.copytree(kept, half_done)


@pytest.mark.parametrize("name", ["thesis.docx", "truth/notes.txt", "lab.csv", ".hidden", "truth/more/x"])
@pytest.mark.parametrize("settings", [ODD, SyntheticSettings()])
def test_files_of_a_person_stay(half_done: Path, name: str, settings: SyntheticSettings):
    """In an unfinished folder, and in one that this command never saw."""
    for to in (half_done, half_done.parent / "theirs"):
        files.write_text(to / name, "mine")
        before = Data(to).hashes()
        with pytest.raises(RunError, match=r"holds files that this command did not make. Choose another --to"):
            synth(to, settings)
        assert Data(to).hashes() == before


def test_raw_tables_of_others_are_never_written_over(tmp_path: Path):
    files.write_text(tmp_path / "raw" / "patient.csv.gz", "the real ones")
    with pytest.raises(RunError, match="holds files that this command did not make"):
        synth(tmp_path / "raw")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="file is a file"):
        synth(tmp_path / "file")
    assert (tmp_path / "raw" / "patient.csv.gz").read_text() == "the real ones"


def test_an_unfinished_folder_is_never_taken_for_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The table of the stays comes last, so `prepare` finds none."""
    sound = write.join_members

    def killed(path: Path, members: list[Path]) -> None:
        if path.name == "patient.csv.gz":
            raise Killed
        sound(path, members)

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(write, "join_members", killed)
        synth(tmp_path / "raw")
    assert (tmp_path / "raw" / "lab.csv.gz").is_file()
    with pytest.raises(SourceError, match="patient"):
        prepare(tmp_path / "raw", tmp_path / "data")


# What a resume can get wrong, planted. Each must change what comes out, or leave something that cannot be read.


def forget_what_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of rows and patients begin anew after chunks that were finished before."""
    sound = work_folder.WorkFolder.facts

    def faulty(work: work_folder.WorkFolder, step: str, name: str):
        facts = sound(work, step, name)
        return facts | {"patients": 0, "rows": {}} if facts is not None and step == "chunks" else facts

    monkeypatch.setattr(work_folder.WorkFolder, "facts", faulty)


def trust_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step counts as finished while its files exist, whatever is in them."""
    monkeypatch.setattr(work_folder.WorkFolder, "_is_whole", lambda work, name, _: (work.to / name).is_file())


def leave_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_folder.WorkFolder, "remove", lambda _: None)


def a_header_in_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first chunk that a run makes has the header lines."""
    seen: set[str] = set()

    def faulty(path: Path, rows: object, header: bool, *style: object) -> None:
        sound(path, rows, path.name not in seen, *style)
        seen.add(path.name)

    sound = write.write_member
    monkeypatch.setattr(write, "write_member", faulty)


@pytest.mark.parametrize(
    "fault", [None, forget_what_was_made, trust_what_is_there, leave_the_work, a_header_in_each_run]
)
def test_a_planted_resume_bug_is_caught(
    half_done: Path, uninterrupted: dict[str, str], monkeypatch: pytest.MonkeyPatch, fault: Callable | None
):
    """On a folder whose first chunk is finished, the second one torn, and nothing joined."""
    part = half_done / ".work" / "parts" / "0" / "lab.csv.gz"
    if fault is trust_what_is_there:
        part.write_bytes(part.read_bytes()[:-9])
    (half_done / ".work" / "chunks" / "1.json").unlink()
    shutil.rmtree(half_done / ".work" / "tables")
    if fault is not None:
        fault(monkeypatch)
    assert (synth(half_done) == uninterrupted) == (fault is None)


def test_work_of_another_plan_that_is_kept_is_caught(half_done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    right = synth(tmp_path / "fresh", SyntheticSettings())
    monkeypatch.setattr(work_folder, "_own_names", lambda *_: [])
    assert synth(half_done, SyntheticSettings()) != right


def record_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk is written down as finished before its files are whole; and they are written in place, as they were."""
    sound = write._Job._write_chunk

    def faulty(job: write._Job, number: int, each: made.Chunk) -> list[Path]:
        job.work.finish("chunks", str(number), each.facts, [])
        return sound(job, number, each)

    def in_place(path: Path) -> Path:
        path.unlink(missing_ok=True)
        return path

    monkeypatch.setattr(write._Job, "_write_chunk", faulty)
    monkeypatch.setattr(whole_file.os, "replace", lambda *_: None)
    monkeypatch.setattr(whole_file, "_temporary", in_place)


def test_chunks_that_are_trusted_too_early_are_caught(
    uninterrupted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """By the test that kills at every call."""
    record_first(monkeypatch)
    calls = interrupted_at(0, tmp_path / "whole", monkeypatch)
    assert differing(list(range(1, calls + 1, calls // 15)), uninterrupted, tmp_path, monkeypatch) != []
