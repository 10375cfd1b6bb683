"""Modalities left out at prediction: what a run says of stays as if they had never been recorded."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wardround.batches.store import EventStore
from wardround.errors import UsageError


def without_modalities(store: EventStore, names: Sequence[str]) -> EventStore:
    """The store as if some modalities had never been recorded.

    Raises:
        UsageError: where a name is no modality of the store.
    """
    unknown = [name for name in names if name not in store.modalities]
    if unknown:
        raise UsageError(f"--without {', '.join(unknown)}: the run's modalities are {', '.join(store.modalities)}.")
    gone = [store.modalities.index(name) for name in names]
    keep = ~np.isin(store.modality, gone)
    lengths = np.diff(store.offsets)
    stay = np.repeat(np.arange(len(lengths)), lengths)[keep]
    last = store.last.copy()
    last[:, gone] = -1
    return replace(
        store,
        offsets=np.r_[0, np.cumsum(np.bincount(stay, minlength=len(lengths)))].astype(np.int64),
        minute=store.minute[keep],
        modality=store.modality[keep],
        row=store.row[keep],
        last=last,
    )
