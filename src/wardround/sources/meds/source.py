"""The source `meds`: a data set in MEDS, and a mapping that says what its codes mean; or a folder of our own."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from wardround import files
from wardround.errors import SourceError, UsageError
from wardround.pictures import recorded_folder
from wardround.sources.csv_reader import RawRows
from wardround.sources.meds import own
from wardround.sources.meds.columns import STAYS
from wardround.sources.meds.events import event_table
from wardround.sources.meds.mapping import Mapping, parse_mapping, read_mapping
from wardround.sources.meds.modifiers import as_read, modifiers_of
from wardround.sources.meds.raw import MedsFolder, open_meds
from wardround.sources.meds.stays import ages, stay_block, stay_rows, stays
from wardround.sources.patient_pool import NOT_KNOWN, PatientPool
from wardround.sources.raw_data import FoundTable, Pictures, RawData
from wardround.sources.raw_table import RawTable
from wardround.sources.source import Beside, Source

NAME: Final = "meds"
SUMMARY: Final = "any data set in MEDS 0.3 or 0.4, with a mapping file (--mapping); MIMIC-IV's comes with the package"
STAYS_PER_SHARD: Final = 300
"""A unit stay of MIMIC-IV has some 6,000 events, all that is charted among them."""
SHIPPED: Final = {"MIMIC-IV": "mimic4.toml"}
"""Name of a data set, as its metadata says it -> the mapping that comes with the package."""


def _pictures_in(folder: Path, found: RawData) -> RawData:
    """Where the pictures lie that the events name. Raises `SourceError` where there is no such folder."""
    if not folder.is_dir():
        raise SourceError(f"{folder}, the folder of pictures, is not there. Correct --cxr.")
    return replace(found, tables={}, inputs={}, notes=(), pictures=Pictures(folder))


CXR: Final = Beside("cxr", "the pictures that its events name", (), _pictures_in)
"""Of a folder of our own alone: another data set has no events of pictures."""


def meds_source(raws: Sequence[Path], mapping: Path | None = None) -> Source:
    """The source for one data set.

    Args:
        raws: its folder.
        mapping: what its codes mean; None for a folder of ours, or a data set whose mapping comes with us.

    Raises:
        UsageError: where there is no mapping for it, or the mapping cannot be read.
        SourceError: where the folder is no MEDS data set, lacks a column that the mapping names, or has a column of
            units that nobody lists.
        BrokenFileError: where a footer cannot be read.
        StorageError: where the disk refuses.
    """
    folder = open_meds(raws)
    if mapping is None and own.is_own(folder):
        return _own_source(folder)
    chosen = with_columns(chosen_mapping(folder, mapping), folder)
    return Source(
        name=NAME,
        summary=SUMMARY,
        stay_table=STAYS,
        stay_id="stay_id",
        stay_rows=stay_rows,
        stays=partial(stays, mapping=chosen),
        admission_events=ages,
        paper_tables=(),
        all_tables=(event_table(chosen),),
        find=partial(_found, folder, chosen),
        dataset=chosen.name,
        stays_per_shard=STAYS_PER_SHARD,
        settings=_settings(chosen),
        patients=PatientPool(chosen.patient_pool, chosen.name) if chosen.patient_pool else NOT_KNOWN,
    )


def _settings(mapping: Mapping) -> dict[str, str | list[str]]:
    """What decides what becomes of the data: the mapping's digest knows nothing of what the metadata declare."""
    return {"mapping": mapping.digest} | ({"modifiers": [*mapping.modifiers]} if mapping.modifiers else {})


def with_columns(mapping: Mapping, folder: MedsFolder) -> Mapping:
    """The mapping with the modifiers that count for a data set, which has every column that it names.

    Raises:
        SourceError: naming the column that is lacking, is of another type, or may hold units and is not listed.
        BrokenFileError: where a footer cannot be read.
        StorageError: where the disk refuses.
    """
    mapping = replace(mapping, modifiers=modifiers_of(folder, mapping))
    remedy = f"which the mapping names. {mapping.in_it}, name one that there is, or leave the key out."
    folder.check(_columns(mapping), remedy)
    return mapping


