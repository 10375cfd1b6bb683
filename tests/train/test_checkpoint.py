"""Checkpoints on disk. Kills at each write: tests/promises/test_17; torn files: test_19; hostile ones: test_22."""

from pathlib import Path

import pytest
import torch

from wardround.errors import RunError, StorageError
from wardround.files import verify_folder
from wardround.train import checkpoint as module
from wardround.train.checkpoint import Checkpoint, load_checkpoint, remove_checkpoints, save_checkpoint
from wardround.train.weights import layouts_of


def at(step: int) -> Checkpoint:
    return Checkpoint(step, {"w": torch.full((2, 3), float(step))}, {"step": step, "loss": 0.1 + 0.2})


def expect(state: dict):
    if "step" not in state:
        raise RunError("no step")
    return layouts_of(at(0).tensors)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_round_trip(tmp_path: Path):
    save_checkpoint(tmp_path, at(7), "me", keep=2)
    read, notes = load_checkpoint(tmp_path, "me", expect)
    assert read is not None
    assert notes == []
    assert (read.step, read.state) == (7, {"step": 7, "loss": 0.30000000000000004})
    assert torch.equal(read.tensors["w"], at(7).tensors["w"])


def test_layout_on_disk(tmp_path: Path):
    save_checkpoint(tmp_path, at(123), "me", keep=2)
    folder = tmp_path / "checkpoints" / "step-00000123"
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "state.json", "state.safetensors"]
    assert verify_folder(folder, "checkpoint")["settings"] == {"identity": "me", "step": 123}


def test_equal_checkpoints_have_equal_bytes(tmp_path: Path):
    for folder in (tmp_path / "1", tmp_path / "2"):
        save_checkpoint(folder, at(5), "me", keep=1)
    first, second = ([p.read_bytes() for p in sorted((tmp_path / n).rglob("*.*"))] for n in ("1", "2"))
    assert first == second
    assert len(first) == 3


def test_nothing_there(tmp_path: Path):
    assert load_checkpoint(tmp_path, "me", expect) == (None, [])
    remove_checkpoints(tmp_path)


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_newest_are_kept_by_number_not_by_name(tmp_path: Path, keep: int):
    steps = (8, 9, 10, 99_999_999, 100_000_000)
    for step in steps:
        save_checkpoint(tmp_path, at(step), "me", keep=keep)
    assert names(tmp_path) == sorted(f"step-{step:08d}" for step in steps[-keep:])
    read, _ = load_checkpoint(tmp_path, "me", expect)
    assert read is not None
    assert read.step == 100_000_000


def test_a_checkpoint_of_later_steps_gives_way(tmp_path: Path):
    for step in (3, 6, 9):
        save_checkpoint(tmp_path, at(step), "me", keep=3)
    save_checkpoint(tmp_path, at(6), "me", keep=2)
    assert names(tmp_path) == ["step-00000003", "step-00000006"]


def test_leftovers_of_a_kill_are_swept(tmp_path: Path):
    save_checkpoint(tmp_path, at(3), "me", keep=2)
    for name in (".step-00000006.partial", ".step-00000001.deleted"):
        (tmp_path / "checkpoints" / name).mkdir()
    load_checkpoint(tmp_path, "me", expect)
    assert names(tmp_path) == ["step-00000003"]


def test_other_names_are_left_alone(tmp_path: Path):
    save_checkpoint(tmp_path, at(3), "me", keep=1)
    for name in ("step-best", "step-7", "notes.txt"):
        (tmp_path / "checkpoints" / name).mkdir()
    save_checkpoint(tmp_path, at(6), "me", keep=1)
    assert names(tmp_path) == ["notes.txt", "step-00000006", "step-7", "step-best"]


def test_a_file_named_as_a_checkpoint_is_not_one(tmp_path: Path):
    save_checkpoint(tmp_path, at(3), "me", keep=1)
    (tmp_path / "checkpoints" / "step-00000009").write_text("x")
    read, notes = load_checkpoint(tmp_path, "me", expect)
    assert read is not None
    assert read.step == 3
    assert "step-00000009 was not used" in notes[0]
    save_checkpoint(tmp_path, at(9), "me", keep=1)
    assert names(tmp_path) == ["step-00000009"]


def test_a_renamed_checkpoint_is_not_used(tmp_path: Path):
    save_checkpoint(tmp_path, at(3), "me", keep=1)
    (tmp_path / "checkpoints" / "step-00000003").rename(tmp_path / "checkpoints" / "step-00000008")
    read, notes = load_checkpoint(tmp_path, "me", expect)
    assert read is None
    assert "is not a checkpoint of format 1 after 8 steps" in notes[0]


def test_another_training_is_refused_by_name(tmp_path: Path):
    save_checkpoint(tmp_path, at(3), "another", keep=1)
    with pytest.raises(RunError, match=r"1 checkpoints of a training with other settings.*step-00000003"):
        load_checkpoint(tmp_path, "me", expect)
    assert names(tmp_path) == ["step-00000003"]


def test_an_unreadable_one_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for step in (3, 6):
        save_checkpoint(tmp_path, at(step), "me", keep=2)
    sound = module.sha256

    def fail(path: Path) -> str:
        if "step-00000006" in str(path):
            raise PermissionError(13, "denied")
        return sound(path)

    monkeypatch.setattr(module, "sha256", fail)
    read, notes = load_checkpoint(tmp_path, "me", expect)
    assert read is not None
    assert read.step == 3
    assert "Permission denied" in notes[0]


def test_a_number_that_is_not_finite_is_never_written(tmp_path: Path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_checkpoint(tmp_path, Checkpoint(1, {}, {"loss": float("nan")}), "me", keep=1)
    assert load_checkpoint(tmp_path, "me", expect) == (None, [])


def test_no_room_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save_checkpoint(tmp_path, at(3), "me", keep=1)

    def refuse(*_: object) -> None:
        raise StorageError("full")

    monkeypatch.setattr(module, "write_json", refuse)
    with pytest.raises(StorageError):
        save_checkpoint(tmp_path, at(6), "me", keep=1)
    assert names(tmp_path) == ["step-00000003"]


def test_removing(tmp_path: Path):
    save_checkpoint(tmp_path, at(3), "me", keep=1)
    remove_checkpoints(tmp_path)
    assert list(tmp_path.iterdir()) == []
