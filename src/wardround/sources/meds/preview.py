"""What a mapping makes of the codes of a data set, before anything is written: `prepare meds RAW --dry-run`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wardround.sources.meds.events import CodeBook
from wardround.sources.meds.known import KnownWhen
from wardround.sources.meds.mapping import Mapping, read_mapping
from wardround.sources.meds.raw import open_meds
from wardround.sources.meds.source import mapping_of

NO_MAPPING: Final = "no mapping"

Row = dict[str, int | str]


def preview(raws: Sequence[Path], mapping: Path | None) -> list[Row]:
    """Codes that begin alike, up to their first `//`, and what becomes of them.

    Args:
        raws: the folder of the data set.
        mapping: `--mapping`; None takes the one that comes with the package, if it has one.

    Returns:
        Rows of `codes` (the begin), `rows`, `different` (codes) and `becomes`, most rows first; a begin whose codes
            become several things has a row for each.

    Raises:
        UsageError: where the mapping cannot be read.
        SourceError: where the folder is no MEDS data set.
        StorageError: where the disk refuses.
    """
    folder = open_meds(raws)
    chosen = mapping_of(folder) if mapping is None else read_mapping(mapping)
    counts = Counter[str]()
    for frame in folder.frames({}):
        counts.update(dict(frame["code"].drop_nulls().value_counts(name="times").iter_rows()))
    book = None if chosen is None else CodeBook(chosen)
    rows, different = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for code, times in counts.items():
        begin, more, _ = code.partition("//")
        key = (begin + "//*" if more else begin, NO_MAPPING if book is None else _becomes(code, book))
        rows[key] += times
        different[key] += 1
    return [
        {"codes": begin, "rows": times, "different": different[begin, becomes], "becomes": becomes}
        for (begin, becomes), times in sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    ]


def _becomes(code: str, book: CodeBook) -> str:
    number, why = book.entry(code)
    if number is None:
        return f"nothing: {why}"
    mapping: Mapping = book.mapping
    return f"{mapping.events[number].modality}, known {_words(mapping.events[number].known)}"


def _words(known: KnownWhen) -> str:
    if known.kind == "end of day":
        return "at the end of its day"
    if known.kind == "discharge":
        return "at discharge"
    return f"{known.delay_min} min later" if known.delay_min else "at once"
