"""`prepare --dry-run`: what is told before a run is what the run then finds."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import odd_lines
import raw_challenge
import raw_eicu
import raw_mimic4
from wardround.cli import main
from wardround.errors import RunError, StorageError, UsageError
from wardround.sources import csv_reader, pipeline
from wardround.sources import forecast as module
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.conversion import EventTable
from wardround.sources.disk_room import bytes_of, room_of
from wardround.sources.eicu import EICU
from wardround.sources.forecast import Forecast, forecast, forecast_lines
from wardround.sources.mimic4 import MIMIC4
from wardround.sources.pipeline import prepare
from wardround.sources.source import Source
from wardround.sources.stay_reading import ReadStays
from wardround.sources.work_folder import WorkFolder
from wardround.stopping import Stopped

pytestmark = pytest.mark.usefixtures("fast_fsync")

RAW = {
    "eicu": (EICU, raw_eicu.tiny, raw_eicu.prepare),
    "mimic4": (MIMIC4, raw_mimic4.tiny, raw_mimic4.prepare),
}


def forecast_of(source: Source, raw: Path, to: Path, memory_gib: float = 4) -> Forecast:
    return forecast(source, [raw], to, "all", 1, memory_gib)


@pytest.mark.parametrize("name", RAW)
def test_small_tables_are_told_as_they_are_and_nothing_is_written(name: str, tmp_path: Path):
    source, tiny, prepare = RAW[name]
    raw = tiny().write(tmp_path / "raw")
    found = forecast_of(source, raw, tmp_path / "data")
    assert not (tmp_path / "data").exists()
    ledger = prepare(raw, tmp_path / "data").ledger
    assert {table: told.rows for table, told in found.tables.items()} == {
        table: ledger[table]["rows_in"] - ledger[table]["set_aside"].get("wrong number of fields", 0)
        for table in found.tables
    }
    assert all(told.is_counted for told in found.tables.values())
    assert found.work_bytes > 0
    assert found.data_bytes > 0


def test_sets_of_the_challenge_are_told(tmp_path: Path):
    raw = odd_lines.planted(5)[0].write(tmp_path / "raw")
    found = forecast_of(CHALLENGE2012, raw, tmp_path / "data")
    assert found.stays > 0
    assert sum(table.events for table in found.tables.values()) > 0


def test_of_a_large_table_the_begin_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    raw = raw_eicu.small()
    for n in range(20_000):
        raw.add("lab", patientunitstayid=1, labresultoffset=n % 4_000, labname="pH", labresult=7.4)
    folder = raw.write(tmp_path / "raw", packed=False)
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 1 << 15)
    monkeypatch.setattr(module, "SAMPLE_ROWS", 4_000)
    told = forecast_of(EICU, folder, tmp_path / "data").tables["lab"]
    assert not told.is_counted
    assert told.rows == pytest.approx(20_000, rel=0.25)


def test_bytes_are_told_about_as_they_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A disk is refused that holds less than 0.7 of them: events wait packed, and so they must be told."""
    raw = raw_eicu.small()
    for n in range(20_000):
        raw.add("vitalPeriodic", patientunitstayid=1, observationoffset=n, heartrate=60 + n % 50, sao2=90 + n * 7 % 11)
    folder = raw.write(tmp_path / "raw")
    told = forecast_of(EICU, folder, tmp_path / "data")
    made, remove = list[int](), WorkFolder.remove

    def seen(work: WorkFolder) -> None:
        made.append(bytes_of([work.path / "runs" / "vitalPeriodic", work.to / "data"]))
        remove(work)

    monkeypatch.setattr(WorkFolder, "remove", seen)
    raw_eicu.prepare(folder, tmp_path / "data")
    assert told.tables["vitalPeriodic"].work_bytes + told.data_bytes == pytest.approx(made[-1], rel=0.2)


@pytest.mark.parametrize("bound", ["SAMPLE_ROWS", "SAMPLE_BYTES"])
def test_no_more_than_a_sample_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str):
    """Rows may be few and long. Control: with both bounds large all of it is."""
    raw = raw_eicu.small()
    for n in range(3_000):
        raw.add("lab", patientunitstayid=1, labresultoffset=n, labname="pH", labresult=7.4)
    folder = raw.write(tmp_path / "raw", packed=False)
    for name, size in (("BLOCK_BYTES", 1 << 13), ("PIECE_BYTES", 1 << 10)):
        monkeypatch.setattr(csv_reader, name, size)
    held = list[int]()
    packed = module._packed

    def seen(table: EventTable, events: pl.DataFrame, read: ReadStays) -> tuple[float, int, int]:
        held.append(events.height)
        return packed(table, events, read)

    monkeypatch.setattr(module, "_packed", seen)
    forecast_of(EICU, folder, tmp_path / "data")
    assert max(held) >= 3_000
    held.clear()
    monkeypatch.setattr(module, bound, 500)
    told = forecast_of(EICU, folder, tmp_path / "data").tables["lab"]
    assert max(held) < 1_500
    assert told.events == pytest.approx(3_000, rel=0.25)


def with_disk(patch: pytest.MonkeyPatch, free_bytes: int) -> None:
    """A disk with so much room, for all that ask."""
    usage = shutil.disk_usage("/")._replace(free=free_bytes)
    patch.setattr(shutil, "disk_usage", lambda _: usage)


