"""A source with the databases beside it whose folders are given: `--cxr DIR`, `--notes DIR`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from wardround.errors import UsageError
from wardround.json_kinds import JsonObject
from wardround.sources.raw_data import RawData
from wardround.sources.raw_table import RawTable
from wardround.sources.source import Beside, Source

HARDLY_ANY: Final = 0.01
"""A table of which no more than this share of the rows became events may be of others (ours)."""
MOSTLY: Final = 0.5
"""And is, where more than this share of them was set aside as such: not for want of a text, or for its view."""


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


def strangers_warning(source: Source, ledger: JsonObject) -> str | None:
    """What to say where hardly a row of a table beside the database is of its stays: that it goes with others.

    Args:
        source: the database, with what lies beside it.
        ledger: of `prepare`.

    Returns:
        A line with the counts of each such table; None where there is none.
    """
    found: list[str] = []
    for each in source.beside:
        accounts = {table.raw.name: ledger["tables"].get(table.raw.name) for table in each.tables}
        for name, account in accounts.items():
            if account is None or account["rows_out"] > HARDLY_ANY * account["rows_in"]:
                continue
            strange = sum(count for reason, count in account["set_aside"].items() if reason in each.elsewhere)
            if strange > MOSTLY * account["rows_in"]:
                found.append(f"{name} (--{each.option}): {strange:,} of {account['rows_in']:,}")
    if not found:
        return None
    return (
        f"WARNING: nearly all rows of what was given beside {source.name} are of patients or hospital stays that its "
        f"stays are not of, and were set aside: {'; '.join(found)}. Is it of another version or another database? "
        "Where the stays are a small part of a database (its demo), and this is of all of it, nothing is wrong."
    )
