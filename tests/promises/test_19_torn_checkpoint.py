"""Promise 19: a torn checkpoint is never used; the previous one is, and a message says so."""

import dataclasses
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from toy_training import SETTINGS, Killed, killer, toy_model, train

from wardround.errors import RunError
from wardround.files import MANIFEST
from wardround.train import checkpoint as checkpoints
from wardround.train.checkpoint import CHECKPOINTS, STATE, WEIGHTS, load_checkpoint
from wardround.train.loop import _Training

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
FILES = (WEIGHTS, STATE, MANIFEST)
Harm = Callable[[Path, random.Random], None]


@pytest.fixture(scope="module")
def killed_training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RUN folder with two checkpoints, after 6 and 8 steps."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("killed")
    with pytest.raises(Killed):
        train(folder, killer(9))
    assert names(folder) == ["step-00000006", "step-00000008"]
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / CHECKPOINTS).iterdir())


def load(folder: Path):
    training = _Training(toy_model(), lambda epoch: [], lambda model: {}, SETTINGS, folder, "")
    return load_checkpoint(folder, training.identity, training.state.expected_layouts)


def cut(path: Path, rng: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data))])


def flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def zero_a_block(path: Path, rng: random.Random) -> None:
    """A block that never reached the disk."""
    data = bytearray(path.read_bytes())
    start = rng.randrange(len(data))
    block = data[start : start + 512]
    data[start : start + 512] = bytes(len(block)) if any(block) else b"\xff" * len(block)
    path.write_bytes(data)


def grow(path: Path, rng: random.Random) -> None:
    path.write_bytes(path.read_bytes() + rng.randbytes(rng.randint(1, 64)))


def lose(path: Path, rng: random.Random) -> None:
    path.unlink()


def take_from_the_one_before(path: Path, rng: random.Random) -> None:
    shutil.copy(path.parent.with_name("step-00000006") / path.name, path)


def add_a_file(path: Path, rng: random.Random) -> None:
    path.with_name("more.safetensors").write_bytes(b"")


HARMS: tuple[Harm, ...] = (cut, flip, flip, zero_a_block, cut, grow, lose, take_from_the_one_before, add_a_file)


def torn_and_loaded(sound: Path, folder: Path, cases: int, seed: int) -> int:
    """How many of `cases` harmed checkpoints were taken nevertheless."""
    rng, taken = random.Random(seed), 0
    for case in range(cases):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(sound, folder)
        HARMS[case % len(HARMS)](folder / CHECKPOINTS / "step-00000008" / FILES[rng.randrange(3)], rng)
        checkpoint, notes = load(folder)
        if checkpoint is None or checkpoint.step != 6:
            taken += 1
        else:
            assert len(notes) == 1
            assert "step-00000008 was not used" in notes[0]
    return taken


def test_no_torn_checkpoint_is_loaded(killed_training: Path, tmp_path: Path):
    cases = max(100, round(1_000 * SCALE))
    taken = torn_and_loaded(killed_training, tmp_path / "torn", cases, seed=19)
    print(f"{taken} of {cases} (upper 95 % bound {3 / cases:.2%})")
    assert taken == 0


def test_the_training_goes_on_from_the_one_before_to_the_same_bytes(killed_training: Path, tmp_path: Path):
    expected = train(tmp_path / "whole")
    for name in FILES:
        folder, notes = tmp_path / name, []
        shutil.copytree(killed_training, folder)
        cut(folder / CHECKPOINTS / "step-00000008" / name, random.Random(1))
        assert train(folder, notes=notes) == expected
        assert "step-00000008 was not used" in notes[0]
        assert notes[1] == "Training goes on after step 6 of 30."


def test_all_torn_starts_over_and_says_so(killed_training: Path, tmp_path: Path):
    expected, notes = train(tmp_path / "whole"), []
    shutil.copytree(killed_training, tmp_path / "torn")
    for path in (tmp_path / "torn" / CHECKPOINTS).iterdir():
        cut(path / WEIGHTS, random.Random(1))
    assert train(tmp_path / "torn", notes=notes) == expected
    assert len(notes) == 3
    assert notes[-1] == "No checkpoint can be used: training starts from the beginning."
    assert len(names(tmp_path / "torn")) == 2, "the torn ones make room"


def test_a_foreign_checkpoint_is_neither_used_nor_overwritten(killed_training: Path, tmp_path: Path):
    folder = tmp_path / "foreign"
    shutil.copytree(killed_training, folder)
    other = dataclasses.replace(SETTINGS, learning_rate=0.01)
    with pytest.raises(RunError, match="other settings, data or model"):
        train(folder, settings=other)
    assert names(folder) == ["step-00000006", "step-00000008"]
    assert train(folder) == train(tmp_path / "whole"), "and the training it belongs to can still go on"


def test_a_foreign_checkpoint_above_ours_gives_way_to_ours(killed_training: Path, tmp_path: Path):
    folder, notes = tmp_path / "mixed", []
    shutil.copytree(killed_training, folder)
    other = dataclasses.replace(SETTINGS, learning_rate=0.01)
    with pytest.raises(Killed):
        train(tmp_path / "other", killer(13), settings=other)
    shutil.copytree(tmp_path / "other" / CHECKPOINTS / "step-00000012", folder / CHECKPOINTS / "step-00000012")
    assert train(folder, notes=notes) == train(tmp_path / "whole")
    assert "step-00000012 was not used" in notes[0]


def test_loading_without_verification_is_caught(killed_training: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checkpoints, "_checked_settings", lambda path, manifest: manifest["settings"])
    assert torn_and_loaded(killed_training, tmp_path / "torn", 60, seed=20) > 10


def test_verifying_the_weights_alone_is_caught(killed_training: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def only_weights(path: Path, manifest: dict) -> dict:
        if manifest["files"][WEIGHTS] != checkpoints.sha256(path / WEIGHTS):
            raise RunError("torn")
        return manifest["settings"]

    monkeypatch.setattr(checkpoints, "_checked_settings", only_weights)
    assert torn_and_loaded(killed_training, tmp_path / "torn", 60, seed=20) > 0
