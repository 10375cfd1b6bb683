"""What is compared: the measures of a kind of task, which of them leads, and which way is better."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np
from jaxtyping import Shaped

from wardround.metrics.bootstrap import Metric
from wardround.metrics.calibration import ace, brier, calibration_intercept, calibration_slope
from wardround.metrics.discrimination import auprc, auroc, event1, ppv, sensitivity
from wardround.metrics.macro import macro
from wardround.metrics.regression import mae, pearson, r2, spearman
from wardround.tasks.task import Task

PROBABILITIES: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        "auroc": auroc,
        "auprc": auprc,
        "brier": brier,
        "calibration_slope": calibration_slope,
        "ace": ace,
        "calibration_intercept": calibration_intercept,
    }
)
"""Of labels and probabilities."""
FLAGS: Final[Mapping[str, Metric]] = MappingProxyType({"sensitivity": sensitivity, "ppv": ppv, "event1": event1})
"""Of labels and whether a stay was flagged, at the threshold that each run chose on its own validation side."""
HOURS: Final[Mapping[str, Metric]] = MappingProxyType(
    {"mae_h": mae, "r2": r2, "pearson": pearson, "spearman": spearman}
)
"""Of hours and predicted hours."""

HEADLINE: Final[Mapping[str, str]] = MappingProxyType({"binary": "auroc", "hours": "mae_h"})
"""Kind of task -> the measure that is tested; the others describe."""
LOWER_IS_BETTER: Final = frozenset({"brier", "ace", "mae_h", "mse_h2"})
NO_DIRECTION: Final = frozenset({"calibration_slope", "calibration_intercept"})
"""Best at a value in between: a difference in them is neither gain nor loss."""
OBJECTIVES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"binary": ("auroc", "auprc", "brier", "event1"), "hours": ("mae_h", "r2", "pearson", "spearman")}
)
"""Kind of task -> what a search may be after."""


def undefined_objectives(task: Task, label: Shaped[np.ndarray, "stay *label"]) -> list[str]:
    """What a search cannot be after on stays of these labels, whatever is predicted of them: AUROC where all are alike.

    Args:
        task: whose objectives.
        label: of the stays that a search is judged on.
    """
    shape = (len(label), *(1 for _ in label.shape[1:]))
    guess = np.broadcast_to(np.linspace(0.1, 0.9, len(label)).reshape(shape), label.shape)
    found: list[str] = []
    for name in OBJECTIVES[task.kind]:
        metric = {**PROBABILITIES, **HOURS, "event1": partial(event1, threshold=0.5)}[name]
        if np.isnan((macro(metric) if task.labels else metric)(label, guess)):
            found.append(name)
    return found
