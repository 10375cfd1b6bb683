"""Frozen encoders, run once: what they make of the events of a cohort takes the place of the rows.

They are run on the device that the training uses. Notes and pictures are kept one by one (`document_embeddings.py`), a
backbone that is never trained apart from what comes after it, so that every cohort and every run that has the same
backbone reads them; rows of numbers are kept by cohort (`embedding_cache.py`).
"""

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float32, Int, Shaped
from torch import nn

from wardround.batches.document_embeddings import FrozenEncoder, document_embeddings
from wardround.batches.documents import DOCUMENTS
from wardround.batches.embedding_cache import cached_embeddings
from wardround.batches.growing_array import GrowingArray
from wardround.batches.store import EventStore
from wardround.events import TEXTS
from wardround.models.document_encoder import DocumentEncoder, read_rows
from wardround.models.embedder import ModalityEmbedder
from wardround.models.note_encoder import LENGTH_STEP, BertReader
from wardround.models.picture_encoder import PictureReader
from wardround.train.processes import Processes

BATCH_ON_CPU: Final = 8
BATCH_ON_GPU: Final = 64
"""Notes or pictures that are read at a time."""
EVENTS_AT_ONCE: Final = 1 << 20

Read = Callable[[torch.Tensor], torch.Tensor]


def frozen_parts(model: nn.Module) -> Mapping[str, nn.Module]:
    """By modality what does not learn and comes first: whole encoders, or their backbones."""
    whole: Mapping[str, nn.Module] = getattr(model, "frozen_encoders", {})
    embedder = model if isinstance(model, ModalityEmbedder) else getattr(model, "embedder", None)
    return whole or (embedder.frozen_backbones if isinstance(embedder, ModalityEmbedder) else {})


def embedded(
    store: EventStore, encoders: Mapping[str, nn.Module], cache: Path, block: int = 65_536, quiet: bool = True
) -> EventStore:
    """The store with every event through its modality's encoder, once and without dropout, kept in `cache` by hash.

    Args:
        store: events; what these encoders made of them takes the place of their rows.
        encoders: by modality; the rows of others stay.
        cache: the folder of embeddings.
        block: rows of numbers that are read at a time at most.
        quiet: no progress on stderr.

    Raises:
        StorageError: where the disk refuses.
    """
    device = Processes().device
    for index, name in enumerate(store.modalities):
        if name not in encoders:
            continue
        encoder: nn.Module | None = encoders[name].eval()
        if name in DOCUMENTS:
            first, encoder = _backbone_and_rest(encoders[name])
            store = _documents_read(store, index, name, first, cache, device, quiet)
        if encoder is not None:
            doing, weights = f"embedding events, {name}", _weights(encoder)
            with _on(encoder, device):
                read = _reader(encoder, block, device)
                made = cached_embeddings(cache, weights, store.content[name], read, doing=doing, quiet=quiet)
            store = replace(store, content={**store.content, name: made})
    return store


def _backbone_and_rest(encoder: nn.Module) -> tuple[nn.Module, nn.Module | None]:
    """What is run once a document, and what is behind it: of a backbone that is never trained the block that is."""
    if isinstance(encoder, DocumentEncoder) and encoder.frozen:
        return encoder.backbone, encoder.block
    return encoder, None


def _weights(encoder: nn.Module) -> dict[str, np.ndarray]:
    return {key: value.cpu().numpy() for key, value in encoder.state_dict().items()}


@contextlib.contextmanager
def _on(encoder: nn.Module, device: torch.device) -> Generator[None]:
    """Move an encoder to a device, and back. Convolutions there are as exact as on a CPU, for what they say is kept."""
    home = next((weight.device for weight in encoder.parameters()), device)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False), torch.no_grad():
        encoder.to(device)
        try:
            yield
        finally:
            encoder.to(home)


def _reader(read: Read, part: int, device: torch.device) -> Callable[[np.ndarray], np.ndarray]:
    """What reads rows a part of them at a time; one part at least, for no row still has a width."""

    def embed(rows: np.ndarray) -> np.ndarray:
        parts = [rows[begin : begin + part] for begin in range(0, max(len(rows), 1), part)]
        return np.concatenate([read(torch.from_numpy(np.array(each)).to(device)).cpu().numpy() for each in parts])

    return embed


def _documents_read(
    store: EventStore, index: int, name: str, encoder: nn.Module, cache: Path, device: torch.device, quiet: bool
) -> EventStore:
    """The store with what an encoder made of the notes or pictures that its stays have, each once: the others, which
    come later or are of other stays, need not be run through anything."""
    said: list[Any] = [each.said for each in encoder.modules() if isinstance(each, (BertReader, PictureReader))]
    batch = BATCH_ON_CPU if device.type == "cpu" else BATCH_ON_GPU
    rows, weights = _used(store, index, name), _weights(encoder)
    with _on(encoder, device):
        embed = _reader(lambda part: read_rows(encoder, part, frozen=True), batch, device)
        frozen = FrozenEncoder(weights, said, embed, _steps_of if name in TEXTS else _alike, batch)
        doing = f"embedding documents, {name}"
        made, place = document_embeddings(cache, frozen, store.content[name], rows, doing, quiet)
    return _replaced(store, index, name, made, rows, place, cache.parent)


def _steps_of(tokens: Shaped[np.ndarray, "row token"]) -> Int[np.ndarray, "row"]:
    """The length of notes, in steps."""
    return -(-np.count_nonzero(tokens, axis=1) // LENGTH_STEP)


def _alike(pixels: Shaped[np.ndarray, "row side side"]) -> Int[np.ndarray, "row"]:
    return np.zeros(len(pixels), np.int64)


def _used(store: EventStore, index: int, name: str) -> Int[np.ndarray, "row"]:
    """The rows of a modality that the stays have."""
    used = np.zeros(len(store.content[name]) + 1, bool)  # the last place takes what is missing
    used[store.last[:, index]] = True
    for begin in range(0, len(store.row), EVENTS_AT_ONCE):
        part = slice(begin, begin + EVENTS_AT_ONCE)
        used[store.row[part][store.modality[part] == index]] = True
    return np.flatnonzero(used[:-1])


def _replaced(
    store: EventStore,
    index: int,
    name: str,
    made: Float32[np.ndarray, "document embed"],
    rows: Int[np.ndarray, "row"],
    place: Int[np.ndarray, "row"],
    folder: Path,
) -> EventStore:
    """The store with other rows of a modality: `made[place[i]]` where `rows[i]` was."""
    place_of = np.full(len(store.content[name]) + 1, -1, np.int64)  # the last place: what is missing stays so
    place_of[rows] = place
    with GrowingArray(folder, np.int64) as row:
        for begin in range(0, len(store.row), EVENTS_AT_ONCE):
            part = slice(begin, begin + EVENTS_AT_ONCE)
            mine, of_event = store.modality[part] == index, store.row[part].copy()
            of_event[mine] = place_of[of_event[mine]]
            row.add(of_event)
        last = store.last.copy()
        last[:, index] = place_of[last[:, index]]
        return replace(store, row=row.finish(), last=last, content={**store.content, name: made})
