"""A source with the databases beside it whose folders are given: `--cxr DIR`, `--notes DIR`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from wardround.errors import UsageError
from wardround.sources.raw_data import RawData
from wardround.sources.raw_table import RawTable
from wardround.sources.source import Beside, Source


def with_folders(source: Source, folders: Mapping[str, Path | None]) -> Source:
    """The source, with the tables of each database beside it whose folder is given.

    Args:
        source: the database.
        folders: option -> the folder that was given; None where it was left out.

    Raises:
        UsageError: for an option that does not go with the source.
    """
    known = {each.option: each for each in source.beside}
    given = {option: folder for option, folder in folders.items() if folder is not None}
    for option in sorted(given.keys() - known.keys()):
        raise UsageError(f"--{option} does not go with {source.name}: {_goes_with(source)}. Leave it out.")
    chosen = [(each, given[each.option]) for each in source.beside if each.option in given]
    added = tuple(table for each, _ in chosen for table in each.tables)
    if not chosen:
        return source
    paper = source.paper_tables + added if source.paper_tables else ()
    find = partial(_found, source, chosen)
    return replace(source, paper_tables=paper, all_tables=source.all_tables + added, find=find)


def _goes_with(source: Source) -> str:
    options = " and ".join(f"--{each.option} ({each.holds})" for each in source.beside)
    return f"with it go {options}" if options else "no other folder is read beside its own"


def _found(
    source: Source, chosen: Sequence[tuple[Beside, Path]], raws: Sequence[Path], tables: Sequence[RawTable]
) -> RawData:
    """The tables of the database and of those beside it, with the errors of each."""
    elsewhere = {table.raw.name for each, _ in chosen for table in each.tables}
    own = source.find(raws, [table for table in tables if table.name not in elsewhere])
    found = own
    for each, folder in chosen:
        more = each.find(folder, own)
        found = replace(
            found,
            tables={**found.tables, **more.tables},
            inputs={**found.inputs, **more.inputs},
            absent=tuple(sorted((*found.absent, *more.absent))),
            notes=found.notes + more.notes,
            pictures=more.pictures or found.pictures,
        )
    return found
