"""Chest X-rays as rows of grey pixels: JPEG and PNG by Pillow, DICOM by pydicom, both of the extra `images`.

    windowed   DICOM: rescaled, VOI look-up table or window, MONOCHROME1 turned over; darkest to brightest, 0 to 255
    resized    the shorter side to `side` pixels, then the middle square (arXiv 2604.18753: resize and centre crop)

Each picture of a DATA folder is decoded once and kept in `DATA/cache`, as long as its file has the same size and time.
One that cannot be read is noted, and refused where a stay has it (`store.py`); one that needs a decoder that is not
installed stops the command (`dicom_decoders.py`). No path of a picture is told: it may
name a patient.
"""

import hashlib
import json
import os
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Shaped, UInt8

from wardround import files
from wardround.batches.array_cache import array_once
from wardround.batches.dicom_decoders import NoDecoder, check_decoder, check_decoders
from wardround.batches.features import view_of
from wardround.batches.lines import Lines
from wardround.errors import DataError, UsageError
from wardround.pictures import picture_folder
from wardround.progress import progress

Pixels = UInt8[np.ndarray, "side side"]

FORMAT: Final = 3
"""Another number where the same picture gives other pixels."""

LIMIT_BYTES: Final = 64 << 30
"""Of all pixels that a DATA folder's cache holds."""

MOST_PIXELS: Final = 64_000_000
"""Of a picture; the largest of MIMIC-CXR have some 10 million. A file may say that it has more than any memory."""

MOST_BYTES: Final = 512 << 20
"""Of a file."""

BLOCK: Final = 64
READABLE, ABSENT, BROKEN, TOO_LARGE = range(4)
WHY: Final = {ABSENT: "not there", BROKEN: "broken or of an unknown kind", TOO_LARGE: "too large"}
PACKAGES: Final = {"pillow": "PIL", "pydicom": "pydicom"}


@dataclass(frozen=True)
class PictureSettings:
    """How pictures become rows of pixels.

    Attributes:
        size: height and width of what an encoder sees, in pixels (the paper: 224). Kept are 8/7 of it: 256.
        views: of which pictures are read, as the codes end (`CXR//AP`). The paper: AP alone.
        weights: folder of a ResNet (config.json, model.safetensors) to start from; none for random weights. Nothing is
            ever downloaded.

    Raises:
        UsageError: at construction, for a size below 8 or no view.
    """

    size: int = 224
    views: tuple[str, ...] = ("AP",)
    weights: str | None = None

    def __post_init__(self) -> None:
        if self.size < 8 or not self.views:
            raise UsageError(f"pictures have 8 pixels or more, got {self.size}, and one view or more.")

    @property
    def side(self) -> int:
        """Height and width of what is kept, from which the encoder crops."""
        return round(self.size * 8 / 7)


@dataclass(frozen=True)
class PictureRows:
    """The pictures of a modality, in the order of `Documents.members`.

    Attributes:
        pixels: 0 where a picture cannot be read, or was not asked for.
        state: `READABLE`, or why not.
    """

    pixels: UInt8[np.ndarray, "row side side"]
    state: UInt8[np.ndarray, "row"]

    def refuse(self, modality: str, used: np.ndarray) -> None:
        """Whether every picture that the stays have was read.

        Args:
            modality: what they are.
            used: rows.

        Raises:
            DataError: counting those that were not.
        """
        state = self.state[np.unique(used)]
        faults = {why: int((state == kind).sum()) for kind, why in WHY.items()}
        n = sum(faults.values())
        if n:
            why = ", ".join(f"{count} {kind}" for kind, count in faults.items() if count)
            raise DataError(
                f"{n} of {len(state)} pictures ({modality}) cannot be read: {why}. Check the folder that "
                "metadata/images.json names (where there is no such file, prepare again with --cxr DIR), or leave them "
                f"out: --set modalities=..., in an evaluation --without {modality}."
            )


