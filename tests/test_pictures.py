"""Where the pictures of a DATA folder lie: said beside what the manifest covers."""

from pathlib import Path

import pytest

from wardround import files
from wardround.errors import DataError
from wardround.pictures import images_file, picture_folder, write_picture_folder


def finished(folder: Path) -> Path:
    files.write_json(folder / "metadata" / "dataset.json", {"dataset_name": "x"})
    files.write_manifest(folder, "data", {}, {}, "0")
    return folder


def test_a_folder_without_pictures_says_nothing(tmp_path: Path):
    assert picture_folder(finished(tmp_path)) is None


def test_where_they_lie_may_be_told_later_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = finished(tmp_path / "data")
    manifest = files.verify_folder(data, "data")
    monkeypatch.chdir(tmp_path)
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        write_picture_folder(data, Path(name))
        assert picture_folder(data) == tmp_path / name
        assert files.verify_folder(data, "data") == manifest


def test_control_another_file_in_that_place_is_seen(tmp_path: Path):
    data = finished(tmp_path)
    files.write_json(data / "metadata" / "pictures.json", {})
    with pytest.raises(DataError, match="was added after the folder was finished"):
        files.verify_folder(data, "data")


def test_pictures_that_were_moved_are_asked_for(tmp_path: Path):
    data = finished(tmp_path / "data")
    write_picture_folder(data, tmp_path / "gone")
    with pytest.raises(DataError, match=r"images\.json names .*gone.* not there: moved\? Run prepare again with --cxr"):
        picture_folder(data)


@pytest.mark.parametrize("said", ['{"cxr": "relative/folder"}', '{"cxr": 3}', "{}", "[]", '{"cxr": '])
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, said: str):
    data = finished(tmp_path)
    images_file(data).write_text(said)
    with pytest.raises(DataError, match=r"images\.json"):
        picture_folder(data)
