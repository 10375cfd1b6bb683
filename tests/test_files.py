"""The one door to disk: whole or not at all, and read only when it is what was written."""

import contextlib
import gc
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wardround import files
from wardround.errors import DataError, RunError, StorageError

TABLE = pl.DataFrame({"stay_id": [3, 1], "code": ["b", None], "value": [0.5, float("nan")]})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_bytes_text_and_json_are_written_and_folders_made(tmp_path: Path):
    files.write_bytes(tmp_path / "a" / "b" / "raw", memoryview(b"\0\1"))
    files.write_text(tmp_path / "note.txt", "µ")
    files.write_json(tmp_path / "settings.json", {"b": [1, 2.5, None], "a": "é"})
    assert (tmp_path / "a" / "b" / "raw").read_bytes() == b"\0\1"
    assert (tmp_path / "note.txt").read_bytes() == "µ".encode()
    assert files.read_json(tmp_path / "settings.json") == {"a": "é", "b": [1, 2.5, None]}
    assert names(tmp_path) == ["a", "note.txt", "settings.json"]


def test_equal_values_give_equal_bytes(tmp_path: Path):
    files.write_json(tmp_path / "1", {"a": 1, "b": {"d": 1, "c": 2}})
    files.write_json(tmp_path / "2", {"b": {"c": 2, "d": 1}, "a": 1})
    files.write_table(tmp_path / "3", TABLE)
    files.write_table(tmp_path / "4", TABLE.clone())
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert (tmp_path / "3").read_bytes() == (tmp_path / "4").read_bytes()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_has_no_nan(tmp_path: Path, number: float):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "x.json", {"value": number})
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"{} x", b"\xff", b"NaN", b'{"a": Infinity}', b"[" * 100_000],
    ids=lambda content: str(content[:9]),
)
def test_a_torn_json_is_the_error_that_was_asked_for(tmp_path: Path, content: bytes):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"x\.json is not valid JSON: it was cut or edited"):
        files.read_json(path, RunError)


def test_a_json_that_is_missing_or_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DataError, match=r"x\.json is missing"):
        files.read_json(tmp_path / "x.json")
    (tmp_path / "x.json").write_text("[1, 2, 3]")
    monkeypatch.setattr(files, "MAX_JSON_BYTES", 5)
    with pytest.raises(DataError, match="larger than 0 MiB: not a file of ours"):
        files.read_json(tmp_path / "x.json")


def test_a_json_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "x.json").write_text("{}")
    monkeypatch.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(StorageError, match=r"reading .*x\.json: Permission denied"):
        files.read_json(tmp_path / "x.json")


def test_a_table_comes_back(tmp_path: Path):
    files.write_table(tmp_path / "t.parquet", TABLE)
    assert files.read_table(tmp_path / "t.parquet").equals(TABLE)
    assert files.read_table(tmp_path / "t.parquet", columns=["code"]).equals(TABLE.select("code"))
    files.write_table(tmp_path / "empty.parquet", TABLE.clear())
    assert files.read_table(tmp_path / "empty.parquet").equals(TABLE.clear())


def test_a_schema_is_exact_on_disk(tmp_path: Path):
    schema = pa.schema([pa.field("code", pa.string()), pa.field("stay_id", pa.int32(), nullable=False)])
    files.write_table(tmp_path / "t.parquet", TABLE, schema)
    assert pq.read_schema(tmp_path / "t.parquet").remove_metadata() == schema


def test_large_tables_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "ROWS_PER_GROUP", 1)
    files.write_table(tmp_path / "t.parquet", TABLE)
    assert pq.ParquetFile(tmp_path / "t.parquet").num_row_groups == 2
    assert files.read_table(tmp_path / "t.parquet").equals(TABLE)


def test_a_table_in_pieces_appears_at_the_end(tmp_path: Path):
    with files.table_stream(tmp_path / "t.parquet", compression="lz4") as stream:
        stream.add(TABLE)
        assert not (tmp_path / "t.parquet").exists()
        stream.add(TABLE)
    assert files.read_table(tmp_path / "t.parquet").equals(pl.concat([TABLE, TABLE]))


