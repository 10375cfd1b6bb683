"""A model on stays: predictions at the prediction time, and the belief after every event where the method has one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn

from wardround.batches.embedding_cache import cached_embeddings
from wardround.batches.sequences import SequenceBatches
from wardround.batches.static import StaticBatches
from wardround.batches.store import EventStore, stays_and_cuts
from wardround.errors import UsageError
from wardround.events import MODALITIES
from wardround.methods.scores import predict_elapsed, score_code
from wardround.methods.static import StaticModel
from wardround.methods.trajectory import Trajectory
from wardround.tasks.cohort import Cohort
from wardround.tasks.task import Task
from wardround.train.data import OpenData

PREDICT_STAYS = 512
PREDICT_BUDGET = 32_768


def prediction_hours(cohort: Cohort) -> Float[np.ndarray, "stay"]:
    """Hours from unit admission to the prediction time, by stay."""
    return (cohort.frame["prediction_time"] - cohort.frame["start"]).dt.total_minutes().to_numpy() / 60


@dataclass(frozen=True)
class Cases:
    """Stays ready for one model.

    Attributes:
        cohort: whose.
        store: their events, already embedded where the model's encoders are frozen.
        at_h: hours from unit admission to the prediction.
        row: predictions of a row that learns nothing; NaN where a stay has none.
    """

    cohort: Cohort
    store: EventStore | None
    at_h: Float[np.ndarray, "stay"]
    row: Float[np.ndarray, "stay"] = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, data: OpenData, cohort: Cohort, store: EventStore, model: nn.Module) -> "Cases":
        """For a model that reads events; frozen encoders are run here, once."""
        at_h = prediction_hours(cohort)
        if isinstance(model, Trajectory) and not model.settings.train_encoders:
            store = embedded(store, model, data.folder / "cache" / "embeddings")
        return cls(cohort, store, at_h)

    @classmethod
    def of_row(cls, data: OpenData, cohort: Cohort, name: str, task: Task, fitted: dict[str, list[float]]) -> "Cases":
        """For `score` and `elapsed`."""
        at_h = prediction_hours(cohort)
        if name == "elapsed":
            row = predict_elapsed(data.elapsed_h(cohort), fitted["edges"], fitted["values"])
        else:
            row = published_scores(data, cohort, task)
        return cls(cohort, None, at_h, row)


def embedded(store: EventStore, model: Trajectory, cache: Path, block: int = 65_536) -> EventStore:
    """The store with every event through its frozen encoder, once, kept in `cache` by hash."""
    model.eval()
    content = {}
    for name in store.modalities:
        encoder = model.encoders[name]

        @torch.no_grad()
        def embed(rows: np.ndarray, encoder: nn.Module = encoder) -> np.ndarray:
            parts = [
                encoder(torch.from_numpy(rows[begin : begin + block])).numpy() for begin in range(0, len(rows), block)
            ]
            return np.concatenate(parts) if parts else np.zeros((0, model.embed_width), np.float32)

        weights = {key: value.numpy() for key, value in encoder.state_dict().items()}
        content[name] = cached_embeddings(cache, weights, store.content[name], embed)
    return replace(store, content=content)


def published_scores(data: OpenData, cohort: Cohort, task: Task) -> Float[np.ndarray, "stay"]:
    """The unit's own prediction for each stay, NaN where it has none by its prediction time (in the paper protocol: at
    all)."""
    code, factor = score_code(task.name)
    lines = data.lines
    stays, cut_min = stays_and_cuts(lines, cohort)
    elapsed = data.elapsed_h(cohort) if task.falls else np.zeros(len(stays))
    row = np.full(len(stays), np.nan)
    if code not in lines.codes:
        return row
    wanted, modality = lines.codes.index(code), MODALITIES.index("score")
    for place, (stay, cut) in enumerate(zip(stays, cut_min, strict=True)):
        part = slice(lines.offsets[stay], lines.offsets[stay + 1])
        known = (lines.modality[part] == modality) & (lines.code[part] == wanted) & (lines.minute[part] <= cut)
        values = lines.value[part][known]
        if len(values):
            row[place] = float(values[-1]) * factor - elapsed[place]
    return np.maximum(row, 0.0)


@dataclass(frozen=True)
class Predictions:
    """What a model says.

    Attributes:
        prediction: probability or hours at the prediction time, by asked stay; NaN where the method has none.
        belief_stay: place among the asked stays of each belief; empty for methods without beliefs.
        belief_minute: from unit admission.
        belief_modality: index into the run's modalities.
        belief: after each event.
    """

    prediction: Float[np.ndarray, "stay"]
    belief_stay: Int[np.ndarray, "belief"]
    belief_minute: Int[np.ndarray, "belief"]
    belief_modality: Int[np.ndarray, "belief"]
    belief: Float[np.ndarray, "belief"]


def _no_beliefs(prediction: np.ndarray) -> Predictions:
    none = np.empty(0, np.int64)
    return Predictions(prediction, none, none, none, np.empty(0))


@torch.no_grad()
def predict_cases(model: nn.Module | None, cases: Cases, members: Int[np.ndarray, "member"]) -> Predictions:
    """Predict for some stays of some cases.

    Args:
        model: in eval mode; None for a row that learns nothing.
        cases: the stays.
        members: places in the cohort.

    Returns:
        Predictions in the order of `members`; what one stay gets does not depend on the others.
    """
    if model is None or cases.store is None:
        return _no_beliefs(cases.row[members])
    model.eval()
    device = next(model.parameters()).device
    nothing = np.full(len(cases.store.stay_ids), np.nan)
    if isinstance(model, StaticModel):
        subject = cases.cohort.frame["subject_id"].to_numpy()
        batches = StaticBatches(cases.store, subject, nothing, members, PREDICT_STAYS)
        parts = [model.predict(batch.to(device)).cpu().numpy() for batch in batches]
        return _no_beliefs(np.concatenate(parts).astype(np.float64))
    if not isinstance(model, Trajectory):
        raise TypeError(f"{type(model).__name__} does not say how it predicts")
    return _sequence_predictions(model, cases, cases.store, members, nothing, device)


def _sequence_predictions(
    model: Trajectory, cases: Cases, store: EventStore, members: np.ndarray, nothing: np.ndarray, device: torch.device
) -> Predictions:
    place_of = np.full(len(store.stay_ids), -1)
    place_of[members] = np.arange(len(members))
    prediction, beliefs = np.full(len(members), np.nan), np.full(len(store.minute), np.nan)
    for batch in SequenceBatches(store, nothing, cases.at_h, members, PREDICT_BUDGET):
        made, last = model.predict(batch.to(device))
        stays, lengths = batch.stays.numpy(), batch.lengths.numpy()
        prediction[place_of[stays]] = last.cpu().numpy()
        for row, (stay, length) in enumerate(zip(stays, lengths, strict=True)):
            beliefs[store.offsets[stay] : store.offsets[stay] + length] = made[row, :length].cpu().numpy()
    lengths = np.diff(store.offsets)[members]
    stay = np.repeat(np.arange(len(members)), lengths)
    asked = np.repeat(store.offsets[members] - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
    return Predictions(prediction, stay, store.minute[asked], store.modality[asked], beliefs[asked])


def without_modalities(store: EventStore, names: Sequence[str]) -> EventStore:
    """The store as if some modalities had never been recorded.

    Raises:
        UsageError: where a name is no modality of the store.
    """
    unknown = [name for name in names if name not in store.modalities]
    if unknown:
        raise UsageError(f"--without {', '.join(unknown)}: the run's modalities are {', '.join(store.modalities)}.")
    gone = [store.modalities.index(name) for name in names]
    keep = ~np.isin(store.modality, gone)
    lengths = np.diff(store.offsets)
    stay = np.repeat(np.arange(len(lengths)), lengths)[keep]
    last = store.last.copy()
    last[:, gone] = -1
    return replace(
        store,
        offsets=np.r_[0, np.cumsum(np.bincount(stay, minlength=len(lengths)))].astype(np.int64),
        minute=store.minute[keep],
        modality=store.modality[keep],
        row=store.row[keep],
        last=last,
    )


def modalities_past_prediction(data: OpenData, cohort: Cohort, modalities: tuple[str, ...]) -> list[str]:
    """The input modalities that see past the prediction time: the stamp of the paper protocol. Empty in the causal
    one."""
    lines = data.lines
    stays, cut_min = stays_and_cuts(lines, cohort)
    ends = (
        cohort.frame.select((cohort.frame["prediction_time"] - cohort.frame["start"]).dt.total_minutes())
        .to_series()
        .to_numpy()
    )
    late: set[int] = set()
    for stay, cut, end in zip(stays, cut_min, ends, strict=True):
        part = slice(lines.offsets[stay], lines.offsets[stay + 1])
        seen_late = (lines.minute[part] <= cut) & (lines.available[part] > end)
        late |= set(np.unique(lines.modality[part][seen_late]).tolist())
    return [name for index, name in enumerate(MODALITIES) if index in late and name in modalities]
