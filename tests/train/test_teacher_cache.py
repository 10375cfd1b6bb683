"""What a teacher says on disk: asked once of the same input, never believed of another, and not left half-said."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wardround import files
from wardround.errors import StorageError
from wardround.methods import teacher
from wardround.methods.table_model import LabelledRows
from wardround.train import teacher_cache
from wardround.train.stopping import TrainingStopped
from wardround.train.teacher_cache import teacher_key, told_once

RNG = np.random.default_rng(5)
VALUES = RNG.normal(size=(240, 3)).astype(np.float32)
TRAIN = LabelledRows(VALUES, (VALUES[:, 0] > 0).astype(np.float64))
PATIENT = np.arange(240)
SAID = teacher.told(TRAIN, PATIENT, 3, 0, True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seed of each time that the teacher itself is asked."""
    seeds: list[int] = []
    sound = teacher.told
    monkeypatch.setattr(teacher, "told", lambda *given: (seeds.append(given[3]), sound(*given))[1])
    return seeds


def told(folder: Path, seed: int = 0) -> np.ndarray:
    return told_once(folder, TRAIN, PATIENT, 3, seed, True)


def test_it_is_asked_once_and_says_the_same_to_the_bit(tmp_path: Path, asked: list[int]):
    for _ in range(3):
        said = told(tmp_path / "teacher")
        assert (said.dtype, said.tobytes()) == (SAID.dtype, SAID.tobytes())
    assert asked == [0]
    assert told(tmp_path / "teacher", seed=1).tobytes() != SAID.tobytes()
    assert asked == [0, 1]


@pytest.mark.parametrize(
    "changed",
    [
        lambda: teacher_key(LabelledRows(VALUES + 1, TRAIN.label), PATIENT, 3, 0),
        lambda: teacher_key(LabelledRows(VALUES[:, ::-1], TRAIN.label), PATIENT, 3, 0),
        lambda: teacher_key(LabelledRows(VALUES.reshape(240, 3)[::-1], TRAIN.label), PATIENT, 3, 0),
        lambda: teacher_key(LabelledRows(VALUES, 1 - TRAIN.label), PATIENT, 3, 0),
        lambda: teacher_key(TRAIN, PATIENT // 2, 3, 0),
        lambda: teacher_key(TRAIN, PATIENT, 4, 0),
        lambda: teacher_key(TRAIN, PATIENT, 3, 1),
    ],
    ids=["values", "columns", "order", "labels", "patients", "folds", "seed"],
)
def test_other_input_has_another_key(changed: Callable[[], str]):
    assert teacher_key(TRAIN, PATIENT.copy(), 3, 0) == teacher_key(TRAIN, PATIENT, 3, 0)
    assert changed() != teacher_key(TRAIN, PATIENT, 3, 0)


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        (teacher, "TREES", replace(teacher.TREES, leaves=7)),
        (teacher_cache, "version", lambda _: "0.0.0"),
        (teacher_cache, "FORMAT", teacher_cache.FORMAT + 1),
    ],
)
def test_other_trees_have_another_key(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, value: object):
    before = teacher_key(TRAIN, PATIENT, 3, 0)
    monkeypatch.setattr(owner, name, value)
    assert teacher_key(TRAIN, PATIENT, 3, 0) != before


def tear(folder: Path) -> None:
    entry = next(folder.glob("*.npy"))
    entry.write_bytes(entry.read_bytes()[:-8])


def turn_a_bit(folder: Path) -> None:
    entry = next(folder.glob("*.npy"))
    content = bytearray(entry.read_bytes())
    content[-1] ^= 1
    entry.write_bytes(content)


def put_another_seed_there(folder: Path) -> None:
    """Whole, with its own hash, under the name of seed 0."""
    for path in list(folder.iterdir()):
        path.unlink()
    told(folder, seed=1)
    for path in list(folder.iterdir()):
        path.rename(folder / f"{teacher_key(TRAIN, PATIENT, 3, 0)[:32]}{path.suffix}")


@pytest.mark.parametrize("damage", [tear, turn_a_bit, put_another_seed_there])
def test_an_entry_that_is_not_what_was_said_is_made_again(
    tmp_path: Path, asked: list[int], damage: Callable[[Path], None]
):
    told(tmp_path)
    damage(tmp_path)
    asked.clear()
    for _ in range(2):
        assert told(tmp_path).tobytes() == SAID.tobytes()
    assert asked == [0]


def test_a_folder_that_may_only_be_read_keeps_nothing(
    tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    for _ in range(2):
        assert told(tmp_path / "teacher").tobytes() == SAID.tobytes()
    assert asked == [0, 0]
    assert list(tmp_path.iterdir()) == []


def test_no_training_ends_because_nothing_can_be_kept(tmp_path: Path, asked: list[int]):
    (tmp_path / "file").write_text("in the way")
    assert told(tmp_path / "file").tobytes() == SAID.tobytes()
    assert asked == [0]


def test_an_entry_that_may_not_be_read_is_asked_for_again(
    tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
):
    def refused(*_: object) -> None:
        raise StorageError("reading failed: Permission denied")

    monkeypatch.setattr(teacher_cache, "find_array", refused)
    for _ in range(2):
        assert told(tmp_path / "teacher").tobytes() == SAID.tobytes()
    assert asked == [0, 0]


def terminate(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_while_it_is_asked_leaves_no_entry(tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch):
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(teacher, "_grown", terminate)
        with pytest.raises(TrainingStopped, match="Run the same command again"):
            told(tmp_path / "teacher")
    assert signal.getsignal(signal.SIGTERM) == before
    assert not (tmp_path / "teacher").exists()
    assert told(tmp_path / "teacher").tobytes() == SAID.tobytes()
    assert asked == [0, 0]


def test_sigterm_in_its_last_fold_is_heard_once_what_it_said_is_kept(
    tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
):
    sound = files.write_json
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_json", lambda *given: (terminate(), sound(*given)))
        with pytest.raises(TrainingStopped):
            told(tmp_path)
    assert told(tmp_path).tobytes() == SAID.tobytes()
    assert asked == [0]
