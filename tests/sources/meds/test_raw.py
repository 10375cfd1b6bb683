"""The files of a MEDS data set: shards wherever they lie, metadata, checksums."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from raw_meds import tiny
from wardround.errors import BrokenFileError, SourceError, UsageError
from wardround.sources.meds import raw, shards
from wardround.sources.meds.raw import open_meds


def test_shards_lie_in_folders_or_not(tmp_path: Path):
    folder = tiny().write(tmp_path / "raw", shards=3)
    assert [path.parent.name for path in open_meds([folder]).shards] == ["held_out", "train", "tuning"]
    shutil.move(folder / "data" / "train" / "0.parquet", folder / "data" / "0.parquet")
    (folder / "data" / ".hidden").mkdir()
    shutil.copy(folder / "data" / "0.parquet", folder / "data" / ".hidden" / "9.parquet")
    (folder / "data" / "notes.txt").write_text("no shard")
    assert [path.name for path in open_meds([folder]).shards] == ["0.parquet", "2.parquet", "1.parquet"]


def test_rows_are_numbered_through_all_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shards, "BATCH_ROWS", 4)
    blocks = list(open_meds([tiny().write(tmp_path / "raw", shards=3)]).blocks({}))
    assert len(blocks) > 3
    rows = [block.first_row + at for block in blocks for at in range(block.frame.height)]
    assert rows == list(range(len(tiny().rows)))


def test_every_file_is_hashed_and_held_against_what_was_published(tmp_path: Path):
    folder = tiny().write(tmp_path / "raw", shards=2)
    inputs = open_meds([folder]).inputs()
    assert set(inputs) == {"data/train/0.parquet", "data/tuning/1.parquet", "metadata/dataset.json"}
    path = folder / "data" / "train" / "0.parquet"
    assert inputs["data/train/0.parquet"] == hashlib.sha256(path.read_bytes()).hexdigest()
    sums = folder / "SHA256SUMS.txt"
    sums.write_text("".join(f"{digest} {name}\n" for name, digest in inputs.items()))
    open_meds([folder]).inputs()
    sums.write_text(sums.read_text().replace(inputs["data/train/0.parquet"], "0" * 64))
    with pytest.raises(BrokenFileError, match=r"0\.parquet differs from SHA256SUMS\.txt"):
        open_meds([folder]).inputs()


def test_a_column_that_no_shard_has(tmp_path: Path):
    folder = open_meds([tiny().write(tmp_path / "raw")])
    folder.check(["unit_stay", "visit"], "which is asked for.")
    with pytest.raises(SourceError, match=r"no shard has column hadm_id, which is asked for\."):
        folder.check(["visit", "hadm_id"], "which is asked for.")


@pytest.mark.parametrize("version", ["0.3.0", "0.3.3", "0.4.1", None])
def test_these_versions_are_read(tmp_path: Path, version: str | None):
    made = tiny()
    made.dataset = {} if version is None else {"meds_version": version}
    assert len(open_meds([made.write(tmp_path / "raw")]).shards) == 1


@pytest.mark.parametrize("version", ["0.1", "0.2.1", "1.0", "x"])
def test_others_are_refused(tmp_path: Path, version: str):
    made = tiny()
    made.dataset = {"meds_version": version}
    with pytest.raises(SourceError, match=r"is of MEDS .*This reads 0\.3 and 0\.4"):
        open_meds([made.write(tmp_path / "raw")])


def test_what_is_no_data_set(tmp_path: Path):
    folder = tiny().write(tmp_path / "raw")
    with pytest.raises(UsageError, match="2 raw folders were given"):
        open_meds([folder, folder])
    with pytest.raises(SourceError, match="is not a folder"):
        open_meds([folder / "mapping.toml"])
    with pytest.raises(SourceError, match=r"holds no \.parquet file"):
        open_meds([folder / "metadata"])
    (folder / raw.DATASET).write_text(json.dumps([1]))
    with pytest.raises(SourceError, match="is no JSON object"):
        open_meds([folder])
    (folder / raw.DATASET).unlink()
    assert open_meds([folder]).dataset == {}
