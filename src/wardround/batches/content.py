"""What each event tells: the numbers and codes seen so far in its modality, as one row.

Items of one modality that become known at the same minute are one event; high-rate modalities are gathered by the hour
and known when the hour is over. With `running` content an event carries the state so far of its modality (mean, last,
lowest, ... of every number, every code seen), so the last event of a modality holds what a static model would be given;
with single content (printed) it carries its own items alone. Both are sums over the past: nothing later can move them.

An event of notes or pictures is a document (`documents.py`): the notes of its minute, joined in the order of the line;
of its pictures the last one of the line, whose ties of time are broken by code and path. Gathered by the hour, the last
document of the hour.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from wardround.batches.documents import DOCUMENTS
from wardround.batches.features import CodeMap, Vocabulary
from wardround.batches.lines import Lines
from wardround.batches.order import within
from wardround.concepts.apache_iv import MODALITY as DERIVED_MODALITY
from wardround.errors import UsageError
from wardround.events import MODALITIES

WINDOWS: Final = {
    "sum_24h": ("sum", 24),
    "mean_6h": ("mean", 6),
    "lowest_6h": ("lowest", 6),
    "highest_6h": ("highest", 6),
}
"""Summaries of the latest hours alone: of what, and of how many hours up to the event."""
SUMMARIES: Final = ("mean", "sum", "last", "first", "change", "lowest", "highest", "count", *WINDOWS)

DEFAULT_SUMMARIES: Final[tuple[str, ...]] = (
    *("last", "mean", "lowest", "highest", "first", "count"),
    *("mean_6h", "lowest_6h", "highest_6h", "change"),
)


@dataclass(frozen=True)
class ContentSettings:
    """What an event carries.

    Attributes:
        summaries: of each number so far, among mean, sum, last, first, change (last less first), lowest, highest,
            count, and of the hours up to the event sum_24h, mean_6h, lowest_6h, highest_6h. The paper: mean (sum in
            pretraining), of every modality: leave `volumes` empty for it.
        volumes: modalities of amounts, which add up: sum and sum_24h (of the 24 h up to the event) take the place of
            their mean (ours).
        singles: modalities whose numbers have one value a stay, which is all they carry (ours).
        running: the state so far (ours); False for the event's own items (printed).
        hourly: modalities gathered by the hour (the paper's 1-hour bins for time series).
        max_events: the latest events of a stay that are kept, beside the last of each modality.

    Raises:
        UsageError: at construction, where a summary or a modality has another name, or a modality is of both kinds.
    """

    summaries: tuple[str, ...] = DEFAULT_SUMMARIES
    volumes: tuple[str, ...] = ("intake_output",)
    singles: tuple[str, ...] = ("demographics", "aps", "severity")
    running: bool = True
    hourly: tuple[str, ...] = ("vitals", "infusion", "intake_output")
    max_events: int = 512

    def __post_init__(self) -> None:
        unknown = set(self.summaries) - set(SUMMARIES)
        if unknown or not self.summaries or self.max_events < 1:
            raise UsageError(f"summaries are among {', '.join(SUMMARIES)}; max_events is 1 or more.")
        if not {*self.hourly, *self.volumes, *self.singles} <= set(MODALITIES):
            raise UsageError(f"modalities that are hourly, volumes or singles are among {', '.join(MODALITIES)}.")
        if set(self.volumes) & set(self.singles):
            raise UsageError("a modality is among volumes or among singles, not both.")

    def summaries_of(self, modality: str) -> tuple[str, ...]:
        """The summaries of a modality's numbers."""
        if modality in self.singles:
            return ("last",)
        if modality not in self.volumes:
            return self.summaries
        kinds = [("sum", "sum_24h") if name == "mean" else (name,) for name in self.summaries]
        return tuple(dict.fromkeys(name for kind in kinds for name in kind))


@dataclass(frozen=True)
class Visible:
    """The items of some stays that may be seen: `item` indexes `Lines`, `stay` is the place in the asked stays."""

    item: Int[np.ndarray, "visible"]
    stay: Int[np.ndarray, "visible"]


def visible_counts(
    lines: Lines, stays: Int[np.ndarray, "stay"], cut_min: Float[np.ndarray, "stay"]
) -> Int[np.ndarray, "stay"]:
    """How many items of each stay have a clock of at most `cut_min` minutes: the first ones of its line. The one place
    where the future is cut off.

    Args:
        lines: the data on the protocol's clock.
        stays: indices of stays.
        cut_min: minutes from unit admission to the prediction; infinite for the whole stay.
    """
    begin, end = lines.offsets[stays], lines.offsets[stays + 1]
    known = [
        int(np.searchsorted(lines.minute[b:e], float(cut), side="right"))
        for b, e, cut in zip(begin, end, cut_min, strict=True)
    ]
    return np.asarray(known, np.int64)


def recorded_counts(
    lines: Lines, stays: Int[np.ndarray, "stay"], cut_min: Float[np.ndarray, "stay"]
) -> Int[np.ndarray, "stay"]:
    """As `visible_counts`, of the items that were recorded: those that concepts derive from them are not counted."""
    derived = np.flatnonzero(lines.modality == MODALITIES.index(DERIVED_MODALITY))
    begin, counts = lines.offsets[stays], visible_counts(lines, stays, cut_min)
    return counts - (np.searchsorted(derived, begin + counts) - np.searchsorted(derived, begin))


def check_left_out(without: Collection[str], modalities: Sequence[str]) -> None:
    """Whether what is to be left out is there to be left out. Raises `UsageError` naming what is not."""
    unknown = [name for name in without if name not in modalities]
    if unknown:
        raise UsageError(f"--without {', '.join(unknown)}: the run's modalities are {', '.join(modalities)}.")


def visible_items(
    lines: Lines,
    stays: Int[np.ndarray, "stay"],
    cut_min: Float[np.ndarray, "stay"],
    without: Collection[str] = (),
) -> Visible:
    """The items that `visible_counts` counts; for some stays at a time, as a number for each item is held in memory.

    Args:
        lines, stays, cut_min: as there.
        without: modalities whose items are as if never recorded.
    """
    begin, lengths = lines.offsets[stays], visible_counts(lines, stays, cut_min)
    stay = np.repeat(np.arange(len(stays)), lengths)
    seen = Visible(np.repeat(begin, lengths) + within(lengths), stay)
    if not without:
        return seen
    recorded = ~np.isin(lines.modality[seen.item], [MODALITIES.index(name) for name in without])
    return Visible(seen.item[recorded], stay[recorded])


@dataclass(frozen=True)
class ModalityContent:
    """Events of one modality over some stays.

    Attributes:
        stay: which stay, rising.
        minute: when the event became known.
        first_item: its first item, which breaks ties of order.
        summaries: NaN where a number has not been observed.
        presence: codes seen.
        document: the note or picture of the event (`documents.py`); None of modalities that have neither.
    """

    stay: Int[np.ndarray, "event"]
    minute: Int[np.ndarray, "event"]
    first_item: Int[np.ndarray, "event"]
    summaries: Float[np.ndarray, "summary event number"]
    presence: Bool[np.ndarray, "event code"]
    document: Int[np.ndarray, "event"] | None = None


def modality_contents(
    lines: Lines,
    seen: Visible,
    cut_min: Float[np.ndarray, "stay"],
    vocabulary: Vocabulary,
    codes: Mapping[str, CodeMap],
    settings: ContentSettings,
) -> tuple[dict[str, ModalityContent], int]:
    """The content of every event of some stays.

    Returns:
        modality -> content, and how many items have a code that the vocabulary does not know in their modality.
    """
    names = {name: place for place, name in enumerate(MODALITIES)}
    item_modality = lines.modality[seen.item]
    contents: dict[str, ModalityContent] = {}
    unknown = 0
    for name in vocabulary.modalities:
        rows = np.flatnonzero(item_modality == names[name])
        known = rows[codes[name].is_known(lines.code[seen.item[rows]])]
        unknown += len(rows) - len(known)
        contents[name] = _content(lines, seen, known, cut_min, name, vocabulary, codes[name], settings)
    return contents, unknown


def _content(
    lines: Lines,
    seen: Visible,
    rows: np.ndarray,
    cut_min: np.ndarray,
    modality: str,
    vocabulary: Vocabulary,
    codes: CodeMap,
    settings: ContentSettings,
) -> ModalityContent:
    minute = lines.minute[seen.item[rows]].astype(np.int64)
    if modality in settings.hourly:
        minute = -(-minute // 60) * 60
        in_time = minute <= cut_min[seen.stay[rows]]
        rows, minute = rows[in_time], minute[in_time]
    stay = seen.stay[rows]
    starts = (
        np.flatnonzero(np.r_[True, (np.diff(stay) != 0) | (np.diff(minute) != 0)])
        if len(rows)
        else np.empty(0, np.int64)
    )
    event = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(rows)]))
    item = seen.item[rows]
    place, mapped = codes.features_of(lines.code[item])
    feature, is_number = codes.feature[mapped], codes.is_number[mapped]
    value = lines.value[item][place].astype(np.float64)
    event_of = event[place]
    n_numbers, n_codes = len(vocabulary.numbers[modality]), len(vocabulary.presences[modality])
    number = is_number & ~np.isnan(value)
    own = _OwnItems(minute[starts], n_numbers, event_of[number], feature[number], value[number])
    presence = np.zeros((len(starts), n_codes), bool)
    presence[event_of[~is_number], feature[~is_number] - n_numbers] = True
    segments = list(_segments(stay[starts])) if settings.running else []
    summaries = np.stack([own.summary(name, segments) for name in settings.summaries_of(modality)])
    for part in segments:
        np.logical_or.accumulate(presence[part], axis=0, out=presence[part])
    document = None
    if modality in DOCUMENTS:
        last = np.zeros(len(starts), np.int64)
        last[event] = item  # of several items the last one of the line stays
        document = lines.documents.of_items(last)
    return ModalityContent(stay[starts], minute[starts], item[starts], summaries, presence, document)


