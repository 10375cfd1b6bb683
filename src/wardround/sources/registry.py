"""The databases that `prepare` reads, by their names on the command line."""

from typing import Final

from wardround.errors import UsageError
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.eicu import EICU
from wardround.sources.source import Source

SOURCES: Final[dict[str, Source]] = {source.name: source for source in (EICU, CHALLENGE2012)}


def find_source(name: str) -> Source:
    """The source of that name. Raises `UsageError` listing those that exist."""
    if name not in SOURCES:
        raise UsageError(f"no source {name!r}. There are: {', '.join(SOURCES)}.")
    return SOURCES[name]
