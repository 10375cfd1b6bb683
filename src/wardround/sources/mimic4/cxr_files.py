"""The files of MIMIC-CXR and MIMIC-CXR-JPG: which pictures are there, listed once and never opened.

    files/pNN/pNNNNNNNN/sNNNNNNNN/DICOM_ID.jpg      MIMIC-CXR-JPG
    files/pNN/pNNNNNNNN/sNNNNNNNN/DICOM_ID.dcm      MIMIC-CXR

Where both are there the JPEG is read. A path is that of a file that was listed: whatever stands in a table, no other is
ever opened.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from wardround import files
from wardround.sources.csv_reader import RawRows
from wardround.sources.mimic.named_tables import whole_number
from wardround.sources.mimic4.cxr import FILE
from wardround.sources.raw_data import FoundTable

TOP: Final = "files"
EXAMPLE: Final = f"{TOP}/pNN/pNNNNNNNN/sNNNNNNNN/ID.jpg"
ENDINGS: Final = (".jpg", ".dcm")
"""In the order in which they are preferred."""
_LEVELS: Final = (r"p\d{2}", r"p\d{8}", r"s\d{8}", r"[0-9a-f-]{8,64}\.(?:jpg|dcm)")


@dataclass(frozen=True)
class PictureFiles:
    """The pictures that there are.

    Attributes:
        folder: that of the database, with `files/` in it.
        paths: `stem, file`: the path without its ending, and with it, from `folder`; a row a picture.
    """

    folder: Path
    paths: pl.DataFrame

    @property
    def digest(self) -> str:
        """SHA-256 of the list of names."""
        return hashlib.sha256("\n".join(self.paths["file"].sort()).encode()).hexdigest()


def list_pictures(folder: Path) -> PictureFiles:
    """List the pictures under `files/` of the database.

    Raises:
        StorageError: where the disk refuses.
    """
    with files.storage_errors(folder, "listing"):
        found = list(_below(folder / TOP, TOP, _LEVELS)) if (folder / TOP).is_dir() else []
    table = pl.DataFrame({"file": found}, schema={"file": pl.String}).with_columns(
        stem=pl.col("file").str.head(-4),
        _rank=pl.col("file").str.tail(4).replace_strict({ending: rank for rank, ending in enumerate(ENDINGS)}),
    )
    table = table.sort("stem", "_rank").unique("stem", keep="first", maintain_order=True)
    return PictureFiles(folder, table.select("stem", "file"))


def _below(folder: Path, path: str, levels: tuple[str, ...]) -> Iterator[str]:
    """Paths of the files whose names, and those of the folders above them, are as expected. Raises OSError."""
    level, *deeper = levels
    with os.scandir(folder) as entries:
        fitting = [entry for entry in entries if re.fullmatch(level, entry.name)]
    for entry in fitting:
        if not deeper:
            if entry.is_file():
                yield f"{path}/{entry.name}"
        elif entry.is_dir():
            yield from _below(Path(entry.path), f"{path}/{entry.name}", tuple(deeper))


def with_files(table: FoundTable, pictures: PictureFiles) -> FoundTable:
    """The table of pictures, each row with the path of its file, null where it is not there."""
    by_stem = pictures.paths.rename({"file": FILE})

    def blocks() -> Iterator[RawRows]:
        for block in table.blocks():
            subject, study = (
                whole_number(block.frame[column]).cast(pl.String) for column in ("subject_id", "study_id")
            )
            name = pl.col("dicom_id").str.strip_chars()
            stem = pl.format(f"{TOP}/p{{}}/p{{}}/s{{}}/{{}}", subject.str.head(2), subject, study, name)
            frame = block.frame.with_columns(stem=stem).join(by_stem, on="stem", how="left", maintain_order="left")
            yield replace(block, frame=frame.drop("stem"))

    return replace(table, blocks=blocks)
