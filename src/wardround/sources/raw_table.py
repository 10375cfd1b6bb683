"""What a source declares of a raw table: each column, its kind, and when its value becomes known.

A column without an availability rule does not build: `RawTable` refuses it (promise 4). The rules are those of
`AVAILABILITY.md`:

    ID       an identifier, never a feature
    ADMIT    known at unit admission
    at(c)    known at the offset in column c (several columns: the latest of them)
    HOUR_24  known 24 hours after unit admission
    end_of_day(c)  known at the end of the day in column c
    DISCHARGE      known at hospital discharge
    discharge_or(c)  known at hospital discharge, or at the latest of the times in c where that is later
    NEVER    never an input in the causal protocol: it is, or gives away, the outcome
    UNREAD   never read from disk, with the reason
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Kind(Enum):
    """How the text of a raw column is read.

    TEXT is words: a file in which most of such a column are bare numbers is not what was declared, and is refused.
    ANY_TEXT may be numbers. PROSE is taken as it was written, blanks around it too. TIME is a date, or a date and a
    time of day, of a local clock without a zone.
    """

    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    ANY_TEXT = "any text"
    PROSE = "prose"
    TIME = "time"


@dataclass(frozen=True)
class Known:
    """When a value becomes known: `rule` names it, `columns` are the offsets it waits for."""

    rule: str
    columns: tuple[str, ...] = ()


ID: Final = Known("id")
ADMIT: Final = Known("unit admission")
HOUR_24: Final = Known("24 h after unit admission")
DISCHARGE: Final = Known("hospital discharge")
NEVER: Final = Known("never")
UNREAD: Final = Known("unread")
LATER: Final = "later of hospital discharge and the time"


def at(*columns: str) -> Known:
    """Known at the latest of the offsets (minutes from unit admission) or times in `columns`."""
    return Known("offset", columns)


def end_of_day(column: str) -> Known:
    """Known at the midnight after the date in `column`: somewhere in that day it happened."""
    return Known("end of day", (column,))


def discharge_or(*columns: str) -> Known:
    """Known at hospital discharge, or at the latest of the times in `columns` where that is later."""
    return Known(LATER, columns)


Columns = dict[str, tuple[Kind, Known]]


def columns(names: str, kind: Kind, known: Known) -> Columns:
    """Columns of one kind and rule, their names apart by blanks."""
    return dict.fromkeys(names.split(), (kind, known))


INTEGER: Final = Kind.INTEGER
NUMBER: Final = Kind.NUMBER
TEXT: Final = Kind.TEXT
ANY_TEXT: Final = Kind.ANY_TEXT
PROSE: Final = Kind.PROSE
TIME: Final = Kind.TIME


@dataclass(frozen=True)
class RawTable:
    """A raw table of a database.

    Attributes:
        name: file name without `.csv` or `.csv.gz`; found case-insensitively.
        columns: column -> (kind, availability rule), every column that the published database has.
        optional: whether the database may come without this table.
        offset: the column that says when a row happened (minutes from unit admission, or a time), if any.
        former: column -> what it was called in earlier versions of the database.

    Raises:
        ValueError: at construction, where a column has no availability rule or a rule names no column of the table.
    """

    name: str
    columns: Mapping[str, tuple[Kind, Known]]
    optional: bool = True
    offset: str | None = None
    former: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        for column, entry in self.columns.items():
            if not _says_when(entry):
                raise ValueError(f"{self.name}.{column} does not say when it is known: give it a rule of raw_table.py")
            unknown = [name for name in entry[1].columns if name not in self.columns]
            if unknown:
                raise ValueError(f"{self.name}.{column} is known at {unknown}, which {self.name} does not have")
        if self.offset is not None and self.offset not in self.columns:
            raise ValueError(f"{self.name} happens at {self.offset}, which it does not have")
        nameless = [name for name in self.former if name not in self.columns]
        if nameless:
            raise ValueError(f"{self.name} gives a former name of {nameless}, which it does not have")

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that are read from disk, in declared order."""
        return tuple(name for name, (_, known) in self.columns.items() if known is not UNREAD)

    def known_at(self, column: str) -> tuple[str, ...]:
        """The offset columns at whose latest `column` becomes known.

        Raises:
            ValueError: where the column is not known at an offset: no event may carry it as if it were.
        """
        known = self.columns[column][1]
        if known.rule != "offset":
            raise ValueError(f"{self.name}.{column} is known: {known.rule}; no offset says when it may enter an event")
        return known.columns

    def day_of(self, column: str) -> str:
        """The date column at the end of whose day `column` becomes known.

        Raises:
            ValueError: where the column is not known at the end of a day: no event may carry it as if it were.
        """
        known = self.columns[column][1]
        if known.rule != "end of day":
            raise ValueError(f"{self.name}.{column} is known: {known.rule}; no date says when it may enter an event")
        return known.columns[0]

    def told_after_discharge(self, column: str) -> tuple[str, ...]:
        """The time columns that `column` waits for besides the hospital discharge.

        Raises:
            ValueError: where the column does not wait for the discharge: no event may carry it as if it did.
        """
        known = self.columns[column][1]
        if known.rule != LATER:
            raise ValueError(f"{self.name}.{column} is known: {known.rule}; it does not wait for the discharge")
        return known.columns


def _says_when(entry: object) -> bool:
    """Whether what was written there is (kind, availability rule), whatever the annotation promises."""
    match entry:
        case (Kind(), Known()):
            return True
        case _:
            return False
