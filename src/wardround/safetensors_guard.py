"""What a safetensors file says of itself, checked by hand before one tensor is made from it.

The format: 8 bytes little-endian length N, N bytes of JSON `{name: {dtype, shape, data_offsets}}`, then the numbers. A
file from elsewhere may lie in each of these, so every length, rank, offset and name is checked against fixed caps and
against the size of the file *before* anything is allocated for it. `__metadata__` is ignored; nothing can name code.
"""

import json
import math
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wardround.errors import RunError, WardroundError
from wardround.json_kinds import JsonObject, is_list, is_object

MAX_HEADER_BYTES = 8 * 2**20
MAX_FILE_BYTES = 64 * 2**30
MAX_TENSORS = 65_536
MAX_RANK = 8
MAX_NAME_LENGTH = 512
ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


@dataclass(frozen=True)
class TensorLayout:
    """The type (a safetensors name such as `F32`) and shape of one tensor on disk."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"

    @property
    def n_bytes(self) -> int:
        """Bytes of the numbers on disk."""
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]


class _Lie(Exception):
    """What the file says cannot be; becomes the caller's error with the file's name."""


def read_layouts(path: Path, error: type[WardroundError] = RunError) -> dict[str, TensorLayout]:
    """Read and check the header of a safetensors file; no number is read.

    Returns:
        The layout of each tensor by its name.

    Raises:
        error: where the file is missing, is not a regular file, or its header breaks a rule or a cap.
    """
    try:
        with open(path, "rb", opener=_open_regular) as stream:
            return _layouts(stream.read, os.fstat(stream.fileno()).st_size)
    except OSError as cause:
        raise error(f"{path} cannot be opened ({cause.strerror}). Make the folder again.") from cause
    except _Lie as lie:
        raise error(f"{path} is not a safetensors file of ours: {lie}. Make the folder again.") from lie


def _open_regular(path: str, flags: int) -> int:
    """Open without waiting on a pipe or a device. Raises `_Lie` for anything but a regular file."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _Lie("it is not a regular file")
    return descriptor


def _layouts(read: Any, file_bytes: int) -> dict[str, TensorLayout]:
    if file_bytes > MAX_FILE_BYTES:
        raise _Lie(f"it is larger than {MAX_FILE_BYTES >> 30} GiB")
    length_bytes = read(8)
    if len(length_bytes) < 8:
        raise _Lie("it is shorter than its length field")
    header_bytes = int.from_bytes(length_bytes, "little")
    if not 2 <= header_bytes <= min(MAX_HEADER_BYTES, file_bytes - 8):
        raise _Lie(f"its header claims {header_bytes} bytes in a file of {file_bytes} (cap {MAX_HEADER_BYTES})")
    entries = _parse(read(header_bytes))
    layouts = {name: _layout(entry) for name, entry in entries.items()}
    _require_no_gap(entries, layouts, file_bytes - 8 - header_bytes)
    return layouts


def _parse(header: bytes) -> JsonObject:
    """The header's entries without `__metadata__`. Raises `_Lie` where it is not one JSON object of sound names."""
    objects = header.count(b"{")
    if objects > MAX_TENSORS + 2 or header.count(b",") > 16 * objects or header.count(b"[") > 2 * objects:
        raise _Lie(f"its header holds more than {MAX_TENSORS} tensors, or lists too long for their shapes")
    if not header.startswith(b"{"):
        raise _Lie("its header does not start with '{'")
    try:
        entries = json.loads(header.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as cause:
        raise _Lie("its header is not valid JSON") from cause
    entries.pop("__metadata__", None)
    if any(not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable() for name in entries):
        raise _Lie(f"a tensor's name is empty, longer than {MAX_NAME_LENGTH} or not printable")
    return entries


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _layout(entry: Any) -> TensorLayout:
    if not is_object(entry) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise _Lie("a tensor's entry is not dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise _Lie(f"a tensor's type is none of {', '.join(ITEM_BYTES)}")
    if not _are_counts(shape) or len(shape) > MAX_RANK:
        raise _Lie(f"a tensor's shape is not a list of at most {MAX_RANK} sizes")
    if not _are_counts(offsets) or len(offsets) != 2:
        raise _Lie("a tensor's offsets are not two positions in the file")
    layout = TensorLayout(dtype, tuple(shape))
    if offsets[1] - offsets[0] != layout.n_bytes:
        raise _Lie("a tensor's shape does not fill its offsets")
    return layout


def _are_counts(values: Any) -> bool:
    return is_list(values) and all(type(value) is int and 0 <= value <= MAX_FILE_BYTES for value in values)


def _require_no_gap(entries: JsonObject, layouts: dict[str, TensorLayout], data_bytes: int) -> None:
    """The tensors must lie end to end over all of the data: no overlap, no hole, nothing after the last."""
    position = 0
    for begin, end in sorted(entries[name]["data_offsets"] for name in layouts):
        if begin != position:
            raise _Lie("its tensors overlap or leave a hole")
        position = end
    if position != data_bytes:
        raise _Lie(f"its tensors take {position} bytes, but {data_bytes} follow the header")
