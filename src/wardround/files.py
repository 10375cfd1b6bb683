"""The only door to disk: written whole or not at all, read only when it is what was written.

Every artefact is made in a hidden temporary file beside its place, flushed, and renamed over it. A folder closes with a
`manifest.json` that holds the SHA-256 of each of its files, so a folder without one was never finished and one whose
hashes differ was changed. Formats: JSON, parquet, safetensors, npy without objects, HTML. Nothing is ever pickled.
"""

import contextlib
import hashlib
import io
import itertools
import json
import shutil
from collections.abc import Collection, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from wardround.errors import DataError, RunError, WardroundError
from wardround.json_kinds import JsonObject, is_object
from wardround.whole_file import WholeFile, storage_errors, whole_file

MANIFEST = "manifest.json"
IMAGES = ("metadata", "images.json")
"""Where pictures lie: of the machine and not of the data, so it is no part of the artefact (`pictures.py`)."""
MAX_JSON_BYTES = 64 * 2**20
ROWS_PER_GROUP = 1 << 20

Folder = TypeVar("Folder", bound=WardroundError)


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write `data` to `path` whole or not at all: temporary file, fsync, rename, fsync of the folder.

    Raises:
        StorageError: if the disk refuses; `path` then holds what it held before, or all of `data`.
    """
    with whole_file(path) as stream:
        stream.write(data)


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
    """Read JSON.

    Raises:
        error: where it is missing, too large, or not JSON (NaN and infinity are not JSON); with the file and remedy.
        StorageError: if the disk refuses.
    """
    if not path.is_file():
        raise error(f"{path} is missing: the folder was not finished or is of another kind. Make it again.")
    with storage_errors(path, "reading"):
        if path.stat().st_size > MAX_JSON_BYTES:
            raise error(f"{path} is larger than {MAX_JSON_BYTES >> 20} MiB: not a file of ours.")
        data = path.read_bytes()
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise error(f"{path} is not valid JSON: it was cut or edited. Make the folder again.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def write_table(path: Path, table: pl.DataFrame, schema: pa.Schema | None = None) -> None:
    """Write a table as parquet (zstd), atomically; equal tables give equal bytes.

    Args:
        path: where to.
        table: the rows.
        schema: exact Arrow types on disk, where an outside standard asks for them.

    Raises:
        StorageError: if the disk refuses.
    """
    with table_stream(path, schema) as stream:
        for start in range(0, max(table.height, 1), ROWS_PER_GROUP):
            stream.add(table.slice(start, ROWS_PER_GROUP))


class TableStream:
    """A parquet file under construction; each table that is added becomes a row group."""

    def __init__(self, file: WholeFile, schema: pa.Schema | None, compression: str) -> None:
        self._file, self._schema, self._compression = pa.PythonFile(file, "w"), schema, compression
        self._writer: pq.ParquetWriter | None = None

    def add(self, table: pl.DataFrame) -> None:
        """Append rows; all tables of a stream have the same columns. Raises OSError."""
        arrow = table.to_arrow()
        if self._schema is not None:
            arrow = arrow.select(self._schema.names).cast(self._schema)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, arrow.schema, compression=self._compression, **suited(arrow))
        self._writer.write_table(arrow, row_group_size=ROWS_PER_GROUP)

    def close(self) -> None:
        """Write the footer. Raises OSError, and ValueError where nothing was added: a table has columns."""
        if self._writer is None:
            raise ValueError("a table stream was closed before any table was added to it")
        self._writer.close()

    def abandon(self) -> None:
        """Write no footer, also not when the writer is collected."""
        if self._writer is not None:
            self._writer.is_open = False


class Suited(TypedDict):
    """Columns that are written with a dictionary, and with their least and largest value."""

    use_dictionary: list[str]
    write_statistics: list[str]


def suited(table: pa.Table) -> Suited:
    """Dictionaries for columns of words, least and largest values for the others: the rest costs time, and bytes."""
    is_words = (pa.types.is_large_string, pa.types.is_string)
    words = {field.name for field in table.schema if any(is_kind(field.type) for is_kind in is_words)}
    return Suited(use_dictionary=sorted(words), write_statistics=[n for n in table.schema.names if n not in words])


@contextlib.contextmanager
def table_stream(path: Path, schema: pa.Schema | None = None, compression: str = "zstd") -> Generator[TableStream]:
    """A parquet table written in pieces; `path` has it when the block ends well, and what it had before when not.

    Args:
        path: where to.
        schema: exact Arrow types on disk, where an outside standard asks for them.
        compression: of the columns.

    Raises:
        StorageError: if the disk refuses.
        ValueError: if the block ends well but added nothing.
    """
    with whole_file(path) as file:
        stream = TableStream(file, schema, compression)
        with contextlib.ExitStack() as stop:
            stop.callback(stream.abandon)
            yield stream
            stream.close()
            stop.pop_all()


def read_table(path: Path, error: type[Folder] = DataError, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a parquet table, or some of its columns. Raises `error` where it or one of them is missing or cannot be
    read."""
    if not path.is_file():
        raise error(f"{path} is missing: the folder was not finished or is of another kind. Make it again.")
    try:
        missing = set(columns or ()) - set(pq.read_schema(path).names)
        if not missing:
            return pl.DataFrame(pl.from_arrow(pq.read_table(path, columns=list(columns) if columns else None)))
    except (pa.ArrowException, OSError):
        raise error(f"{path} cannot be read as parquet: it was cut or changed. Make the folder again.") from None
    raise error(f"{path}: column {', '.join(sorted(missing))} is missing. Make the folder again.")


