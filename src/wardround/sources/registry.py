"""The databases that `prepare` reads, by their names on the command line: built in, or of installed packages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wardround.errors import UsageError
from wardround.extensions import Registry
from wardround.sources import meds
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.eicu import EICU
from wardround.sources.mimic3 import MIMIC3
from wardround.sources.mimic4 import MIMIC4
from wardround.sources.recognise import hinted
from wardround.sources.source import Source

SOURCES: Final[dict[str, Source]] = {source.name: source for source in (EICU, MIMIC4, MIMIC3, CHALLENGE2012)}
SUMMARIES: Final = {**{name: source.summary for name, source in SOURCES.items()}, meds.NAME: meds.SUMMARY}
"""All sources; what MEDS is read as depends on the data set and its mapping."""

KNOWN_SOURCES: Final[Registry[Source]] = Registry("sources", "source", SOURCES, (Source,), (meds.NAME,))
"""And those of installed packages."""


def find_source(name: str, raws: Sequence[Path] = (), mapping: Path | None = None) -> Source:
    """The source of that name.

    Args:
        name: as on the command line.
        raws: the raw folders of the call; MEDS looks at them.
        mapping: `--mapping`, for MEDS alone.

    Raises:
        UsageError: for a name that does not exist, listing those that do; for a mapping that does not go with it.
        ExtensionError: for a source of a package that cannot be used.
        SourceError: where the folder is no MEDS data set.
        StorageError: where the disk refuses.
    """
    if name == meds.NAME:
        with hinted(name, raws, KNOWN_SOURCES.usable):
            return meds.meds_source(raws, mapping)
    source = KNOWN_SOURCES.find(name)
    if mapping is not None:
        raise UsageError(f"--mapping goes with meds; what the columns of {name} mean is known.")
    return source
