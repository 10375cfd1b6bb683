"""Embeddings on disk: another encoder or other rows have another place; the same ones are made once, and checked."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from wardround import files
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


@pytest.mark.parametrize(
    "damage",
    [
        lambda hashed, entry: entry.write_bytes(entry.read_bytes()[:30]),
        lambda hashed, entry: entry.write_bytes(entry.read_bytes()[:128] + bytes(32)),
        lambda hashed, entry: hashed.write_bytes(hashed.read_bytes()[:30]),
        lambda hashed, entry: hashed.unlink(),
        lambda hashed, entry: entry.unlink(),
    ],
    ids=["torn", "zeroed", "hash torn", "hash missing", "entry missing"],
)
def test_a_damaged_entry_is_made_again(tmp_path: Path, damage: Callable[[Path, Path], object]):
    cached_embeddings(tmp_path, WEIGHTS, ROWS, embed)
    damage(*sorted(tmp_path.iterdir(), key=lambda path: path.suffix))
    calls = []
    for _ in range(2):
        made = cached_embeddings(tmp_path, WEIGHTS, ROWS, lambda rows: (calls.append(len(rows)), embed(rows))[1])
        assert made.tobytes() == embed(ROWS).tobytes()
    assert calls == [4]


def test_another_format_has_another_key(monkeypatch: pytest.MonkeyPatch):
    before = cache_key(WEIGHTS, ROWS)
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


# What the cache may hold

ENTRY_BYTES = 128 + ROWS.shape[0] * 2 * 4
"""Of the npy file of the embeddings of `ROWS`."""


def filled(folder: Path, *numbers: int, limit_bytes: int = embedding_cache.LIMIT_BYTES) -> list[Path]:
    """Entries of other rows each, used one after the other, none of them in use any more."""
    entries = []
    for number in numbers:
        rows = ROWS + 100 * number
        cached_embeddings(folder, WEIGHTS, rows, embed, limit_bytes)
        entries.append(folder / f"{cache_key(WEIGHTS, rows)[:32]}.npy")
        os.utime(entries[-1], ns=(number, number))
    return entries


def present(entries: list[Path]) -> list[bool]:
    """Which are there, each with its hash."""
    there = [entry.exists() for entry in entries]
    assert [entry.with_suffix(".json").exists() for entry in entries] == there
    return there


def test_what_was_used_longest_ago_goes(tmp_path: Path):
    entries = filled(tmp_path, 1, 2, 3)
    assert {entry.stat().st_size for entry in entries} == {ENTRY_BYTES}
    filled(tmp_path, 4, limit_bytes=3 * ENTRY_BYTES)
    assert present(entries) == [False, True, True]
    filled(tmp_path, 5, limit_bytes=3 * ENTRY_BYTES - 1)
    assert present(entries) == [False, False, False]


def test_reading_an_entry_is_using_it(tmp_path: Path):
    entries = filled(tmp_path, 1, 2, 3)
    cached_embeddings(tmp_path, WEIGHTS, ROWS + 100, embed)
    filled(tmp_path, 4, limit_bytes=2 * ENTRY_BYTES)
    assert present(entries) == [True, False, False]


def test_without_a_mark_the_wrong_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Negative control of the test before."""
    entries = filled(tmp_path, 1, 2, 3)
    with monkeypatch.context() as patch:
        patch.setattr(os, "utime", lambda *_: None)
        cached_embeddings(tmp_path, WEIGHTS, ROWS + 100, embed)
    filled(tmp_path, 4, limit_bytes=2 * ENTRY_BYTES)
    assert present(entries) == [False, False, True]


def test_an_entry_larger_than_the_limit_stays_until_the_next_one(tmp_path: Path):
    entries = filled(tmp_path, 1, limit_bytes=0)
    assert present(entries) == [True]
    entries += filled(tmp_path, 2, limit_bytes=0)
    assert present(entries) == [False, True]


