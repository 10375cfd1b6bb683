"""The files of the Challenge as tables: records, observations, outcomes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from wardround import files
from wardround.errors import SourceError
from wardround.sources.challenge2012.columns import OBSERVATIONS, OUTCOMES, RECORDS
from wardround.sources.challenge2012.record_sets import RecordSet, find_sets
from wardround.sources.challenge2012.record_text import observation_rows, record_lines, record_rows
from wardround.sources.csv_reader import RawRows, check_header, read_blocks, verify_published_sums
from wardround.sources.raw_data import FoundTable, RawData
from wardround.sources.raw_table import RawTable

BLOCK_CHARACTERS: Final = 4 * 2**20
"""Text of records that becomes one block: some 250,000 lines."""

Rows = Callable[[Sequence[str], Sequence[str], int], RawRows]


def find_records(raws: Sequence[Path], tables: Sequence[RawTable]) -> RawData:
    """Find the sets and outcomes, look through every record file, and hash them.

    Args:
        raws: folders or archives.
        tables: `RECORDS, OUTCOMES, OBSERVATIONS`, which is all there is.

    Raises:
        SourceError: where a set is missing, given twice, or holds no record.
        BrokenFileError: where a file cannot be read to its end, or differs from its published checksum.
        StorageError: where the disk refuses.
    """
    sets = find_sets(raws)
    for each in sets:
        if not sum(1 for _ in _lines_of(each)):
            raise SourceError(f"{each.path} holds no record files (NUMBER.txt). Give the set as it was published.")
    outcomes = {each.name: each.outcomes() for each in sets}
    paths = {f"outcomes of {name}": path for name, path in outcomes.items() if path is not None}
    for path in paths.values():
        check_header(path, OUTCOMES)
    inputs = {each.name: each.sha256() for each in sets} | {name: files.sha256(path) for name, path in paths.items()}
    for name, path in {**{each.name: each.path for each in sets if each.path.is_file()}, **paths}.items():
        verify_published_sums(path.parent, {path: inputs[name]})
    where, *others = (each.path for each in sets)
    found = {
        RECORDS.name: FoundTable(where, partial(_record_blocks, sets, record_rows), tuple(others)),
        OBSERVATIONS.name: FoundTable(where, partial(_record_blocks, sets, observation_rows), tuple(others)),
    }
    if paths:
        of_sets = list(paths.values())
        found[OUTCOMES.name] = FoundTable(of_sets[0], partial(_outcome_blocks, of_sets))
    absent = tuple(f"outcomes of {name}" for name, path in outcomes.items() if path is None)
    return RawData({table.name: found[table.name] for table in tables if table.name in found}, inputs, absent)


def _lines_of(each: RecordSet) -> Iterator[tuple[str, str]]:
    for record, content, what in each.records():
        yield record, record_lines(content, what)


def _record_blocks(sets: Sequence[RecordSet], rows: Rows) -> Iterator[RawRows]:
    """All records of all sets, block by block, rows numbered through."""
    ids, texts, first_row, size = list[str](), list[str](), 0, 0
    for each in sets:
        for record, lines in _lines_of(each):
            ids.append(record)
            texts.append(lines)
            size += len(lines)
            if size >= BLOCK_CHARACTERS:
                block = rows(ids, texts, first_row)
                yield block
                first_row += block.frame.height
                ids, texts, size = [], [], 0
    yield rows(ids, texts, first_row)


def _outcome_blocks(paths: Sequence[Path]) -> Iterator[RawRows]:
    """The outcomes of all sets, rows numbered through."""
    first_row = 0
    for path in paths:
        rows = 0
        for block in read_blocks(path, OUTCOMES):
            rows += block.frame.height
            yield replace(block, first_row=first_row + block.first_row)
        first_row += rows
