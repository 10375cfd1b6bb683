"""The only door to disk: written whole or not at all, read only when it is what was written.

Every artefact is made in a hidden temporary file beside its place, flushed, and renamed over it. A folder closes with a
`manifest.json` that holds the SHA-256 of each of its files, so a folder without one was never finished and one whose
hashes differ was changed. Formats: JSON, parquet, safetensors, npy without objects, HTML. Nothing is ever pickled.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from wardround.errors import DataError, RunError, StorageError, WardroundError

MANIFEST = "manifest.json"
MAX_JSON_BYTES = 64 * 2**20

Folder = TypeVar("Folder", bound=WardroundError)


@contextlib.contextmanager
def storage_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn an OSError into a `StorageError` that names the file, what was being done and the remedy.

    Raises:
        StorageError: for any OSError inside the block.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise StorageError(
            f"{doing} {path}: {reason}. Free or fix the disk, then run the same command again."
        ) from error


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write `data` to `path` whole or not at all: temporary file, fsync, rename, fsync of the folder.

    Raises:
        StorageError: if the disk refuses; `path` then holds what it held before.
    """
    temporary = path.with_name(f".{path.name}.partial")
    with storage_errors(path, "writing"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        _fsync_folder(path.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically. Raises `StorageError`."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as sorted, indented JSON, atomically; NaN and infinity are refused (they are not JSON).

    Raises:
        StorageError: if the disk refuses.
        ValueError: if a number is not finite.
    """
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path, error: type[Folder] = DataError) -> Any:
    """Read JSON. Raises `error` (with the file and remedy) where it is missing, too large or not JSON."""
    if not path.is_file():
        raise error(f"{path} is missing: the folder was not finished or is of another kind. Make it again.")
    if path.stat().st_size > MAX_JSON_BYTES:
        raise error(f"{path} is larger than {MAX_JSON_BYTES >> 20} MiB: not a file of ours.")
    try:
        return json.loads(path.read_bytes())
    except ValueError as cause:
        raise error(f"{path} is not valid JSON: it was cut or edited. Make the folder again.") from cause


def write_table(path: Path, table: pl.DataFrame, schema: pa.Schema | None = None) -> None:
    """Write a table as parquet (zstd), atomically; equal tables give equal bytes.

    Args:
        path: where to.
        table: the rows.
        schema: exact Arrow types on disk, where an outside standard asks for them.

    Raises:
        StorageError: if the disk refuses.
    """
    arrow = table.to_arrow()
    if schema is not None:
        arrow = arrow.select(schema.names).cast(schema)
    buffer = io.BytesIO()
    pq.write_table(arrow, buffer, compression="zstd", row_group_size=1 << 20)
    write_bytes(path, buffer.getbuffer())


def read_table(path: Path, error: type[Folder] = DataError, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a parquet table whole. Raises `error` where it is missing or cannot be read."""
    if not path.is_file():
        raise error(f"{path} is missing: the folder was not finished or is of another kind. Make it again.")
    try:
        return pl.DataFrame(pl.from_arrow(pq.read_table(path, columns=list(columns) if columns else None)))
    except (pa.ArrowException, OSError) as cause:
        raise error(f"{path} cannot be read as parquet: it was cut or changed. Make the folder again.") from cause


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as npy (no objects), atomically. Raises `StorageError`."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    write_bytes(path, buffer.getbuffer())


def map_array(path: Path, error: type[Folder] = DataError) -> np.ndarray:
    """Memory-map an npy array read-only. Raises `error` where it is missing or torn."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as cause:
        raise error(f"{path} is missing or torn. Make the folder again.") from cause


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises `StorageError`."""
    with storage_errors(path, "reading"), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_of(value: Any) -> str:
    """The SHA-256 of a JSON value in canonical form: equal settings have equal hashes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_manifest(
    folder: Path, kind: str, inputs: Mapping[str, str], settings: Mapping[str, Any], version: str
) -> None:
    """Close a folder: `manifest.json` with what it is, what it came from, and the hash of every file in it.

    No clock and no machine name goes in, so the same inputs and settings give the same bytes.

    Args:
        folder: the folder to close.
        kind: "data", "run", "evaluation", ...
        inputs: name -> SHA-256 of what it was made from.
        settings: the resolved settings.
        version: the version of wardround that wrote it.

    Raises:
        StorageError: if the disk refuses.
    """
    files = {str(path.relative_to(folder)): sha256(path) for path in _own_files(folder)}
    content = {"kind": kind, "version": version, "inputs": dict(inputs), "settings": dict(settings), "files": files}
    write_json(folder / MANIFEST, {**content, "hash": hash_of(content)})


def _own_files(folder: Path) -> list[Path]:
    """Files that belong to the artefact: no manifest, nothing hidden, no caches, no checkpoints of a training under
    way."""
    skipped = {"cache", "checkpoints"}
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts != (MANIFEST,) and not any(p.startswith(".") or p in skipped for p in parts):
            found.append(path)
    return found


def read_manifest(folder: Path, kind: str, error: type[Folder]) -> dict[str, Any]:
    """Read a folder's manifest and check that it is of `kind` and untouched itself.

    Raises:
        error: where the folder is missing, unfinished, of another kind, or its manifest was edited.
    """
    if not folder.is_dir():
        raise error(f"{folder} is not a folder. Give the folder that the stage before wrote.")
    manifest = read_json(folder / MANIFEST, error)
    content = {key: manifest.get(key) for key in ("kind", "version", "inputs", "settings", "files")}
    if manifest.get("hash") != hash_of(content):
        raise error(f"{folder / MANIFEST} was edited. Make the folder again.")
    if manifest["kind"] != kind:
        raise error(f"{folder} holds {manifest['kind']!r}, but {kind!r} was expected.")
    return manifest


def verify_folder(folder: Path, kind: str, error: type[Folder] = DataError) -> dict[str, Any]:
    """Read a folder's manifest and check the hash of each file it lists.

    Returns:
        The manifest.

    Raises:
        error: where a file is missing or differs from what was written.
    """
    manifest = read_manifest(folder, kind, error)
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise error(f"{path} is missing. Make the folder again.")
        if sha256(path) != digest:
            raise error(f"{path} differs from what was written (SHA-256). Make the folder again.")
    return manifest


def is_complete(folder: Path, kind: str, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> bool:
    """Whether `folder` already holds this very artefact, finished.

    Raises:
        RunError: where it holds a finished artefact of other settings or inputs: nothing is ever overwritten.
    """
    if not (folder / MANIFEST).is_file():
        return False
    manifest = verify_folder(folder, kind, RunError)
    same = hash_of([manifest["settings"], manifest["inputs"]]) == hash_of([dict(settings), dict(inputs)])
    if not same:
        raise RunError(
            f"{folder} holds a {kind} made with other settings or inputs. Choose another --to, or delete it."
        )
    return True


def empty_folder(folder: Path) -> None:
    """Make `folder` exist and be empty. Raises `StorageError`."""
    with storage_errors(folder, "clearing"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
