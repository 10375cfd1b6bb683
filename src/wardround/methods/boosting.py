"""Gradient-boosted trees on a table of summaries: what most people would try first, and often the best on tables.

LightGBM (Ke et al., NeurIPS 2017): F_m = F_(m-1) + learning_rate * tree_m, each tree grown leaf by leaf on the gradient
of the log loss, or of the absolute error of log(1 + hours): a median, which is what the mean absolute error of the
hours asks for too. Missing values go to the side of a split that lowers the loss more. Trees are added until the
validation loss has not fallen for `patience` of them; those up to its lowest point are kept.

    wardround train boosting --data DATA --task mortality --to RUN

The table is `batches/stay_table.py`: every stay as it stood at its prediction time. The same seed gives the same trees,
whatever the number of threads (`deterministic`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from wardround.errors import RunError, UsageError
from wardround.methods.table_model import HistoryRow, Kind, LabelledRows, predictions_of
from wardround.methods.tree_text import check_tree_text, kept_part
from wardround.models.checks import check_widths
from wardround.progress import progress
from wardround.stopping import stop_on_sigterm

TREES: Final = "trees"
_OBJECTIVE: Final = {"binary": ("binary", "binary_logloss"), "hours": ("regression_l1", "l1")}


@dataclass(frozen=True)
class BoostingSettings:
    """Settings of `boosting`.

    Attributes:
        learning_rate: of each tree.
        rounds, patience: at most so many trees; stop after `patience` of them without a lower validation loss.
        leaves: of a tree, at most.
        min_leaf_stays: training stays in a leaf, at least.
        column_fraction, stay_fraction: drawn for each tree.
        l2: penalty on the values of leaves.
        threads: 0 takes what OpenMP gives; the trees are the same.

    Raises:
        UsageError: at construction, for a value that no training can have.
    """

    learning_rate: float = 0.03
    rounds: int = 3000
    patience: int = 100
    leaves: int = 15
    min_leaf_stays: int = 40
    column_fraction: float = 0.3
    stay_fraction: float = 0.6
    l2: float = 1.0
    threads: int = 0

    def __post_init__(self) -> None:
        check_widths(rounds=self.rounds, patience=self.patience, min_leaf_stays=self.min_leaf_stays)
        if self.leaves < 2 or self.threads < 0 or not 0 <= self.l2 < math.inf:
            raise UsageError("leaves must be 2 or more; threads and l2 must not be negative.")
        for name in ("learning_rate", "column_fraction", "stay_fraction"):
            if not 0 < getattr(self, name) <= 1:
                raise UsageError(f"{name} must be above 0 and at most 1, got {getattr(self, name)}.")


class Boosting:
    """Fitted trees.

    Args:
        text: LightGBM's text of them, as `kept_part` leaves it; not checked here.
        kind: of the task.
        threads: for predictions.
    """

    kind: Kind

    def __init__(self, text: str, kind: Kind, threads: int = 0) -> None:
        from lightgbm import Booster

        self.text, self.kind, self.threads = text, kind, threads
        self._booster = Booster(model_str=text)

    @classmethod
    def fit(
        cls, train: LabelledRows, val: LabelledRows, kind: Kind, settings: BoostingSettings, seed: int, quiet: bool
    ) -> tuple["Boosting", list[HistoryRow]]:
        """Add trees on training stays until those of validation are predicted no better.

        Returns:
            The trees up to the lowest validation loss, and a row a tree of the losses.

        Raises:
            Stopped: after SIGTERM, at the end of a tree.
        """
        losses: dict[str, dict[str, list[float]]] = {}
        text = _grow(train, val, kind, settings, seed, losses, quiet)
        curves = zip(*(losses[side][_OBJECTIVE[kind][1]] for side in ("train", "val")), strict=True)
        history: list[HistoryRow] = [
            {"epoch": place, "train_loss": float(own), "val_loss": float(other)}
            for place, (own, other) in enumerate(curves)
        ]
        return cls(text, kind, settings.threads), history

    @classmethod
    def of_trees(cls, train: LabelledRows, kind: Kind, settings: BoostingSettings, trees: int, seed: int) -> "Boosting":
        """So many trees on training stays, whatever any validation would say. Raises `Stopped` as `fit`."""
        import lightgbm

        with stop_on_sigterm() as stop:
            parameters, rows = _parameters(kind, settings, seed), _dataset(train, kind)

            def listen(_: Any) -> None:
                stop.check()

            booster = lightgbm.train(parameters, rows, trees, callbacks=[listen])
        return cls(kept_part(booster.model_to_string()), kind, settings.threads)

    @property
    def n_trees(self) -> int:
        """How many were kept."""
        return int(self._booster.num_trees())

    def predict(self, values: Float32[np.ndarray, "stay column"]) -> Float[np.ndarray, "stay"]:
        """Probability of death, or hours."""
        outputs = self._booster.predict(values, raw_score=True, num_threads=self.threads)
        return predictions_of(self.kind, np.asarray(outputs, np.float64))

    def state_dict(self) -> dict[str, Tensor]:
        """The text of the trees, as bytes."""
        return {TREES: torch.frombuffer(bytearray(self.text.encode("ascii")), dtype=torch.uint8)}

    @classmethod
    def load(cls, tensors: Mapping[str, Tensor], kind: Kind, settings: BoostingSettings, columns: int) -> "Boosting":
        """What `state_dict` gave. Raises `RunError` where it is not the text of trees over so many columns."""
        trees = tensors.get(TREES)
        if set(tensors) != {TREES} or trees is None or trees.dtype != torch.uint8 or trees.dim() != 1:
            raise RunError("the run's weights are not the text of trees. Train again.")
        try:
            text = trees.numpy().tobytes().decode("ascii")
        except UnicodeDecodeError as error:
            raise RunError("the run's weights are not the text of trees. Train again.") from error
        check_tree_text(text, columns)
        return cls(text, kind, settings.threads)


def _grow(
    train: LabelledRows,
    val: LabelledRows,
    kind: Kind,
    settings: BoostingSettings,
    seed: int,
    losses: dict[str, dict[str, list[float]]],
    quiet: bool,
) -> str:
    """The text of the trees up to the lowest loss; `losses` is filled with side -> loss -> its course."""
    import lightgbm

    learn, watch = (_dataset(side, kind) for side in (train, val))
    watch.set_reference(learn)
    with stop_on_sigterm() as stop, progress(settings.rounds, "growing trees, at most", quiet=quiet) as bar:

        def advance(_: Any) -> None:
            bar.advance()
            stop.check()

        booster = lightgbm.train(
            _parameters(kind, settings, seed),
            learn,
            settings.rounds,
            valid_sets=[learn, watch],
            valid_names=["train", "val"],
            callbacks=[
                lightgbm.early_stopping(settings.patience, verbose=False),
                lightgbm.record_evaluation(losses),
                advance,
            ],
        )
    return kept_part(booster.model_to_string(num_iteration=booster.best_iteration))


def _dataset(rows: LabelledRows, kind: Kind) -> Any:
    import lightgbm

    return lightgbm.Dataset(rows.values, label=rows.label if kind == "binary" else np.log1p(rows.label))


def _parameters(kind: Kind, settings: BoostingSettings, seed: int) -> dict[str, Any]:
    """LightGBM's names of the settings."""
    objective, metric = _OBJECTIVE[kind]
    return {
        "objective": objective,
        "metric": metric,
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_child_samples": settings.min_leaf_stays,
        "feature_fraction": settings.column_fraction,
        "bagging_fraction": settings.stay_fraction,
        "bagging_freq": 1,
        "lambda_l2": settings.l2,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.threads,
        "verbosity": -1,
    }