def read_columns(
    path: Path,
    columns: Mapping[str, pl.DataType],
    error: type[Folder] = DataError,
    optional: Collection[str] = frozenset(),
) -> pl.DataFrame:
    """Read declared columns of a parquet table, `optional` ones as null where it lacks them. Raises `error` naming a
    column that is missing or of another type."""
    table = read_table(path, error, None if optional else list(columns))
    absent = [name for name in columns if name not in table.columns]
    table = table.with_columns(pl.lit(None, columns[name]).alias(name) for name in absent if name in optional)
    missing = [name for name in absent if name not in optional]
    if missing:
        raise error(f"{path}: column {', '.join(sorted(missing))} is missing. Make the folder again.")
    table = table.select(columns.keys())
    for name, kind in columns.items():
        if table.schema[name] != kind:
            raise error(f"{path}: column {name} is {table.schema[name]}, expected {kind}. Make the folder again.")
    return table


def count_rows(path: Path) -> int:
    """Rows of a parquet table, by its footer. Raises `DataError` where it is missing or cannot be read."""
    try:
        return pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{path} cannot be read ({type(error).__name__}): it was removed or changed. Make it again."
        ) from None


def write_batches(path: Path, table: pl.DataFrame, rows: Sequence[int], notes: Mapping[str, str]) -> None:
    """Write a table as an Arrow file (lz4) of several parts of which each can be read alone, atomically.

    Args:
        path: where to; for hidden work of ours, which nobody else reads.
        table: all rows, in the order of the parts.
        rows: of each part; one at least.
        notes: what to say of them, given back by `read_notes`.

    Raises:
        StorageError: if the disk refuses.
    """
    arrow: Any = table.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    schema, options = arrow.schema.with_metadata(dict(notes)), pa.ipc.IpcWriteOptions(compression="lz4")
    with whole_file(path) as file, pa.ipc.new_file(pa.PythonFile(file, "w"), schema, options=options) as writer:
        for end, count in zip(itertools.accumulate(rows), rows, strict=True):
            writer.write_table(arrow.slice(end - count, count))


def read_notes(path: Path) -> dict[str, str]:
    """What `write_batches` was told of the tables. Raises `DataError` where the file is missing or torn."""
    with _batches(path) as reader:
        notes: dict[bytes, bytes] = reader.schema.metadata or {}
        return {name.decode(): note.decode() for name, note in notes.items()}


def read_batches(path: Path, numbers: Sequence[int]) -> list[pl.DataFrame]:
    """Some parts of a file of `write_batches`, by number. Raises `DataError` where it is missing or torn."""
    with _batches(path) as reader:
        return [pl.DataFrame(pl.from_arrow(reader.get_batch(number))) for number in numbers]


