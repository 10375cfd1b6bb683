"""What a database's layout has to say, so that a cohort can be written in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl

from wardround.sources.synthetic.made import Draw, Written
from wardround.sources.synthetic.missingness import Missing
from wardround.sources.synthetic.odd_rows import OddKinds
from wardround.sources.synthetic.population import USUAL, Visiting
from wardround.sources.synthetic.settings import CohortSettings
from wardround.sources.synthetic.stays import Stays

Best = Callable[[pl.DataFrame], dict[str, Any]]
"""The rows of a table of the truth -> what the best possible reaches on them."""
Lot = Callable[[Stays], np.ndarray]
"""Stays -> for each, the place of the one whose lot it takes."""


@dataclass(frozen=True)
class Spec:
    """The facts of a layout, whatever is asked for.

    Attributes:
        source: name of the database.
        columns: table -> published columns; a table's name is its file's, with its folder.
        last: the table without which no reader takes the folder for a database; it is written last.
        tau: modality -> standard deviation of its lasting error (`stays.py`).
        odd: the faulty rows that can be planted.
        folders: of files that lie beside the tables.
        truth: tables of what is true beside stays and hours -> the columns by which their rows are sorted.
        best: a table of `truth` -> what of it stands in `settings.json` as the best possible.
        quoted: table -> columns whose text stands in quotation marks, as do the names of all its columns then; in
            other tables, what needs them has them.
        decided_with: modality of records that several stays share -> for each stay, the place of the one whose lot it
            takes.
    """

    source: str
    columns: Mapping[str, tuple[str, ...]]
    last: str
    tau: Mapping[str, float]
    odd: OddKinds
    folders: tuple[str, ...] = ()
    truth: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    best: Mapping[str, Best] = field(default_factory=dict[str, Best])
    quoted: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    decided_with: Mapping[str, Lot] = field(default_factory=dict[str, Lot])


@dataclass(frozen=True)
class People:
    """Whom a database is of.

    Attributes:
        hospitals: how many there are.
        orphan_rate: share of patients whom no id names.
        visiting: how they come back.
    """

    hospitals: int = 1
    orphan_rate: float = 0.0
    visiting: Visiting = USUAL


@runtime_checkable
class Layout(Protocol):
    """A database that a cohort is written as: what was asked for, and how stays become rows."""

    @property
    def spec(self) -> Spec:
        """Its tables."""
        ...

    @property
    def settings(self) -> CohortSettings:
        """What is asked for."""
        ...

    @property
    def seed(self) -> int:
        """Of the cohort."""
        ...

    @property
    def people(self) -> People:
        """Whom it is of."""
        ...

    @property
    def missing_rates(self) -> Mapping[str, float]:
        """Modality that a stay can lack -> share of the stays that lack it."""
        ...

    @property
    def packages(self) -> tuple[str, ...]:
        """Further packages on whose version the bytes hang."""
        ...

    def write(self, draw: Draw, missing: Missing) -> Written:
        """The tables of a chunk without what is missing, and the files beside them."""
        ...

    def whole_table(self, name: str) -> pl.DataFrame | None:
        """The rows of a table that is of the whole cohort; None where it is made chunk by chunk."""
        ...