def picture_rows(lines: Lines, modality: str, settings: PictureSettings, quiet: bool = False) -> PictureRows:
    """The pixels of the pictures of a modality, of those whose view is read.

    Args:
        lines: the data.
        modality: which.
        settings: size and views.
        quiet: no progress on stderr.

    Raises:
        DataError: where the shards cannot be read.
        StorageError: where the disk refuses.
        UsageError: where a package is missing that reads pictures, or unpacks some of them.
    """
    _check_packages()
    documents, side = lines.documents, settings.side
    members = documents.members(modality)
    wanted = _wanted(lines, members, settings.views)
    folder = picture_folder(documents.data)
    paths: list[Path | None] = [None] * len(members)
    for place, text in documents.texts(members):
        paths[place] = _below(folder, text) if wanted[place] else None
    digest = hashlib.sha256(json.dumps(["pictures", FORMAT, side, len(members)]).encode())
    digest.update(np.ascontiguousarray(documents.digest[members]).tobytes() + wanted.tobytes())
    digest.update(np.asarray([_stamp(path) for path in paths], np.int64).tobytes())
    state = np.full(len(members), ABSENT, np.uint8)

    def blocks() -> Iterator[UInt8[np.ndarray, "row side side"]]:
        check_decoders(paths, modality)  # what is decoded before one is missed would be lost
        yield np.empty((0, side, side), np.uint8)
        with progress(len(members), f"reading pictures, {modality}", quiet=quiet) as bar:
            for begin in range(0, len(members), BLOCK):
                part = slice(begin, begin + BLOCK)
                made = np.zeros((len(paths[part]), side, side), np.uint8)
                state[part] = _decoded(paths[part], made, documents.data)
                yield made
                bar.advance(len(made))

    cache, n = documents.data / "cache" / "pictures", len(members)
    try:
        pixels = array_once(cache, digest.hexdigest(), n, blocks, LIMIT_BYTES)
        digest.update(b"state")
        states = partial(_state, paths, state, pixels, documents.data)
        kept = array_once(cache, digest.hexdigest(), n, lambda: iter([states()]), LIMIT_BYTES)
    except NoDecoder:  # of a file that was changed meanwhile
        check_decoders(paths, modality)
        raise DataError(
            f"pictures ({modality}) were changed while they were read. Run the same command again."
        ) from None
    return PictureRows(pixels, kept)


def _wanted(lines: Lines, members: np.ndarray, views: Sequence[str]) -> Bool[np.ndarray, "row"]:
    """The pictures that are of one of the views, on any stay."""
    documents = lines.documents
    read = np.asarray([view_of(code) in views for code in lines.codes], bool)
    of_view = documents.document[read[lines.code[documents.item]]] if len(documents.item) else documents.document
    return np.isin(members, of_view)


def _state(
    paths: Sequence[Path | None],
    state: UInt8[np.ndarray, "row"],
    pixels: Shaped[np.ndarray, "row side side"],
    data: Path,
) -> UInt8[np.ndarray, "row"]:
    """What is known of each picture; of pixels that were kept by a run that did not come so far, decoded again."""
    if (state == READABLE).any() or not any(paths):
        return state
    for place, path in enumerate(paths):
        state[place] = _decoded([path], np.zeros((1, *pixels.shape[1:]), np.uint8), data)[0]
    return state


def _check_packages() -> None:
    lacking = [name for name, module in PACKAGES.items() if find_spec(module) is None]
    if lacking:
        raise UsageError(
            f"pictures need {' and '.join(lacking)}, which the extra `images` brings: pip install 'wardround[images]'. "
            "Or leave them out with --set modalities=..."
        )


def _below(folder: Path | None, text: str) -> Path | None:
    """The file of a picture; None for a path that leaves the folder."""
    relative = PurePosixPath(text)
    if folder is None or relative.is_absolute() or ".." in relative.parts:
        return None
    return folder / relative


