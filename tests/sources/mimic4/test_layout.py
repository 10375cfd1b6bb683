"""MIMIC-IV's files in every layout, and what their items are called."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from raw_mimic4 import RawMimic4, prepare, tiny
from wardround.errors import BrokenFileError, SourceError, UsageError
from wardround.sources.mimic.named_tables import item_names, without_looked_up
from wardround.sources.mimic4 import MIMIC4, layout
from wardround.sources.mimic4.columns import CHARTEVENTS, D_ITEMS
from wardround.sources.mimic4.layout import NAMED_BY, find_mimic4_tables
from wardround.tables import ledger_lines


@pytest.mark.parametrize("packed", [True, False])
def test_every_layout_gives_the_same_data(tmp_path: Path, packed: bool):
    hashes = []
    for name in ("2.2", "1.0", "flat"):
        data = prepare(tiny().write(tmp_path / name, name, packed), tmp_path / f"{name}-data").hashes()
        hashes.append({file: digest for file, digest in data.items() if file != "manifest.json"})
    assert hashes[0] == hashes[1] == hashes[2]


def test_modules_and_tables_are_found_whatever_their_case(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw", packed=False)
    (raw / "icu").rename(raw / "ICU")
    (raw / "ICU" / "chartevents.csv").rename(raw / "ICU" / "CHARTEVENTS.csv")
    assert prepare(raw, tmp_path / "data").ledger["chartevents"]["rows_out"] == 9


@pytest.mark.parametrize("table", ["icu/icustays", "hosp/patients", "hosp/admissions"])
def test_stays_need_three_tables(tmp_path: Path, table: str):
    raw = tiny().write(tmp_path / "raw")
    (raw / f"{table}.csv.gz").unlink()
    with pytest.raises(SourceError, match=rf"has no {table.split('/')[1]}\.csv or .* \(hosp/, icu/ looked through\)"):
        prepare(raw, tmp_path / "data")


def test_a_table_that_is_absent_is_said_and_no_error(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw")
    for table in ("icu/chartevents", "icu/d_items"):
        (raw / f"{table}.csv.gz").unlink()
    data = prepare(raw, tmp_path / "data")
    assert "chartevents" not in data.ledger
    found = find_mimic4_tables([raw], [MIMIC4.stay_table, CHARTEVENTS])
    assert found.absent == ("chartevents", "d_items")
    assert "INFUSION//221906//mcg/kg/min" in data.events["code"].to_list(), "the number where nothing names an item"


def test_a_table_in_two_places_is_refused(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw")
    (raw / "core").mkdir()
    (raw / "core" / "patients.csv").write_text("subject_id\n")
    with pytest.raises(SourceError, match=r"2 files for table patients: core/patients\.csv, hosp/patients\.csv\.gz"):
        prepare(raw, tmp_path / "data")


def test_one_folder_with_tables_is_given(tmp_path: Path):
    with pytest.raises(UsageError, match=r"2 raw folders were given; MIMIC-IV is one"):
        find_mimic4_tables([tmp_path, tmp_path], [])
    with pytest.raises(SourceError, match="nowhere is not a folder"):
        find_mimic4_tables([tmp_path / "nowhere"], [])
    with pytest.raises(SourceError, match=r"has no icustays\.csv .*no hosp/ or icu/ either"):
        find_mimic4_tables([tmp_path], [MIMIC4.stay_table])


def test_a_column_that_is_lacking_is_named(tmp_path: Path):
    raw = tiny().write(tmp_path / "raw", packed=False)
    for name, old, new in (("icu/chartevents", "valuenum", "value_num"), ("icu/d_items", "label", "title")):
        path = raw / f"{name}.csv"
        text = path.read_text()
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(SourceError, match=f"lacks column {old} of table {name.split('/')[1]}"):
            prepare(raw, tmp_path / "data")
        path.write_text(text)


def summed(raw: Path, **digests: str) -> None:
    """Write the published sums beside the tables, some of them other ones."""
    paths = sorted(raw.rglob("*.csv.gz"))
    sums = {path: digests.get(path.name[:-7], hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths}
    lines = [f"{digest} {path.relative_to(raw).as_posix()}\n" for path, digest in sums.items()]
    (raw / "SHA256SUMS.txt").write_text("".join(lines))


@pytest.mark.parametrize("table", ["chartevents", "d_items", "admissions"])
def test_a_file_of_other_bytes_than_published_is_refused(tmp_path: Path, table: str):
    raw = tiny().write(tmp_path / "raw")
    summed(raw)
    prepare(raw, tmp_path / "good")
    summed(raw, **{table: "0" * 64})
    with pytest.raises(BrokenFileError, match=rf"{table}\.csv\.gz differs from SHA256SUMS\.txt"):
        prepare(raw, tmp_path / "data")


def test_a_stand_in_that_is_known_is_taken_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    raw = tiny().write(tmp_path / "raw")
    chart = hashlib.sha256((raw / "icu" / "chartevents.csv.gz").read_bytes()).hexdigest()
    monkeypatch.setattr(layout, "STAND_INS", {chart: "chartevents was rebuilt"})
    summed(raw, chartevents="0" * 64)
    found = find_mimic4_tables([raw], [MIMIC4.stay_table, CHARTEVENTS])
    assert found.notes == ("chartevents was rebuilt",)
    data = prepare(raw, tmp_path / "data")
    ledger = json.loads((data.folder / "ledger.json").read_text())
    assert ledger["notes"] == ["chartevents was rebuilt"]
    assert ledger_lines(ledger)[-1] == "note: chartevents was rebuilt"
    summed(raw, chartevents="0" * 64, d_items="1" * 64)
    with pytest.raises(BrokenFileError, match=r"d_items\.csv\.gz differs"):
        find_mimic4_tables([raw], [MIMIC4.stay_table, CHARTEVENTS])


def test_names_of_items_come_once_each(tmp_path: Path):
    path = tmp_path / "d_items.csv.gz"
    path.write_bytes(
        gzip.compress(b"itemid,label,category\n 7 ,Pulse,Vital\n7.0,Pulse,Vital\n8,,\n8.5,x,y\n,x,y\n", mtime=0)
    )
    assert item_names(path, D_ITEMS, ("label", "category")).rows() == [(7, "Pulse", "Vital"), (8, None, None)]
    path.write_bytes(gzip.compress(b"itemid,label,category\n9, ,Alarms\n9,,Labs\n", mtime=0))
    assert item_names(path, D_ITEMS, ("label", "category")).rows() == [(9, None, "Labs")]
    assert item_names(None, D_ITEMS, ("label",)).rows() == []
    assert set(CHARTEVENTS.columns) - set(without_looked_up(CHARTEVENTS, NAMED_BY).columns) == {"label", "category"}


def test_nothing_usable_is_an_error(tmp_path: Path):
    raw = RawMimic4().stay(1, intime="").write(tmp_path / "raw")
    with pytest.raises(SourceError, match=r"icustays\.csv\.gz holds no usable stay \(no time: 1\)"):
        prepare(raw, tmp_path / "data")
