"""The stamp of the paper protocol: which inputs see past the prediction time."""

import numpy as np

from wardround.batches.store import stays_and_cuts
from wardround.events import INPUT_MODALITIES, MODALITIES
from wardround.tasks.cohort import Cohort
from wardround.train.data import OpenData
from wardround.train.plan import Plan


def modalities_behind(plan: Plan, modalities: tuple[str, ...]) -> tuple[str, ...]:
    """The modalities that a run's predictions rest on: those that its model reads; the stored score; of a score that is
    made of events, any, charted words among them."""
    if plan.method != "score":
        return modalities
    return ("score",) if plan.settings is None else (*INPUT_MODALITIES, "charting")


def modalities_past_prediction(data: OpenData, cohort: Cohort, modalities: tuple[str, ...]) -> list[str]:
    """The input modalities that see past the prediction time: the stamp of the paper protocol. Empty in the causal
    one. A stay without a prediction time (its end is not known) says nothing of it."""
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
