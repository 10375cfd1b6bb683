"""Embeddings on disk: another encoder or other rows have another place; the same ones are made once."""

import os
from pathlib import Path

import numpy as np
import pytest

from wardround.batches import embedding_cache
from wardround.batches.embedding_cache import cache_key, cached_embeddings
from wardround.errors import StorageError

WEIGHTS = {"linear.weight": np.ones((2, 3), np.float32), "linear.bias": np.zeros(2, np.float32)}
ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


def embed(rows: np.ndarray) -> np.ndarray:
    return rows @ WEIGHTS["linear.weight"].T


@pytest.mark.parametrize(
    ("weights", "rows"),
    [
        ({**WEIGHTS, "linear.bias": np.ones(2, np.float32)}, ROWS),
        ({"linear.bias": WEIGHTS["linear.bias"]}, ROWS),
        ({**WEIGHTS, "linear.weight": np.ones((3, 2), np.float32)}, ROWS),
        ({"linear.weight": WEIGHTS["linear.weight"], "other.bias": WEIGHTS["linear.bias"]}, ROWS),
        (WEIGHTS, ROWS + 1),
        (WEIGHTS, ROWS[::-1]),
        (WEIGHTS, ROWS.reshape(3, 4)),
        (WEIGHTS, ROWS[:0]),
    ],
)
def test_another_encoder_or_other_rows_have_another_key(weights: dict, rows: np.ndarray):
    assert cache_key(weights, rows) != cache_key(WEIGHTS, ROWS)


def test_the_key_hangs_on_values_and_not_on_how_they_lie():
    assert cache_key(dict(reversed(WEIGHTS.items())), np.asfortranarray(ROWS)) == cache_key(WEIGHTS, ROWS)


def test_a_frozen_encoder_meets_each_row_once(tmp_path: Path):
    calls = []

    def counted(rows: np.ndarray) -> np.ndarray:
        calls.append(len(rows))
        return embed(rows)

    first, second = (cached_embeddings(tmp_path / "new", WEIGHTS, ROWS, counted) for _ in range(2))
    assert calls == [4]
    assert first.tobytes() == second.tobytes() == embed(ROWS).tobytes()
    assert not second.flags.writeable
    cached_embeddings(tmp_path / "new", WEIGHTS, ROWS[:2], counted)
    assert calls == [4, 2]


def test_rows_are_embedded_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The file is the same, to the byte, as one written at once."""
    calls = []
    monkeypatch.setattr(embedding_cache, "BLOCK_ROWS", 3)
    made = cached_embeddings(tmp_path, WEIGHTS, ROWS, lambda rows: (calls.append(len(rows)), embed(rows))[1])
    assert calls == [3, 1]
    assert made.tobytes() == embed(ROWS).tobytes()
    np.save(tmp_path / "at once.npy", embed(ROWS))
    one, other = tmp_path.glob("*.npy")
    assert one.read_bytes() == other.read_bytes()


def test_no_rows_are_cached_too(tmp_path: Path):
    assert cached_embeddings(tmp_path, WEIGHTS, ROWS[:0], embed).shape == (0, 2)


def test_another_format_has_another_key(monkeypatch: pytest.MonkeyPatch):
    before = cache_key(WEIGHTS, ROWS)
    assert cache_key(WEIGHTS, ROWS, [{"pool": "mean"}]) not in (before, cache_key(WEIGHTS, ROWS, [{"pool": "cls"}]))
    monkeypatch.setattr(embedding_cache, "FORMAT", embedding_cache.FORMAT + 1)
    assert cache_key(WEIGHTS, ROWS) != before


def test_a_folder_that_may_only_be_read_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedding_cache, "BLOCK_ROWS", 3)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    for rows in (ROWS, ROWS[:0]):
        made = cached_embeddings(tmp_path / "new", WEIGHTS, rows, embed)
        assert (made.shape, made.tobytes()) == ((len(rows), 2), embed(rows).tobytes())
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_an_error_of_the_disk(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        cached_embeddings(tmp_path / "file", WEIGHTS, ROWS, embed)
