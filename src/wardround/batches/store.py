"""The events of a cohort, ready for a model: rows by modality, and the order in which they became known.

`Featuriser` (`featuriser.py`) is all that is fitted, on training stays; `event_store` applies it to any cohort.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Float32, Int, Int32, Int64, Shaped, UInt8

from wardround.batches.backbones import Bert, ResNet
from wardround.batches.content import (
    ContentSettings,
    ModalityContent,
    Visible,
    check_left_out,
    modality_contents,
    visible_items,
)
from wardround.batches.document_rows import document_rows
from wardround.batches.documents import DOCUMENTS
from wardround.batches.features import FeatureSettings, Vocabulary, codes_seen, fit_vocabulary, map_codes
from wardround.batches.featuriser import Featuriser, InputSettings
from wardround.batches.growing_array import GrowingArray
from wardround.batches.lines import Lines
from wardround.batches.normaliser import Normaliser, RowLayout
from wardround.batches.published_risk import published_logit
from wardround.concepts.derived import derived_from
from wardround.errors import DataError, UsageError
from wardround.events import IMAGES, INPUT_MODALITIES, TEXTS
from wardround.progress import progress
from wardround.tasks.cohort import Cohort

CHUNK_STAYS: Final = 512
NO_END: Final = np.int64(1) << 32


def fit_featuriser(
    lines: Lines, train: Cohort, settings: InputSettings, quiet: bool = False, hidden: Collection[str] = ()
) -> Featuriser:
    """Fit vocabulary and normaliser on what training stays show up to their prediction times.

    Memory holds a number for each training stay and feature, never all events.

    Args:
        lines: the data on the protocol's clock.
        train: training stays.
        settings: which modalities, codes and content.
        quiet: no progress on stderr.
        hidden: modalities that the task never shows.

    Raises:
        DataError: where no modality has a frequent code.
        UsageError: where a modality is asked for that does not exist, is a published score or is hidden.
    """
    views = settings.image.views
    vocabulary = vocabulary_of(lines, train, settings.modalities, settings.features, quiet, hidden, views)
    bert, resnet = named_backbones(settings, vocabulary.modalities)
    return replace(with_normaliser(lines, train, settings, vocabulary, quiet), bert=bert, resnet=resnet)


def named_backbones(settings: InputSettings, modalities: Collection[str]) -> tuple[Bert | None, ResNet | None]:
    """What the settings name to read notes and pictures with, where there is something to read.

    Raises:
        UsageError: where a folder holds no such network.
    """
    notes, pictures = settings.text.weights, settings.image.weights
    bert = Bert.named(Path(notes)) if notes and set(modalities) & set(TEXTS) else None
    return bert, ResNet.named(Path(pictures)) if pictures and set(modalities) & set(IMAGES) else None


def asked_modalities(modalities: tuple[str, ...], hidden: Collection[str] = ()) -> tuple[str, ...]:
    """The modalities that a model may read: those that are named, or all that its task shows.

    Args:
        modalities: names to take; empty takes the default ones.
        hidden: modalities that the task never shows, and with them what is derived from them.

    Raises:
        UsageError: where one is named that does not exist, is a published score or is hidden.
    """
    unknown = [name for name in modalities if name not in INPUT_MODALITIES]
    if unknown:
        raise UsageError(f"no input modality {', '.join(unknown)}. There are: {', '.join(INPUT_MODALITIES)}.")
    gone = {*hidden, *derived_from(hidden)}
    made_of = [name for name in modalities if name in gone]
    if made_of:
        raise UsageError(f"{', '.join(made_of)} is no input of this task: its label is made of that. Leave it out.")
    return modalities or tuple(name for name in INPUT_MODALITIES if name not in gone)


def vocabulary_of(
    lines: Lines,
    train: Cohort,
    modalities: tuple[str, ...],
    settings: FeatureSettings,
    quiet: bool = False,
    hidden: Collection[str] = (),
    views: Sequence[str] = (),
) -> Vocabulary:
    """The vocabulary of what training stays show up to their prediction times: `fit_featuriser`'s first half.

    Args:
        lines: the data on the protocol's clock.
        train: training stays.
        modalities: names to take; empty takes the default ones.
        settings: which codes.
        quiet: no progress on stderr.
        hidden: modalities that the task never shows, and with them what is derived from them.
        views: of which pictures are read; empty for all.

    Raises:
        DataError: where no modality has a frequent code, saying whether there was any.
        UsageError: where a modality is asked for that does not exist, is a published score or is hidden.
    """
    asked = asked_modalities(modalities, hidden)
    stays, cut = stays_and_cuts(lines, train)
    seen: list[pl.DataFrame] = []
    for part in stay_chunks(len(stays), "fitting the vocabulary, stays", quiet):
        chunk = visible_items(lines, stays[part], cut[part])
        seen.append(codes_seen(lines, chunk.item, chunk.stay + part.start))
    of_all = pl.concat(seen)
    vocabulary = fit_vocabulary(of_all, lines.codes, len(stays), asked, settings, views)
    if not vocabulary.modalities:
        raise DataError(_no_feature(set(of_all["modality"].drop_nulls()), asked, settings, len(stays)))
    return vocabulary


def _no_feature(there: Collection[str], asked: Sequence[str], settings: FeatureSettings, n_stays: int) -> str:
    """Why there is nothing to read."""
    shown = [name for name in asked if name in there]
    if not shown:
        return (
            f"the {n_stays} training stays show none of {', '.join(asked)} by the prediction time. Name other "
            "modalities, ask later, or prepare data that have them."
        )
    return (
        f"no code is in enough training stays to be a feature: none of {', '.join(shown)} is in "
        f"{100 * settings.min_stay_share:g} % of {n_stays} (min_stay_share). Lower min_stay_share or bring more data."
    )


def with_normaliser(
    lines: Lines, train: Cohort, settings: InputSettings, vocabulary: Vocabulary, quiet: bool = False
) -> Featuriser:
    """A vocabulary that there is, and a normaliser fitted on training stays: `fit_featuriser`'s second half."""
    stays, cut = stays_and_cuts(lines, train)
    codes = map_codes(lines.codes, vocabulary, settings.features.paths)
    last: dict[str, list[np.ndarray]] = {name: [] for name in vocabulary.modalities}
    for part in stay_chunks(len(stays), "fitting the normaliser, stays", quiet):
        chunk = visible_items(lines, stays[part], cut[part])
        contents, _ = modality_contents(lines, chunk, cut[part], vocabulary, codes, _whole_state(settings.content))
        for name, content in contents.items():
            last[name].append(content.summaries[:, _last_of_each(content.stay)])
    return Featuriser(
        settings, vocabulary, Normaliser.fit({name: np.concatenate(parts, axis=1) for name, parts in last.items()})
    )


