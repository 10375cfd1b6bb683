"""Pictures as files: JPEG by Pillow, DICOM by pydicom, both of the extra `images`."""

import hashlib
import io
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import UInt8

from wardround.errors import UsageError
from wardround.sources.synthetic.made import Draw
from wardround.sources.synthetic.mimic.studies import Studies
from wardround.sources.synthetic.mimic4.cxr_tables import VIEWS
from wardround.sources.synthetic.mimic4.pixels import Picture, drawn
from wardround.sources.synthetic.mimic4.settings import ImageFormat

Pixels = UInt8[np.ndarray, "row column"]
PACKAGES: Final[dict[ImageFormat, tuple[str, ...]]] = {
    "none": (),
    "jpg": ("pillow",),
    "dicom": ("pydicom",),
    "both": ("pillow", "pydicom"),
}
IMPORTED_AS: Final = {"pillow": "PIL", "pydicom": "pydicom"}
QUALITY: Final = 95
UID_ROOT: Final = "2.25."
"""Of unique ids that are numbers drawn at random, here from a hash."""


def check_images(images: ImageFormat) -> None:
    """Raise `UsageError` where a package is missing that writes images so."""
    lacking = [name for name in PACKAGES[images] if find_spec(IMPORTED_AS[name]) is None]
    if lacking:
        raise UsageError(
            f"images={images} needs {' and '.join(lacking)}, which the extra `images` brings: "
            "pip install 'wardround[images]'. Or take --set images=none, for the tables of the images alone."
        )


def image_files(
    draw: Draw, studies: Studies, images: pl.DataFrame, kind: ImageFormat, size_px: int
) -> dict[str, bytes]:
    """The files of some images.

    Args:
        draw: the chunk.
        studies: what each shows.
        images: rows of `cxr_tables.image_rows`.
        kind: how they are written.
        size_px: height and width.

    Returns:
        Path in the folder -> content. The noise of an image hangs on its study and view alone.
    """
    writers: dict[str, Callable[[str, int, Pixels], bytes]] = {}
    if kind in ("jpg", "both"):
        writers["jpg"] = _jpeg
    if kind in ("dicom", "both"):
        writers["dcm"] = _dicom
    made: dict[str, bytes] = {}
    if writers:
        for study, view, name, path in images.select("study", "view", "dicom_id", "path").iter_rows():
            rng = draw.stream(f"image {studies.study_id[study]} {view}")
            pixels = drawn(_picture(studies, study, view), size_px, rng)
            made |= {f"{path}.{ending}": write(name, view, pixels) for ending, write in writers.items()}
    return made


def _picture(studies: Studies, study: int, view: int) -> Picture:
    return Picture(
        lateral=VIEWS[view] == "LATERAL",
        opacity=float(studies.opacity[study]),
        left=bool(studies.left[study]),
        zone=int(studies.zone[study]),
        effusion=bool(studies.effusion[study]),
        oedema=bool(studies.oedema[study]),
        large_heart=bool(studies.large_heart[study]),
        tube=bool(studies.tube[study]),
    )


def _jpeg(_name: str, _view: int, pixels: Pixels) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _uid(name: str) -> str:
    return UID_ROOT + str(int.from_bytes(hashlib.sha256(name.encode()).digest()[:15], "big"))


def _dicom(name: str, view: int, pixels: Pixels) -> bytes:
    """An uncompressed digital X-ray, white high, without anything that names a patient."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = _uid(name)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = Dataset()
    image.file_meta = meta
    image.SOPClassUID = DigitalXRayImageStorageForPresentation
    image.SOPInstanceUID = _uid(name)
    image.Modality = "DX"
    image.BodyPartExamined = "CHEST"
    image.ViewPosition = "LL" if VIEWS[view] == "LATERAL" else VIEWS[view]
    image.Rows, image.Columns = pixels.shape
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 8, 8, 7, 0
    image.PixelData = pixels.tobytes() + b"\0" * (pixels.size % 2)
    stream = io.BytesIO()
    image.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
