"""Notes and pictures through a frozen encoder: each once, whoever asks and however often it was killed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wardround.batches import array_cache, document_embeddings
from wardround.batches.document_embeddings import FrozenEncoder
from wardround.batches.document_embeddings import document_embeddings as embeddings

TOKENS = np.array([[1, 2, 0], [3, 0, 0], [1, 2, 0], [4, 5, 6], [7, 0, 0], [8, 0, 0]], np.int32)
"""The third says what the first does."""


def scale(rows: np.ndarray) -> np.ndarray:
    return np.stack([rows.sum(axis=1), rows[:, 0] * 2.0], axis=1).astype(np.float32)


class Counted:
    """An encoder that counts what it is given, and is killed at a batch."""

    def __init__(self, killed_at: int | None = None, says: Callable[[np.ndarray], np.ndarray] = scale) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.met: list[int] = []
        self.killed_at, self.says = killed_at, says

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        if len(self.shapes) == self.killed_at:
            raise KeyboardInterrupt
        if len(rows):
            self.shapes.append(rows.shape)
            self.met += rows[:, 0].tolist()
        return self.says(rows)


def frozen(embed: Callable[[np.ndarray], np.ndarray], weight: float = 1) -> FrozenEncoder:
    weights = {"weight": np.full(2, weight, np.float32)}
    return FrozenEncoder(weights, [{"pool": "mean"}], embed, lambda rows: np.count_nonzero(rows, axis=1), 2)


def read(folder: Path, encoder: FrozenEncoder, wanted: list[int], content: np.ndarray = TOKENS) -> np.ndarray:
    made, place = embeddings(folder / "cache", encoder, content, np.array(wanted, np.int64), "reading", quiet=True)
    return made[place]


def test_each_document_is_met_once_in_batches_of_one_shape_and_of_like_length(tmp_path: Path):
    encoder = Counted()
    said = read(tmp_path, frozen(encoder), [0, 1, 2, 3, 4, 5])
    assert (said == scale(TOKENS)).all()
    assert encoder.met == [3, 7, 8, 8, 1, 1, 4, 4], "by length; the last of a batch fills it up"
    assert set(encoder.shapes) == {(2, 3)}


def test_another_cohort_and_another_data_meet_only_what_is_new(tmp_path: Path):
    read(tmp_path, frozen(Counted()), [0, 1])
    encoder = Counted()
    assert (read(tmp_path, frozen(encoder), [3, 2, 1]) == scale(TOKENS[[3, 2, 1]])).all()
    assert encoder.met == [4, 4], "the third row is known by what it says"
    elsewhere = np.concatenate([TOKENS[::-1], TOKENS[:1] + 20])
    assert (read(tmp_path, frozen(encoder), [6, 4, 2], elsewhere) == scale(elsewhere[[6, 4, 2]])).all()
    assert encoder.met == [4, 4, 21, 21]
    met_by_another = Counted()
    read(tmp_path, frozen(met_by_another, weight=2), [0])
    assert met_by_another.met == [1, 1], "other weights are another encoder"


def test_what_was_read_before_a_kill_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(document_embeddings, "PART_S", 0.0)
    with pytest.raises(KeyboardInterrupt):
        read(tmp_path, frozen(Counted(killed_at=2)), [0, 1, 2, 3, 4, 5])
    encoder = Counted()
    assert (read(tmp_path, frozen(encoder), [0, 1, 2, 3, 4, 5]) == scale(TOKENS)).all()
    assert encoder.met == [1, 1, 4, 4]


def test_without_parts_a_kill_loses_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The control: what is asserted above hangs on parts."""
    monkeypatch.setattr(document_embeddings, "PART_S", 1e9)
    with pytest.raises(KeyboardInterrupt):
        read(tmp_path, frozen(Counted(killed_at=2)), [0, 1, 2, 3, 4, 5])
    encoder = Counted()
    read(tmp_path, frozen(encoder), [0, 1, 2, 3, 4, 5])
    assert encoder.met[:4] == [3, 7, 8, 8]


def test_a_torn_part_counts_for_nothing(tmp_path: Path):
    read(tmp_path, frozen(Counted()), [0, 1])
    (part,) = (tmp_path / "cache").glob("*.npy")
    content = bytearray(part.read_bytes())
    content[-1] ^= 1
    part.write_bytes(content)
    encoder = Counted()
    assert (read(tmp_path, frozen(encoder), [0, 1]) == scale(TOKENS[:2])).all()
    assert encoder.met == [3, 3, 1, 1]


def test_no_row_and_a_cache_that_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert read(tmp_path, frozen(Counted()), []).shape == (0, 2)
    monkeypatch.setattr(array_cache.os, "access", lambda path, mode: False)
    assert (read(tmp_path, frozen(Counted()), [1, 3]) == scale(TOKENS[[1, 3]])).all()
    assert not list(tmp_path.rglob("*.npy"))


def test_progress_goes_to_stderr_unless_quiet_and_not_for_what_is_known(tmp_path: Path, capsys):
    for quiet, said in ((True, ""), (False, "reading: 6 of 6"), (False, "")):
        folder = tmp_path / "quiet" if quiet else tmp_path
        embeddings(folder, frozen(Counted()), np.unique(TOKENS * 10 + np.arange(6)[:, None], axis=0), np.arange(6),
                   "reading", quiet)  # fmt: skip
        found = capsys.readouterr()
        assert found.out == ""
        assert said in found.err
        assert bool(said) == bool(found.err)


def test_what_decides_an_answer_is_in_the_key():
    encoder = frozen(scale)
    keys = {
        encoder.key(TOKENS),
        frozen(scale, weight=2).key(TOKENS),
        replace(encoder, beside=[{"pool": "cls"}]).key(TOKENS),
        encoder.key(TOKENS[:, :2]),
        encoder.key(TOKENS.astype(np.int64)),
    }
    assert len(keys) == 5
    assert encoder.key(TOKENS[:1]) == encoder.key(TOKENS)
