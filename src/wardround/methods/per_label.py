"""One model a label, for methods that are fitted whole: each of several answers is a task of its own on the same table.

    P(label l)  =  model_l(x)

A label that no training stay has, or every one of them, has nothing to learn: its share is said of everybody, held
between 0.001 and 0.999, where a head's first bias is held too.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from wardround.errors import RunError
from wardround.methods.table_model import HistoryRow, Kind, LabelledRows, TableModel
from wardround.progress import progress
from wardround.stopping import stop_on_sigterm

SHARE: Final = "the share of a label that does not vary"
LOWEST_SHARE: Final = 1e-3
Fit = Callable[[LabelledRows, LabelledRows, Kind, Any, int, bool], tuple[TableModel, list[HistoryRow]]]
Load = Callable[[Mapping[str, Tensor], Kind, Any, int], TableModel]


class Share:
    """The answer to a label that does not vary on training stays.

    Args:
        share: of the training stays that have it.
    """

    def __init__(self, share: float) -> None:
        self.share = share

    @classmethod
    def of(cls, label: Float[np.ndarray, "stay"]) -> "Share":
        """Of some training stays."""
        return cls(float(np.clip(label.mean(), LOWEST_SHARE, 1 - LOWEST_SHARE)))

    def predict(self, values: Float32[np.ndarray, "stay column"]) -> Float[np.ndarray, "stay"]:
        """The same for everybody."""
        return np.full(len(values), self.share)

    def state_dict(self) -> dict[str, Tensor]:
        """The share."""
        return {SHARE: torch.tensor(self.share, dtype=torch.float64)}


class PerLabel:
    """Fitted models, one a label.

    Args:
        models: in the order of the labels.
    """

    def __init__(self, models: Sequence[TableModel]) -> None:
        self.models = models

    @classmethod
    def fit(
        cls, fit: Fit, train: LabelledRows, val: LabelledRows, settings: Any, seed: int, quiet: bool
    ) -> tuple["PerLabel", list[list[HistoryRow]]]:
        """Fit a method to one label after the other.

        Args:
            fit: of the method.
            train, val: rows of both sides; labels "stay label".
            settings, seed: the same for every label.
            quiet: no progress on stderr.

        Returns:
            The models, and the history of each.

        Raises:
            Stopped: after SIGTERM, between two labels, or where `fit` hears it.
        """
        models: list[TableModel] = []
        histories: list[list[HistoryRow]] = []
        with stop_on_sigterm() as stop:
            for place in progress(range(train.label.shape[1]), "fitting labels", quiet=quiet):
                stop.check()
                learn, watch = (LabelledRows(side.values, side.label[:, place]) for side in (train, val))
                if np.ptp(learn.label) == 0:
                    model, history = Share.of(learn.label), list[HistoryRow]()
                else:
                    model, history = fit(learn, watch, "binary", settings, seed, True)
                models.append(model)
                histories.append(history)
        return cls(models), histories

    def predict(self, values: Float32[np.ndarray, "stay column"]) -> Float[np.ndarray, "stay label"]:
        """The probability of each label; of one row alone, whatever the others are."""
        return np.stack([model.predict(values) for model in self.models], axis=1)

    def state_dict(self) -> dict[str, Tensor]:
        """All that was fitted, under the place of its label."""
        return {f"{place}.{name}": t for place, each in enumerate(self.models) for name, t in each.state_dict().items()}

    @classmethod
    def load(cls, load: Load, tensors: Mapping[str, Tensor], settings: Any, columns: int, n_labels: int) -> "PerLabel":
        """What `state_dict` gave. Raises `RunError` where it is not the models of so many labels."""
        parts: dict[str, dict[str, Tensor]] = defaultdict(dict)
        for name, tensor in tensors.items():
            place, _, rest = name.partition(".")
            parts[place][rest] = tensor
        if set(parts) != {str(place) for place in range(n_labels)}:
            raise RunError(f"the run's weights are not those of {n_labels} labels. Train again.")
        return cls([_loaded(load, parts[str(place)], settings, columns) for place in range(n_labels)])


def _loaded(load: Load, tensors: Mapping[str, Tensor], settings: Any, columns: int) -> TableModel:
    share = tensors.get(SHARE)
    if share is None:
        return load(tensors, "binary", settings, columns)
    if len(tensors) > 1 or share.shape != () or not 0 <= float(share) <= 1:
        raise RunError("the run's weights hold a share that is none. Train again.")
    return Share(float(share))
