"""The raw data of one call as `prepare` takes it: which tables were found, how each is read, what they are hashed to.

A source says how its files become tables (`Source.find`): csv files named after tables (`csv_tables.py`), or records of
another shape (`challenge2012/record_sets.py`). Either way a table is blocks of text columns.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wardround.sources.csv_reader import RawRows
from wardround.sources.patient_pool import PatientPool


@dataclass(frozen=True)
class FoundTable:
    """A raw table on disk.

    Attributes:
        where: the file or folder that a message names.
        blocks: reads it from its begin, block by block, rows numbered through; at least one block, maybe an empty one.
            A thread of its own goes through them.
        others: where it lies besides.
    """

    where: Path
    blocks: Callable[[], Iterator[RawRows]]
    others: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Pictures:
    """Files of pictures that events name.

    Attributes:
        folder: their paths are told from here.
        count: how many there are, whether or not an event names them; None where nobody counted them again.
    """

    folder: Path
    count: int | None = None


@dataclass(frozen=True)
class RawData:
    """What a source found; looked at, not read.

    Attributes:
        tables: name of a `RawTable` -> where it is; a table that is absent is not in it.
        inputs: what was read -> its SHA-256, for the manifest.
        absent: what might have been there.
        patients: whose patients the files say that they hold; None where they are those of the source.
        notes: what a reader of the ledger must know of the files.
        pictures: the pictures that go with the tables; None where there are none.
    """

    tables: Mapping[str, FoundTable]
    inputs: Mapping[str, str]
    absent: tuple[str, ...] = ()
    patients: PatientPool | None = None
    notes: tuple[str, ...] = ()
    pictures: Pictures | None = None
