"""A database that is one folder of csv or csv.gz files, each named after its table."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from wardround import files
from wardround.errors import SourceError, UsageError
from wardround.sources.csv_reader import check_header, find_table, read_blocks, verify_published_sums
from wardround.sources.raw_data import FoundTable, RawData
from wardround.sources.raw_table import RawTable


def find_csv_tables(raws: Sequence[Path], tables: Sequence[RawTable]) -> RawData:
    """Find the tables of a database, refuse those of other columns, and hash them.

    Args:
        raws: the folder; one alone.
        tables: what is looked for.

    Raises:
        UsageError: where more than one folder is given.
        SourceError: where a table or column is missing or not what it is declared to be.
        BrokenFileError: where a file differs from its published checksum, or has no header.
        StorageError: where the disk refuses.
    """
    if len(raws) != 1:
        raise UsageError(f"{len(raws)} raw folders were given; this database is one. Give one.")
    (raw,) = raws
    if not raw.is_dir():
        raise SourceError(f"{raw} is not a folder. Give the folder with the raw tables.")
    found = {table.name: find_table(raw, table) for table in tables}
    paths = {name: path for name, path in found.items() if path is not None}
    there = {table.name: table for table in tables if table.name in paths}
    for name, table in there.items():
        check_header(paths[name], table)
    inputs = {name: files.sha256(path) for name, path in paths.items()}
    verify_published_sums(raw, {path: inputs[name] for name, path in paths.items()})
    return RawData(
        {
            name: FoundTable(paths[name], partial(read_blocks, paths[name], table, parsed=True))
            for name, table in there.items()
        },
        inputs,
        tuple(sorted(name for name, path in found.items() if path is None)),
    )
