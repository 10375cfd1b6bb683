"""Checkpoints: folders written whole or not at all, and read only when they are what was written.

    RUN/checkpoints/step-00000123/{state.safetensors, state.json, manifest.json}

A checkpoint is made under a hidden name, flushed file by file, and renamed as its last act; a kill at any moment leaves
the ones before it. Nothing is pickled: tensors are safetensors, the rest is JSON. The manifest carries the hash of both
files and the `identity` of the training (settings, data, model), so a torn or foreign checkpoint is never taken.
"""

import json
import math
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from wardround.errors import RunError, StorageError
from wardround.files import MANIFEST, empty_folder, hash_of, sha256, storage_errors, write_json, write_manifest
from wardround.json_kinds import is_object
from wardround.safetensors_guard import TensorLayout
from wardround.train.weights import read_weights, write_weights

CHECKPOINTS = "checkpoints"
WEIGHTS, STATE = "state.safetensors", "state.json"
FORMAT = "1"
MAX_MANIFEST_BYTES = 64 * 2**10
MAX_STATE_BYTES = 16 * 2**20
_NAME = re.compile(r"step-(\d{8,15})")

Expect = Callable[[dict[str, Any]], Mapping[str, TensorLayout]]


@dataclass(frozen=True)
class Checkpoint:
    """What training needs to go on after `step` steps: tensors of any shape, and everything else as a JSON object."""

    step: int
    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]


class _Foreign(RunError):
    """An intact checkpoint of another training."""


def save_checkpoint(folder: Path, checkpoint: Checkpoint, identity: str, keep: int) -> None:
    """Write a checkpoint under `folder`, then forget all but the newest `keep`.

    Args:
        folder: the RUN folder.
        checkpoint: what to write.
        identity: the hash of what defines the training.
        keep: how many to keep, this one included.

    Raises:
        StorageError: if the disk refuses; the checkpoints before it are then as they were.
    """
    final = folder / CHECKPOINTS / f"step-{checkpoint.step:08d}"
    temporary = final.with_name(f".{final.name}.partial")
    try:
        empty_folder(temporary)
        write_weights(temporary / WEIGHTS, checkpoint.tensors)
        write_json(temporary / STATE, dict(checkpoint.state))
        settings = {"identity": identity, "step": checkpoint.step}
        write_manifest(temporary, "checkpoint", {}, settings, FORMAT)
        _publish(temporary, final)
    except StorageError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    # A step above this one was found unusable when training began, or it would have been taken.
    found = _newest_first(folder)
    kept = [path for path in found if _step(path) <= checkpoint.step][:keep]
    for path in found:
        if path not in kept:
            _forget(path)


def load_checkpoint(folder: Path, identity: str, expect: Expect) -> tuple[Checkpoint | None, list[str]]:
    """Read the newest checkpoint that is whole and of this training.

    Args:
        folder: the RUN folder.
        identity: the hash of what defines the training.
        expect: from the JSON state, the layout of every tensor; raises `RunError` where the state is not a sound one.

    Returns:
        The checkpoint, None where there is none; and one sentence for each that was not used.

    Raises:
        RunError: where the only whole checkpoints are of another training: they are not overwritten.
    """
    for leftover in (folder / CHECKPOINTS).glob(".step-*"):
        _delete(leftover)
    notes: list[str] = []
    foreign: list[str] = []
    for path in _newest_first(folder):
        try:
            return _read(path, identity, expect), notes
        except _Foreign as why:
            foreign.append(path.name)
            notes.append(f"Checkpoint {path.name} was not used: {why}")
        except (RunError, StorageError) as why:
            notes.append(f"Checkpoint {path.name} was not used: {why}")
    if foreign:
        where = folder / CHECKPOINTS
        raise RunError(
            f"{where} holds {len(foreign)} checkpoints of a training with other settings, data or model "
            f"({foreign[0]}). Choose another --to, or delete that folder."
        )
    return None, notes


