"""Arrays on disk by hash: made once, checked at each opening, and no more of them than the cache may hold."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from wardround import files
from wardround.batches.array_cache import add_array, find_array, keep_array
from wardround.errors import StorageError

ROOMY = 1 << 30
ROWS = np.arange(8, dtype=np.float32).reshape(4, 2)


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def kept(folder: Path, number: int, limit_bytes: int = ROOMY, made: list[int] | None = None) -> np.ndarray:
    """The array of a number, as callers take it from a cache; `made` hears of each that is not there."""

    def blocks() -> Iterator[np.ndarray]:
        if made is not None:
            made.append(number)
        yield ROWS[:3] + number
        yield ROWS[3:] + number

    entry = find_array(folder, key(number))
    if entry is None:
        entry = keep_array(folder, key(number), len(ROWS), blocks(), limit_bytes)
    return ROWS + number if entry is None else entry


@pytest.mark.parametrize(
    "array", [ROWS, ROWS[:0], np.arange(3.0), np.arange(12).reshape(1, 3, 4), np.zeros((2, 0), np.int8)]
)
def test_what_is_kept_is_found_to_the_bit_and_can_only_be_read(tmp_path: Path, array: np.ndarray):
    folder = tmp_path / "new"
    written = keep_array(folder, key(1), len(array), [array], ROOMY)
    for entry in (written, find_array(folder, key(1))):
        assert entry is not None
        assert (entry.dtype, entry.shape, entry.tobytes()) == (array.dtype, array.shape, array.tobytes())
        assert not entry.flags.writeable
    assert find_array(folder, key(2)) is None


def test_the_file_is_the_same_as_one_written_at_once(tmp_path: Path):
    kept(tmp_path, 1)
    np.save(tmp_path / "at once.npy", ROWS + 1)
    one, other = tmp_path.glob("*.npy")
    assert one.read_bytes() == other.read_bytes()


def test_the_hash_of_an_array_hangs_on_what_is_said_and_on_its_values_not_on_how_they_lie():
    def hashed(said: object, array: np.ndarray) -> str:
        digest = hashlib.sha256()
        add_array(digest, said, array)
        return digest.hexdigest()

    assert hashed([4, 2], np.asfortranarray(ROWS)) == hashed([4, 2], ROWS)
    assert len({hashed([4, 2], ROWS), hashed([2, 4], ROWS), hashed([4, 2], ROWS[::-1]), hashed([4, 2], ROWS + 1)}) == 4


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
    kept(tmp_path, 1)
    damage(*sorted(tmp_path.iterdir(), key=lambda path: path.suffix))
    made: list[int] = []
    for _ in range(2):
        assert kept(tmp_path, 1, made=made).tobytes() == (ROWS + 1).tobytes()
    assert made == [1]


def test_an_entry_that_was_put_in_the_place_of_another_counts_for_nothing(tmp_path: Path):
    """Whole, with its own hash beside it, under a name that is not its own."""
    kept(tmp_path, 2)
    for theirs in list(tmp_path.iterdir()):
        theirs.rename(tmp_path / f"{key(1)[:32]}{theirs.suffix}")
    made: list[int] = []
    assert kept(tmp_path, 1, made=made).tobytes() == (ROWS + 1).tobytes()
    assert made == [1]


def test_a_folder_that_may_only_be_read_keeps_nothing_and_asks_for_no_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    made: list[int] = []
    assert kept(tmp_path / "new", 1, made=made).tobytes() == (ROWS + 1).tobytes()
    assert (made, list(tmp_path.iterdir())) == ([], [])


# What the cache may hold

ENTRY_BYTES = 128 + ROWS.nbytes
"""Of the npy file of `ROWS`."""


def filled(folder: Path, *numbers: int, limit_bytes: int = ROOMY) -> list[Path]:
    """Entries of other numbers each, used one after the other, none of them in use any more."""
    entries = []
    for number in numbers:
        kept(folder, number, limit_bytes)
        entries.append(folder / f"{key(number)[:32]}.npy")
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
    kept(tmp_path, 1)
    filled(tmp_path, 4, limit_bytes=2 * ENTRY_BYTES)
    assert present(entries) == [True, False, False]


def test_without_a_mark_the_wrong_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Negative control of the test before."""
    entries = filled(tmp_path, 1, 2, 3)
    with monkeypatch.context() as patch:
        patch.setattr(os, "utime", lambda *_: None)
        kept(tmp_path, 1)
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
    held = [view(kept(tmp_path, 1)) for _ in range(2)]
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
    held = kept(tmp_path / "cache", 1)
    monkeypatch.chdir(tmp_path)
    filled(Path("cache"), 2, limit_bytes=0)
    assert present(entries) == [True]
    assert held.tobytes() == (ROWS + 1).tobytes()


def test_what_another_process_looks_into_keeps_its_content_there(tmp_path: Path):
    (entry,) = filled(tmp_path, 1)
    theirs = np.load(entry, mmap_mode="r")
    filled(tmp_path, 2, limit_bytes=0)
    assert not entry.exists()
    assert theirs.tobytes() == (ROWS + 1).tobytes()


@pytest.mark.parametrize("step", ["read_json", "sha256", "map_array"])
def test_an_entry_that_vanishes_while_it_is_opened_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
):
    (entry,) = filled(tmp_path, 1)
    sound = getattr(files, step)
    calls: list[int] = []

    def late(path: Path, *args: object) -> object:
        entry.with_suffix(".json").unlink(missing_ok=True)
        entry.unlink(missing_ok=True)
        monkeypatch.setattr(files, step, sound)
        return sound(path, *args)

    monkeypatch.setattr(files, step, late)
    made = kept(tmp_path, 1, made=calls)
    assert (calls, made.tobytes()) == ([1], (ROWS + 1).tobytes())
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
    made = kept(tmp_path, 0)
    assert made.tobytes() == ROWS.tobytes()
    assert list(tmp_path.iterdir()) == []


def test_an_entry_that_the_disk_will_not_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    filled(tmp_path, 1)

    def refuse(path: Path) -> str:
        raise StorageError(f"reading {path}: Input/output error")

    monkeypatch.setattr(files, "sha256", refuse)
    with pytest.raises(StorageError, match="Input/output error"):
        kept(tmp_path, 1)


def test_what_cannot_be_removed_or_marked_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    entries = filled(tmp_path, 1, 2)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        patch.setattr(os, "utime", refuse)
        for number in (2, 3):
            kept(tmp_path, number, 0)
    assert present(entries) == [True, True]


def test_only_entries_and_leftovers_go(tmp_path: Path):
    theirs = tmp_path / "notes.npy"
    theirs.write_bytes(bytes(1_000))
    left = tmp_path / f".{'0' * 32}.npy.1-0123456789abcdef.partial"
    left.write_bytes(bytes(1_000))
    filled(tmp_path, 1, 2, limit_bytes=0)
    assert theirs.exists()
    assert not left.exists()
