"""A teacher beside the labels: trees that were grown without the stay say how likely its outcome was.

    label = (1 - share) * label + share * what the trees say

A 0 or a 1 is one draw from the risk that a model is to learn; an estimate of the risk has less noise, and a small
network learns more from the two together (knowledge distillation, arXiv 1503.02531, equation 1 at temperature 1, with
its weighted sum of both losses). The trees of a stay are grown on the other training patients (cross-fitting): trees
that had its label would hand it back. The student alone predicts; no tree is kept.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from wardround.errors import UsageError
from wardround.methods.boosting import Boosting, BoostingSettings
from wardround.methods.table_model import Kind, LabelledRows
from wardround.models.tabular import check_widths


@dataclass(frozen=True)
class TeacherSettings:
    """Settings of the teacher.

    Attributes:
        share: of what it says in the labels of training; 0 for the labels alone.
        folds: parts of the training patients; each is told by trees grown on the others.

    Raises:
        UsageError: at construction, for a share outside [0, 1] or fewer than 2 folds.
    """

    share: float = 0.0
    folds: int = 5

    def __post_init__(self) -> None:
        check_widths(folds=self.folds - 1)
        if not 0 <= self.share <= 1:
            raise UsageError(f"share must be in [0, 1], got {self.share}")


def told(
    train: LabelledRows, patient: Int[np.ndarray, "stay"], val: LabelledRows, kind: Kind, folds: int, seed: int
) -> Float[np.ndarray, "stay"]:
    """What trees say of training stays whose patients they never saw: probability, or hours.

    Args:
        train: the training stays.
        patient: of each; all stays of one are in one fold.
        val: validation stays, which say when to stop growing.
        kind: of the task.
        folds: as many as there are patients at most.
        seed: of the folds and the trees.

    Returns:
        By training stay. Where the others are too few to be split, their mean, or median hours; where there are none,
        the label itself.
    """
    patients = np.unique(patient)
    lot = np.random.default_rng(seed).permutation(len(patients)) % min(folds, len(patients))
    fold = lot[np.searchsorted(patients, patient)]
    said = np.full(len(patient), np.nan)
    for held_out in range(int(lot.max()) + 1):
        others, theirs = fold != held_out, fold == held_out
        rows = LabelledRows(train.values[others], train.label[others])
        said[theirs] = _told_by(rows, val, train.values[theirs], kind, seed) if others.any() else train.label[theirs]
    return said


def _told_by(
    rows: LabelledRows, val: LabelledRows, asked: Float32[np.ndarray, "stay column"], kind: Kind, seed: int
) -> Float[np.ndarray, "stay"]:
    settings = BoostingSettings()
    if len(rows.label) < 2 * settings.min_leaf_stays:
        return np.full(len(asked), np.mean(rows.label) if kind == "binary" else np.median(rows.label))
    trees, _ = Boosting.fit(rows, val, kind, settings, seed, quiet=True)
    return trees.predict(asked)


def mixed(
    label: Float[np.ndarray, "stay"], said: Float[np.ndarray, "stay"], kind: Kind, share: float
) -> Float[np.ndarray, "stay"]:
    """Labels with a share of what was said: of probabilities, or of log(1 + hours)."""
    if kind == "binary":
        return (1 - share) * label + share * said
    return np.expm1((1 - share) * np.log1p(label) + share * np.log1p(said))
