"""The databases that `prepare` reads, by their names on the command line: built in, or of installed packages."""

from typing import Final

from wardround.extensions import Registry
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.eicu import EICU
from wardround.sources.source import Source

SOURCES: Final[dict[str, Source]] = {source.name: source for source in (EICU, CHALLENGE2012)}

KNOWN_SOURCES: Final[Registry[Source]] = Registry("sources", "source", SOURCES, (Source,))
"""And those of installed packages."""


def find_source(name: str) -> Source:
    """The source of that name. Raises `UsageError` listing those that exist, `ExtensionError` for a broken package."""
    return KNOWN_SOURCES.find(name)