@contextlib.contextmanager
def _batches(path: Path) -> Generator[Any]:
    """Its reader, which takes from the disk what is asked for: nothing is mapped, so memory holds no more than that."""
    try:
        with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
            yield reader
    except (pa.ArrowException, OSError, IndexError):
        raise DataError(f"{path} is missing or torn. Run the same command again.") from None


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
    folder: Path,
    kind: str,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    version: str,
    made: Sequence[Path] | None = None,
) -> None:
    """Close a folder: `manifest.json` with what it is, what it came from, and the hash of every file in it.

    No clock and no machine name goes in, so the same inputs and settings give the same bytes.

    Args:
        folder: the folder to close.
        kind: "data", "run", "evaluation", ...
        inputs: name -> SHA-256 of what it was made from.
        settings: the resolved settings.
        version: the version of wardround that wrote it.
        made: the files to hash, in a folder that may hold others' files too; None for all that are there.

    Raises:
        StorageError: if the disk refuses.
    """
    hashed = _own_files(folder) if made is None else sorted(made)
    files = {str(path.relative_to(folder)): sha256(path) for path in hashed}
    content = {"kind": kind, "version": version, "inputs": dict(inputs), "settings": dict(settings), "files": files}
    write_json(folder / MANIFEST, {**content, "hash": hash_of(content)})


def _own_files(folder: Path) -> list[Path]:
    """Files that belong to the artefact: no manifest, nothing hidden, no caches, no checkpoints of a training under
    way, not where pictures lie."""
    skipped, outside = {"cache", "checkpoints"}, ((MANIFEST,), IMAGES)
    found: list[Path] = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts not in outside and not any(p.startswith(".") or p in skipped for p in parts):
            found.append(path)
    return found


def read_manifest(folder: Path, kind: str, error: type[Folder]) -> JsonObject:
    """Read a folder's manifest and check that it is of `kind` and untouched itself.

    Raises:
        error: where the folder is missing, unfinished, of another kind, or its manifest was edited.
    """
    if not folder.is_dir():
        raise error(f"{folder} is not a folder. Give the folder that the stage before wrote.")
    manifest = read_json(folder / MANIFEST, error)
    keys = ("kind", "version", "inputs", "settings", "files")
    if not is_object(manifest) or manifest.get("hash") != hash_of({key: manifest.get(key) for key in keys}):
        raise error(f"{folder / MANIFEST} was edited. Make the folder again.")
    if manifest["kind"] != kind:
        raise error(f"{folder} holds {manifest['kind']!r}, but {kind!r} was expected. Give another folder.")
    return manifest


def verify_folder(folder: Path, kind: str, error: type[Folder] = DataError) -> JsonObject:
    """Read a folder's manifest and check the hash of each file it lists.

    A file of somebody else's may lie beside them, but not in a subfolder that the artefact uses: it would be read too.

    Returns:
        The manifest.

    Raises:
        error: where a file is missing, differs from what was written, or was added.
    """
    manifest = read_manifest(folder, kind, error)
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise error(f"{path} is missing. Make the folder again.")
        if sha256(path) != digest:
            raise error(f"{path} differs from what was written (SHA-256). Make the folder again.")
    used = {(folder / name).parent for name in manifest["files"]} - {folder}
    for path in _own_files(folder):
        if path.parent in used and str(path.relative_to(folder)) not in manifest["files"]:
            raise error(f"{path} was added after the folder was finished. Take it away, or make the folder again.")
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
            f"{folder} holds {kind!r} made with other settings or inputs. Choose another --to, or delete it."
        )
    return True


def empty_folder(folder: Path) -> None:
    """Make `folder` exist and be empty: for hidden folders of ours alone, never for one that a person named.

    Raises:
        StorageError: if the disk refuses.
    """
    remove(folder)
    with storage_errors(folder, "making"):
        folder.mkdir(parents=True)


def remove(path: Path) -> None:
    """Remove a file or folder of ours where it is there; a link goes, what it points to stays.

    Raises:
        StorageError: if the disk refuses.
    """
    with storage_errors(path, "removing"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.exists() or path.is_symlink():
            path.unlink()
