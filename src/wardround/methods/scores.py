"""Rows that learn nothing, or next to nothing: what a model has to beat.

score     a published score. "apache_iva" is the unit's own prediction: APACHE IVa hospital mortality, or its predicted
          hospital stay, known at 24 h; only for stays that have one. "sapsii", "oasis" and "sofa" are made of what a
          stay's own events say by the prediction time, "apache_iv" is the published equation on them; what their points
          or log odds mean is fitted on the training stays, a slope and an intercept
elapsed   hours in hospital so far, and nothing else: for lengths of stay, what had passed and the median of what was
          left to training stays in bins of the elapsed hours; for mortality, their death rate
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression

from wardround.errors import UsageError
from wardround.settings import override

ROWS: Final = ("score", "elapsed")
"""The names on the command line."""

SCORE_CODES: Final = {
    "mortality": ("APACHE//IVa//predictedhospitalmortality", 1.0),
    "mortality_icu": ("APACHE//IVa//predictedicumortality", 1.0),
    "los": ("APACHE//IVa//predictedhospitallos", 24.0),
    "los_remaining": ("APACHE//IVa//predictedhospitallos", 24.0),
    "los_icu": ("APACHE//IVa//predictediculos", 24.0),
}
"""Task -> (event code of the published prediction, factor into the task's unit). APACHE's stays are days from hospital
admission: what is left of one is the prediction less the hours elapsed."""


STORED: Final = "apache_iva"
CLINICAL: Final = ("sapsii", "oasis", "sofa")
"""Scores that are made of events, by the name of their concept."""
EQUATION: Final = "apache_iv"
"""The published equation that is computed of a stay's own values (`concepts/apache_iv.py`), at which heads start."""
OF: Final = (STORED, EQUATION, *CLINICAL)


@dataclass(frozen=True)
class ScoreSettings:
    """What `--set` may change in `train score`.

    Attributes:
        of: which score: "apache_iva", as the data store it, "apache_iv", as it is computed, or "sapsii", "oasis",
            "sofa".

    Raises:
        UsageError: at construction, for another one.
    """

    of: str = STORED

    def __post_init__(self) -> None:
        if self.of not in OF:
            raise UsageError(f"there is no score {self.of!r}. There are: {', '.join(OF)}.")


def score_settings(assignments: Sequence[str]) -> ScoreSettings | None:
    """The settings of a score; None for the stored one, as runs have it that know no other.

    Raises:
        UsageError: for a setting or a score that is not there.
    """
    settings = override(ScoreSettings(), assignments)
    return None if settings == ScoreSettings() else settings


def check_score(settings: ScoreSettings | None, task: str, binary: bool) -> None:
    """Raises `UsageError` where a score predicts no such task."""
    if settings is None:
        score_code(task)
    elif not binary:
        raise UsageError(f"{settings.of} says nothing of {task}: it is asked for deaths alone.")


def known_when(settings: ScoreSettings | None) -> str:
    """What to add where nobody has a score."""
    if settings is None:
        return ": APACHE's is known at 24 h, and of the databases eICU alone stores it"
    if settings.of == EQUATION:
        return f": {EQUATION} is computed of values that `prepare eicu` writes (the modality aps), and none was known"
    return f": nothing that {settings.of} is made of was known by then"


def instead(settings: ScoreSettings | None) -> str:
    """What else may be asked for where nobody has a score: one that other data have, where this is none of them."""
    return "" if settings is not None and settings.of in CLINICAL else ", take one that is made of events (of=sofa)"


def fit_points(points: Float[np.ndarray, "stay"], label: Float[np.ndarray, "stay"]) -> dict[str, float]:
    """What the points of a score mean: `slope` and `intercept` of the log odds, by logistic regression.

    Args:
        points, label: of training stays; NaN where a stay has no points.
    """
    have = ~np.isnan(points)
    label = label[have]
    if len(set(label.tolist())) < 2:
        rate = np.clip(label.mean() if len(label) else 0.5, 1e-3, 1 - 1e-3)
        return {"slope": 0.0, "intercept": float(np.log(rate / (1 - rate)))}
    width = max(float(points[have].std()), 1e-6)
    model = cast(Any, LogisticRegression(C=100.0))
    fitted = model.fit(points[have, None] / width, label)
    return {"slope": float(fitted.coef_[0, 0]) / width, "intercept": float(fitted.intercept_[0])}


def predict_points(points: Float[np.ndarray, "stay"], slope: float, intercept: float) -> Float[np.ndarray, "stay"]:
    """The probability that points stand for; NaN where there are none."""
    return 1 / (1 + np.exp(-(slope * points + intercept)))


def score_code(task: str) -> tuple[str, float]:
    """The code and factor of a task's published prediction. Raises `UsageError` where there is none."""
    if task not in SCORE_CODES:
        raise UsageError(f"no published score predicts {task}. There is one for: {', '.join(SCORE_CODES)}.")
    return SCORE_CODES[task]


def fit_elapsed(
    elapsed_h: Float[np.ndarray, "stay"], label: Float[np.ndarray, "stay"], binary: bool, bins: int = 10
) -> tuple[list[float], list[float]]:
    """Equal-mass bins of elapsed hours and the label of each: the median of hours (what the mean absolute error asks
    for), or the rate.

    Args:
        elapsed_h, label: of training stays.
        binary: rate instead of median.
        bins: at most so many.

    Returns:
        Inner edges and a value for each bin.
    """
    edges = np.unique(np.quantile(elapsed_h, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, elapsed_h, side="right")
    whole = label.mean() if binary else np.median(label)
    values: list[float] = []
    for bin_ in range(len(edges) + 1):
        inside = label[place == bin_]
        values.append(float(whole if len(inside) == 0 else inside.mean() if binary else np.median(inside)))
    return [float(edge) for edge in edges], values


def predict_elapsed(
    elapsed_h: Float[np.ndarray, "stay"], edges: list[float], values: list[float]
) -> Float[np.ndarray, "stay"]:
    """The value of each stay's bin."""
    return np.asarray(values)[np.searchsorted(np.asarray(edges), elapsed_h, side="right")]
