"""MIMIC-IV's files, in any of its layouts, and what their item numbers stand for.

    RAW/hosp, RAW/icu            2.2, 3.0, 3.1
    RAW/core, RAW/hosp, RAW/icu  1.0, where admissions have an `ethnicity` and no `race`
    RAW                          all tables in one folder

Which it is shows in the folders and columns that are there; nobody needs to say. Tables are `.csv` or `.csv.gz`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from wardround import files
from wardround.errors import SourceError, UsageError
from wardround.sources.csv_reader import RawRows, check_header, find_table, read_blocks, verify_published_sums
from wardround.sources.made_up import made_up_patients
from wardround.sources.mimic4.columns import D_ITEMS, D_LABITEMS
from wardround.sources.raw_data import FoundTable, RawData
from wardround.sources.raw_table import RawTable

MODULES: Final = ("hosp", "icu", "core")
LOOKUPS: Final = (D_ITEMS, D_LABITEMS)
NAMED_BY: Final = {
    **dict.fromkeys(
        ("chartevents", "inputevents", "outputevents", "procedureevents"), (D_ITEMS, ("label", "category"))
    ),
    "labevents": (D_LABITEMS, ("label", "category", "fluid")),
}
"""Table -> the one that names its items, and the columns that it takes from there."""

STAND_INS: Final = {
    "5c04c11980f1c9c22a0703973d7c179910a7d7577bfea683def377cb3d2b8508": "chartevents is not the published file but the "
    "demo's, rebuilt from its MEDS conversion: without storetimes, values as 32-bit floats",
}
"""SHA-256 of a file that is known, whole, and in use beside the published `SHA256SUMS.txt` -> what it is."""


def find_mimic_tables(raws: Sequence[Path], tables: Sequence[RawTable]) -> RawData:
    """Find the tables wherever the layout has them, refuse those of other columns, and hash them.

    Args:
        raws: the folder of the database; one alone.
        tables: what is looked for, but for the tables that name items.

    Raises:
        UsageError: where more than one folder is given.
        SourceError: where a table or column is missing, or lies in two folders.
        BrokenFileError: where a file differs from its published checksum, or has no header.
        StorageError: where the disk refuses.
    """
    if len(raws) != 1:
        raise UsageError(f"{len(raws)} raw folders were given; MIMIC-IV is one, with hosp/ and icu/ in it. Give that.")
    (raw,) = raws
    folders = _folders(raw)
    looked_up = {table.name: path for table in LOOKUPS if (path := _find(raw, folders, table)) is not None}
    paths = {table.name: path for table in tables if (path := _find(raw, folders, table)) is not None}
    readers: dict[str, Callable[[], Iterator[RawRows]]] = {}
    for table in LOOKUPS:
        if table.name in looked_up:
            check_header(looked_up[table.name], table)
    for table in tables:
        if table.name in paths:
            on_disk = without_looked_up(table)
            check_header(paths[table.name], on_disk)
            readers[table.name] = _reader(paths[table.name], on_disk, looked_up)
    everything = {**paths, **looked_up}
    inputs = {name: files.sha256(path) for name, path in everything.items()}
    notes = tuple(STAND_INS[inputs[name]] for name in sorted(inputs) if inputs[name] in STAND_INS)
    published = {path: inputs[name] for name, path in everything.items() if inputs[name] not in STAND_INS}
    verify_published_sums(raw, published)
    found = {name: FoundTable(paths[name], blocks) for name, blocks in readers.items()}
    names = {table.name for table in (*tables, *LOOKUPS)}
    patients = made_up_patients(raw, "mimic4", "MIMIC-IV", ("icu/icustays.csv.gz", inputs.get("icustays")))
    return RawData(found, inputs, tuple(sorted(names - everything.keys())), notes=notes, patients=patients)


def without_looked_up(table: RawTable) -> RawTable:
    """A table with the columns alone that its file has."""
    if table.name not in NAMED_BY:
        return table
    added = NAMED_BY[table.name][1]
    return replace(table, columns={name: entry for name, entry in table.columns.items() if name not in added})


def _folders(raw: Path) -> list[Path]:
    """The folder itself and its modules, whatever their case."""
    if not raw.is_dir():
        raise SourceError(f"{raw} is not a folder. Give the folder of MIMIC-IV, with hosp/ and icu/ in it.")
    with files.storage_errors(raw, "listing"):
        inside = sorted(path for path in raw.iterdir() if path.name.lower() in MODULES and path.is_dir())
    return [raw, *inside]


def _find(raw: Path, folders: Sequence[Path], table: RawTable) -> Path | None:
    found = [path for folder in folders if (path := find_table(folder, replace(table, optional=True))) is not None]
    if len(found) > 1:
        places = ", ".join(str(path.relative_to(raw)) for path in found)
        raise SourceError(f"{raw} holds {len(found)} files for table {table.name}: {places}. Keep one.")
    if not found and not table.optional:
        where = ", ".join(f"{folder.name}/" for folder in folders[1:]) or "no hosp/ or icu/ either"
        raise SourceError(
            f"{raw} has no {table.name}.csv or {table.name}.csv.gz ({where} looked through). "
            "Give the folder of MIMIC-IV, with hosp/ and icu/ in it."
        )
    return found[0] if found else None


def _reader(path: Path, table: RawTable, looked_up: Mapping[str, Path]) -> Callable[[], Iterator[RawRows]]:
    if table.name not in NAMED_BY:
        return partial(read_blocks, path, table)
    lookup, columns = NAMED_BY[table.name]
    return partial(_named_blocks, path, table, looked_up.get(lookup.name), lookup, columns)


def _named_blocks(
    path: Path, table: RawTable, names: Path | None, lookup: RawTable, columns: Sequence[str]
) -> Iterator[RawRows]:
    """The blocks of a table with what its items are called; null where nothing names them."""
    items = item_names(names, lookup, columns)
    for block in read_blocks(path, table):
        frame = block.frame.join(items, on="itemid", how="left", maintain_order="left")
        yield replace(block, frame=frame)


def item_names(path: Path | None, lookup: RawTable, columns: Sequence[str]) -> pl.DataFrame:
    """`itemid` and `columns` as text, a row an item; none where there is no such table.

    Raises:
        BrokenFileError: where it cannot be read to its end.
        StorageError: where the disk refuses.
    """
    blocks = [] if path is None else [block.frame for block in read_blocks(path, lookup)]
    empty = pl.DataFrame(schema=dict.fromkeys(("itemid", *columns), pl.String))
    items = pl.concat([empty, *(block.select("itemid", *columns) for block in blocks)])
    items = items.select(pl.all().str.strip_chars()).drop_nulls("itemid")
    return items.sort(pl.all()).unique("itemid", keep="first", maintain_order=True)
