"""The labels of a training: mixed on the training side, by a teacher that sees what the student may see."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from small_runs import trained
from timelines import Timelines, random_timelines, write_data
from wardround import files
from wardround.batches.store import InputSettings
from wardround.errors import RunError
from wardround.evaluate.answer import answer
from wardround.evaluate.question import Question
from wardround.methods import teacher
from wardround.methods.registry import METHODS
from wardround.methods.teacher import TeacherSettings
from wardround.tasks.cohort import Window
from wardround.tasks.splits import TEST, TRAIN, VAL, SplitPlan
from wardround.tasks.task import TASKS
from wardround.train import supervised, taught
from wardround.train.data import open_data, sides_of
from wardround.train.loop import fit
from wardround.train.plan import TrainSettings
from wardround.train.run_folder import open_run
from wardround.train.stopping import TrainingStopped
from wardround.train.taught import taught_labels, teacher_of

STILL = "loop.learning_rate=1e-12"


def made_data() -> Timelines:
    """Enough stays for trees to be grown on."""
    return random_timelines(3, 400)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("taught") / "data", made_data())


def labels(data: Path, share: float, task: str = "mortality", inputs: InputSettings | None = None):
    """The sides, and the labels as taught."""
    opened = open_data(data, Window())
    sides, _ = sides_of(opened, opened.cohort(TASKS[task]), SplitPlan(), "split")
    return sides, taught_labels(
        opened, sides, TASKS[task], inputs or InputSettings(), TeacherSettings(share), quiet=True
    )


def test_only_labels_of_the_training_side_are_mixed(data: Path):
    sides, made = labels(data, 0.5)
    label = sides.cohort.frame["label"].to_numpy()
    train = np.zeros(len(label), bool)
    train[sides.members(TRAIN)] = True
    assert np.array_equal(made[~train], label[~train])
    assert ((made[train] > 0) & (made[train] < 1)).all()
    assert len(set(2 * made[train] - label[train])) > 20, "trees were grown"
    assert np.array_equal(made[train] > 0.5, label[train] == 1), "half of a label is still its side"


def test_hours_are_learned_from_the_labels_alone(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(taught, "told_once", None)
    sides, made = labels(data, 0.5, "los_remaining")
    assert np.array_equal(made, sides.cohort.frame["label"].to_numpy())


def test_a_run_without_a_teacher_says_so_in_its_settings_and_once(data: Path, tmp_path: Path):
    """Of hours and of several answers it has nothing to say, whatever its share."""
    for task, used in (("mortality", True), ("los_remaining", False), ("phenotyping", False)):
        asked = replace(TrainSettings.default(METHODS["mlp"]), teacher=TeacherSettings(0.3, 4))
        made, notes = teacher_of(asked, TASKS[task], ["epochs=3", "share = 0.3"])
        assert made == (asked if used else replace(asked, teacher=TeacherSettings(0.0, 4)))
        assert teacher_of(made, TASKS[task], ["share=0"]) == (made, [])
        assert len(notes) == (not used)
        assert teacher_of(asked, TASKS[task], ["epochs=3"]) == (made, []), "nobody asked for one"
    for setting, said in (("teacher.share=0.5", 1), ("loop.patience=3", 0)):  # asked for, though as by default; and not
        to = tmp_path / setting
        done = trained("mlp", data, to, STILL, "loop.epochs=1", setting, task="los_remaining")
        assert sum("teacher.share=0" in note for note in done.notes) == said
        assert files.read_json(to / "settings.json")["settings"]["teacher"]["share"] == 0


@pytest.mark.parametrize("side", [VAL, TEST])
def test_nobody_but_training_patients_has_a_part_in_it(data: Path, tmp_path: Path, side: str):
    """Other deaths and other values of a whole side; of the training side, as a control, they do move it."""
    sides, before = labels(data, 0.5)
    train = sides.members(TRAIN)
    for changed, same in ((side, True), (TRAIN, False)):
        stays = sides.cohort.frame["stay_id"][sides.members(changed)].to_list()
        theirs = pl.col("stay_id").is_in(stays)
        made = made_data()
        other = made.with_stays(
            died_in_hospital=pl.when(theirs).then(~pl.col("died_in_hospital")).otherwise("died_in_hospital")
        )
        value = pl.when(theirs).then(pl.col("value") * 2 + 1).otherwise("value")
        other = replace(other, events=other.events.with_columns(value=value.cast(pl.Float32)))
        _, after = labels(write_data(tmp_path / changed, other), 0.5)
        assert np.array_equal(before[train], after[train]) is same


def test_a_share_of_nothing_is_the_label_and_grows_no_tree(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(taught, "told_once", None)
    sides, made = labels(data, 0.0)
    assert np.array_equal(made, sides.cohort.frame["label"].to_numpy())


def test_a_teacher_is_asked_once(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another share, another method and a training that goes on read what it said; another seed asks it again."""
    asked, told = [], teacher.told
    monkeypatch.setattr(teacher, "told", lambda *given: (asked.append(given[3]), told(*given))[1])
    other = write_data(tmp_path / "data", made_data())
    first, second = (labels(other, share)[1] for share in (0.5, 0.5))
    assert first.tobytes() == second.tobytes()
    labels(other, 0.25)
    trained("mlp", other, tmp_path / "mlp", STILL, "teacher.share=0.5")
    trained("lstm", other, tmp_path / "lstm", STILL, "teacher.share=0.5")
    assert asked == [0]
    trained("mlp", other, tmp_path / "seed", STILL, "teacher.share=0.5", seed=1)
    assert asked == [0, 1]


