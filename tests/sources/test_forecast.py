"""`prepare --dry-run`: what is told before a run is what the run then finds."""

import json
from pathlib import Path

import pytest

import odd_lines
import raw_eicu
import raw_mimic4
from wardround.cli import main
from wardround.errors import RunError, StorageError, UsageError
from wardround.sources import csv_reader
from wardround.sources import forecast as module
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.eicu import EICU
from wardround.sources.forecast import Forecast, forecast, forecast_lines
from wardround.sources.mimic4 import MIMIC4
from wardround.sources.source import Source

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


def test_a_small_disk_is_refused(tmp_path: Path):
    found = forecast_of(EICU, raw_eicu.tiny().write(tmp_path / "raw"), tmp_path / "data")
    found.refuse_small_disk()
    full = Forecast(**{**vars(found), "free_bytes": found.work_bytes + found.data_bytes})
    with pytest.raises(StorageError, match=r"MiB are needed while data are made, .* MiB are free there"):
        full.refuse_small_disk()


def test_what_prepare_would_refuse_is_refused(tmp_path: Path):
    raw = raw_eicu.tiny().write(tmp_path / "raw")
    with pytest.raises(UsageError, match="too small"):
        forecast_of(EICU, raw, tmp_path / "data", memory_gib=0.1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="holds files that this command did not make"):
        forecast_of(EICU, raw, tmp_path / "mine")


def test_more_workers_take_no_longer(tmp_path: Path):
    found = forecast_of(EICU, raw_eicu.tiny().write(tmp_path / "raw"), tmp_path / "data")
    wider = Forecast(**{**vars(found), "plan": module.plan_memory(4, 4, found.stays)})
    assert 0 < wider.seconds <= found.seconds
    assert any(line.startswith("time: some") for line in forecast_lines(found))


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
