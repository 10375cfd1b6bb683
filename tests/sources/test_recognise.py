"""Which database a folder looks like, in the error of a source that it is not of."""

from pathlib import Path

import pytest

import raw_eicu
import raw_mimic3
import raw_mimic4
from wardround.cli import main
from wardround.sources.recognise import looks_like
from wardround.sources.registry import SOURCES
from wardround.sources.source import Source


@pytest.fixture(scope="module")
def raws(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small folder of each of three databases, with a table that no other has."""
    folder = tmp_path_factory.mktemp("raws")
    found = {
        "mimic3": raw_mimic3.tiny().write(folder / "m3"),
        "mimic4": raw_mimic4.tiny().write(folder / "m4"),
        "eicu": raw_eicu.tiny().write(folder / "e"),
    }
    for name, more in {"mimic3": "NOTEEVENTS.csv.gz", "mimic4": "hosp/emar.csv.gz"}.items():
        if not (found[name] / more).exists():
            (found[name] / more).write_bytes(b"")
    return found


@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["run", "dry run"])
@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("mimic4", "mimic3"),
        ("mimic3", "mimic4"),
        ("eicu", "mimic3"),
        ("eicu", "mimic4"),
        ("mimic3", "eicu"),
        ("challenge2012", "mimic4"),
        ("meds", "eicu"),
    ],
)
def test_a_folder_of_another_database_is_said_to_be_so(
    asked: str,
    given: str,
    dry: list[str],
    raws: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    folder = raws[given]
    assert main(["prepare", asked, str(folder), "--to", str(tmp_path / "to"), "--quiet", *dry]) == 1
    said = capsys.readouterr().err
    assert f"{folder} has " in said
    assert f" tables of {given}" in said
    assert said.rstrip().endswith(f"did you mean `wardround prepare {given}`?")
    assert not (tmp_path / "to").exists()


def told(asked: str, folder: Path) -> str:
    return looks_like(asked, [folder], SOURCES.values())


def test_a_folder_of_the_right_database_is_no_other(
    raws: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """What its error says is about a table of it, and stays as it is."""
    for name, folder in raws.items():
        assert told(name, folder) == ""
    raw = raw_eicu.tiny().write(tmp_path / "raw")
    (raw / "patient.csv.gz").unlink()
    assert main(["prepare", "eicu", str(raw), "--to", str(tmp_path / "to"), "--quiet"]) == 1
    assert "did you mean" not in capsys.readouterr().err


def test_without_more_tables_of_one_than_of_all_others_nothing_is_said(tmp_path: Path):
    """Of nothing, of tables that two have alike, of a file of that name that is none."""
    assert told("eicu", tmp_path) == told("eicu", tmp_path / "nowhere") == ""
    for name in ("ICUSTAYS.csv", "patients.csv.gz", "patient.txt"):
        (tmp_path / name).write_bytes(b"")
    assert told("eicu", tmp_path) == ""
    (tmp_path / "inputevents_mv.csv").write_bytes(b"")
    assert "has 3 tables of mimic3, and 0 of eicu" in told("eicu", tmp_path)
    assert told("mimic3", tmp_path) == ""
    assert looks_like("eicu", [tmp_path, tmp_path], SOURCES.values()) == "", "nobody knows which of two is meant"


def test_a_folder_that_cannot_be_listed_hides_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(_: Path):
        raise PermissionError

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert told("eicu", tmp_path) == ""


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_a_source_knows_its_tables_by_name(source: Source):
    declared = {table.raw.name.lower() for table in (*source.paper_tables, *source.all_tables)}
    assert declared | {source.stay_table.name.lower()} <= source.table_names
    assert all(name == name.lower() for name in source.table_names)
