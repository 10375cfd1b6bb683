"""What a teacher says, on disk by hash: its trees are grown once, for every resume, search and process of a training.

The key is the hash of all that decides what it says: the table, labels and patients of the training stays, folds, seed,
settings of the trees and LightGBM's version. The key cannot see our code that grows them, whose changes ask for another
`FORMAT`. How entries are checked and the cache is bounded: `batches/array_cache.py`.
"""

import contextlib
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from wardround.batches.array_cache import add_array, find_array, keep_array
from wardround.errors import StorageError
from wardround.methods import teacher
from wardround.methods.table_model import LabelledRows
from wardround.settings import as_json
from wardround.stopping import Stopped
from wardround.train.processes import first_process_first
from wardround.train.stopping import TrainingStopped, stop_on_sigterm

FORMAT: Final = 1
"""Of an entry; another one when the same input may be told other numbers."""

LIMIT_BYTES: Final = 1 << 30
"""Of all entries together; one has 8 bytes a training stay."""


def teacher_key(train: LabelledRows, patient: Int[np.ndarray, "stay"], folds: int, seed: int) -> str:
    """The hash of the format and of all that decides what a teacher says."""
    grown = {"folds": folds, "seed": seed, "trees": as_json(teacher.TREES), "lightgbm": version("lightgbm")}
    digest = hashlib.sha256(json.dumps({"format": FORMAT, **grown}, sort_keys=True).encode())
    for name, array in (("values", train.values), ("label", train.label), ("patient", patient)):
        add_array(digest, [name, str(array.dtype), list(array.shape)], array)
    return digest.hexdigest()


def told_once(
    folder: Path,
    train: LabelledRows,
    patient: Int[np.ndarray, "stay"],
    folds: int,
    seed: int,
    quiet: bool = False,
) -> Float[np.ndarray, "stay"]:
    """What `told` says, read from `folder` where it was said before.

    Of several processes the first one asks, and the others read its answer; where nothing can be kept each of them
    asks, after the first.

    Args:
        folder: the cache; made where it is absent. Where it may not be read or written to nothing is kept: no training
            ends for that.
        train, patient, folds, seed, quiet: of `told`.

    Raises:
        TrainingStopped: after SIGTERM; the tree under way is finished.
    """
    key = teacher_key(train, patient, folds, seed)
    try:
        with stop_on_sigterm() as stop, first_process_first():
            said = None
            with contextlib.suppress(StorageError):
                said = find_array(folder, key)
            if said is None:
                said = teacher.told(train, patient, folds, seed, quiet, stop)
                with contextlib.suppress(StorageError):
                    keep_array(folder, key, len(said), [said], LIMIT_BYTES)
            stop.check()
    except Stopped as stopped:
        raise TrainingStopped(
            "Training was asked to stop (SIGTERM) while it asked its teacher, before the first step. Run the same "
            "command again; a teacher that had told all is not asked again."
        ) from stopped
    return said
