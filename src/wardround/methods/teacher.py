"""A teacher beside the labels: trees that were grown without the stay say how likely its outcome was.

    label = (1 - share) * label + share * what the trees say

A 0 or a 1 is one draw from the risk that a model is to learn; an estimate of the risk has less noise, and a small
network learns more from the two together (knowledge distillation, arXiv 1503.02531, equation 1 at temperature 1, with
its weighted sum of both losses). The trees of a stay are grown on the other training patients (cross-fitting): trees
that had its label would hand it back. How many, a part of those others says; validation patients have no part in it.
The student alone predicts; no tree is kept.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from wardround.errors import UsageError
from wardround.methods.boosting import Boosting, BoostingSettings
from wardround.methods.table_model import LabelledRows
from wardround.progress import progress
from wardround.stopping import StopRequest

TREES: Final = BoostingSettings()
"""How its trees are grown."""


@dataclass(frozen=True)
class TeacherSettings:
    """Settings of the teacher.

    Attributes:
        share: of what it says in the 0/1 labels of training; 0 for the labels alone. Hours, and several answers,
            are learned from the labels alone in any case.
        folds: parts of the training patients; each is told by trees grown on the others.

    Raises:
        UsageError: at construction, for a share outside [0, 1] or fewer than 3 folds.
    """

    share: float = 0.0
    folds: int = 5

    def __post_init__(self) -> None:
        if self.folds < 3:
            raise UsageError(f"folds must be 3 or more, got {self.folds}")
        if not 0 <= self.share <= 1:
            raise UsageError(f"share must be in [0, 1], got {self.share}")


def told(
    train: LabelledRows,
    patient: Int[np.ndarray, "stay"],
    folds: int,
    seed: int,
    quiet: bool = False,
    stop: StopRequest | None = None,
) -> Float[np.ndarray, "stay"]:
    """What trees say of training stays whose patients they never saw.

    Args:
        train: the training stays, with 0/1 labels.
        patient: of each; all stays of one are in one fold.
        folds: as many as there are patients at most.
        seed: of the folds and the trees.
        quiet: no progress on stderr.
        stop: heard before each fold, as SIGTERM is at each tree.

    Returns:
        A probability by stay; the label itself where the others are too few to grow a tree on.

    Raises:
        Stopped: where a stop was asked for.
    """
    patients = np.unique(patient)
    lot = np.random.default_rng(seed).permutation(len(patients)) % min(folds, len(patients))
    fold = lot[np.searchsorted(patients, patient)]
    said, last = train.label.astype(np.float64), int(lot.max())
    with progress(last + 1, "asking the teacher, folds", quiet=quiet) as bar:
        for held_out in range(last + 1):
            if stop is not None:
                stop.check()
            theirs, stops = fold == held_out, fold == (held_out + 1) % (last + 1)
            trees = _grown(train, ~theirs & ~stops, stops & ~theirs, seed)
            if trees is not None:
                said[theirs] = trees.predict(train.values[theirs])
            bar.advance()
    return said


def _grown(
    train: LabelledRows, grow: Bool[np.ndarray, "stay"], stop: Bool[np.ndarray, "stay"], seed: int
) -> Boosting | None:
    """Trees on the stays of both parts, as many as were best for one part when grown on the other; None where there are
    too few to split."""
    if grow.sum() < 2 * TREES.min_leaf_stays or not stop.any():
        return None
    # rows are copied where they are used, and in memory no longer than that: a table may be most of what there is
    first, _ = Boosting.fit(_part(train, grow), _part(train, stop), "binary", TREES, seed, quiet=True)
    return Boosting.of_trees(_part(train, grow | stop), "binary", TREES, first.n_trees, seed)


def _part(rows: LabelledRows, part: Bool[np.ndarray, "stay"]) -> LabelledRows:
    return LabelledRows(rows.values[part], rows.label[part])


def mixed(label: Float[np.ndarray, "stay"], said: Float[np.ndarray, "stay"], share: float) -> Float[np.ndarray, "stay"]:
    """Labels with a share of what was said."""
    return (1 - share) * label + share * said
