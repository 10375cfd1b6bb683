"""What a mapping makes of the codes of a data set, before anything is written: `prepare meds RAW --dry-run`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from wardround.sources.meds.events import STATIC_DISCHARGE, CodeBook
from wardround.sources.meds.known import KnownWhen
from wardround.sources.meds.mapping import Mapping, read_mapping
from wardround.sources.meds.modifiers import modifiers_of
from wardround.sources.meds.raw import open_meds
from wardround.sources.meds.source import mapping_of

NO_MAPPING: Final = "no mapping"
NO_TIME: Final = "no time: known when each stay begins"

Row = dict[str, int | str]


def preview(raws: Sequence[Path], mapping: Path | None) -> list[Row]:
    """Codes that begin alike, up to their first `//`, and what becomes of them.

    Args:
        raws: the folder of the data set.
        mapping: `--mapping`; None takes the one that comes with the package, if it has one.

    Returns:
        Rows of `codes` (the begin), `rows`, `different` (codes) and `becomes`, most rows first; a begin whose codes
            become several things has a row for each, and so have those of its rows that have no time.

    Raises:
        UsageError: where the mapping cannot be read.
        SourceError: where the folder is no MEDS data set, or nobody says what its column of units is.
        StorageError: where the disk refuses.
    """
    folder = open_meds(raws)
    chosen = mapping_of(folder) if mapping is None else read_mapping(mapping)
    if chosen is not None:
        modifiers_of(folder, chosen)
    counts = Counter[tuple[str, bool]]()
    for frame in folder.frames({}):
        found = frame.drop_nulls("code").group_by("code", pl.col("time").is_not_null().alias("timed")).len()
        counts.update({(code, timed): times for code, timed, times in found.iter_rows()})
    book = None if chosen is None else CodeBook(chosen)
    rows, different = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for (code, timed), times in counts.items():
        begin, more, _ = code.partition("//")
        key = (begin + "//*" if more else begin, _becomes(code, timed, book))
        rows[key] += times
        different[key] += 1
    return [
        {"codes": begin, "rows": times, "different": different[begin, becomes], "becomes": becomes}
        for (begin, becomes), times in sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    ]


def static_warning(rows: Sequence[Row]) -> str | None:
    """What to say of rows without a time that become events; None where there are none.

    Args:
        rows: of `preview`.
    """
    static = [f"{row['codes']} ({row['rows']:,})" for row in rows if str(row["becomes"]).endswith(NO_TIME)]
    if not static:
        return None
    return (
        f"warning: rows without a time count as known when each stay of their patient begins: {', '.join(static)}. An "
        "outcome among them would leak: move codes that tell of what came later to [[left_out]], or let them be known "
        "at discharge."
    )


def _becomes(code: str, timed: bool, book: CodeBook | None) -> str:
    if book is None:
        return NO_MAPPING if timed else f"{NO_MAPPING}; no time"
    number, why = book.entry(code)
    if number is None:
        return f"nothing: {why}"
    mapping: Mapping = book.mapping
    meaning = mapping.events[number]
    if timed:
        return f"{meaning.modality}, known {_words(meaning.known)}"
    return f"nothing: {STATIC_DISCHARGE}" if meaning.known.kind == "discharge" else f"{meaning.modality}, {NO_TIME}"


def _words(known: KnownWhen) -> str:
    if known.kind == "end of day":
        return "at the end of its day"
    if known.kind == "discharge":
        return "at discharge"
    return f"{known.delay_min} min later" if known.delay_min else "at once"