def _segments(stay: np.ndarray) -> Iterator[slice]:
    """The events of one stay after the other."""
    edges = np.flatnonzero(np.r_[True, np.diff(stay) != 0, True]) if len(stay) else np.zeros(1, np.int64)
    for begin, end in pairwise(edges):
        yield slice(int(begin), int(end))


class _OwnItems:
    """The numbers of each event, and their summaries: over the event alone, or so far where segments are given."""

    def __init__(
        self, minute: np.ndarray, numbers: int, event: np.ndarray, feature: np.ndarray, value: np.ndarray
    ) -> None:
        self.minute = minute
        self.shape = (len(minute), numbers)
        self.at = (event, feature)
        self.value = value
        self.count = np.zeros(self.shape)
        np.add.at(self.count, self.at, 1.0)
        self.seen = self.count > 0

    def summary(self, name: str, segments: list[slice]) -> np.ndarray:
        """One summary, NaN where nothing was observed."""
        if name in WINDOWS:
            return self._recent(*WINDOWS[name], segments)
        seen = _so_far(np.logical_or, self.seen, segments)
        if name in ("mean", "sum", "count"):
            count = _so_far(np.add, self.count, segments)
            total = count if name == "count" else _so_far(np.add, self._placed(np.add, 0.0), segments)
            made = total / np.maximum(count, 1) if name == "mean" else total
        elif name == "lowest":
            made = _so_far(np.minimum, self._placed(np.minimum, np.inf), segments)
        elif name == "highest":
            made = _so_far(np.maximum, self._placed(np.maximum, -np.inf), segments)
        elif name == "change":
            made = self._carried("last", segments) - self._carried("first", segments)
        else:
            made = self._carried(name, segments)
        return np.where(seen, made, np.nan)

    def _recent(self, kind: str, hours: int, segments: list[slice]) -> np.ndarray:
        """One summary of the hours up to each event. Of a number that was not observed in them, the sum is 0 and the
        others stand at its last value."""
        minutes = hours * 60
        if kind == "sum":
            seen = _so_far(np.logical_or, self.seen, segments)
            return np.where(seen, _latest(np.add, self._placed(np.add, 0.0), self.minute, segments, minutes), np.nan)
        count = _latest(np.add, self.count, self.minute, segments, minutes)
        if kind == "mean":
            made = _latest(np.add, self._placed(np.add, 0.0), self.minute, segments, minutes) / np.maximum(count, 1)
        else:
            ufunc, empty = (np.minimum, np.inf) if kind == "lowest" else (np.maximum, -np.inf)
            made = _latest(ufunc, self._placed(ufunc, empty), self.minute, segments, minutes)
        return np.where(count > 0, made, self.summary("last", segments))

    def _placed(self, ufunc: np.ufunc, empty: float) -> np.ndarray:
        made = np.full(self.shape, empty)
        ufunc.at(made, self.at, self.value)
        return made

    def _carried(self, name: str, segments: list[slice]) -> np.ndarray:
        """The last (or first) value so far: the place of the event that holds it is carried forward."""
        end = max(len(self.value) - 1, 0)
        item = np.full(self.shape, 0 if name == "last" else end)
        (np.maximum if name == "last" else np.minimum).at(item, self.at, np.arange(len(self.value)))
        own = self.value[item] if len(self.value) else np.zeros(self.shape)
        place = np.arange(self.shape[0])[:, None]
        if name == "last":
            holder = _so_far(np.maximum, np.where(self.seen, place, -1), segments)
        else:
            holder = _so_far(np.minimum, np.where(self.seen, place, self.shape[0]), segments)
            holder = np.minimum(holder, max(self.shape[0] - 1, 0))
        return np.take_along_axis(own, np.maximum(holder, 0), axis=0)


def _so_far(ufunc: np.ufunc, values: np.ndarray, segments: list[slice]) -> np.ndarray:
    """Accumulate along the events of each stay."""
    made = values.copy()
    for part in segments:
        ufunc.accumulate(values[part], axis=0, out=made[part])
    return made


def _latest(ufunc: np.ufunc, values: np.ndarray, minute: np.ndarray, segments: list[slice], minutes: int) -> np.ndarray:
    """Reduce, for each event of each stay, the events of the minutes up to it; anew each time, for a difference of two
    running sums keeps the rounding of what is long over."""
    made = values.copy()
    for part in segments:
        begin = np.searchsorted(minute[part], minute[part] - minutes, side="right")
        edges = np.stack([begin, np.arange(1, len(begin) + 1)], axis=1)
        closed = np.concatenate([values[part], np.zeros((1, values.shape[1]))])
        made[part] = ufunc.reduceat(closed, edges.reshape(-1), axis=0)[::2]
    return made
