"""Databases beside a source: which options go with which source."""

import re
from pathlib import Path

import pytest

from raw_mimic4 import RawMimic4
from wardround.cli import main
from wardround.errors import UsageError
from wardround.sources.beside import strangers_warning, with_folders
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.mimic4 import MIMIC4
from wardround.sources.mimic4.cxr import OTHER_VIEW
from wardround.sources.mimic4.registered import UNREGISTERED
from wardround.sources.source import Beside


def test_a_source_is_as_it_was_where_no_folder_is_given():
    assert with_folders(MIMIC4, {"cxr": None, "notes": None}) is MIMIC4
    assert with_folders(CHALLENGE2012, {"cxr": None, "notes": None}) is CHALLENGE2012


@pytest.mark.parametrize("modalities", ["paper", "all"])
def test_a_folder_brings_its_tables(modalities: str):
    with_both = with_folders(MIMIC4, {"cxr": Path("a"), "notes": Path("b")})
    added = {table.raw.name for table in with_both.tables(modalities)[len(MIMIC4.tables(modalities)) :]}
    assert added == {"mimic-cxr-2.0.0-metadata", "discharge", "radiology"}
    notes = with_folders(MIMIC4, {"cxr": None, "notes": Path("b")})
    assert {table.raw.name for table in notes.tables(modalities)} == {
        *(table.raw.name for table in MIMIC4.tables(modalities)),
        *("discharge", "radiology"),
    }


@pytest.mark.parametrize("option", ["cxr", "notes"])
@pytest.mark.parametrize("source", ["eicu", "challenge2012", "mimic3"])
def test_a_source_that_has_none_says_so(source: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["prepare", source, str(tmp_path), "--to", str(tmp_path / "d"), f"--{option}", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"--{option} does not go with {source}: no other folder is read beside its own. Leave it out." in said
    assert not (tmp_path / "d").exists()


def test_an_option_that_a_source_lacks_names_those_that_it_has():
    with pytest.raises(UsageError, match=re.escape("with it go --cxr (MIMIC-CXR-JPG or MIMIC-CXR) and --notes")):
        with_folders(MIMIC4, {"waves": Path("a")})


def test_every_option_of_a_source_is_one_of_the_command_line(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["prepare", "--help"])
    said = capsys.readouterr().out
    beside: tuple[Beside, ...] = MIMIC4.beside
    assert [each.option for each in beside] == ["cxr", "notes"]
    assert all(f"--{each.option} DIR" in said for each in beside)


def warned(**tables: tuple[int, dict[str, int]]) -> str | None:
    accounts = {
        name: {"rows_in": rows_out + sum(aside.values()), "rows_out": rows_out, "set_aside": aside}
        for name, (rows_out, aside) in tables.items()
    }
    return strangers_warning(MIMIC4, {"tables": accounts})


@pytest.mark.parametrize(
    ("rows_out", "aside", "expected"),
    [
        (0, {UNREGISTERED: 40}, "40 of 40"),
        (0, {"hospital stay of another patient": 1500, "no text": 200}, "1,500 of 1,700"),
        (9, {UNREGISTERED: 991}, "991 of 1,000"),
        (11, {UNREGISTERED: 989}, None),
        (100, {"subject without a stay": 900}, None),
        (0, {"no text": 40}, None),
        (0, {OTHER_VIEW: 30, UNREGISTERED: 10}, None),
        (0, {}, None),
    ],
    ids=["all", "all and more", "nearly", "not so nearly", "most are of no unit", "no text", "other views", "no row"],
)
def test_a_table_of_others_is_told_from_one_with_little_to_read(
    rows_out: int, aside: dict[str, int], expected: str | None
):
    said = warned(discharge=(rows_out, aside), icustays=(0, {UNREGISTERED: 5}))
    assert said is None if expected is None else f"discharge (--notes): {expected}. " in (said or "")


def test_every_table_of_others_is_counted():
    said = warned(discharge=(0, {UNREGISTERED: 2}), **{"mimic-cxr-2.0.0-metadata": (0, {UNREGISTERED: 3})}) or ""
    assert "mimic-cxr-2.0.0-metadata (--cxr): 3 of 3; discharge (--notes): 2 of 2" in said


def test_notes_of_others_are_said_on_stderr_and_it_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Also where the data were prepared before, with `--json` and quietly; no number of a patient is told."""
    raw, others = RawMimic4().stay(1), RawMimic4().stay(1)
    for stays in (raw, others):
        stays.note("discharge", 1)
    others.note("discharge", 1, subject_id=4040404, hadm_id="").rows["note/discharge"].pop(0)
    folders = {"own": raw.write(tmp_path / "own"), "others": others.write(tmp_path / "others")}
    for name, said in (("own", False), ("others", True), ("others", True)):
        call = ["prepare", "mimic4", str(folders["own"]), "--notes", str(folders[name]), "--quiet", "--json"]
        assert main([*call, "--to", str(tmp_path / f"data-{name}")]) == 0
        err = capsys.readouterr().err
        assert ("discharge (--notes): 1 of 1. Is it of another version or another database?" in err) == said
        assert "4040404" not in err
