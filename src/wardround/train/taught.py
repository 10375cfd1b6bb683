"""The labels that a training learns from: those of the data, mixed with what a teacher says of the training stays."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from wardround.batches.stay_table import TableSettings, fit_table_featuriser, stay_table
from wardround.batches.store import InputSettings
from wardround.methods.table_model import LabelledRows
from wardround.methods.teacher import TeacherSettings, mixed
from wardround.settings import find_key
from wardround.tasks.splits import TRAIN
from wardround.tasks.task import Task
from wardround.train.data import OpenData, Sides
from wardround.train.plan import TrainSettings
from wardround.train.teacher_cache import told_once


def is_taught(task: Task) -> bool:
    """Whether a teacher has something to say of a task: of one yes or no."""
    return task.kind == "binary" and not task.labels


def teacher_of(settings: TrainSettings, task: Task, assignments: Sequence[str] = ()) -> tuple[TrainSettings, list[str]]:
    """The settings as a training of the task has them: a teacher that has nothing to say has no share, so that the
    settings of the run say what happened; and what to tell the person of it.

    Args:
        settings: with the assignments in them.
        task: what is predicted.
        assignments: `KEY=VALUE` of `--set`: who asked for a teacher is told that there is none, nobody else.
    """
    if is_taught(task) or settings.teacher.share == 0:
        return settings, []
    asked = any(find_key(settings, each.partition("=")[0].strip()).startswith("teacher.") for each in assignments)
    said = f"A teacher tells of one yes or no: {task.name} is learned from its labels alone (teacher.share=0)."
    return replace(settings, teacher=replace(settings.teacher, share=0.0)), [said] if asked else []


def taught_labels(
    data: OpenData,
    sides: Sides,
    task: Task,
    inputs: InputSettings,
    teacher: TeacherSettings,
    seed: int = 0,
    quiet: bool = False,
) -> Float[np.ndarray, "stay *label"]:
    """The label of each stay of the cohort, mixed on the training side where it is one 0 or 1. The teacher reads
    summaries of what the student may read: the same modalities, up to the same hour.

    Args:
        data: where the stays lie.
        sides: who is to be trained on; nobody else has a part in it.
        task: what the label is.
        inputs: of the student, its modalities by name.
        teacher: its share, and in how many folds it tells.
        seed: of what the fits draw.
        quiet: no progress on stderr.

    Raises:
        TrainingStopped: after SIGTERM while the teacher is asked.
        StorageError: where the disk refuses.
    """
    label = sides.cohort.learned.astype(np.float64)
    if teacher.share == 0 or not is_taught(task):
        return label
    content, shown = inputs.content, task.shown_of(inputs.modalities)
    table = TableSettings(shown, inputs.features, volumes=content.volumes, singles=content.singles)
    part = sides.part(TRAIN)
    featuriser = fit_table_featuriser(data.lines, part, table, quiet)
    values = stay_table(data.lines, part, featuriser, quiet=quiet).values
    train = LabelledRows(values, part.frame["label"].to_numpy().astype(np.float64))
    patient, cache = part.frame["subject_id"].to_numpy(), data.folder / "cache" / "teacher"
    said = told_once(cache, train, patient, teacher.folds, seed, quiet)
    taught = label.copy()
    theirs = sides.cohort.frame["stay_id"].is_in(part.frame["stay_id"].to_list()).to_numpy()
    taught[theirs] = mixed(train.label, said, teacher.share)
    return taught