def test_a_table_of_no_pieces_is_none(tmp_path: Path):
    with pytest.raises(ValueError, match="before any table was added"), files.table_stream(tmp_path / "t.parquet"):
        pass
    assert names(tmp_path) == []


def test_large_files_are_written_whole(tmp_path: Path):
    data = os.urandom(3 << 20)
    files.write_bytes(tmp_path / "large", data)
    assert (tmp_path / "large").read_bytes() == data
    noise = pl.DataFrame({"x": np.random.default_rng(0).random(400_000)})
    files.write_table(tmp_path / "large.parquet", noise)
    assert files.read_table(tmp_path / "large.parquet").equals(noise)


def half_made(path: Path) -> None:
    with contextlib.suppress(ZeroDivisionError), files.table_stream(path) as stream:
        stream.add(TABLE)
        raise ZeroDivisionError


def test_a_table_whose_making_failed_leaves_nothing_also_not_later(tmp_path: Path):
    files.write_text(tmp_path / "t.parquet", "before")
    half_made(tmp_path / "t.parquet")
    other = os.open(tmp_path / "another file", os.O_WRONLY | os.O_CREAT)
    gc.collect()
    os.close(other)
    assert (tmp_path / "another file").read_bytes() == b"", "a late footer went into a descriptor that was reused"
    assert names(tmp_path) == ["another file", "t.parquet"]
    assert (tmp_path / "t.parquet").read_text() == "before"


@pytest.mark.parametrize("damage", ["cut", "footer", "text", "empty"])
def test_a_torn_table_is_the_error_that_was_asked_for(tmp_path: Path, damage: str):
    path = tmp_path / "t.parquet"
    files.write_table(path, TABLE)
    data = path.read_bytes()
    path.write_bytes(
        {"cut": data[:-9], "footer": data[:-8] + b"\xff\xff\xff\x7fPAR1", "text": b"x,y\n1,2\n", "empty": b""}[damage]
    )
    with pytest.raises(RunError, match=r"t\.parquet cannot be read as parquet"):
        files.read_table(path, RunError)


def test_a_missing_table_or_column(tmp_path: Path):
    with pytest.raises(DataError, match=r"t\.parquet is missing"):
        files.read_table(tmp_path / "t.parquet")


def test_arrays_are_mapped_and_hold_no_objects(tmp_path: Path):
    array = np.arange(6, dtype=np.int32).reshape(2, 3)[:, ::2]
    files.write_array(tmp_path / "a.npy", array)
    mapped = files.map_array(tmp_path / "a.npy")
    assert (mapped == array).all()
    with pytest.raises(ValueError, match="read-only"):
        mapped[0, 0] = 5
    with pytest.raises(ValueError, match="allow_pickle=False"):
        files.write_array(tmp_path / "b.npy", np.array([{}]))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-4])
    for name in ("a.npy", "none.npy"):
        with pytest.raises(DataError, match=f"{name} is missing or torn"):
            files.map_array(tmp_path / name)


