"""The databases that `prepare` reads, by their names on the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wardround.errors import UsageError
from wardround.sources import meds
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.eicu import EICU
from wardround.sources.source import Source

SOURCES: Final[dict[str, Source]] = {source.name: source for source in (EICU, CHALLENGE2012)}
SUMMARIES: Final = {**{name: source.summary for name, source in SOURCES.items()}, meds.NAME: meds.SUMMARY}
"""All sources; what MEDS is read as depends on the data set and its mapping."""


def find_source(name: str, raws: Sequence[Path] = (), mapping: Path | None = None) -> Source:
    """The source of that name.

    Args:
        name: as on the command line.
        raws: the raw folders of the call; MEDS looks at them.
        mapping: `--mapping`, for MEDS alone.

    Raises:
        UsageError: for a name that does not exist, listing those that do; for a mapping that does not go with it.
        SourceError: where the folder is no MEDS data set.
        StorageError: where the disk refuses.
    """
    if name not in SUMMARIES:
        raise UsageError(f"no source {name!r}. There are: {', '.join(SUMMARIES)}.")
    if name == meds.NAME:
        return meds.meds_source(raws, mapping)
    if mapping is not None:
        raise UsageError(f"--mapping goes with meds; what the columns of {name} mean is known.")
    return SOURCES[name]
