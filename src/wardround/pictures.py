"""Where the pictures lie that the events of a DATA folder name: `metadata/images.json`.

    {"cxr": "/absolute/folder"}

An event names its file below that folder. Where the folder lies says nothing of a patient and differs between
machines, so the manifest does not cover it: two DATA folders of the same raw data have equal hashes wherever the
pictures are, and who moves them may edit the file.
"""

from pathlib import Path
from typing import Final

from wardround import files
from wardround.errors import DataError
from wardround.events import IMAGES
from wardround.json_kinds import is_object

REMEDY: Final = "Run prepare again with --cxr DIR, or edit that file."


def images_file(data: Path) -> Path:
    """`metadata/images.json` of a DATA folder."""
    return data.joinpath(*files.IMAGES)


def write_picture_folder(data: Path, folder: Path) -> None:
    """Write down where the pictures lie.

    Args:
        data: the DATA folder.
        folder: the folder below which the events' files are.

    Raises:
        StorageError: if the disk refuses.
    """
    files.write_json(images_file(data), {IMAGES[0]: str(folder.resolve())})


def picture_folder(data: Path) -> Path | None:
    """The folder below which the files lie that the events of `IMAGES` name.

    Args:
        data: the DATA folder.

    Returns:
        The folder; None where the DATA folder was prepared without pictures.

    Raises:
        DataError: where the file does not name a folder, or there is none at that place.
        StorageError: if the disk refuses.
    """
    folder = recorded_folder(data)
    if folder is not None and not folder.is_dir():
        raise DataError(
            f"{images_file(data)} names {folder} as the folder of pictures, which is not there: moved? {REMEDY}"
        )
    return folder


def recorded_folder(data: Path) -> Path | None:
    """As `picture_folder`, whether or not the folder is there: to hand on what is written down.

    Raises:
        DataError: where the file does not name a folder.
        StorageError: if the disk refuses.
    """
    where = images_file(data)
    if not where.is_file():
        return None
    said = files.read_json(where)
    named = said.get(IMAGES[0]) if is_object(said) else None
    if not isinstance(named, str) or not Path(named).is_absolute():
        raise DataError(f'{where} does not say {{"{IMAGES[0]}": "/absolute/folder"}}. {REMEDY}')
    return Path(named)
