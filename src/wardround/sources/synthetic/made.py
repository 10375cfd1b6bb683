"""A chunk of a synthetic cohort: what the chunks before it have made, its own stays, and what comes of them.

Each chunk has random streams of its own (`settings.stream`), and its ids go on from those of the chunks before it. So a
chunk is made of the settings, the seed and those chunks' counts alone, and is the same whoever makes it, and when.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from wardround.sources.synthetic.odd_rows import OddRows
from wardround.sources.synthetic.settings import stream
from wardround.sources.synthetic.stays import Stays


@dataclass
class Made:
    """What the chunks so far have made.

    Attributes:
        chunks: how many they are.
        stays: unit stays.
        patients: that were drawn, also those of whom no stay was wanted any more.
        hospital_stays: likewise.
        rows: table -> rows, before anything was taken away.
        odd_rows: the account of what was planted.
        files: that lie beside the tables, as paths in the folder.
    """

    chunks: int = 0
    stays: int = 0
    patients: int = 0
    hospital_stays: int = 0
    rows: Counter[str] = field(default_factory=Counter[str])
    odd_rows: OddRows = field(default_factory=OddRows)
    files: list[str] = field(default_factory=list[str])

    def add(self, facts: Mapping[str, Any]) -> None:
        """Add the facts of the next chunk (`Chunk.facts`)."""
        self.chunks += 1
        self.stays += facts["stays"]
        self.patients += facts["patients"]
        self.hospital_stays += facts["hospital_stays"]
        self.rows.update(facts["rows"])
        self.odd_rows.add(facts["odd_rows"])
        self.files += facts["files"]


@dataclass(frozen=True)
class Draw:
    """The stays of a chunk, and where the rest of it is drawn from.

    Attributes:
        stays: the unit stays.
        made: by the chunks before.
        seed: of the cohort.
    """

    stays: Stays
    made: Made
    seed: int

    def stream(self, name: str) -> np.random.Generator:
        """The chunk's random stream of one purpose."""
        return stream(self.seed, self.made.chunks, name)


@dataclass(frozen=True)
class Written:
    """What a layout makes of a chunk's stays.

    Attributes:
        ids: `stay_id, subject_key, hospital_stay_id` of the stays, in their order.
        tables: raw table -> its rows, in the published columns.
        rows: table -> how many rows there were before anything was taken away.
        files: that lie beside the tables: path in the folder -> content.
        truth: what is true beside the risks: name -> rows.
    """

    ids: pl.DataFrame
    tables: dict[str, pl.DataFrame]
    rows: dict[str, int]
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    truth: dict[str, pl.DataFrame] = field(default_factory=dict[str, pl.DataFrame])


@dataclass(frozen=True)
class Chunk:
    """One chunk.

    Attributes:
        written: tables and files.
        truth: `stays`, `hours` and what else the layout knows: name -> the rows of `truth/NAME.parquet`.
        facts: what `Made.add` counts, as plain JSON values.
    """

    written: Written
    truth: dict[str, pl.DataFrame]
    facts: dict[str, Any]
