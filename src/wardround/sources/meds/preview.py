"""What a mapping makes of the codes of a data set, before anything is written: `prepare meds RAW --dry-run`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from wardround.events import DERIVED
from wardround.sources.derived_codes import refuse_derived
from wardround.sources.meds.events import STATIC_DISCHARGE, CodeBook
from wardround.sources.meds.known import KnownWhen
from wardround.sources.meds.mapping import Mapping, read_mapping
from wardround.sources.meds.modifiers import as_read, modified
from wardround.sources.meds.raw import MedsFolder, open_meds
from wardround.sources.meds.source import mapping_of, with_columns

NO_MAPPING: Final = "no mapping"
NO_TIME: Final = "no time: known when each stay begins"

Row = dict[str, int | str]


def preview(raws: Sequence[Path], mapping: Path | None) -> list[Row]:
    """Codes that begin alike, up to their first `//`, and what becomes of them.

    Args:
        raws: the folder of the data set.
        mapping: `--mapping`; None takes the one that comes with the package, if it has one.

    Returns:
        Rows of `codes` (the begin), `rows`, `different` (codes, with their modifiers) and `becomes`, most rows first; a
            begin whose codes become several things has a row for each, and so have those of its rows that have no
            time, or a modifier.

    Raises:
        UsageError: where the mapping cannot be read.
        SourceError: where the folder is no MEDS data set, lacks a column that the mapping names, or has a column of
            units that nobody lists; where the mapping makes events that only wardround makes.
        BrokenFileError: where a shard cannot be read to its end.
        StorageError: where the disk refuses.
    """
    folder = open_meds(raws)
    chosen = mapping_of(folder) if mapping is None else read_mapping(mapping)
    if chosen is not None:
        chosen = with_columns(chosen, folder)
    book = None if chosen is None else CodeBook(chosen)
    counts = _counts(folder, () if chosen is None else chosen.modifiers or ())
    if book is not None:
        _refuse_derived(folder, counts, book)
    rows, different = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for (code, made, timed), times in counts.items():
        begin, more, _ = code.partition("//")
        key = (begin + "//*" if more else begin, _becomes(code, made, timed, book))
        rows[key] += times
        different[key] += 1
    return [
        {"codes": begin, "rows": times, "different": different[begin, becomes], "becomes": becomes}
        for (begin, becomes), times in sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    ]


def _counts(folder: MedsFolder, modifiers: Sequence[str]) -> Counter[tuple[str, str, bool]]:
    """How many rows there are of each code, the same with its modifiers, with a time and without."""
    read = as_read(modifiers)
    keys = ("code", modified("code", read).alias("made"), pl.col("time").is_not_null().alias("timed"))
    counts = Counter[tuple[str, str, bool]]()
    for frame in folder.frames(read):
        found = frame.drop_nulls("code").group_by(keys).len()
        counts.update({(code, made, timed): times for code, made, timed, times in found.iter_rows()})
    return counts


def _refuse_derived(folder: MedsFolder, counts: Counter[tuple[str, str, bool]], book: CodeBook) -> None:
    """As `prepare` does. Raises `SourceError`."""
    events: list[tuple[str, str]] = []
    for (code, made, _), times in counts.items():
        number, _ = book.entry(code)
        modality = None if number is None else book.mapping.events[number].modality
        if modality in DERIVED:
            events += [(modality, made)] * times
    refuse_derived(folder.path, pl.DataFrame(events, {"modality": pl.String, "code": pl.String}, orient="row"))


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


def _becomes(code: str, made: str, timed: bool, book: CodeBook | None) -> str:
    """What rows of a code become, `made` with their modifiers."""
    if book is None:
        return NO_MAPPING if timed else f"{NO_MAPPING}; no time"
    number, why = book.entry(code)
    if number is None:
        return f"nothing: {why}"
    mapping: Mapping = book.mapping
    meaning = mapping.events[number]
    if not timed and meaning.known.kind == "discharge":
        return f"nothing: {STATIC_DISCHARGE}"
    under = "" if made == code else f" as {'//'.join(('CODE', *(mapping.modifiers or ())))}"
    return f"{meaning.modality}{under}, {'known ' + _words(meaning.known) if timed else NO_TIME}"


def _words(known: KnownWhen) -> str:
    if known.kind == "end of day":
        return "at the end of its day"
    if known.kind == "discharge":
        return "at discharge"
    return f"{known.delay_min} min later" if known.delay_min else "at once"
