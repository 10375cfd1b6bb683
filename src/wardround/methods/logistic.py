"""Ridge regression on a table of summaries: the plain model that every other one has to beat.

    logit P(death), or log(1 + hours)  =  intercept + w . x,    minimising  mean loss + penalty / 2 |w|^2

The loss is the log loss, or half the squared error.

x: each column after sign(x) log(1 + |x|), its median where missing, z-scored and clipped; and for every pattern of
missing values an indicator. All of that is fitted on training stays. The penalty is the one of the lowest validation
loss, along a path from strong to weak that ends when two weaker ones did not help.

    wardround train logistic --data DATA --task mortality --to RUN

The table is `batches/stay_table.py`. Nothing is drawn at random.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from wardround.batches.normaliser import MIN_SPREAD, sign_log
from wardround.errors import RunError, UsageError
from wardround.methods.table_model import HistoryRow, Kind, LabelledRows, mean_loss, predictions_of
from wardround.models.checks import check_widths
from wardround.progress import progress

WORSE: Final = 2
"""Weaker penalties that may fail to help before the path ends."""


@dataclass(frozen=True)
class LogisticSettings:
    """Settings of `logistic`.

    Attributes:
        penalties: to choose from, from strong to weak.
        clip: of z-scores.
        steps: of the solver, for each penalty.

    Raises:
        UsageError: at construction, for penalties that do not fall, or a value of 0.
    """

    penalties: tuple[float, ...] = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
    clip: float = 5.0
    steps: int = 1000

    def __post_init__(self) -> None:
        check_widths(steps=self.steps, penalties=len(self.penalties))
        if any(weak >= strong for strong, weak in pairwise(self.penalties)) or not self.penalties[-1] > 0:
            raise UsageError("penalties must fall, from strong to weak, and stay above 0.")
        if not 0 < self.clip < math.inf:
            raise UsageError(f"clip must be above 0, got {self.clip}.")


@dataclass(frozen=True)
class Standardiser:
    """Rows to regressors.

    Attributes:
        median: of each column after the sign-log; 0 where it never had a value.
        missing: columns of which an indicator is made: one for each pattern of missing values.
        mean, spread: of each regressor; a regressor that never varies keeps spread 1.
        clip: of z-scores.
    """

    median: Float[np.ndarray, "column"]
    missing: Int[np.ndarray, "indicator"]
    mean: Float[np.ndarray, "regressor"]
    spread: Float[np.ndarray, "regressor"]
    clip: float

    @classmethod
    def fit(cls, values: Float32[np.ndarray, "stay column"], clip: float) -> "Standardiser":
        """Fit on training stays."""
        gone = np.isnan(values)
        ever = np.logical_not(np.all(gone, axis=0))
        median = np.zeros(values.shape[1])
        median[ever] = np.nanmedian(sign_log(values[:, ever].astype(np.float64)), axis=0)
        _, patterns = np.unique(np.packbits(gone, axis=0), axis=1, return_index=True)
        some = gone.any(axis=0) & ever
        made = cls(median, np.sort(patterns[some[patterns]]), np.zeros(0), np.ones(0), clip)
        raw = made._filled(values)
        spread = raw.std(axis=0)
        return cls(median, made.missing, raw.mean(axis=0), np.where(spread < MIN_SPREAD, 1.0, spread), clip)

    def regressors(self, values: Float32[np.ndarray, "stay column"]) -> Float[np.ndarray, "stay regressor"]:
        """z-scores, clipped; the columns first, the indicators after them."""
        return np.clip((self._filled(values) - self.mean) / self.spread, -self.clip, self.clip)

    def _filled(self, values: np.ndarray) -> np.ndarray:
        gone = np.isnan(values)
        filled = np.where(gone, self.median, sign_log(values.astype(np.float64)))
        return np.concatenate([filled, gone[:, self.missing].astype(np.float64)], axis=1)


class Logistic:
    """A fitted regression.

    Args:
        standardiser: rows to regressors.
        weights, intercept: of the regressors.
        kind: of the task.
    """

    kind: Kind

    def __init__(
        self, standardiser: Standardiser, weights: Float[np.ndarray, "regressor"], intercept: float, kind: Kind
    ) -> None:
        self.standardiser, self.weights, self.intercept, self.kind = standardiser, weights, intercept, kind

    @classmethod
    def fit(
        cls,
        train: LabelledRows,
        val: LabelledRows,
        kind: Kind,
        settings: LogisticSettings,
        seed: int,  # noqa: ARG003 - every method that is fitted whole is given one
        quiet: bool,
    ) -> tuple["Logistic", list[HistoryRow]]:
        """Fit along the path of penalties.

        Returns:
            The regression of the lowest validation loss, and a row a penalty of the losses.
        """
        standardiser = Standardiser.fit(train.values, settings.clip)
        learn, watch = (standardiser.regressors(side.values) for side in (train, val))
        solve = _Solver(learn, train.label, kind, settings.steps)
        history: list[HistoryRow] = []
        best, best_loss, worse = (np.zeros(learn.shape[1]), 0.0), math.inf, 0
        with progress(settings.penalties, "fitting, penalties at most", quiet=quiet) as path:
            for place, penalty in enumerate(path):
                weights, intercept = solve(penalty)
                own, other = (
                    mean_loss(kind, rows @ weights + intercept, side.label)
                    for rows, side in ((learn, train), (watch, val))
                )
                history.append({"epoch": place, "penalty": penalty, "train_loss": own, "val_loss": other})
                if other < best_loss:
                    best, best_loss, worse = (weights, intercept), other, 0
                else:
                    worse += 1
                if worse == WORSE:
                    break
        return cls(standardiser, *best, kind), history

    def predict(self, values: Float32[np.ndarray, "stay column"]) -> Float[np.ndarray, "stay"]:
        """Probability of death, or hours."""
        rows = self.standardiser.regressors(values)
        # a row that lies in one piece is summed in one order, whatever the others are; a matrix product need not be
        terms = np.ascontiguousarray(rows * self.weights)
        return predictions_of(self.kind, terms.sum(axis=1) + self.intercept)

    def state_dict(self) -> dict[str, Tensor]:
        """Standardiser and coefficients."""
        s = self.standardiser
        arrays = {"median": s.median, "missing": s.missing, "mean": s.mean, "spread": s.spread, "weights": self.weights}
        made = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
        return made | {"intercept": torch.tensor([self.intercept], dtype=torch.float64)}

    @classmethod
    def load(cls, tensors: Mapping[str, Tensor], kind: Kind, settings: LogisticSettings, columns: int) -> "Logistic":
        """What `state_dict` gave. Raises `RunError` where it is no regression on so many columns."""
        layout = {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()}
        indicators = layout.get("missing", (None, (0,)))[1]
        regressors = (columns + sum(indicators),)
        real = {
            "median": (columns,),
            "mean": regressors,
            "spread": regressors,
            "weights": regressors,
            "intercept": (1,),
        }
        expected: dict[str, Any] = {name: (torch.float64, shape) for name, shape in real.items()}
        if layout != expected | {"missing": (torch.int64, indicators)} or len(indicators) != 1:
            raise RunError(f"the run's weights are not a regression on {columns} columns. Train again.")
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        missing = arrays["missing"]
        if not ((missing >= 0) & (missing < columns)).all() or not (arrays["spread"] > 0).all():
            raise RunError("the run's weights name a column that there is not, or a spread of 0. Train again.")
        standardiser = Standardiser(arrays["median"], missing, arrays["mean"], arrays["spread"], settings.clip)
        return cls(standardiser, arrays["weights"], float(arrays["intercept"][0]), kind)


class _Solver:
    """Penalty -> weights and intercept; each fit starts where the one before ended."""

    def __init__(self, rows: np.ndarray, label: np.ndarray, kind: Kind, steps: int) -> None:
        from sklearn.linear_model import LogisticRegression, Ridge

        self.rows, self.binary = rows, kind == "binary"
        self.label = label.astype(np.int64) if self.binary else np.log1p(label)
        self.constant = self.binary and len(np.unique(self.label)) < 2
        self.model: Any = LogisticRegression(max_iter=steps, warm_start=True) if self.binary else Ridge()

    def __call__(self, penalty: float) -> tuple[np.ndarray, float]:
        n = len(self.rows)
        if self.constant:  # nobody died, or everybody: the rate after one more of each
            rate = (float(self.label.sum()) + 1) / (n + 2)
            return _flat(np.zeros(self.rows.shape[1])), math.log(rate / (1 - rate))
        self.model.set_params(**({"C": 1 / (penalty * n)} if self.binary else {"alpha": penalty * n}))
        with warnings.catch_warnings():
            # a weak penalty may need more steps than it is worth: its validation loss judges it
            warnings.filterwarnings("ignore", "lbfgs failed to converge")
            self.model.fit(self.rows, self.label)
        return _flat(self.model.coef_), float(_flat(self.model.intercept_)[0])


def _flat(fitted: Any) -> Float[np.ndarray, "coefficient"]:
    return np.asarray(fitted, np.float64).reshape(-1)
