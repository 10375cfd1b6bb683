"""The labels that a training learns from: those of the data, mixed with what a teacher says of the training stays."""

import numpy as np
from jaxtyping import Float

from wardround.batches.stay_table import TableSettings, fit_table_featuriser, stay_table
from wardround.batches.store import InputSettings
from wardround.methods.table_model import LabelledRows
from wardround.methods.teacher import TeacherSettings, mixed, told
from wardround.tasks.splits import TRAIN, VAL
from wardround.tasks.task import Task
from wardround.train.data import OpenData, Sides


def taught_labels(
    data: OpenData,
    sides: Sides,
    task: Task,
    inputs: InputSettings,
    teacher: TeacherSettings,
    seed: int = 0,
    quiet: bool = False,
) -> Float[np.ndarray, "stay"]:
    """The label of each stay of the cohort, mixed on the training side. The teacher reads summaries of what the student
    may read: the same modalities, up to the same hour.

    Args:
        data: where the stays lie.
        sides: who is to be trained on; the validation side says when trees stop growing.
        task: what the label is.
        inputs: of the student.
        teacher: its share, and how often it is fitted.
        seed: of what the fits draw.
        quiet: no progress on stderr.
    """
    label = sides.cohort.frame["label"].to_numpy().astype(np.float64)
    if teacher.share == 0:
        return label
    table = TableSettings(modalities=inputs.modalities, features=inputs.features)
    featuriser = fit_table_featuriser(data.lines, sides.part(TRAIN), table, quiet)
    parts = [sides.part(side) for side in (TRAIN, VAL)]
    train, val = (
        LabelledRows(stay_table(data.lines, part, featuriser, quiet=quiet).values, part.frame["label"].to_numpy())
        for part in parts
    )
    patient = parts[0].frame["subject_id"].to_numpy()
    said = told(train, patient, val, task.kind, teacher.folds, seed)
    taught = label.copy()
    theirs = sides.cohort.frame["stay_id"].is_in(parts[0].frame["stay_id"].to_list()).to_numpy()
    taught[theirs] = mixed(train.label, said, task.kind, teacher.share)
    return taught