def _whole_state(settings: ContentSettings) -> ContentSettings:
    return replace(settings, running=True)


def _last_of_each(stay: np.ndarray) -> np.ndarray:
    """Places of the last event of each stay."""
    return np.flatnonzero(np.r_[np.diff(stay) != 0, True]) if len(stay) else np.empty(0, np.int64)


def stays_and_cuts(lines: Lines, cohort: Cohort) -> tuple[Int[np.ndarray, "stay"], Float[np.ndarray, "stay"]]:
    """Indices of a cohort's stays and their prediction times in minutes from unit admission (infinite: the whole
    stay)."""
    stays = lines.index_of(cohort.frame["stay_id"].to_numpy())
    if cohort.window.at_h is None:
        return stays, np.full(len(stays), np.inf)
    minutes = (cohort.frame["prediction_time"] - cohort.frame["start"]).dt.total_minutes().to_numpy()
    return stays, minutes.astype(np.float64)


def stay_chunks(n: int, doing: str, quiet: bool) -> Iterator[slice]:
    """Some stays after the others, and on stderr how many are done."""
    with progress(n, doing, quiet=quiet) as bar:
        for begin in range(0, n, CHUNK_STAYS):
            part = slice(begin, min(begin + CHUNK_STAYS, n))
            yield part
            bar.advance(part.stop - part.start)


