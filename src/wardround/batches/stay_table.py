"""Stays as rows of one table at their prediction times, for methods that are fitted whole (boosting, regression).

Of each modality: every summary of its numbers (`number_summaries.py`), what the recording of each code tells
(`recording_summaries.py`), and how much of the modality is recorded at all. NaN is what is not there: nothing is filled
in here. The future is cut off by `visible_items`; what a stay's row holds depends on that stay's visible items alone.
"""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from wardround.batches.content import Visible, check_left_out, visible_items
from wardround.batches.features import CodeMap, FeatureSettings, Vocabulary, map_codes
from wardround.batches.growing_array import GrowingArray
from wardround.batches.lines import Lines
from wardround.batches.normaliser import Normaliser
from wardround.batches.number_summaries import AMOUNTS, LEVELS, SINGLE, Measured, SummaryPlan, number_summaries
from wardround.batches.published_risk import LOGIT_CODE
from wardround.batches.recording_summaries import RECORDING, recording_summaries
from wardround.batches.store import stay_chunks, stays_and_cuts, vocabulary_of
from wardround.concepts.apache_iv import MODALITY
from wardround.concepts.derived import derived_from
from wardround.errors import UsageError
from wardround.events import MODALITIES
from wardround.tasks.cohort import Cohort

LARGEST: Final = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class TableSettings:
    """What a table holds.

    Attributes:
        modalities: names to take; empty takes all that the data has, but for published scores.
        features: which codes.
        volumes: modalities of amounts, which add up.
        singles: modalities with one value a stay, which is all they carry.
        early_h: the first window of every number, from unit admission.
        late_h: the windows before the prediction.

    Raises:
        UsageError: at construction, for an unknown modality, one of both kinds, or a window of no length.
    """

    modalities: tuple[str, ...] = ()
    features: FeatureSettings = field(default_factory=FeatureSettings)
    volumes: tuple[str, ...] = ("intake_output",)
    singles: tuple[str, ...] = ("demographics", "aps", "severity")
    early_h: float = 6.0
    late_h: tuple[float, ...] = (6.0, 24.0)

    def __post_init__(self) -> None:
        if not {*self.volumes, *self.singles} <= set(MODALITIES) or set(self.volumes) & set(self.singles):
            raise UsageError(f"volumes and singles are among {', '.join(MODALITIES)}, none of both kinds.")
        if not min(self.early_h, *self.late_h, 1.0) > 0:
            raise UsageError("early_h and late_h are lengths of windows in hours: above 0.")

    def plan_of(self, modality: str) -> SummaryPlan:
        """The summaries of a modality's numbers."""
        if modality in self.singles:
            return SummaryPlan(SINGLE)
        if modality in self.volumes:
            return SummaryPlan(AMOUNTS, ("sum", "count"), self.early_h, self.late_h)
        return SummaryPlan(LEVELS, ("mean", "lowest", "highest", "count"), self.early_h, self.late_h)

    def recording_of(self, modality: str) -> tuple[str, ...]:
        """What is told of the recording of a modality's codes: where each is there once or not at all, that alone."""
        return RECORDING[:1] if modality in self.singles else RECORDING


class Column(NamedTuple):
    """A column: modality, code (empty for the modality as a whole), summary."""

    modality: str
    code: str
    summary: str


@dataclass(frozen=True)
class TableFeaturiser:
    """All about a table that was fitted on training stays, its vocabulary, with the settings it was fitted under."""

    settings: TableSettings
    vocabulary: Vocabulary

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in their order."""
        made: list[Column] = []
        for modality in self.vocabulary.modalities:
            numbers, codes = self.vocabulary.numbers[modality], self.vocabulary.presences[modality]
            plan, recording = self.settings.plan_of(modality), self.settings.recording_of(modality)
            made += [Column(modality, code, name) for name in plan.names for code in numbers]
            made += [Column(modality, code, name) for name in recording for code in codes]
            made += [Column(modality, "", name) for name in (*RECORDING, "kinds")]
        return tuple(made)

    @property
    def published(self) -> int | None:
        """The place of the column with a published equation's log odds; None where it is not read."""
        column = Column(MODALITY, LOGIT_CODE, "last")
        return self.columns.index(column) if column in self.columns else None

    def save(self, run: Path) -> None:
        """Write `vocabulary/` and an empty `normaliser/` of a RUN folder: rows come as they are. Raises
        `StorageError`."""
        self.vocabulary.save(run / "vocabulary")
        Normaliser({}, {}).save(run / "normaliser")

    @classmethod
    def load(cls, run: Path, settings: TableSettings) -> "TableFeaturiser":
        """Read what `save` wrote. Raises `RunError`."""
        return cls(settings, Vocabulary.load(run / "vocabulary"))


def fit_table_featuriser(
    lines: Lines, train: Cohort, settings: TableSettings, quiet: bool = False, hidden: Collection[str] = ()
) -> TableFeaturiser:
    """Fit the vocabulary on what training stays show up to their prediction times.

    Raises:
        DataError: where no modality has a frequent code.
        UsageError: where a modality is asked for that does not exist, is a published score or is hidden.
    """
    words = vocabulary_of(lines, train, settings.modalities, settings.features, quiet, hidden)
    return TableFeaturiser(settings, words)


