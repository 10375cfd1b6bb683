"""Which DICOM files need a decoder that is not installed.

A DICOM file names the way in which its pixels are packed, its transfer syntax; pydicom unpacks many of them only with
the help of another package. That one is missing says nothing of the picture, so it is never remembered: the command
stops before it decodes any, counts them and names the packages.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from wardround.errors import UsageError

EXTENDED: Final = "1.2.840.10008.1.2.4.51"
"""JPEG Extended, of 8 bits a pixel or of 12: Pillow, which pydicom takes for it, unpacks those of 8 alone."""


class NoDecoder(Exception):
    """A file is packed in a way that no installed package unpacks."""


def check_decoder(header: Any) -> None:
    """Whether the pixels of a DICOM file can be unpacked here.

    Args:
        header: of the file, as pydicom reads it.

    Raises:
        NoDecoder: where a package is missing that would.
        AttributeError: where the file does not say how it is packed.
    """
    if _lacking(header.file_meta.TransferSyntaxUID, header.BitsStored):
        raise NoDecoder


def check_decoders(paths: Sequence[Path | None], modality: str, threads: int = 8) -> None:
    """Whether all that can be read of some files can be unpacked here, before any is: headers alone are read.

    Args:
        paths: files, DICOM or not; None for one that is not read.
        modality: what they are.
        threads: that read at once.

    Raises:
        UsageError: counting those that cannot, by how they are packed, and naming the packages that would.
    """
    with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
        warnings.simplefilter("ignore")  # of odd headers, in words that may name a patient
        packed = Counter(each for each in pool.map(_packed_as, paths) if each is not None)
    found = {each: count for each, count in packed.items() if _lacking(*each)}
    if not found:
        return
    counts = ", ".join(f"{count} packed as {syntax.name}" for (syntax, _), count in sorted(found.items()))
    needed = sorted({_packages_of(*each) for each in found})
    raise UsageError(
        f"{sum(found.values())} pictures ({modality}) need a decoder beside pydicom that is not installed: {counts}. "
        f"Install {', and '.join(needed)}, or leave them out with --set modalities=..."
    )


def _packed_as(path: Path | None) -> tuple[Any, int] | None:
    """The transfer syntax of a file, and its bits a pixel where they matter, else 0; None where it has none that can
    be read."""
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    library: Any = pydicom
    try:
        if path is None:
            return None
        syntax = library.filereader.read_file_meta_info(path).TransferSyntaxUID
        if syntax != EXTENDED:
            return syntax, 0
        header = library.dcmread(path, stop_before_pixels=True, specific_tags=["BitsStored"])
        return syntax, int(header.BitsStored)
    except (OSError, EOFError, ValueError, TypeError, AttributeError, KeyError, NotImplementedError):
        return None
    except (InvalidDicomError, BytesLengthException):
        return None


def _lacking(syntax: Any, bits: int) -> list[str]:
    """The packages of which one would unpack it, as pydicom says it; empty where one is there, or there is none."""
    from pydicom import pixels

    library: Any = pixels
    try:
        decoder = library.get_decoder(syntax)
    except NotImplementedError:  # of a film, or of nothing that is known: no package would help
        return []
    unfit = {"pillow"} if syntax == EXTENDED and bits != 8 else set[str]()
    is_there = decoder.is_available and set(decoder.available_plugins) - unfit
    return [] if is_there else list(decoder.missing_dependencies)


def _packages_of(syntax: Any, bits: int) -> str:
    """In words: "pyjpegls>=1.2, or pylibjpeg>=2.0 and pylibjpeg-libjpeg>=2.1"."""
    return ", or ".join(sorted(said.partition(" requires ")[2] or said for said in _lacking(syntax, bits)))