@dataclass(frozen=True)
class EventStore:
    """The events of a cohort; what grows with their number lies on disk, mapped.

    Attributes:
        stay_ids: the cohort's stays, in its order.
        offsets: events of stay i are `offsets[i]:offsets[i + 1]`, in the order in which they became known.
        minute: when, from unit admission.
        modality: index into `modalities`.
        row: the event's row in `content` of its modality.
        content: modality -> model inputs: numbers and codes; tokens of notes, grey pixels of pictures, a row a document
            of the data, of which the cohort need not have each.
        last: last event's row of each modality, -1 where the modality is missing at the prediction time.
        published: log odds of a published equation as known after each event (`published_risk.py`), NaN where unknown
            or where the modality `severity` is no input.
        published_last: the same at the prediction time.
        unknown_items: items of the modalities whose code the vocabulary does not know.
        layout: modality -> how its rows begin.
    """

    modalities: tuple[str, ...]
    stay_ids: Int64[np.ndarray, "stay"]
    offsets: Int64[np.ndarray, "stay_plus_one"]
    minute: Int32[np.ndarray, "event"]
    modality: UInt8[np.ndarray, "event"]
    row: Int64[np.ndarray, "event"]
    content: dict[str, Shaped[np.ndarray, "row ..."]]
    last: Int64[np.ndarray, "stay modality"]
    published: Float32[np.ndarray, "event"]
    published_last: Float32[np.ndarray, "stay"]
    unknown_items: int
    layout: dict[str, RowLayout] = field(default_factory=dict[str, RowLayout])

    @property
    def observed(self) -> Bool[np.ndarray, "stay modality"]:
        """Which modalities each stay has at its prediction time."""
        return self.last >= 0


def event_store(
    lines: Lines,
    cohort: Cohort,
    featuriser: Featuriser,
    sequences: bool = True,
    quiet: bool = False,
    without: Collection[str] = (),
    documents: bool = True,
) -> EventStore:
    """The events of a cohort through a fitted featuriser.

    Args:
        lines: the data on the protocol's clock.
        cohort: whose events, up to their prediction times.
        featuriser: fitted on training stays.
        sequences: False keeps the state at the prediction time alone (static models).
        quiet: no progress on stderr.
        without: modalities of the featuriser that are left out as if never recorded, and with them what is derived
            from them.
        documents: False leaves notes and pictures unread, for a method that is told of them when there was one: their
            events are there, their rows are not.

    Returns:
        The store; content of a stay depends on that stay's visible items alone.

    Raises:
        DataError: where a stay is not in the data.
        StorageError: where the disk has no room for the events.
        UsageError: where a modality to leave out is none of the featuriser's.
    """
    check_left_out(without, featuriser.vocabulary.modalities)
    stays, cut = stays_and_cuts(lines, cohort)
    settings = featuriser.settings.content if sequences else _whole_state(featuriser.settings.content)
    codes = map_codes(lines.codes, featuriser.vocabulary, featuriser.settings.features.paths)
    most = settings.max_events if sequences else 0
    with ExitStack() as until_made:
        made = _GrowingStore(lines, featuriser, until_made)
        for part in stay_chunks(len(stays), "making events, stays", quiet):
            seen = visible_items(lines, stays[part], cut[part], {*without, *derived_from(without)})
            contents, unknown = modality_contents(lines, seen, cut[part], featuriser.vocabulary, codes, settings)
            place = made.add(contents, featuriser.normaliser, part.stop - part.start, most, unknown)
            if "severity" not in featuriser.vocabulary.modalities:
                seen = Visible(seen.item[:0], seen.stay[:0])
            everyone = np.arange(part.stop - part.start, dtype=np.int64)
            made.published.add(published_logit(lines, seen, place["stay"], place["minute"]))
            made.published_last.append(published_logit(lines, seen, everyone, np.full(len(everyone), NO_END)))
        used = made.documents if documents else {name: list[np.ndarray]() for name in made.documents}
        return made.store(cohort.frame["stay_id"].to_numpy(), document_rows(lines, featuriser, used, quiet))


