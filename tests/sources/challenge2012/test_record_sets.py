"""Where sets of records and their outcomes are found, and in what form they are read."""

import zipfile
from pathlib import Path

import pytest

from raw_challenge import RawSet, tar_of, tiny_set
from wardround.errors import BrokenFileError, SourceError
from wardround.sources.challenge2012.record_sets import MAX_RECORD_BYTES, RecordSet, find_sets

FORMS = ("folder", "tar.gz", "zip")


def contents(each: RecordSet) -> dict[str, bytes]:
    return {record: content for record, content, _ in each.records()}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_records_in_every_form(tmp_path: Path, form: str):
    raw = tiny_set().write(tmp_path, form)
    (found,) = find_sets([raw])
    assert found.name == "set-a"
    assert contents(found) == {name.removesuffix(".txt"): text for name, text in tiny_set().texts().items()}
    assert found.outcomes() == raw / "Outcomes-a.txt"


def test_a_set_may_be_given_by_itself(tmp_path: Path):
    raw = tiny_set().write(tmp_path, "tar.gz")
    tiny_set("b", 142675).write(tmp_path)
    (archive,) = find_sets([raw / "set-a.tar.gz"])
    (folder,) = find_sets([raw / "set-b"])
    assert (archive.name, folder.name) == ("set-a", "set-b")
    assert (archive.outcomes(), folder.outcomes()) == (raw / "Outcomes-a.txt", raw / "Outcomes-b.txt")


def test_of_a_set_in_several_forms_the_archive_is_read(tmp_path: Path):
    """As `fetch` leaves it: the archive, and beside it what it holds."""
    for form in FORMS:
        tiny_set().write(tmp_path, form)
    (found,) = find_sets([tmp_path])
    assert found.path == tmp_path / "set-a.tar.gz"


def test_several_sets_in_one_place_or_in_several(tmp_path: Path):
    here, there = tmp_path / "here", tmp_path / "there"
    tiny_set("b", 20).write(here, "zip")
    tiny_set("a", 10).write(here, "folder")
    tiny_set("c", 30).write(there, "tar.gz")
    assert [each.name for each in find_sets([there, here])] == ["set-a", "set-b", "set-c"]


def test_loose_records_are_a_set_and_other_files_are_none(tmp_path: Path):
    raw = tiny_set().write(tmp_path)
    loose = raw / "set-a"
    (loose / "README.txt").write_text("not a record")
    (loose / "notes").mkdir()
    renamed = loose.rename(raw / "records")
    (raw / "Outcomes-a.txt").rename(renamed / "outcomes.txt")
    (found,) = find_sets([renamed])
    assert (found.name, len(contents(found)), found.outcomes()) == ("records", 3, renamed / "outcomes.txt")


def test_outcomes_of_another_set_are_not_taken(tmp_path: Path):
    raw = tiny_set().write(tmp_path)
    (raw / "Outcomes-a.txt").rename(raw / "Outcomes-b.txt")
    (found,) = find_sets([raw])
    assert found.outcomes() is None


def test_two_files_of_outcomes_are_refused(tmp_path: Path):
    raw = tiny_set().write(tmp_path)
    (raw / "outcomes-A.TXT").write_text("x")
    with pytest.raises(SourceError, match="2 files of outcomes for set-a"):
        find_sets([raw])[0].outcomes()


def test_a_set_that_is_given_twice_is_refused(tmp_path: Path):
    raw = tiny_set().write(tmp_path, "tar.gz")
    with pytest.raises(SourceError, match=r"set-a is given 2 times: .*set-a\.tar\.gz, .*set-a\.tar\.gz\. Give it once"):
        find_sets([raw, raw / "set-a.tar.gz"])


def test_a_place_without_records_is_refused(tmp_path: Path):
    with pytest.raises(SourceError, match=r"holds no set-a/, set-a\.tar\.gz or set-a\.zip"):
        find_sets([tmp_path])
    with pytest.raises(SourceError, match="nowhere is not a folder or an archive"):
        find_sets([tmp_path / "nowhere"])


def test_a_digest_says_what_is_in_a_set(tmp_path: Path):
    first = find_sets([tiny_set().write(tmp_path / "1")])[0].sha256()
    assert find_sets([tiny_set().write(tmp_path / "2")])[0].sha256() == first
    assert find_sets([RawSet().add(132539).write(tmp_path / "3")])[0].sha256() != first


@pytest.mark.parametrize("name", ["../132539.txt", "/tmp/132539.txt", "set-a/../../1.txt"])
def test_an_archive_that_leads_out_is_refused(tmp_path: Path, name: str):
    with zipfile.ZipFile(tmp_path / "set-a.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(BrokenFileError, match="named so that it could lead out"):
        contents(find_sets([tmp_path])[0])


def test_a_record_beyond_any_size_is_refused(tmp_path: Path):
    large = {"132539.txt": b"0123456789abcdef" * (MAX_RECORD_BYTES // 16 + 1)}
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "132539.txt").write_bytes(large["132539.txt"])
    (tmp_path / "set-a.zip").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "set-a.zip", "w") as archive:
        archive.writestr("set-a/132539.txt", large["132539.txt"])
    for raw, why in ((tmp_path / "1", "a file of more than 4,194,304 bytes"), (tmp_path / "set-a.zip", "too large")):
        with pytest.raises(BrokenFileError, match=why):
            contents(find_sets([raw])[0])


def test_a_cut_archive_is_refused(tmp_path: Path):
    whole = tar_of("set-a", tiny_set().texts())
    (tmp_path / "set-a.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BrokenFileError, match="cannot be read to its end"):
        contents(find_sets([tmp_path])[0])
