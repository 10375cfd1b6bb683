"""An array that grows at its end, on disk: what a cohort's events need of memory does not grow with the cohort.

The rows go to a file without a name, so that nothing is left behind, however the process ends; `finish` maps it into
memory, where the system keeps the pages that are read, as long as it has room for them.
"""

import mmap
import os
import tempfile
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from wardround.whole_file import storage_errors


class GrowingArray:
    """Rows that are added at the end, in a `with` block that the finished array outlives.

    Args:
        folder: on the disk that the file takes its room from; where it may not be written to, the system's place for
            temporary files takes its stead.
        kind: of each number.
        width: numbers of a row, or its shape; None for an array of numbers.

    Raises:
        StorageError: where the file cannot be made.
    """

    def __init__(self, folder: Path, kind: type[np.generic], width: int | tuple[int, ...] | None = None) -> None:
        self.folder, self.kind, self.length = folder, np.dtype(kind), 0
        self.row_shape = width if isinstance(width, tuple) else () if width is None else (width,)
        with storage_errors(folder, "making a temporary file in"):
            place = folder if os.access(folder, os.W_OK) else None
            self._file = tempfile.TemporaryFile(dir=place, buffering=0)  # noqa: SIM115 - closed by `__exit__`

    def __enter__(self) -> "GrowingArray":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, rows: Shaped[np.ndarray, "row ..."]) -> None:
        """Append rows. Raises `StorageError`."""
        left = memoryview(rows.astype(self.kind, copy=False).tobytes())
        with storage_errors(self.folder, "writing a temporary file in"):
            while left:
                left = left[self._file.write(left) :]
        self.length += len(rows)

    def finish(self) -> Shaped[np.ndarray, "row ..."]:
        """All the rows, mapped. Raises `StorageError`."""
        shape = (self.length, *self.row_shape)
        with storage_errors(self.folder, "mapping a temporary file in"):
            if 0 in shape:  # no bytes: nothing that could be mapped
                return np.empty(shape, self.kind)
            return np.frombuffer(mmap.mmap(self._file.fileno(), 0), self.kind).reshape(shape)
