"""Which DICOM files need a decoder that is not installed.

A DICOM file names the way in which its pixels are packed, its transfer syntax; pydicom unpacks many of them only with
the help of another package. That one is missing says nothing of the picture, so it is never remembered: the command
stops, counts them and names the packages.
"""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wardround.errors import UsageError


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
    if _lacking(header.file_meta.TransferSyntaxUID):
        raise NoDecoder


def no_decoder(paths: Sequence[Path | None], modality: str, threads: int = 8) -> UsageError:
    """The error that counts the files that cannot be unpacked here, by how they are packed; headers alone are read.

    Args:
        paths: files, DICOM or not; None for one that is not read.
        modality: what they are.
        threads: that read at once.
    """
    with ThreadPoolExecutor(threads) as pool:
        found = Counter(syntax for syntax in pool.map(_packed_as, paths) if syntax is not None and _lacking(syntax))
    counts = ", ".join(f"{count} packed as {syntax.name}" for syntax, count in sorted(found.items()))
    needed = sorted({_packages_of(syntax) for syntax in found})
    return UsageError(
        f"{found.total()} pictures ({modality}) need a decoder beside pydicom that is not installed: {counts}. Install "
        f"{', and '.join(needed)}, or leave them out with --set modalities=..."
    )


def _packed_as(path: Path | None) -> Any:
    """The transfer syntax of a file; None where it has none that can be read."""
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    library: Any = pydicom
    try:
        return None if path is None else library.filereader.read_file_meta_info(path).TransferSyntaxUID
    except (OSError, EOFError, ValueError, TypeError, AttributeError, KeyError, NotImplementedError):
        return None
    except (InvalidDicomError, BytesLengthException):
        return None


def _lacking(syntax: Any) -> list[str]:
    """The packages of which one would unpack it, as pydicom says it; empty where one is there, or there is none."""
    from pydicom import pixels

    library: Any = pixels
    try:
        decoder = library.get_decoder(syntax)
    except NotImplementedError:  # of a film, or of nothing that is known: no package would help
        return []
    return [] if decoder.is_available else list(decoder.missing_dependencies)


def _packages_of(syntax: Any) -> str:
    """In words: "pyjpegls>=1.2, or pylibjpeg>=2.0 and pylibjpeg-libjpeg>=2.1"."""
    return ", or ".join(sorted(said.partition(" requires ")[2] or said for said in _lacking(syntax)))
