"""What the numbers of a stay tell at its prediction time, as one row: level, spread, trend, windows, how long ago.

    last first mean lowest highest spread range change    of the values; spread is the standard deviation
    slope_per_h           least squares over the hours; needs two minutes
    count                 how often measured; 0 where never
    since_last_h          hours from the last value to the prediction
    early_*               of the first hours after unit admission
    late{H}h_*            of the last H hours before the prediction
    sum                   of amounts, which add up

Everything but counts is NaN where nothing was measured (in the window).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

Group = Float[np.ndarray, "group"]


@dataclass(frozen=True)
class Measured:
    """Values of some stays, those of one stay in the order in which they became known.

    Attributes:
        cell: which stay and number: stay * numbers + number.
        minute: from unit admission.
        value: finite.
    """

    cell: Int[np.ndarray, "value"]
    minute: Int[np.ndarray, "value"]
    value: Float[np.ndarray, "value"]

    def only(self, keep: np.ndarray) -> "Measured":
        """Some of them."""
        return Measured(self.cell[keep], self.minute[keep], self.value[keep])


class _Groups:
    """The values of each cell side by side."""

    def __init__(self, measured: Measured) -> None:
        order = np.argsort(measured.cell, kind="stable")
        cell = measured.cell[order]
        self.value, self.hour = measured.value[order], measured.minute[order] / 60
        self.begin = np.flatnonzero(np.r_[True, np.diff(cell) != 0]) if len(cell) else np.empty(0, np.int64)
        self.cell = cell[self.begin]
        self.count = np.diff(np.r_[self.begin, len(cell)])

    def sum(self, values: np.ndarray) -> Group:
        """Of each group."""
        return np.add.reduceat(values, self.begin)

    def centred(self, values: np.ndarray) -> np.ndarray:
        """Each value less the mean of its group; by way of the first one, so that equal values are all 0."""
        moved = values - np.repeat(values[self.begin], self.count)
        return moved - np.repeat(self.sum(moved) / self.count, self.count)

    def first(self) -> Group:
        """The first value of each group."""
        return self.value[self.begin]

    def last(self) -> Group:
        """The last value of each group."""
        return self.value[self.begin + self.count - 1]

    def lowest(self) -> Group:
        """The lowest value of each group."""
        return np.minimum.reduceat(self.value, self.begin)

    def highest(self) -> Group:
        """The highest value of each group."""
        return np.maximum.reduceat(self.value, self.begin)

    def spread(self) -> Group:
        """The standard deviation of each group."""
        return np.sqrt(self.sum(self.centred(self.value) ** 2) / self.count)

    def slope_per_h(self) -> Group:
        """Least squares over the hours; NaN where all values are of one minute."""
        hour = self.centred(self.hour)
        width = self.sum(hour**2)
        return self.sum(hour * self.centred(self.value)) / np.where(width > 0, width, np.nan)

    def last_hour(self) -> Group:
        """When the last value of each group became known."""
        return self.hour[self.begin + self.count - 1]


_SUMMARIES: Final[dict[str, Callable[[_Groups], Group]]] = {
    "last": _Groups.last,
    "first": _Groups.first,
    "mean": lambda groups: groups.sum(groups.value) / groups.count,
    "lowest": _Groups.lowest,
    "highest": _Groups.highest,
    "spread": _Groups.spread,
    "range": lambda groups: groups.highest() - groups.lowest(),
    "change": lambda groups: groups.last() - groups.first(),
    "slope_per_h": _Groups.slope_per_h,
    "sum": lambda groups: groups.sum(groups.value),
    "count": lambda groups: groups.count.astype(np.float64),
}
LEVELS: Final = ("last", "first", "mean", "lowest", "highest", "spread", "range", "change", "slope_per_h", "count")
AMOUNTS: Final = ("sum", "last", "mean", "highest", "count")
SINGLE: Final = ("last",)
"""Whole-stay summaries of measured levels, of amounts, and of what has one value a stay."""


@dataclass(frozen=True)
class SummaryPlan:
    """The summaries of one modality's numbers.

    Attributes:
        whole: over all values; see the file's head.
        window: the same over each window.
        early_h: length of the first window from unit admission, in hours; None for no window.
        late_h: lengths of the windows before the prediction.
    """

    whole: tuple[str, ...]
    window: tuple[str, ...] = ()
    early_h: float | None = None
    late_h: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The summaries in the order of `number_summaries`."""
        windows = [*(["early"] if self.early_h is not None else []), *(f"late{hours:g}h" for hours in self.late_h)]
        since = ("since_last_h",) if self.window else ()
        return (*self.whole, *since, *(f"{window}_{name}" for window in windows for name in self.window))


def number_summaries(
    measured: Measured, now_min: Float[np.ndarray, "stay"], numbers: int, plan: SummaryPlan
) -> Float[np.ndarray, "stay summary number"]:
    """Every summary of every number of some stays.

    Args:
        measured: their values.
        now_min: prediction time of each stay in minutes from unit admission.
        numbers: how many numbers the modality has.
        plan: which summaries.

    Returns:
        NaN where nothing was measured; counts are 0 there.
    """
    made = np.full((len(now_min), len(plan.names), numbers), np.nan)
    groups = _Groups(measured)
    stay, number = np.divmod(groups.cell, max(numbers, 1))
    for place, name in enumerate(plan.whole):
        made[stay, place, number] = _SUMMARIES[name](groups)
    if plan.window:
        made[stay, len(plan.whole), number] = now_min[stay] / 60 - groups.last_hour()
    place = len(plan.whole) + bool(plan.window)
    for keep in _windows(measured, now_min, numbers, plan):
        part = _Groups(measured.only(keep))
        stay, number = np.divmod(part.cell, max(numbers, 1))
        for name in plan.window:
            made[stay, place, number] = _SUMMARIES[name](part)
            place += 1
    for place, name in enumerate(plan.names):
        if name.endswith("count"):
            made[:, place] = np.nan_to_num(made[:, place])
    return made


def _windows(measured: Measured, now_min: np.ndarray, numbers: int, plan: SummaryPlan) -> list[np.ndarray]:
    """Which values are in each window: up to `early_h` from unit admission, and later than `late_h` before now."""
    before_min = now_min[measured.cell // max(numbers, 1)] - measured.minute
    early = [] if plan.early_h is None else [measured.minute <= plan.early_h * 60]
    return [*early, *(before_min < hours * 60 for hours in plan.late_h)]
