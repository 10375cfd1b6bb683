"""The tables of a MIMIC database on disk, and what their item numbers stand for.

Tables are `.csv` or `.csv.gz`, in the folder itself or in its modules. The names of items lie in tables of their own
(`d_items`, `d_labitems`) and are joined by `itemid` while a table is read.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from wardround import files
from wardround.errors import SourceError, UsageError
from wardround.sources.conversion import WHOLE
from wardround.sources.csv_reader import RawRows, check_header, find_table, read_blocks, verify_published_sums
from wardround.sources.raw_data import FoundTable, RawData
from wardround.sources.raw_table import RawTable

Named = Mapping[str, tuple[RawTable, tuple[str, ...]]]
"""Table -> the one that names its items, and the columns that it takes from there."""


@dataclass(frozen=True)
class Layout:
    """How a MIMIC database lies on disk.

    Attributes:
        database: its name, for messages.
        inside: what its folder holds, for messages.
        modules: folders in it that hold tables, in lower case.
        lookups: the tables that name items.
        named_by: which table takes which columns from them.
    """

    database: str
    inside: str
    modules: tuple[str, ...]
    lookups: tuple[RawTable, ...]
    named_by: Named


def find_named_tables(
    layout: Layout, raws: Sequence[Path], tables: Sequence[RawTable], stand_ins: Mapping[str, str]
) -> RawData:
    """Find the tables wherever the layout has them, refuse those of other columns, and hash them.

    Args:
        layout: of the database.
        raws: the folder of the database; one alone.
        tables: what is looked for, but for the tables that name items.
        stand_ins: SHA-256 of a file that is known though its sum is not the published one -> what it is.

    Raises:
        UsageError: where more than one folder is given.
        SourceError: where a table or column is missing, or lies in two folders.
        BrokenFileError: where a file differs from its published checksum, or has no header.
        StorageError: where the disk refuses.
    """
    if len(raws) != 1:
        raise UsageError(f"{len(raws)} raw folders were given; {layout.database} is one, {layout.inside}. Give that.")
    (raw,) = raws
    folders = _folders(raw, layout)
    looked_up = {table.name: path for table in layout.lookups if (path := _find(raw, folders, table, layout))}
    paths = {table.name: path for table in tables if (path := _find(raw, folders, table, layout))}
    readers: dict[str, Callable[[], Iterator[RawRows]]] = {}
    for table in layout.lookups:
        if table.name in looked_up:
            check_header(looked_up[table.name], table)
    for table in tables:
        if table.name in paths:
            on_disk = without_looked_up(table, layout.named_by)
            check_header(paths[table.name], on_disk)
            readers[table.name] = _reader(paths[table.name], on_disk, looked_up, layout.named_by)
    everything = {**paths, **looked_up}
    inputs = {name: files.sha256(path) for name, path in everything.items()}
    notes = tuple(stand_ins[inputs[name]] for name in sorted(inputs) if inputs[name] in stand_ins)
    published = {path: inputs[name] for name, path in everything.items() if inputs[name] not in stand_ins}
    verify_published_sums(raw, published)
    found = {name: FoundTable(paths[name], blocks) for name, blocks in readers.items()}
    names = {table.name for table in (*tables, *layout.lookups)}
    return RawData(found, inputs, tuple(sorted(names - everything.keys())), notes=notes)


def without_looked_up(table: RawTable, named_by: Named) -> RawTable:
    """A table with the columns alone that its file has."""
    return without_columns(table, named_by[table.name][1]) if table.name in named_by else table


def without_columns(table: RawTable, looked_up: Collection[str]) -> RawTable:
    """A table without the columns that are looked up elsewhere."""
    return replace(table, columns={name: entry for name, entry in table.columns.items() if name not in looked_up})


def _folders(raw: Path, layout: Layout) -> list[Path]:
    """The folder itself and its modules, whatever their case."""
    if not raw.is_dir():
        raise SourceError(f"{raw} is not a folder. Give the folder of {layout.database}, {layout.inside}.")
    with files.storage_errors(raw, "listing"):
        inside = sorted(path for path in raw.iterdir() if path.name.lower() in layout.modules and path.is_dir())
    return [raw, *inside]


def _find(raw: Path, folders: Sequence[Path], table: RawTable, layout: Layout) -> Path | None:
    found = [path for folder in folders if (path := find_table(folder, replace(table, optional=True))) is not None]
    if len(found) > 1:
        places = ", ".join(str(path.relative_to(raw)) for path in found)
        raise SourceError(f"{raw} holds {len(found)} files for table {table.name}: {places}. Keep one.")
    if not found and not table.optional:
        there = ", ".join(f"{folder.name}/" for folder in folders[1:])
        where = f" ({there or 'no hosp/ or icu/ either'}{' looked through' * bool(there)})" if layout.modules else ""
        raise SourceError(
            f"{raw} has no {table.name}.csv or {table.name}.csv.gz{where}. "
            f"Give the folder of {layout.database}, {layout.inside}."
        )
    return found[0] if found else None


def _reader(
    path: Path, table: RawTable, looked_up: Mapping[str, Path], named_by: Named
) -> Callable[[], Iterator[RawRows]]:
    if table.name not in named_by:
        return partial(read_blocks, path, table, parsed=True)
    lookup, columns = named_by[table.name]
    return partial(_named_blocks, path, table, looked_up.get(lookup.name), lookup, columns)


def _named_blocks(
    path: Path, table: RawTable, names: Path | None, lookup: RawTable, columns: Sequence[str]
) -> Iterator[RawRows]:
    """The blocks of a table, which know what its items are called."""
    named = partial(with_names, item_names(names, lookup, columns))
    for block in read_blocks(path, table, parsed=True):
        yield replace(block, named=named)


def with_names(items: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with what their items are called, null where nothing names them.

    Args:
        items: `itemid` and names.
        rows: raw rows with an `itemid`.
    """
    rows = rows.with_columns(_item=whole_number(rows["itemid"]))
    return rows.join(items, left_on="_item", right_on="itemid", how="left", maintain_order="left").drop("_item")


def item_names(path: Path | None, lookup: RawTable, columns: Sequence[str]) -> pl.DataFrame:
    """`itemid`, a number, and `columns` as text, a row an item; none where there is no such table.

    Raises:
        BrokenFileError: where it cannot be read to its end.
        StorageError: where the disk refuses.
    """
    blocks = [] if path is None else [block.frame for block in read_blocks(path, lookup)]
    empty = pl.DataFrame(schema=dict.fromkeys(("itemid", *columns), pl.String))
    items = pl.concat([empty, *(block.select("itemid", *columns) for block in blocks)])
    items = items.select(pl.all().str.strip_chars())
    items = items.with_columns(whole_number(items["itemid"])).drop_nulls("itemid")
    items = items.sort(pl.all()).unique("itemid", keep="first", maintain_order=True)
    return items.with_columns(pl.col(pl.String).replace("", None))


def whole_number(column: pl.Series) -> pl.Series:
    """Whole numbers of a column that the reader may have left as text (`csv_rows.py`), `7.0` among them, as in
    `conversion.typed`; null where one is none."""
    if column.dtype == pl.Int64:
        return column
    number = column.str.strip_chars().cast(pl.Float64, strict=False)
    is_whole = (number == number.round()) & (number.abs() <= WHOLE)
    return number.set(~is_whole.fill_null(False), None).cast(pl.Int64)
