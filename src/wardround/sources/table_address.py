"""Where another process finds the event table that this one has: by its name, among the sources that are installed.

A table holds functions. They do not travel, and neither does a constant that some of them compare by identity: whoever
converts rows elsewhere takes the table of its own installation, which has the same version.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wardround.errors import ClusterError, UsageError
from wardround.sources.conversion import EventTable
from wardround.sources.registry import KNOWN_SOURCES
from wardround.sources.source import Source


@dataclass(frozen=True)
class TableAddress:
    """A table of a source that has a name.

    Attributes:
        source: its name.
        place: of the table among all that the source has.
        table: name of its raw table.
    """

    source: str
    place: int
    table: str

    def find(self) -> EventTable:
        """The table, as it is installed here.

        Raises:
            ClusterError: where the source has no such table.
            ExtensionError: where the package of the source cannot be used.
        """
        try:
            tables = _tables(KNOWN_SOURCES.find(self.source))
        except UsageError:
            tables = ()
        if self.place >= len(tables) or tables[self.place].raw.name != self.table:
            raise ClusterError(
                f"a node has no table {self.table} of source {self.source}: install the same packages on every node."
            )
        return tables[self.place]


Address = TableAddress | Callable[[], EventTable]
"""Or a function that makes the table again, where it was made from what a file says."""


def address_of(source: Source, table: EventTable) -> Address:
    """The address of a table.

    Raises:
        UsageError: where no other process could find it.
    """
    if table.again is not None:
        return table.again
    known = KNOWN_SOURCES.built_in.get(source.name)
    if known is None and KNOWN_SOURCES.origin(source.name) is not None:
        known = KNOWN_SOURCES.find(source.name)
    for place, each in enumerate(() if known is None else _tables(known)):
        if each is table:
            return TableAddress(source.name, place, table.raw.name)
    raise UsageError(
        f"source {source.name!r} is of this process alone, and --engine ray asks others: offer it in a package "
        '(entry point "wardround.sources") that is installed on every node, or leave --engine out.'
    )


def found(address: Address) -> EventTable:
    """The table at an address. Raises what `TableAddress.find` does."""
    return address.find() if isinstance(address, TableAddress) else address()


def _tables(source: Source) -> tuple[EventTable, ...]:
    beside = (table for each in source.beside for table in each.tables)
    return (*source.paper_tables, *source.all_tables, *beside)