class _GrowingStore:
    """An event store under construction, chunk by chunk: what is of a stay in memory, what is of an event on disk."""

    def __init__(self, lines: Lines, featuriser: Featuriser, until_made: ExitStack) -> None:
        def growing(kind: type[np.generic], width: int | None = None) -> GrowingArray:
            return until_made.enter_context(GrowingArray(lines.cache, kind, width))

        self.modalities, self.layout = featuriser.vocabulary.modalities, featuriser.layout
        widths = {name: width for name, width in featuriser.widths.items() if name not in DOCUMENTS}
        self.content = {name: growing(np.float32, width) for name, width in widths.items()}
        self.members = {name: lines.documents.members(name) for name in self.modalities if name in DOCUMENTS}
        self.documents: dict[str, list[np.ndarray]] = {name: [] for name in self.members}
        self.minute, self.modality, self.row = growing(np.int32), growing(np.uint8), growing(np.int64)
        self.published = growing(np.float32)
        self.published_last: list[np.ndarray] = []
        self.lengths: list[np.ndarray] = []
        self.last: list[np.ndarray] = []
        self.unknown = 0

    def add(
        self, contents: dict[str, ModalityContent], normaliser: Normaliser, stays: int, max_events: int, unknown: int
    ) -> dict[str, np.ndarray]:
        """Take a chunk; returns `stay, minute, ...` of the events that are kept, in order."""
        self.unknown += unknown
        place, row = self._order(contents, max_events)
        last = np.full((stays, len(self.modalities)), -1, np.int64)
        for index, name in enumerate(self.modalities):
            content, of_modality = contents[name], place["modality"] == index
            ends = _last_of_each(content.stay)
            if content.document is not None:
                of_event = np.searchsorted(self.members[name], content.document)
                row[of_modality] = of_event[row[of_modality]]
                last[content.stay[ends], index] = of_event[ends]
                self.documents[name].append(np.unique(np.r_[row[of_modality], of_event[ends]]))
                continue
            keep = np.zeros(len(content.stay), bool)
            keep[row[of_modality]] = True
            keep[ends] = True
            renumbered = np.cumsum(keep) - 1 + self.content[name].length
            row[of_modality] = renumbered[row[of_modality]]
            last[content.stay[ends], index] = renumbered[ends]
            self.content[name].add(normaliser.rows(name, content)[keep])
        self.lengths.append(np.bincount(place["stay"], minlength=stays))
        self.last.append(last)
        self.minute.add(place["minute"])
        self.modality.add(place["modality"])
        self.row.add(row)
        return place

    def _order(self, contents: dict[str, ModalityContent], max_events: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Events of the chunk by (stay, minute, first item, modality): of each stay the latest `max_events`, and the
        last of each modality, so that what was recorded early does not look missing."""
        joined = {
            "stay": np.concatenate([contents[name].stay for name in self.modalities]),
            "minute": np.concatenate([contents[name].minute for name in self.modalities]),
            "first_item": np.concatenate([contents[name].first_item for name in self.modalities]),
            "modality": np.concatenate([np.full(len(contents[n].stay), i) for i, n in enumerate(self.modalities)]),
        }
        row = np.concatenate([np.arange(len(contents[name].stay)) for name in self.modalities])
        order = np.lexsort((joined["modality"], joined["first_item"], joined["minute"], joined["stay"]))
        stay = joined["stay"][order]
        from_end = np.searchsorted(stay, stay, side="right") - 1 - np.arange(len(stay))
        kept = from_end < max_events
        if max_events:
            kept |= self._is_last(contents)[order]
        order = order[kept]
        return {name: values[order] for name, values in joined.items()}, row[order]

    def _is_last(self, contents: dict[str, ModalityContent]) -> np.ndarray:
        """Which events are the last of their modality in their stay, modality by modality."""
        parts: list[np.ndarray] = []
        for name in self.modalities:
            last = np.zeros(len(contents[name].stay), bool)
            last[_last_of_each(contents[name].stay)] = True
            parts.append(last)
        return np.concatenate(parts)

    def store(self, stay_ids: np.ndarray, documents: dict[str, np.ndarray]) -> EventStore:
        lengths = np.concatenate(self.lengths)
        return EventStore(
            modalities=self.modalities,
            stay_ids=stay_ids,
            offsets=np.r_[0, np.cumsum(lengths)].astype(np.int64),
            minute=self.minute.finish(),
            modality=self.modality.finish(),
            row=self.row.finish(),
            content={
                name: documents[name] if name in documents else self.content[name].finish() for name in self.modalities
            },
            last=np.concatenate(self.last),
            published=self.published.finish(),
            published_last=np.concatenate(self.published_last),
            unknown_items=self.unknown,
            layout=self.layout,
        )