def test_a_training_does_not_go_on_with_another_teacher(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The settings of its trees are in no run's settings; what they said is part of what a checkpoint belongs to."""

    def stopped(model, batches, validate, *rest, **others):
        def once(module):
            if next(calls) == 2:
                raise TrainingStopped("planted")
            return validate(module)

        return fit(model, batches, once, *rest, **others)

    def ask() -> list[str]:
        return trained("mlp", data, tmp_path / "run", "loop.epochs=3", "teacher.share=0.5").notes

    calls = count(1)
    with monkeypatch.context() as patch:
        patch.setattr(supervised, "fit", stopped)
        with pytest.raises(TrainingStopped):
            ask()
    with monkeypatch.context() as patch:
        patch.setattr(teacher, "TREES", replace(teacher.TREES, learning_rate=0.3))
        with pytest.raises(RunError, match="of a training with other settings"):
            ask()
    assert any("goes on after step" in note for note in ask())


def test_the_teacher_reads_the_modalities_of_the_student(data: Path, monkeypatch: pytest.MonkeyPatch):
    """And rows of the training side alone are told."""
    seen: list[int] = []

    def told_once(folder, train, patient, *rest):
        seen.append(train.values.shape[1])
        assert len(patient) == len(train.values) == len(train.label)
        return np.full(len(patient), 0.25)

    monkeypatch.setattr(taught, "told_once", told_once)
    labels(data, 0.5)
    sides, made = labels(data, 1.0, inputs=InputSettings(modalities=("lab",)))
    assert seen[1] < seen[0]
    assert np.array_equal(made[sides.members(TRAIN)], np.full(len(sides.members(TRAIN)), 0.25))


@pytest.mark.parametrize("method", ["mlp", "trajectory", "grud"])
def test_a_training_learns_from_them(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str):
    """A student that trusts a teacher who says that nearly everybody dies says more of it than one who does not."""
    monkeypatch.setattr(taught, "told_once", lambda folder, train, patient, *rest: np.full(len(patient), 0.99))
    said: list[float] = []
    for share in (0, 1):
        chosen = (f"teacher.share={share}", "loop.learning_rate=0.03", "loop.epochs=8")
        run = open_run(trained(method, data, tmp_path / f"{method}{share}", *chosen).folder)
        said.append(float(np.mean(answer(run, data, Question("val"), quiet=True).predictions.prediction)))
    assert said[1] > said[0] + 0.03


def test_the_start_and_the_validation_are_those_of_the_labels(data: Path, tmp_path: Path):
    """Nothing but the loss of training knows the teacher: training stops by what happened."""
    runs = [trained("mlp", data, tmp_path / str(share), STILL, f"teacher.share={share}").folder for share in (0, 1)]
    one, other = (files.read_json(run / "metrics.json")["metrics"] for run in runs)
    assert one == other
