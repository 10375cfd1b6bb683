"""Rows judged on the same stays: each measure with its interval, and the difference to one of them, paired.

    value(row)       = mean over repeats and seeds of  measure(labels, predictions of that repeat and seed)
    difference(row)  = value(row) - value(reference), both on the stays that both predict in each repeat
    draw             : patients with replacement; all stays, repeats and seeds of a patient move together

A repeat is one asking of everybody it is about: the folds of one split together, each stay predicted by the run that
never saw its patient; the test side of one split; or another cohort. An interval is over patients (1,000 draws, the
same for every row), so it says how the numbers would move with other patients, not with other seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from wardround.errors import RunError
from wardround.metrics.bootstrap import DRAWS, Interval, Metric, metric_draws, percentile_interval
from wardround.metrics.inputs import PerDraw

Asked = Mapping[str, Sequence[pl.DataFrame]]
"""Repeat -> a table for each seed: `subject_id, stay_id, label, predicted`, and `flagged` (0 or 1) where asked; of
several answers the last three are arrays."""
KEYS: Final = ("subject_id", "stay_id")


@dataclass(frozen=True)
class Difference:
    """A row less the reference.

    Attributes:
        interval: of the difference; `value` on all stays that both predict.
        p: two-sided, from the draws: the smallest level at which the percentile interval leaves 0 out; None where
            undefined.
        n_stays: that both predict.
    """

    interval: Interval
    p: float | None
    n_stays: int


@dataclass(frozen=True)
class Judged:
    """What a row came to.

    Attributes:
        n_stays, n_subjects, n_events: whom it predicts, in any repeat; those with the event of a yes/no task, or with
            any of several.
        values: measure -> value with interval.
        differences: measure -> difference to the reference; empty for the reference itself.
    """

    n_stays: int
    n_subjects: int
    n_events: int
    values: dict[str, Interval]
    differences: dict[str, Difference]


def judge(
    rows: Mapping[str, Asked],
    measures: Mapping[str, tuple[str, Metric]],
    against: str | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Judged]:
    """Judge rows side by side.

    Args:
        rows: name -> what it predicted.
        measures: name -> (column that it judges, "predicted" or "flagged", and the metric).
        against: the row that is subtracted from the others; None for no differences.
        draws, seed: of the bootstrap.

    Raises:
        RunError: where two rows give a stay another label.
    """
    stays = _stays_of(rows)
    subject, label = stays["subject_id"].to_numpy(), stays["label"].to_numpy()
    placed = {name: _Placed.of(asked, stays) for name, asked in rows.items()}
    reference = None if against is None else placed[against]
    metrics: dict[tuple[str, str, str], Metric] = {}
    shared: dict[str, tuple[_Placed, _Placed]] = {}
    alike: dict[str, bool] = {}  # whether nobody is left out of the pair: then the draws of the values do
    for name, row in placed.items():
        if reference is not None and name != against:
            shared[name] = row.shared(reference)
            alike[name] = row.asks_as(reference)
        for measure, (column, metric) in measures.items():
            metrics[name, measure, "value"] = row.mean_of(metric, column)
            if name in shared and not alike[name]:
                metrics[name, measure, "difference"] = _less(*shared[name], metric, column)
    samples = metric_draws(metrics, subject, label, draws=draws, seed=seed)
    values = {key: float(metric(label)) for key, metric in metrics.items()}
    for name, measure in ((name, measure) for name in alike if alike[name] for measure in measures):
        mine, theirs, less = (
            (name, measure, "value"),
            (against or "", measure, "value"),
            (name, measure, "difference"),
        )
        samples[less], values[less] = samples[mine] - samples[theirs], values[mine] - values[theirs]
    found: dict[str, Judged] = {}
    for name, row in placed.items():
        asked = row.everybody()
        differences: dict[str, Difference] = {}
        for measure in measures if name in shared else ():
            key = (name, measure, "difference")
            interval = percentile_interval(values[key], samples[key])
            differences[measure] = Difference(interval, two_sided_p(samples[key]), len(shared[name][0].everybody()))
        intervals = {
            measure: percentile_interval(values[name, measure, "value"], samples[name, measure, "value"])
            for measure in measures
        }
        n_subjects, has_event = len(np.unique(subject[asked])), (label[asked] == 1).reshape(len(asked), -1).any(axis=1)
        found[name] = Judged(len(asked), n_subjects, int(has_event.sum()), intervals, differences)
    return found


def unfit(rows: Mapping[str, Asked], measures: Mapping[str, tuple[str, Metric]], against: str | None) -> dict[str, str]:
    """Rows that cannot be judged, and why; `judge` judges the others.

    The reference is looked at first, and rows in their order: of two that do not agree the later one is unfit. Without
    the reference the others need not share a stay with it.

    Args:
        rows, measures, against: as `judge` takes them.
    """
    fit: dict[str, Asked] = {}
    why: dict[str, str] = {}
    for name in sorted(rows, key=lambda name: name != against):
        try:
            _check(rows[name], fit, measures, fit.get(against or ""))
        except (RunError, ValueError) as error:  # a metric counts what it cannot judge in a ValueError
            why[name] = str(error)
        else:
            fit[name] = rows[name]
    return why


def _check(
    row: Asked, fit: Mapping[str, Asked], measures: Mapping[str, tuple[str, Metric]], reference: Asked | None
) -> None:
    """Do once with a row what `judge` does in every draw. Raises `RunError`, `ValueError` where that cannot be done."""
    _stays_of({**fit, "": row})
    own = _stays_of({"": row})
    placed, label = _Placed.of(row, own), own["label"].to_numpy()
    for column, metric in measures.values():
        placed.mean_of(metric, column)(label)
    if reference is not None:
        both = _stays_of({"": row, "reference": reference})
        _Placed.of(row, both).shared(_Placed.of(reference, both))


def _stays_of(rows: Mapping[str, Asked]) -> pl.DataFrame:
    """`subject_id, stay_id, label` of everybody whom any row predicts. Raises `RunError` for a label that differs."""
    tables = [table.select(*KEYS, "label") for asked in rows.values() for seeds in asked.values() for table in seeds]
    stays = pl.concat(tables).unique().sort(*KEYS)
    twice = stays.height - stays.select(*KEYS).unique().height
    if twice:
        raise RunError(f"{twice} stays have another label in one row than in another: they do not predict the same.")
    return stays


@dataclass(frozen=True)
class _Asking:
    """One repeat of a row: places of its stays among all, in order, and a column of predictions a seed.

    columns: name -> "seed asked", of several answers "seed asked label".
    """

    places: np.ndarray
    columns: dict[str, Float[np.ndarray, "seed asked *label"]]

    def only(self, places: np.ndarray) -> "_Asking":
        kept = np.isin(self.places, places)
        return _Asking(self.places[kept], {name: values[:, kept] for name, values in self.columns.items()})


@dataclass(frozen=True)
class _Placed:
    """A row with its stays as places among all stays."""

    repeats: dict[str, _Asking]

    @classmethod
    def of(cls, asked: Asked, stays: pl.DataFrame) -> "_Placed":
        """Raises `RunError` where the seeds of a repeat predict other stays."""
        places = stays.select(*KEYS).with_row_index("place")
        found: dict[str, _Asking] = {}
        for repeat, seeds in asked.items():
            tables = [table.join(places, on=KEYS, how="inner").sort("place") for table in seeds]
            place = tables[0]["place"].to_numpy()
            if any(not np.array_equal(place, table["place"].to_numpy()) for table in tables[1:]):
                raise RunError(f"repeat {repeat}: its seeds predict other stays, so there is no mean over them.")
            names = [name for name in ("predicted", "flagged") if name in tables[0].columns]
            columns = {name: np.stack([t[name].to_numpy().astype(np.float64) for t in tables]) for name in names}
            found[repeat] = _Asking(place, columns)
        return cls(found)

    def everybody(self) -> np.ndarray:
        """Places of the stays of all repeats."""
        return np.unique(np.concatenate([asking.places for asking in self.repeats.values()]))

    def asks_as(self, other: "_Placed") -> bool:
        """Whether both predict the same stays in the same repeats."""
        return self.repeats.keys() == other.repeats.keys() and all(
            np.array_equal(asking.places, other.repeats[name].places) for name, asking in self.repeats.items()
        )

    def shared(self, other: "_Placed") -> tuple["_Placed", "_Placed"]:
        """Both on the stays that both predict in each repeat. Raises `RunError` where there is none."""
        both = [name for name in self.repeats if name in other.repeats]
        mine = {name: self.repeats[name].only(other.repeats[name].places) for name in both}
        theirs = {name: other.repeats[name].only(self.repeats[name].places) for name in both}
        mine, theirs = ({n: asking for n, asking in of.items() if len(asking.places)} for of in (mine, theirs))
        if not mine:
            raise RunError("no stay is predicted by both rows: there is nothing to pair.")
        return _Placed(mine), _Placed(theirs)

    def mean_of(self, metric: Metric, column: str) -> Metric:
        """The metric's mean over repeats and seeds, as a metric of the labels of all stays."""
        one_a_repeat = list(self.repeats.values())

        def value(label: np.ndarray, weights: np.ndarray | None = None) -> PerDraw:
            scores: list[PerDraw] = []
            for asking in one_a_repeat:
                own = weights
                if weights is not None and len(asking.places) < weights.shape[1]:
                    own = weights[:, asking.places]
                found = [metric(label[asking.places], each, weights=own) for each in asking.columns[column]]
                scores.append(_mean(found))
            return _mean(scores)

        return value


def _less(first: _Placed, second: _Placed, metric: Metric, column: str) -> Metric:
    """The mean of one row less that of another, on the same weights."""
    mine, theirs = first.mean_of(metric, column), second.mean_of(metric, column)

    def difference(label: np.ndarray, weights: np.ndarray | None = None) -> PerDraw:
        return mine(label, weights=weights) - theirs(label, weights=weights)

    return difference


def _mean(values: Sequence[PerDraw]) -> PerDraw:
    """Draw by draw, where there are draws."""
    return sum(values[1:], start=values[0]) / len(values)


def two_sided_p(differences: Float[np.ndarray, "draw"]) -> float | None:
    """Twice the share of draws on the rarer side of 0, counting one more draw there than came, at most 1 (Davison and
    Hinkley 1997, section 4.2.1); None where no draw is defined. With 1,000 draws it is 0.002 or more."""
    defined = differences[~np.isnan(differences)]
    if defined.size == 0:
        return None
    rarer = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2 * (1 + rarer) / (1 + defined.size))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted for being several (Holm 1979): valid whatever they have to do with each other; None stays None."""
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        adjusted[place] = largest
    return adjusted
