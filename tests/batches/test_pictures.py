"""Pictures as rows of pixels: what they show, what is refused, and that each is decoded once."""

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEGExtended12Bit,
    RLELossless,
)

from timelines import hand, write_data
from wardround.batches import pictures
from wardround.batches.dicom_decoders import NoDecoder
from wardround.batches.lines import Lines, open_lines
from wardround.batches.pictures import (
    ABSENT,
    BROKEN,
    READABLE,
    TOO_LARGE,
    PictureRows,
    PictureSettings,
    decoded,
    picture_rows,
)
from wardround.errors import DataError, StorageError, UsageError
from wardround.tasks.cohort import Window

DATA = Path(os.environ.get("WARDROUND_DATA", Path(__file__).parents[3] / "shared" / "data"))
RAMP = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (40, 1))
"""40 x 60, darker on the left."""


def dicom(path: Path, numbers: np.ndarray, **tags) -> Path:
    """A DICOM file of 16 bits a pixel."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = DigitalXRayImageStorageForPresentation, "2.25.1"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = Dataset()
    image.file_meta = meta
    image.SOPClassUID, image.SOPInstanceUID, image.Modality = DigitalXRayImageStorageForPresentation, "2.25.1", "DX"
    image.Rows, image.Columns = numbers.shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    image.PixelData = numbers.astype(np.uint16).tobytes()
    for name, value in tags.items():
        if value is None:
            delattr(image, name)
        else:
            setattr(image, name, value)
    image.save_as(path, enforce_file_format=True)
    return path


def saved(path: Path, grey: np.ndarray = RAMP) -> Path:
    Image.fromarray(grey).save(path)
    return path


def read(path: Path, side: int = 10) -> np.ndarray:
    state, made = decoded(path, side)
    assert state == READABLE
    assert made is not None
    return made


def test_the_middle_square_is_kept(tmp_path: Path):
    """Columns 10 to 49 of 60, each four of them one."""
    made = read(saved(tmp_path / "a.png"))
    assert made.shape == (10, 10)
    assert np.abs(made - RAMP[:10, 10:50].reshape(10, 10, 4).mean(axis=2)).max() <= 2


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_a_colour_picture_is_made_grey(tmp_path: Path, name: str):
    made = read(saved(tmp_path / name, np.stack([RAMP] * 3, axis=2)))
    assert np.abs(made.astype(int) - read(saved(tmp_path / "grey.png"))).max() <= 3


def test_sixteen_bits_are_stretched_not_clipped(tmp_path: Path):
    grey = read(saved(tmp_path / "a.png", RAMP.astype(np.uint16) * 200))
    assert grey.min() < 60
    assert grey.max() > 190
    assert (np.diff(grey[0].astype(int)) > 0).all()


@pytest.mark.parametrize(
    ("tags", "slope"),
    [
        ({}, 1),
        ({"PhotometricInterpretation": "MONOCHROME1"}, -1),
        ({"RescaleSlope": "-1", "RescaleIntercept": "0", "RescaleType": "US"}, -1),
        ({"RescaleSlope": "-1", "RescaleIntercept": "0", "PhotometricInterpretation": "MONOCHROME1"}, 1),
    ],
)
def test_dicom_is_bright_where_it_says(tmp_path: Path, tags: dict, slope: int):
    made = read(dicom(tmp_path / "a.dcm", RAMP.astype(np.uint16) * 16, **tags)).astype(int)
    assert (np.sign(np.diff(made[0])) == slope).all()


def test_dicom_is_windowed(tmp_path: Path):
    """Values of 0 to 944 in steps of 16, seen through a window around 400 of 160: what is outside is black or white."""
    made = read(dicom(tmp_path / "a.dcm", RAMP.astype(np.uint16) * 4, WindowCenter=400, WindowWidth=160))
    assert made[0, 0] == 0
    assert made[0, -1] == 255
    assert 0 < made[0, 4] < 255


def test_what_is_no_picture_is_told_and_not_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = saved(tmp_path / "whole.png").read_bytes()
    cut, text = tmp_path / "cut.png", tmp_path / "text.png"
    cut.write_bytes(whole[: len(whole) // 2])
    text.write_text("no picture")
    bare = dicom(tmp_path / "bare.dcm", RAMP, PixelData=None)
    lying = dicom(tmp_path / "lying.dcm", RAMP, Rows=60_000, Columns=60_000)
    short = dicom(tmp_path / "short.dcm", RAMP, Rows=50)
    garbled = tmp_path / "garbled.dcm"
    garbled.write_bytes(b"\0" * 128 + b"DICM" + b"\x08\x00" * 40)
    found = {path.name: decoded(path, 10)[0] for path in (cut, text, bare, lying, short, garbled, tmp_path / "none")}
    assert found == {
        "cut.png": BROKEN, "text.png": BROKEN, "bare.dcm": BROKEN, "lying.dcm": TOO_LARGE, "short.dcm": BROKEN,
        "garbled.dcm": BROKEN, "none": ABSENT,
    }  # fmt: skip
    monkeypatch.setattr(pictures, "MOST_PIXELS", RAMP.size - 1)
    assert decoded(tmp_path / "whole.png", 10) == (TOO_LARGE, None)


def test_a_giant_is_refused_before_it_is_decoded(tmp_path: Path):
    """A PNG of a few bytes may say that it has four thousand million pixels."""
    giant = bytearray(saved(tmp_path / "a.png").read_bytes())
    giant[16:24] = (65_500).to_bytes(4, "big") * 2
    import zlib

    giant[29:33] = zlib.crc32(giant[12:29]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(giant)
    assert decoded(tmp_path / "a.png", 10) == (TOO_LARGE, None)


EVENTS = [
    (1, 0, 0, "demographics", "GENDER//Female", None),
    *((1, 10 * n, 10 * n, "cxr", "CXR//AP", float(n)) for n in range(3)),
    (1, 40, 40, "cxr", "CXR//LATERAL", 3.0),
]
SMALL = PictureSettings(size=8)


def lines_of(folder: Path, files_of: Path) -> Lines:
    return open_lines(write_data(folder, hand(EVENTS), pictures=files_of), Window())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    made.mkdir()
    for n in range(4):
        saved(made / f"{n}.png", RAMP + n)
    return made


def test_each_picture_is_decoded_once(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    lines = lines_of(tmp_path / "data", folder)
    made = picture_rows(lines, "cxr", SMALL, quiet=True)
    assert made.pixels.shape == (4, 9, 9)
    assert made.state.tolist() == [READABLE] * 3 + [ABSENT], "another view is not read"
    assert (made.pixels[3] == 0).all()
    seen: list[Path] = []
    monkeypatch.setattr(pictures, "decoded", lambda path, side: seen.append(path) or decoded(path, side))
    again = picture_rows(lines, "cxr", SMALL, quiet=True)
    assert (again.pixels == made.pixels).all()
    assert (again.state == made.state).all()
    assert seen == []
    saved(folder / "1.png", 255 - RAMP[:, :50])  # a file that was changed is read again
    changed = picture_rows(lines, "cxr", SMALL, quiet=True)
    assert seen != []
    assert (changed.pixels[1] != made.pixels[1]).any()
    assert (changed.pixels[0] == made.pixels[0]).all()
    everything = picture_rows(lines, "cxr", PictureSettings(size=8, views=("AP", "LATERAL")), quiet=True)
    assert everything.state.tolist() == [READABLE] * 4


def test_a_failing_disk_is_no_broken_picture(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """And nothing of it is remembered."""
    lines = lines_of(tmp_path / "data", folder)

    def refuse(path: Path, side: int) -> np.ndarray:
        raise OSError(errno.EIO, "Input/output error", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(pictures, "_picture", refuse)
        with pytest.raises(StorageError, match="reading the pictures of") as told:
            picture_rows(lines, "cxr", SMALL, quiet=True)
        assert "png" not in str(told.value)
    assert (picture_rows(lines, "cxr", SMALL, quiet=True).state == READABLE).any()


def test_a_path_that_leaves_the_folder_is_not_read(tmp_path: Path, folder: Path):
    below = tmp_path / "pictures" / "below"
    below.mkdir()
    outside = pictures._below(below, "../1.png"), pictures._below(below, str(folder / "1.png"))
    assert outside == (None, None)
    assert pictures._below(folder, "a/1.png") == folder / "a" / "1.png"


def test_pictures_that_stays_have_and_that_cannot_be_read_are_counted_without_a_name(tmp_path: Path, folder: Path):
    (folder / "0.png").unlink()
    (folder / "2.png").write_text("no picture")
    made = picture_rows(lines_of(tmp_path / "data", folder), "cxr", SMALL, quiet=True)
    made.refuse("cxr", np.asarray([1, 1]))
    with pytest.raises(DataError, match=r"2 of 3 pictures \(cxr\) cannot be read: 1 not there, 1 broken") as refused:
        made.refuse("cxr", np.asarray([0, 1, 2, 2]))
    assert "png" not in str(refused.value)
    assert "prepare again with --cxr" in str(refused.value), "an export has no metadata/images.json"


def test_a_missing_decoder_is_no_broken_picture(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """And nothing of it is remembered: the packages are named, and how many pictures ask for them."""
    for name in ("0", "2"):
        (folder / f"{name}.png").unlink()
        packed = dicom(folder / f"{name}.png", RAMP)
        content = packed.read_bytes()
        assert content.count(b"1.2.840.10008.1.2.1\0") == 1
        packed.write_bytes(content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"))  # run-length encoding
    lines = lines_of(tmp_path / "data", folder)
    decoder = get_decoder(RLELossless)
    with monkeypatch.context() as patch:
        patch.setattr(type(decoder), "is_available", False)
        with pytest.raises(UsageError, match=r"2 pictures \(cxr\) need a decoder .* 2 packed as RLE Lossless") as told:
            picture_rows(lines, "cxr", SMALL, quiet=True)
        assert "Install pylibjpeg>=2.0 and pylibjpeg-rle>=2.0, or leave" in str(told.value)
        assert "png" not in str(told.value)
        assert decoded(dicom(tmp_path / "film.dcm", RAMP, PixelData=None), 10) == (BROKEN, None)
    made = picture_rows(lines, "cxr", SMALL, quiet=True)
    assert made.state.tolist() == [BROKEN, READABLE, BROKEN, ABSENT], "with the decoder they are what they are: no RLE"


def as_jpeg_extended(path: Path, bits: int) -> Path:
    """Packed as JPEG Extended; what is said to be of 12 bits is of 8, which is found out where it is unpacked."""
    image = dcmread(dicom(path, RAMP))
    image.file_meta.TransferSyntaxUID = JPEGExtended12Bit
    image.BitsAllocated, image.BitsStored, image.HighBit = 8 if bits == 8 else 16, bits, bits - 1
    stream = io.BytesIO()
    Image.fromarray(RAMP).save(stream, "JPEG")
    image.PixelData = encapsulate([stream.getvalue()])
    image.save_as(path, enforce_file_format=True)
    return path


def test_jpeg_of_12_bits_is_missed_before_any_picture_is_decoded(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """Control: of 8 bits it is read."""
    as_jpeg_extended(folder / "1.png", 8)
    assert (picture_rows(lines_of(tmp_path / "of 8", folder), "cxr", SMALL, quiet=True).state[:3] == READABLE).all()
    as_jpeg_extended(folder / "2.png", 12)
    monkeypatch.setattr(pictures, "decoded", lambda *_, **__: pytest.fail("a picture was decoded"))
    words = r"1 pictures \(cxr\) need a decoder .*: 1 packed as JPEG Extended .*\. Install gdcm>=.*, or pylibjpeg>="
    with pytest.raises(UsageError, match=words):
        picture_rows(lines_of(tmp_path / "data", folder), "cxr", SMALL, quiet=True)
    monkeypatch.undo()
    with pytest.raises(NoDecoder):
        decoded(folder / "2.png", 10)


def test_pictures_need_the_extra(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    lines = lines_of(tmp_path / "data", folder)
    monkeypatch.setattr(pictures, "find_spec", lambda module: None)
    with pytest.raises(UsageError, match=r"pillow and pydicom, which the extra `images` brings"):
        picture_rows(lines, "cxr", SMALL, quiet=True)


@pytest.mark.parametrize("settings", [{"size": 7}, {"views": ()}])
def test_settings_without_a_picture_are_refused(settings: dict):
    with pytest.raises(UsageError, match="8 pixels or more"):
        PictureSettings(**settings)


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "cxr-nih").is_dir(), reason="the open demo data are not there")
def test_real_pictures_are_read():
    paths = [*sorted((DATA / "cxr-nih").glob("*.jpg"))[:3], *sorted((DATA / "cxr-dicom").glob("*.dcm"))]
    with np.errstate(all="ignore"):
        made = PictureRows(np.zeros((len(paths), 32, 32), np.uint8), np.zeros(len(paths), np.uint8))
        made.state[:] = pictures._decoded(paths, made.pixels, DATA)
    assert made.state.tolist() == [READABLE] * len(paths)
    assert (made.pixels.std(axis=(1, 2)) > 20).all(), "a chest has dark and bright parts"
