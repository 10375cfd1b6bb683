"""Databases beside a source: which options go with which source."""

import re
from pathlib import Path

import pytest

from wardround.cli import main
from wardround.errors import UsageError
from wardround.sources.beside import with_folders
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.mimic4 import MIMIC4
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