def _stamp(path: Path | None) -> tuple[int, int]:
    """Size and time of a file; of none, that it is not there."""
    if path is None:
        return -1, -1
    try:
        found = path.stat()
    except (OSError, ValueError):
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _decoded(paths: Sequence[Path | None], made: UInt8[np.ndarray, "row side side"], data: Path) -> list[int]:
    """Fill in what some pictures of a DATA folder show; returns what became of each. Raises `NoDecoder`,
    `StorageError`."""
    with (
        files.storage_errors(data, "reading the pictures of"),
        warnings.catch_warnings(),
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads,
    ):
        warnings.simplefilter("ignore")  # of odd headers, in words that may name a patient
        found = list(threads.map(partial(decoded, side=made.shape[1]), paths))
    for row, (_, pixels) in zip(made, found, strict=True):
        if pixels is not None:
            row[:] = pixels
    return [state for state, _ in found]


def decoded(path: Path | None, side: int) -> tuple[int, Pixels | None]:
    """What one picture shows.

    Returns:
        `READABLE` and its pixels, or why not and None.

    Raises:
        NoDecoder: where a package is missing that would unpack it.
        OSError: where the disk refuses.
    """
    size_bytes, _ = _stamp(path)
    if path is None or size_bytes < 0:
        return ABSENT, None
    if size_bytes > MOST_BYTES:
        return TOO_LARGE, None
    try:
        grey = _dicom(path) if _is_dicom(path) else _picture(path, side)
    except _TooLarge:
        return TOO_LARGE, None
    except OSError as error:
        if error.errno is not None:  # of the disk, and of no picture: nothing to remember of it
            raise
        return BROKEN, None
    except (EOFError, ValueError, TypeError, SyntaxError, AttributeError, KeyError, IndexError):
        return BROKEN, None
    except (struct.error, zlib.error, NotImplementedError, RuntimeError, ArithmeticError):
        return BROKEN, None
    return READABLE, _square(grey, side)


class _TooLarge(Exception):
    """A picture says that it has more pixels than any has."""


def _check_size(rows: int, columns: int) -> None:
    if rows * columns > MOST_PIXELS:
        raise _TooLarge
    if rows < 1 or columns < 1:
        raise ValueError("a picture without pixels")


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _picture(path: Path, side: int) -> Any:
    """A JPEG or PNG as grey numbers; a JPEG is decoded no finer than needed."""
    from PIL import Image

    try:
        opened = Image.open(path, formats=("JPEG", "PNG"))
    except Image.DecompressionBombError as error:
        raise _TooLarge from error
    with opened as image:
        _check_size(image.height, image.width)
        image.draft("L", (2 * side, 2 * side))
        if image.mode.startswith("I"):  # 16 bits: a plain conversion would clip them
            return _stretched(np.asarray(image, np.float32))
        return np.asarray(image.convert("L"))


def _dicom(path: Path) -> Any:
    """The first frame of a DICOM file as grey numbers, bright where the body is dense."""
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError
    from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array

    try:
        header: Any = pydicom.dcmread(path)
    except (InvalidDicomError, BytesLengthException) as error:
        raise ValueError("no DICOM") from error
    if "PixelData" not in header:
        raise ValueError("no pixels")
    rows, columns, samples = int(header.Rows), int(header.Columns), int(header.get("SamplesPerPixel", 1))
    _check_size(rows, columns)
    if samples != 1:
        raise ValueError("no grey picture")
    check_decoder(header)
    numbers = np.asarray(apply_voi_lut(apply_modality_lut(pixel_array(header, index=0), header), header), np.float32)
    return _stretched(-numbers if header.PhotometricInterpretation == "MONOCHROME1" else numbers)


def _stretched(numbers: Shaped[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width"]:
    """From the darkest to the brightest, 0 to 255. Raises `ValueError` for what is no number."""
    low, high = float(numbers.min()), float(numbers.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("a pixel that is no number")
    return np.round((numbers - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)


def _square(grey: UInt8[np.ndarray, "height width"], side: int) -> Pixels:
    """The shorter side made `side` pixels long, and the middle square of that."""
    from PIL import Image

    height, width = grey.shape
    cut = min(height, width)
    top, left = (height - cut) // 2, (width - cut) // 2
    square = Image.fromarray(grey[top : top + cut, left : left + cut])
    return np.asarray(square.resize((side, side), Image.Resampling.BILINEAR))