@pytest.mark.parametrize("view", [lambda entry: entry, lambda entry: entry[1:].T, torch.from_numpy, np.asarray])
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_what_this_process_looks_into_stays(tmp_path: Path, view: Callable):
    entries = filled(tmp_path, 1, 2)
    held = [view(cached_embeddings(tmp_path, WEIGHTS, ROWS + 100, embed)) for _ in range(2)]
    entries += filled(tmp_path, 3, limit_bytes=0)
    assert present(entries) == [True, False, True]
    del held[1]
    entries += filled(tmp_path, 4, limit_bytes=0)
    assert present(entries) == [True, False, False, True]
    del held[0]
    entries += filled(tmp_path, 5, limit_bytes=0)
    assert present(entries) == [False, False, False, False, True]


def test_one_cache_may_be_named_in_two_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    entries = filled(tmp_path / "cache", 1)
    held = cached_embeddings(tmp_path / "cache", WEIGHTS, ROWS + 100, embed)
    monkeypatch.chdir(tmp_path)
    filled(Path("cache"), 2, limit_bytes=0)
    assert present(entries) == [True]
    assert held.tobytes() == embed(ROWS + 100).tobytes()


def test_what_another_process_looks_into_keeps_its_content_there(tmp_path: Path):
    (entry,) = filled(tmp_path, 1)
    theirs = np.load(entry, mmap_mode="r")
    filled(tmp_path, 2, limit_bytes=0)
    assert not entry.exists()
    assert theirs.tobytes() == embed(ROWS + 100).tobytes()


@pytest.mark.parametrize("step", ["read_json", "sha256", "map_array"])
def test_an_entry_that_vanishes_while_it_is_opened_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
):
    (entry,) = filled(tmp_path, 1)
    sound, calls = getattr(files, step), []

    def late(path: Path, *args: object) -> object:
        entry.with_suffix(".json").unlink(missing_ok=True)
        entry.unlink(missing_ok=True)
        monkeypatch.setattr(files, step, sound)
        return sound(path, *args)

    monkeypatch.setattr(files, step, late)
    made = cached_embeddings(tmp_path, WEIGHTS, ROWS + 100, lambda rows: (calls.append(len(rows)), embed(rows))[1])
    assert (calls, made.tobytes()) == ([4], embed(ROWS + 100).tobytes())
    assert present([entry]) == [True]


def test_an_entry_that_vanishes_as_soon_as_it_is_written_is_made_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sound = files.write_json

    def late(path: Path, value: object) -> None:
        sound(path, value)
        path.unlink()
        path.with_suffix(".npy").unlink()

    monkeypatch.setattr(files, "write_json", late)
    made = cached_embeddings(tmp_path, WEIGHTS, ROWS, embed)
    assert made.tobytes() == embed(ROWS).tobytes()
    assert list(tmp_path.iterdir()) == []


def test_an_entry_that_the_disk_will_not_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    filled(tmp_path, 1)

    def refuse(path: Path) -> str:
        raise StorageError(f"reading {path}: Input/output error")

    monkeypatch.setattr(files, "sha256", refuse)
    with pytest.raises(StorageError, match="Input/output error"):
        cached_embeddings(tmp_path, WEIGHTS, ROWS + 100, embed)


def test_what_cannot_be_removed_or_marked_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    entries = filled(tmp_path, 1, 2)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        patch.setattr(os, "utime", refuse)
        for number in (2, 3):
            cached_embeddings(tmp_path, WEIGHTS, ROWS + 100 * number, embed, 0)
    assert present(entries) == [True, True]


def test_only_entries_and_leftovers_go(tmp_path: Path):
    theirs = tmp_path / "notes.npy"
    theirs.write_bytes(bytes(1_000))
    left = tmp_path / f".{'0' * 32}.npy.1-0123456789abcdef.partial"
    left.write_bytes(bytes(1_000))
    filled(tmp_path, 1, 2, limit_bytes=0)
    assert theirs.exists()
    assert not left.exists()