def test_hashes():
    assert files.hash_of({"a": 1, "b": [1.5, None]}) == files.hash_of({"b": [1.5, None], "a": 1})
    assert files.hash_of({"a": 1}) != files.hash_of({"a": 1.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.hash_of(float("nan"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished folder with a file at its top and one below."""
    files.write_text(tmp_path / "run" / "settings.json", "{}")
    files.write_table(tmp_path / "run" / "vocabulary" / "codes.parquet", TABLE)
    files.write_manifest(tmp_path / "run", "run", {"data": "abc"}, {"seed": 1}, "0.1.0")
    return tmp_path / "run"


def test_a_manifest_says_what_there_is(folder: Path):
    manifest = files.verify_folder(folder, "run", RunError)
    assert manifest["settings"] == {"seed": 1}
    assert manifest["inputs"] == {"data": "abc"}
    assert sorted(manifest["files"]) == ["settings.json", "vocabulary/codes.parquet"]
    assert manifest["files"]["settings.json"] == files.sha256(folder / "settings.json")


def test_what_lies_beside_is_no_part_of_it(folder: Path):
    for name in (".hidden/x", "cache/lines.npy", "checkpoints/step/state.json", "notes.txt", "vocabulary/.partial"):
        files.write_text(folder / name, "x")
    files.verify_folder(folder, "run", RunError)


def damage(folder: Path, kind: str) -> None:
    path = folder / "vocabulary" / "codes.parquet"
    manifest = json.loads((folder / files.MANIFEST).read_text())
    if kind == "a file is gone":
        path.unlink()
    elif kind == "a file was changed":
        path.write_bytes(path.read_bytes() + b"x")
    elif kind == "a file was added":
        files.write_table(path.with_name("more.parquet"), TABLE)
    elif kind == "the manifest was edited":
        (folder / files.MANIFEST).write_text(json.dumps(manifest | {"settings": {"seed": 2}}))
    elif kind == "the manifest is a list":
        (folder / files.MANIFEST).write_text("[]")
    elif kind == "it was never finished":
        (folder / files.MANIFEST).unlink()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("a file is gone", r"codes\.parquet is missing"),
        ("a file was changed", r"codes\.parquet differs from what was written"),
        ("a file was added", r"more\.parquet was added after the folder was finished"),
        ("the manifest was edited", r"manifest\.json was edited"),
        ("the manifest is a list", r"manifest\.json was edited"),
        ("it was never finished", r"manifest\.json is missing"),
    ],
)
def test_a_damaged_folder_is_named(folder: Path, kind: str, message: str):
    damage(folder, kind)
    with pytest.raises(RunError, match=message):
        files.verify_folder(folder, "run", RunError)


def test_a_folder_of_another_kind_or_none(folder: Path):
    with pytest.raises(DataError, match="holds 'run', but 'data' was expected"):
        files.read_manifest(folder, "data", DataError)
    with pytest.raises(DataError, match="is not a folder"):
        files.read_manifest(folder / "none", "data", DataError)


def test_complete_means_this_very_artefact(folder: Path):
    assert files.is_complete(folder, "run", {"seed": 1}, {"data": "abc"})
    assert not files.is_complete(folder / "none", "run", {}, {})
    for settings, inputs in (({"seed": 2}, {"data": "abc"}), ({"seed": 1}, {"data": "abd"})):
        with pytest.raises(RunError, match="made with other settings or inputs"):
            files.is_complete(folder, "run", settings, inputs)


def test_no_clock_and_no_place_goes_into_a_manifest(folder: Path, tmp_path: Path):
    folder.rename(tmp_path / "elsewhere")
    first = (tmp_path / "elsewhere" / files.MANIFEST).read_bytes()
    files.write_manifest(tmp_path / "elsewhere", "run", {"data": "abc"}, {"seed": 1}, "0.1.0")
    assert (tmp_path / "elsewhere" / files.MANIFEST).read_bytes() == first


def test_removing_takes_what_is_there_and_follows_no_link(tmp_path: Path):
    files.write_text(tmp_path / "theirs" / "x", "kept")
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    files.write_text(tmp_path / "ours" / "y", "gone")
    files.write_text(tmp_path / "file", "gone")
    for name in ("link", "dangling", "ours", "file", "absent"):
        files.remove(tmp_path / name)
    assert names(tmp_path) == ["theirs"]
    assert (tmp_path / "theirs" / "x").read_text() == "kept"


def test_an_emptied_folder_is_there_and_empty(tmp_path: Path):
    files.write_text(tmp_path / ".ours" / "x", "gone")
    files.empty_folder(tmp_path / ".ours")
    files.empty_folder(tmp_path / ".new" / "one")
    assert names(tmp_path / ".ours") == names(tmp_path / ".new" / "one") == []


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=r"Free or fix the disk"):
        files.write_text(tmp_path / "file" / "x", "y")
    with pytest.raises(StorageError, match="reading"):
        files.sha256(tmp_path / "none")