@pytest.fixture(scope="module")
def eicu(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A raw folder, and the bytes that are needed while its data are made."""
    raw = raw_eicu.tiny().write(tmp_path_factory.mktemp("eicu") / "raw")
    found = forecast_of(EICU, raw, raw.parent / "data")
    return raw, found.work_bytes + found.data_bytes


def test_a_small_disk_is_refused_by_the_run_and_the_dry_run(
    eicu: tuple[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    raw, needed = eicu
    with_disk(monkeypatch, needed // 2)
    words = (
        r"data: some .* MiB are needed while data are made, .* MiB are free there\. Free the disk, or choose another"
    )
    with pytest.raises(StorageError, match=words):
        forecast_of(EICU, raw, tmp_path / "data").judge_disk()
    with pytest.raises(StorageError, match=words):
        prepare(EICU, raw, tmp_path / "data", quiet=True)
    assert not (tmp_path / "data").exists()


def test_what_an_earlier_call_left_counts_as_room(
    eicu: tuple[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    raw, needed = eicu
    with monkeypatch.context() as patch:
        patch.setattr(pipeline._Job, "_write_tables", stop)
        with pytest.raises(Stopped):
            prepare(EICU, raw, tmp_path / "data", quiet=True)
    with_disk(monkeypatch, needed // 2)
    made = room_of(tmp_path / "data").made_bytes
    assert made > needed // 2
    prepare(EICU, raw, tmp_path / "data", quiet=True)
    assert (tmp_path / "data" / "manifest.json").is_file()


def stop(*_: object) -> None:
    raise Stopped


def test_a_disk_that_may_be_too_small_is_told_of(
    eicu: tuple[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    raw, needed = eicu
    with_disk(monkeypatch, needed)
    words = ["prepare", "eicu", str(raw), "--to", str(tmp_path / "data")]
    for more in (["--dry-run"], []):
        assert main([*words, *more]) == 0
        assert "It may not be enough; a run that stops there can be gone on with." in capsys.readouterr().err
    assert main([*words, "--dry-run"]) == 0, "nothing is needed any more"
    told = capsys.readouterr()
    assert told.out.startswith(f"{tmp_path / 'data'} holds these data already, finished: a run makes nothing\n")
    assert told.err == ""


def test_plenty_of_room_is_no_reason_to_look_at_tables(eicu: tuple[Path, int], monkeypatch: pytest.MonkeyPatch):
    raw, _ = eicu
    found = EICU.find_all([raw], "all")
    raw_bytes = sum(table.where.stat().st_size for table in found.tables.values())
    monkeypatch.setattr(module, "read_stays", lambda *_: pytest.fail("stays were read"))
    plenty = module.PLENTY_BYTES + module.PLENTY * raw_bytes
    with_disk(monkeypatch, plenty)
    assert module.check_disk(EICU, found, raw.parent / "data", "all", 4) is None
    with_disk(monkeypatch, plenty - 1)
    with pytest.raises(pytest.fail.Exception):
        module.check_disk(EICU, found, raw.parent / "data", "all", 4)


def test_a_file_system_that_tells_no_size_is_no_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage("/")._replace(total=0, used=0, free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert room_of(tmp_path / "data").judge(1 << 50) is None


def test_all_sets_of_the_challenge_count(tmp_path: Path):
    """They lie in several places."""
    for letter, first in (("a", 100), ("b", 200)):
        raw_challenge.tiny_set(letter, first).write(tmp_path)
    found = CHALLENGE2012.find_all([tmp_path], "all").tables["observations"]
    assert [found.where, *found.others] == [tmp_path / "set-a", tmp_path / "set-b"]


def test_what_prepare_would_refuse_is_refused(eicu: tuple[Path, int], tmp_path: Path):
    raw, _ = eicu
    with pytest.raises(UsageError, match="too small"):
        forecast_of(EICU, raw, tmp_path / "data", memory_gib=0.1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="holds files that this command did not make"):
        forecast_of(EICU, raw, tmp_path / "mine")


def test_a_finished_folder_that_prepare_would_refuse_is_refused_in_its_words(eicu: tuple[Path, int], tmp_path: Path):
    raw, _ = eicu
    prepare(EICU, raw, tmp_path / "other", "paper", quiet=True)
    prepare(EICU, raw, tmp_path / "changed", quiet=True)
    (tmp_path / "changed" / "ledger.json").write_text("{}")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").write_text("of a program of mine")
    words = {"other": "made with other settings", "changed": "ledger.json differs from", "mine": "is not valid JSON"}
    for name, said in words.items():
        with pytest.raises(RunError, match=said) as of_run:
            prepare(EICU, raw, tmp_path / name, quiet=True)
        with pytest.raises(RunError) as of_dry_run:
            forecast_of(EICU, raw, tmp_path / name)
        assert str(of_dry_run.value) == str(of_run.value)


def test_more_workers_take_no_longer(tmp_path: Path):
    found = forecast_of(EICU, raw_eicu.tiny().write(tmp_path / "raw"), tmp_path / "data")
    wider = Forecast(**{**vars(found), "plan": module.plan_memory(4, 4, found.stays)})
    assert 0 < wider.seconds <= found.seconds
    assert any(line.startswith("time: at least ") for line in forecast_lines(found))


def test_the_command_tells_it_and_leaves_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    raw = raw_eicu.tiny().write(tmp_path / "raw")
    words = ["prepare", "eicu", str(raw), "--to", str(tmp_path / "data"), "--dry-run"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert all(f"\n{word}" in shown for word in ("disk: ", "memory: at most 4 GiB", "time: ", "lab "))
    assert main([*words, "--json", "--memory-gib", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["memory_gib"] == 2
    assert told["tables"]["lab"]["rows"] > 0
    assert not (tmp_path / "data").exists()