@dataclass(frozen=True)
class StayTable:
    """A cohort as a table; it lies on disk, mapped.

    Attributes:
        modalities: those of the vocabulary.
        values: NaN where there is nothing; in the order of the cohort and of the featuriser's columns.
        observed: which modalities each stay has at its prediction time.
        unknown_items: items of the modalities whose code the vocabulary does not know.
        passed_h: hours of what is asked that had passed at the prediction time.
    """

    modalities: tuple[str, ...]
    values: Float32[np.ndarray, "stay column"]
    observed: Bool[np.ndarray, "stay modality"]
    unknown_items: int
    passed_h: Float[np.ndarray, "stay"]


def stay_table(
    lines: Lines, cohort: Cohort, featuriser: TableFeaturiser, without: Sequence[str] = (), quiet: bool = False
) -> StayTable:
    """The table of a cohort.

    Args:
        lines: the data on the protocol's clock.
        cohort: whose rows, at their prediction times.
        featuriser: fitted on training stays.
        without: modalities that are taken as never recorded.
        quiet: no progress on stderr.

    Raises:
        DataError: where a stay is not in the data.
        StorageError: where the disk has no room for the table.
        UsageError: where a modality to leave out is none of the featuriser's.
    """
    words = featuriser.vocabulary
    check_left_out(without, words.modalities)
    gone = {*without, *derived_from(without)}
    stays, cut = stays_and_cuts(lines, cohort)
    codes = map_codes(lines.codes, words, featuriser.settings.features.paths)
    observed: list[np.ndarray] = []
    unknown = 0
    with ExitStack() as until_made:
        rows = until_made.enter_context(GrowingArray(lines.cache, np.float32, len(featuriser.columns)))
        for part in stay_chunks(len(stays), "making the table, stays", quiet):
            chunk = _Chunk(lines, visible_items(lines, stays[part], cut[part], gone), cut[part], featuriser, codes)
            values, have, strangers = chunk.rows()
            rows.add(np.clip(values, -LARGEST, LARGEST))
            observed.append(have)
            unknown += strangers
        return StayTable(words.modalities, rows.finish(), np.concatenate(observed), unknown, cohort.passed_h)


class _Chunk:
    """Some stays' visible items, on their way to rows."""

    def __init__(
        self,
        lines: Lines,
        seen: Visible,
        cut_min: np.ndarray,
        featuriser: TableFeaturiser,
        codes: dict[str, CodeMap],
    ) -> None:
        self.featuriser, self.codes = featuriser, codes
        self.stay, self.item_modality = seen.stay, lines.modality[seen.item]
        self.minute = lines.minute[seen.item].astype(np.int64)
        self.code, self.value = lines.code[seen.item], lines.value[seen.item].astype(np.float64)
        self.now_min = _now(self.stay, self.minute, cut_min)

    def rows(self) -> tuple[np.ndarray, np.ndarray, int]:
        """The rows, which modalities each stay has, and how many items are of unknown codes."""
        blocks: list[np.ndarray] = []
        observed: list[np.ndarray] = []
        unknown = 0
        for name in self.featuriser.vocabulary.modalities:
            there = np.flatnonzero(self.item_modality == MODALITIES.index(name))
            known = there[self.codes[name].is_known(self.code[there])]
            unknown += len(there) - len(known)
            made = self._modality(name, known)
            blocks += made
            observed.append(made[-1][:, 0] > 0)
        return np.concatenate(blocks, axis=1), np.stack(observed, axis=1), unknown

    def _modality(self, name: str, items: Int[np.ndarray, "item"]) -> list[np.ndarray]:
        """Numbers, codes, and the modality as a whole: "stay column" each."""
        settings, codes, n = self.featuriser.settings, self.codes[name], len(self.now_min)
        n_numbers = len(self.featuriser.vocabulary.numbers[name])
        n_codes = len(self.featuriser.vocabulary.presences[name])
        place, mapped = codes.features_of(self.code[items])
        item, feature, is_number = items[place], codes.feature[mapped], codes.is_number[mapped]
        number = is_number & np.isfinite(self.value[item])
        cell = self.stay[item] * max(n_numbers, 1) + feature
        measured = Measured(cell, self.minute[item], self.value[item]).only(number)
        numbers = number_summaries(measured, self.now_min, n_numbers, settings.plan_of(name))
        own = item[~is_number]
        recorded = recording_summaries(
            self.stay[own], feature[~is_number] - n_numbers, self.minute[own], self.now_min, n_codes
        )[:, : len(settings.recording_of(name))]
        nothing = np.zeros(len(items), np.int64)
        whole = recording_summaries(self.stay[items], nothing, self.minute[items], self.now_min, 1)
        kinds = np.unique(self.stay[item] * (n_numbers + n_codes) + feature) // max(n_numbers + n_codes, 1)
        breadth = np.bincount(kinds, minlength=n).astype(np.float64)
        return [
            numbers.reshape(n, -1),
            recorded.reshape(n, -1),
            np.concatenate([whole[:, :, 0], breadth[:, None]], axis=1),
        ]


def _now(stay: np.ndarray, minute: np.ndarray, cut_min: Float[np.ndarray, "stay"]) -> Float[np.ndarray, "stay"]:
    """The prediction time in minutes; of a whole stay (the paper protocol) the minute of its last item."""
    last = np.zeros(len(cut_min))
    last[stay] = minute  # rising within a stay: the last one stays
    return np.where(np.isfinite(cut_min), cut_min, last)
