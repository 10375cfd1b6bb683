"""MIMIC-CXR and MIMIC-IV-Note beside MIMIC-IV: where their tables and files lie, and whose they are.

    CXR/mimic-cxr-2.0.0-metadata.csv.gz, CXR/files/     MIMIC-CXR-JPG; the table keeps its name in 2.1.0
    NOTES/note/discharge.csv.gz, NOTES/note/radiology.csv.gz, or both in NOTES itself

MIMIC-CXR with its DICOM files has no such table: a copy of that of MIMIC-CXR-JPG, put beside `files/`, is read.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from wardround.errors import SourceError
from wardround.sources.conversion import FAR
from wardround.sources.mimic.named_tables import Layout, find_named_tables, without_columns
from wardround.sources.mimic.note_places import OTHERS_ADMISSION, OUTSIDE_ADMISSION
from wardround.sources.mimic.placing import NO_STAY, NO_UNIT_STAY, OUTSIDE
from wardround.sources.mimic4.cxr import CXR_TABLES, FILE, METADATA
from wardround.sources.mimic4.cxr import UNREAD_TABLES as UNREAD_CXR
from wardround.sources.mimic4.cxr_files import EXAMPLE, TOP, list_pictures, with_files
from wardround.sources.mimic4.notes import NOTE_TABLES
from wardround.sources.mimic4.notes import UNREAD_TABLES as UNREAD_NOTES
from wardround.sources.mimic4.registered import LOOKED_UP, UNREGISTERED, with_registered
from wardround.sources.raw_data import FoundTable, Pictures, RawData
from wardround.sources.raw_table import RawTable
from wardround.sources.source import Beside

_CXR: Final = Layout("MIMIC-CXR-JPG", f"with {METADATA.name}.csv.gz and {TOP}/ in it", (), (), {})
_NOTES: Final = Layout("MIMIC-IV-Note", "with note/ in it", ("note",), (), {})


def on_disk(table: RawTable) -> RawTable:
    """A table with the columns alone that its file has."""
    return without_columns(table, (LOOKED_UP, FILE))


def find_cxr(folder: Path, hospital: RawData) -> RawData:
    """The table of chest X-rays and the files that are there.

    Args:
        folder: of the database.
        hospital: what was found of MIMIC-IV.

    Raises:
        SourceError: where the table, a column of it or every picture is missing.
        BrokenFileError: where the table differs from its published checksum, or has no header.
        StorageError: where the disk refuses.
    """
    found = find_named_tables(_CXR, [folder], [on_disk(METADATA)], {})
    there = list_pictures(folder)
    if there.paths.is_empty():
        raise SourceError(
            f"{folder / TOP} has no picture under a published name, such as {EXAMPLE}. Give the folder of "
            f"{_CXR.database} or MIMIC-CXR as it was published, or leave --cxr out."
        )
    tables = {name: with_files(table, there) for name, table in found.tables.items()}
    return replace(
        found,
        tables=_registered(tables, hospital),
        inputs={**found.inputs, "mimic-cxr-files": there.digest},
        pictures=Pictures(folder, there.paths.height),
    )


def find_notes(folder: Path, hospital: RawData) -> RawData:
    """The tables of notes.

    Args:
        folder: of the database, or its `note/`.
        hospital: what was found of MIMIC-IV.

    Raises:
        SourceError: where neither table is there, or a column of one is missing.
        BrokenFileError: where a table differs from its published checksum, or has no header.
        StorageError: where the disk refuses.
    """
    found = find_named_tables(_NOTES, [folder], [on_disk(table.raw) for table in NOTE_TABLES], {})
    if not found.tables:
        raise SourceError(
            f"{folder} has neither {' nor '.join(f'{table.raw.name}.csv.gz' for table in NOTE_TABLES)}, nor has a "
            f"note/ in it with one. Give the folder of {_NOTES.database}."
        )
    return replace(found, tables=_registered(found.tables, hospital))


def _registered(tables: Mapping[str, FoundTable], hospital: RawData) -> dict[str, FoundTable]:
    return {name: with_registered(table, hospital.tables["patients"]) for name, table in tables.items()}


_ELSEWHERE: Final = frozenset({UNREGISTERED, NO_STAY, OTHERS_ADMISSION, OUTSIDE_ADMISSION, NO_UNIT_STAY, OUTSIDE, FAR})

MIMIC_CXR: Final = Beside("cxr", "MIMIC-CXR-JPG or MIMIC-CXR", CXR_TABLES, find_cxr, UNREAD_CXR, _ELSEWHERE)
MIMIC_IV_NOTE: Final = Beside("notes", "MIMIC-IV-Note", NOTE_TABLES, find_notes, UNREAD_NOTES, _ELSEWHERE)