def remove_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a training that is finished and whose weights are saved. Raises `StorageError`."""
    with storage_errors(folder / CHECKPOINTS, "deleting"):
        if (folder / CHECKPOINTS).is_dir():
            shutil.rmtree(folder / CHECKPOINTS)


def _newest_first(folder: Path) -> list[Path]:
    found = [path for path in (folder / CHECKPOINTS).glob("step-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=_step, reverse=True)


def _step(path: Path) -> int:
    return int(path.name.removeprefix("step-"))


def _publish(temporary: Path, final: Path) -> None:
    """Give a finished folder its name, and make that last through a power cut."""
    with storage_errors(final, "writing"):
        _fsync(temporary)
        if final.exists():
            _forget(final)
        os.replace(temporary, final)
        _fsync(final.parent)
        _fsync(final.parent.parent)


def _forget(path: Path) -> None:
    """Delete a checkpoint; it loses its name first, so that a kill half-way leaves nothing that looks like one."""
    hidden = path.with_name(f".{path.name}.deleted")
    with storage_errors(path, "deleting"):
        _delete(hidden)
        os.replace(path, hidden)
        _delete(hidden)


def _delete(path: Path) -> None:
    """Delete a folder, or whatever else bears a checkpoint's name; what resists is left for the next time."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _fsync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, identity: str, expect: Expect) -> Checkpoint:
    """Read one checkpoint. Raises `_Foreign` where it is of another training, `RunError` where it is not as written."""
    with storage_errors(path, "reading"):
        settings = _checked_settings(path, _read_object(path / MANIFEST, MAX_MANIFEST_BYTES))
        if settings["identity"] != identity:
            raise _Foreign(f"{path} is of a training with other settings, data or model.")
        state = _read_object(path / STATE, MAX_STATE_BYTES)
        tensors = read_weights(path / WEIGHTS, expect(state), RunError)
    return Checkpoint(_step(path), tensors, state)


def _checked_settings(path: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest's settings, after all hashes were compared. Raises `RunError`."""
    digest = manifest.pop("hash", None)
    settings = manifest.get("settings")
    sound = manifest.keys() == {"kind", "version", "inputs", "settings", "files"} and hash_of(manifest) == digest
    if not sound or not is_object(settings) or settings.keys() != {"identity", "step"}:
        raise RunError(f"{path / MANIFEST} was cut or edited.")
    if (manifest["kind"], manifest["version"], settings["step"]) != ("checkpoint", FORMAT, _step(path)):
        raise RunError(f"{path} is not a checkpoint of format {FORMAT} after {_step(path)} steps.")
    names = {child.name for child in path.iterdir()}
    if names != {MANIFEST, WEIGHTS, STATE} or any(not (path / name).is_file() for name in names):
        raise RunError(f"{path} does not hold exactly {MANIFEST}, {STATE} and {WEIGHTS}.")
    if manifest["files"] != {name: sha256(path / name) for name in (WEIGHTS, STATE)}:
        raise RunError(f"a file in {path} differs from what was written (SHA-256).")
    return settings


def _read_object(path: Path, max_bytes: int) -> dict[str, Any]:
    """A JSON object of finite numbers. Raises `RunError` for anything else; what is too large is never parsed."""
    if not path.is_file() or path.stat().st_size > max_bytes:
        raise RunError(f"{path} is missing, or larger than {max_bytes >> 10} KiB.")
    data = path.read_bytes()
    # ours hold numbers in rows; mere brackets would take a hundred times their bytes in memory
    if data.count(b"[") + data.count(b"{") > 64 + len(data) // 32:
        raise RunError(f"{path} is not a JSON object of ours: it is made of brackets.")
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as cause:
        raise RunError(f"{path} is not valid JSON: it was cut or changed.") from cause
    if not is_object(value) or not data.endswith(b"}\n"):
        raise RunError(f"{path} is not a whole JSON object: it was cut or changed.")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number
