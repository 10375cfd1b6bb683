"""A DATA folder opened for one window: lines, stays, cohorts, sides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import torch

from wardround import files
from wardround.batches.lines import Lines, open_lines
from wardround.batches.stay_table import TableFeaturiser
from wardround.batches.store import EventStore, Featuriser
from wardround.concepts.apache_iv import MODALITY as DERIVED_MODALITY
from wardround.errors import DataError, UsageError
from wardround.events import IMAGES, INPUT_MODALITIES, MODALITIES, OPTIONAL_STAY_COLUMNS, STAY_COLUMNS, TEXTS
from wardround.models.modality_encoder import EncoderSettings, find_encoder
from wardround.models.note_encoder import NoteShape
from wardround.models.picture_encoder import PictureShape
from wardround.models.quantile import quantile_edges
from wardround.models.row_shape import RowShape
from wardround.sources.patient_pool import NOT_KNOWN, PatientPool
from wardround.tasks.cohort import Cohort, Window, cohort, elapsed_h
from wardround.tasks.splits import TRAIN, VAL, SplitPlan, split_stays
from wardround.tasks.task import Task
from wardround.train.derived_labels import with_derived


@dataclass(frozen=True)
class OpenData:
    """A DATA folder on the clock of a window.

    Attributes:
        folder: where it lies.
        hash: of its manifest.
        stays: `stays.parquet`.
        lines: its events.
        window: protocol and prediction hour.
        patients: whose patients it holds.
    """

    folder: Path
    hash: str
    stays: pl.DataFrame
    lines: Lines
    window: Window
    patients: PatientPool = NOT_KNOWN

    def cohort(self, task: Task | None, labelled: bool = True, quiet: bool = True) -> Cohort:
        """The cohort of a task, or of label-free pretraining.

        Args:
            task: what is predicted; None for label-free pretraining.
            labelled: leave out stays without a label; False where none is needed.
            quiet: no progress on stderr while labels are made of events.

        Raises:
            DataError: where it is empty, or where labels are needed and the data have not what they are made of.
        """
        stays = with_derived(self.folder, self.hash, self.stays, task, labelled, quiet)
        return cohort(stays, self.window, task, labelled)

    @property
    def recorded(self) -> list[str]:
        """The modalities that at least one stay has at any time, those that are derived aside, in order."""
        return sorted(set(self.stays["modalities"].explode().drop_nulls()))

    def n_with(self, modality: str) -> int:
        """How many stays have an event of a modality at any time, recorded or derived."""
        if modality != DERIVED_MODALITY:
            return int(self.stays["modalities"].list.contains(modality).sum())
        found = np.flatnonzero(self.lines.modality == MODALITIES.index(modality))
        return len(np.unique(np.searchsorted(self.lines.offsets, found, side="right")))

    def elapsed_h(self, chosen: Cohort) -> np.ndarray:
        """Hours in hospital at the prediction time, by stay of the cohort."""
        hospital = self.stays.select("stay_id", "hospital_start")
        joined = chosen.frame.join(hospital, on="stay_id", how="left", maintain_order="left")
        return joined.select(elapsed_h()).to_series().to_numpy()


def open_data(folder: Path, window: Window, quiet: bool = False) -> OpenData:
    """Open a DATA folder.

    Args:
        folder: where it lies.
        window: protocol and prediction hour.
        quiet: no progress on stderr.

    Raises:
        DataError: where it is unfinished or changed.
    """
    manifest = files.verify_folder(folder, "data", DataError)
    stays = files.read_columns(folder / "stays.parquet", STAY_COLUMNS, optional=OPTIONAL_STAY_COLUMNS)
    patients = PatientPool.from_json(manifest["settings"])
    return OpenData(folder, manifest["hash"], stays, open_lines(folder, window, quiet), window, patients)


def opened(data: Path | OpenData, window: Window, quiet: bool = False) -> OpenData:
    """A DATA folder opened for a window; one that a caller has opened for several trainings is taken as it is.

    Raises:
        DataError: where it is unfinished or changed.
        UsageError: where it was opened for another window.
    """
    if isinstance(data, Path):
        return open_data(data, window, quiet)
    if data.window != window:
        raise UsageError(f"{data.folder} was opened for {data.window}, and is asked for {window}. Open it anew.")
    return data


UNREAD: Final = (
    "no code of these modalities is in enough training stays by the prediction time: lower min_stay_share to read "
    "them, or ask later. What is known at discharge (billing codes, discharge notes) never is, in the causal protocol."
)
WITHOUT_SCORE: Final = "It is computed from values of the modality aps, as `prepare eicu` writes them."


@dataclass(frozen=True)
class Sides:
    """A cohort with its sides.

    Attributes:
        cohort: the stays.
        split: "train", "val", "test" or None by stay of the cohort.
    """

    cohort: Cohort
    split: np.ndarray

    @classmethod
    def of(cls, chosen: Cohort, table: pl.DataFrame, column: str) -> "Sides":
        """Of a cohort and what `split_stays` made. Raises `DataError` where nobody is left to train or validate on."""
        frame = chosen.frame.join(table.select("stay_id", column), on="stay_id", how="left", maintain_order="left")
        made = cls(chosen, np.asarray(frame[column].to_list(), dtype=object))
        for side in (TRAIN, VAL):
            made.members(side)
        return made

    def members(self, side: str) -> np.ndarray:
        """Places in the cohort of one side. Raises `DataError` where there is none."""
        found = np.flatnonzero(self.split == side)
        if len(found) == 0:
            raise DataError(
                f"no stay of the cohort is on the {side} side. Bring more data or choose another --split-seed."
            )
        return found

    def part(self, side: str) -> Cohort:
        """The cohort of one side."""
        frame = self.cohort.frame[self.members(side)]
        return replace(self.cohort, frame=frame)


def sides_of(data: OpenData, chosen: Cohort, plan: SplitPlan, column: str) -> tuple[Sides, pl.DataFrame]:
    """Put a cohort on its sides.

    Returns:
        The sides by `column` ("split" or "pretrain_split"), and the whole split of the data for `splits.parquet`.

    Raises:
        DataError: where nobody is left to train or validate on.
    """
    table = split_stays(data.stays, plan)
    return Sides.of(chosen, table, column), table


def row_shapes(featuriser: Featuriser) -> dict[str, RowShape]:
    """Modality -> layout of its rows."""
    return {m: _row_shape(featuriser, m) for m in featuriser.vocabulary.modalities}


def _row_shape(featuriser: Featuriser, modality: str) -> RowShape:
    settings, vocabulary = featuriser.settings, featuriser.vocabulary
    if modality in TEXTS:
        bert, text = featuriser.bert, settings.text
        sizes = {} if bert is None else bert.sizes
        words = text.buckets + 1 if bert is None else bert.sizes["vocab_size"]
        return NoteShape(0, 0, 0, text.tokens, words, sizes)
    if modality in IMAGES:
        resnet, image = featuriser.resnet, settings.image
        return PictureShape(0, 0, 0, image.side, image.size, {} if resnet is None else resnet.as_json())
    summaries = len(settings.content.summaries_of(modality))
    return RowShape(summaries, len(vocabulary.numbers[modality]), len(vocabulary.presences[modality]))


def bin_edges(
    store: EventStore, members: np.ndarray, shapes: dict[str, RowShape], settings: EncoderSettings
) -> dict[str, torch.Tensor]:
    """Quantile edges of each modality's summaries over the last states of training stays; empty where the encoder needs
    none."""
    if not find_encoder(settings.kind).edges:
        return {}
    edges: dict[str, torch.Tensor] = {}
    for index, name in enumerate(store.modalities):
        shape = shapes[name]
        if shape.numbers:
            last = store.last[members, index]
            rows = torch.from_numpy(store.content[name][last[last >= 0]])
            values = shape.numbers * shape.summaries
            observed = rows[:, values : values + shape.numbers].repeat(1, shape.summaries) > 0.5
            edges[name] = quantile_edges(rows[:, :values], observed, settings.bins)
    return edges


def unread_modalities(
    data: OpenData, featuriser: Featuriser | TableFeaturiser, notes: list[str], hidden: Sequence[str] = ()
) -> dict[str, Any]:
    """A diagnostics entry on modalities that were asked for and are not read, and a note for each that was named.

    Args:
        data: what is trained on.
        featuriser: its inputs.
        notes: sentences for the person; added to.
        hidden: modalities that the task never shows.
    """
    named = featuriser.settings.modalities
    there = set(data.recorded) - set(hidden)
    asked = named or [name for name in INPUT_MODALITIES if name in there]
    unread = [name for name in asked if name not in featuriser.vocabulary.modalities]
    for name in unread if named else ():
        have = data.n_with(name)
        when = " at any time, too few by the prediction time" if have else ""
        why = f" {WITHOUT_SCORE}" if have == 0 and name == DERIVED_MODALITY else ""
        notes.append(
            f"{name} was asked for and is not read: {have:,} of {data.stays.height:,} stays have it{when}.{why}"
        )
    advice = UNREAD if unread else ""
    return {"check": "unread_modalities", "verdict": "warn" if unread else "pass", "value": unread, "advice": advice}