def _columns(mapping: Mapping) -> dict[str, pl.DataType]:
    """What is read beyond the columns of MEDS."""
    return {**mapping.id_columns, **as_read(mapping.modifiers or ())}


def chosen_mapping(folder: MedsFolder, mapping: Path | None) -> Mapping:
    """The mapping of the call, else the one that comes with the package for this data set.

    Raises:
        UsageError: where there is none, saying how to write one; or where it cannot be read.
        StorageError: where the disk refuses.
    """
    if mapping is not None:
        return read_mapping(mapping)
    shipped = mapping_of(folder)
    if shipped is not None:
        return shipped
    name = str(folder.dataset.get("dataset_name", ""))
    raise UsageError(
        f"{folder.path} needs --mapping FILE: it says which codes open and end a stay, and which are which modality. "
        f"There is one for {', '.join(SHIPPED)}, not for {name[:60]!a}. "
        f"Begin with a copy of it ({_file('MIMIC-IV')}), and see with --dry-run what it leaves out."
    )


def mapping_of(folder: MedsFolder) -> Mapping | None:
    """The mapping that comes with the package for this data set; None where it has none."""
    name = str(folder.dataset.get("dataset_name", ""))
    return shipped_mapping(name) if name in SHIPPED else None


def shipped_mapping(name: str) -> Mapping:
    """The mapping of a data set that comes with the package."""
    return replace(parse_mapping(tomllib.loads(_file(name).read_text())), shipped=_file(name))


def _file(name: str) -> Path:
    return Path(__file__).with_name(SHIPPED[name])


def _found(folder: MedsFolder, mapping: Mapping, _raws: Sequence[Path], _tables: Sequence[RawTable]) -> RawData:
    def stay_blocks() -> Iterator[RawRows]:
        block = stay_block(folder.frames(mapping.id_columns), mapping)
        if block.frame.is_empty():
            raise SourceError(
                f"{folder.path} holds no usable stay: no row has a code that [stays] opens names. "
                f"{mapping.in_it}, correct them; --dry-run shows the codes that there are."
            )
        yield block

    tables = {
        STAYS.name: FoundTable(folder.path, stay_blocks),
        "data": FoundTable(folder.path, partial(folder.blocks, _columns(mapping))),
    }
    return RawData(tables, folder.inputs())


def _own_source(folder: MedsFolder) -> Source:
    def find(_raws: Sequence[Path], _tables: Sequence[RawTable]) -> RawData:
        own.check_own(folder)

        def stay_blocks() -> Iterator[RawRows]:
            yield own.own_stay_block(folder)

        inputs = {own.STAYS_FILE: files.sha256(folder.path / own.STAYS_FILE), **folder.inputs()}
        tables = {
            "stays": FoundTable(folder.path / own.STAYS_FILE, stay_blocks),
            "data": FoundTable(folder.path, partial(folder.blocks, own.EXTRA, keep_equal=True)),
        }
        pictures = recorded_folder(folder.path)
        return RawData(tables, inputs, pictures=None if pictures is None else Pictures(pictures))

    return Source(
        name=NAME,
        summary=SUMMARY,
        stay_table=own.OWN_STAYS,
        stay_id="stay_id",
        stay_rows=own.own_stay_rows,
        stays=own.own_stays,
        admission_events=own.own_admission_events,
        paper_tables=(),
        all_tables=(own.OWN_EVENTS,),
        find=find,
        beside=(CXR,),
        dataset=str(folder.dataset.get("dataset_name", NAME)),
        stays_per_shard=STAYS_PER_SHARD,
        patients=PatientPool.from_json(folder.dataset),
    )
