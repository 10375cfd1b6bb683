"""How models are fed and asked, a function each for every shape of method.

    static     a stay as it stood at its prediction time: one row a modality, one prediction
    sequence   every event up to it: a belief after each, and the prediction at the prediction time
    grid       its hours up to it: a belief after each event, that of the hour in which it became known

A model names its `shape` and gives `loss(batch)` and `predict(batch)`: a new method of a known shape needs no edit
here. What is fitted whole is asked with a table of stays instead.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from torch import nn

from wardround.batches.grid import Columns, GridBatches, GridSize
from wardround.batches.order import within
from wardround.batches.sequences import SequenceBatches
from wardround.batches.static import StaticBatches
from wardround.batches.stay_table import StayTable
from wardround.batches.store import EventStore
from wardround.methods.table_model import TableModel
from wardround.tasks.cohort import whole_h
from wardround.train.cases import Cases

PREDICT_STAYS = 512
PREDICT_BUDGET = 32_768
TABLE_STAYS = 4096
Batches = StaticBatches | SequenceBatches | GridBatches


@dataclass(frozen=True)
class Predictions:
    """What a model says.

    Attributes:
        prediction: probability or hours at the prediction time, by asked stay, of several answers one each; NaN where
            the method has none.
        belief_stay: place among the asked stays of each belief; empty for methods without beliefs.
        belief_minute: from unit admission, when all that the belief knows was known.
        belief_modality: index into the run's modalities.
        belief: after each event.
    """

    prediction: Float[np.ndarray, "stay *label"]
    belief_stay: Int[np.ndarray, "belief"]
    belief_minute: Int[np.ndarray, "belief"]
    belief_modality: Integer[np.ndarray, "belief"]
    belief: Float[np.ndarray, "belief *label"]

    def with_passed(self, passed_h: Float[np.ndarray, "stay"], at_h: Float[np.ndarray, "stay"]) -> "Predictions":
        """Of hours that are left the whole duration, at the prediction time and after each event. Before the duration
        began more than the whole is left.

        Args:
            passed_h: hours of it that had passed at the prediction time, by asked stay.
            at_h: the prediction time, hours from unit admission.
        """
        if not passed_h.any():
            return self
        ago_h = at_h[self.belief_stay] - self.belief_minute / 60
        belief = np.maximum(whole_h(self.belief, passed_h[self.belief_stay] - ago_h), 0)
        return replace(self, prediction=whole_h(self.prediction, passed_h), belief=belief)


def _no_beliefs(prediction: np.ndarray) -> Predictions:
    none = np.empty(0, np.int64)
    return Predictions(prediction, none, none, none, np.empty((0, *prediction.shape[1:])))


@torch.no_grad()
def predict_cases(model: nn.Module | None, cases: Cases, members: Int[np.ndarray, "member"]) -> Predictions:
    """Predict for some stays of some cases.

    Args:
        model: of any method; None for a row that learns nothing.
        cases: the stays.
        members: places in the cohort.

    Returns:
        Predictions in the order of `members`; what one stay gets does not depend on the others.
    """
    if model is None or cases.store is None:
        return _no_beliefs(cases.row[members])
    shape = getattr(model, "shape", None)
    if shape not in SHAPES:
        raise TypeError(f"{type(model).__name__} does not say how it predicts")
    made = SHAPES[shape].predict(model.eval(), cases, members)
    return made.with_passed(cases.cohort.passed_h[members], cases.at_h[members])


def predict_table(model: TableModel, table: StayTable) -> Predictions:
    """Predict for the stays of a table, some after the others; what one stay gets does not depend on the others."""
    places = range(0, len(table.values), TABLE_STAYS)
    parts = [model.predict(table.values[begin : begin + TABLE_STAYS]) for begin in places]
    return _no_beliefs(np.concatenate(parts)).with_passed(table.passed_h, np.zeros(len(table.passed_h)))


def _static_batches(
    cases: Cases, label: np.ndarray, members: np.ndarray, size: int, shuffle: tuple[int, int] | None = None
) -> StaticBatches:
    subject = cases.cohort.frame["subject_id"].to_numpy()
    return StaticBatches(_store(cases), subject, label, members, size, shuffle)


def _sequence_batches(
    cases: Cases, label: np.ndarray, members: np.ndarray, size: int, shuffle: tuple[int, int] | None = None
) -> SequenceBatches:
    return SequenceBatches(_store(cases), label, cases.at_h, members, size, shuffle)


def _grid_batches(
    cases: Cases, label: np.ndarray, members: np.ndarray, size: GridSize, shuffle: tuple[int, int] | None = None
) -> GridBatches:
    return GridBatches(_store(cases), label, cases.at_h, members, size, shuffle)


def _static_predictions(model: Any, cases: Cases, members: np.ndarray) -> Predictions:
    batches = _static_batches(cases, _no_labels(cases), members, PREDICT_STAYS)
    device = _device(model)
    parts = [model.predict(batch.to(device)).cpu().numpy() for batch in batches]
    return _no_beliefs(np.concatenate(parts).astype(np.float64))


def _sequence_predictions(model: Any, cases: Cases, members: np.ndarray) -> Predictions:
    store, device = _store(cases), _device(model)
    place_of = np.full(len(store.stay_ids), -1)
    place_of[members] = np.arange(len(members))
    shape = _answers_of(model)
    lengths_of = np.diff(store.offsets)[members]
    begins, precision = np.cumsum(lengths_of) - lengths_of, np.float32 if shape else np.float64
    prediction = np.full((len(members), *shape), np.nan)
    beliefs = np.full((int(lengths_of.sum()), *shape), np.nan, precision)  # of many labels, as a network says them
    for batch in _sequence_batches(cases, _no_labels(cases), members, PREDICT_BUDGET):
        made, last = model.predict(batch.to(device))
        stays, lengths = batch.stays.numpy(), batch.lengths.numpy()
        prediction[place_of[stays]] = last.cpu().numpy()
        for row, (place, length) in enumerate(zip(place_of[stays], lengths, strict=True)):
            beliefs[begins[place] : begins[place] + length] = made[row, :length].cpu().numpy()
    stay, asked = _events_of(store, members)
    return Predictions(prediction, stay, store.minute[asked], store.modality[asked], beliefs)


def _grid_predictions(model: Any, cases: Cases, members: np.ndarray) -> Predictions:
    store, device = _store(cases), _device(model)
    size = model.settings.size._replace(budget=PREDICT_BUDGET)
    place_of = np.full(len(store.stay_ids), -1)
    place_of[members] = np.arange(len(members))
    columns = Columns.of(cases.at_h[members], size.most)
    begins = np.cumsum(columns.lengths) - columns.lengths
    shape, hours = _answers_of(model), int(columns.lengths.sum())
    prediction, by_hour = np.full((len(members), *shape), np.nan), np.full((hours, *shape), np.nan)
    minutes = np.zeros(hours, np.int64)
    for batch in _grid_batches(cases, _no_labels(cases), members, size):
        made, last = model.predict(batch.to(device))
        places = place_of[batch.stays.numpy()]
        prediction[places] = last.cpu().numpy()
        for row, (place, length) in enumerate(zip(places, batch.lengths.numpy(), strict=True)):
            part = slice(begins[place], begins[place] + length)
            by_hour[part] = made[row, :length].cpu().numpy()
            minutes[part] = np.round(batch.hours[row, :length].numpy() * 60)
    stay, asked = _events_of(store, members)
    hour = begins[stay] + columns.of_events(store.minute[asked], stay)
    return Predictions(prediction, stay, minutes[hour], store.modality[asked], by_hour[hour])


def _events_of(store: EventStore, members: np.ndarray) -> tuple[Int[np.ndarray, "event"], Int[np.ndarray, "event"]]:
    """The events of some stays one stay after the other: place among those stays, and place in the store."""
    lengths = np.diff(store.offsets)[members]
    stay = np.repeat(np.arange(len(members)), lengths)
    return stay, np.repeat(store.offsets[members], lengths) + within(lengths)


@dataclass(frozen=True)
class ShapeOf:
    """What differs between methods of different shapes.

    Attributes:
        sequences: whether every event is read, or the state at the prediction time alone.
        size: a method's settings -> size of a training batch: stays, padded events, or what a grid's are.
        batches: cases, labels, members, size, (seed, epoch) to shuffle by -> the batches of an epoch.
        predict: model, cases, members -> what it says.
        documents: whether what notes and pictures say is read.
    """

    sequences: bool
    size: Callable[[Any], Any]
    batches: Callable[[Cases, np.ndarray, np.ndarray, Any, tuple[int, int] | None], Batches]
    predict: Callable[[Any, Cases, np.ndarray], Predictions]
    documents: bool = True


SHAPES: Final[dict[str, ShapeOf]] = {
    "static": ShapeOf(False, lambda settings: settings.batch_size, _static_batches, _static_predictions),
    "sequence": ShapeOf(True, lambda settings: settings.budget, _sequence_batches, _sequence_predictions),
    "grid": ShapeOf(True, lambda settings: settings.size, _grid_batches, _grid_predictions, False),
}
"""By the `shape` that a method's model names."""


def _store(cases: Cases) -> Any:
    if cases.store is None:
        raise TypeError("a row reads no events: it has nothing to batch")
    return cases.store


def _no_labels(cases: Cases) -> np.ndarray:
    return np.full(cases.cohort.frame.height, np.nan)


def _answers_of(model: Any) -> tuple[int, ...]:
    """The shape of what a model says of one stay: none for one answer."""
    labels = getattr(getattr(model, "target", None), "labels", 0)
    return (labels,) if labels else ()


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
