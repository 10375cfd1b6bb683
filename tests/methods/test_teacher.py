"""What trees say of stays that they never saw, and how it is mixed with the labels."""

import weakref

import numpy as np
import pytest

from wardround.errors import UsageError
from wardround.methods import teacher
from wardround.methods.table_model import LabelledRows
from wardround.methods.teacher import TeacherSettings, mixed, told
from wardround.stopping import Stopped, StopRequest


def drawn(stays: int, seed: int, signal: float = 2.0) -> LabelledRows:
    """One column tells the risk, three tell nothing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(stays, 4)).astype(np.float32)
    risk = 1 / (1 + np.exp(-signal * values[:, 0]))
    return LabelledRows(values, (rng.random(stays) < risk).astype(np.float64))


TRAIN = drawn(600, 1)
EACH_ITS_OWN = np.arange(600)


def test_it_says_how_likely_the_outcome_was():
    said = told(TRAIN, EACH_ITS_OWN, folds=3, seed=0)
    assert ((said > 0) & (said < 1)).all()
    likely, unlikely = (TRAIN.values[:, 0] > 1), (TRAIN.values[:, 0] < -1)
    assert said[likely].mean() > 0.75
    assert said[unlikely].mean() < 0.25


def test_a_stay_never_moves_what_is_said_of_its_own_patient():
    """Two stays a patient: with the labels of one patient turned round, nothing that is said of it changes; something
    that is said of others does."""
    patient = np.repeat(np.arange(300), 2)
    before = told(TRAIN, patient, folds=3, seed=0)
    for one in (0, 17, 299):
        turned = np.where(patient == one, 1 - TRAIN.label, TRAIN.label)
        after = told(LabelledRows(TRAIN.values, turned), patient, folds=3, seed=0)
        assert np.array_equal(before[patient == one], after[patient == one])
        assert not np.array_equal(before, after)


def test_noise_is_not_handed_back():
    """Labels that nothing tells: what is said does not know them. Trees that had seen them would."""
    noise = LabelledRows(TRAIN.values, np.random.default_rng(3).integers(0, 2, 600).astype(np.float64))
    said = told(noise, EACH_ITS_OWN, folds=5, seed=0)
    assert abs(np.corrcoef(said, noise.label)[0, 1]) < 0.15


def test_the_same_seed_says_the_same():
    one, same, other = (told(TRAIN, EACH_ITS_OWN, folds=3, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_where_the_others_are_too_few_to_split_the_label_stays():
    few = LabelledRows(TRAIN.values[:60], TRAIN.label[:60])
    assert np.array_equal(told(few, np.arange(60), folds=5, seed=0), few.label)
    assert np.array_equal(told(few, np.zeros(60, np.int64), folds=5, seed=0), few.label)


def test_all_others_grow_the_trees_that_a_part_of_them_has_counted():
    """What is said of a fold hangs on every other fold: on the one that counts the trees too."""
    fold_of = {}
    before = told(TRAIN, EACH_ITS_OWN, folds=3, seed=0)
    lot = np.random.default_rng(0).permutation(600) % 3
    for part in range(3):
        turned = np.where(lot == part, 1 - TRAIN.label, TRAIN.label)
        after = told(LabelledRows(TRAIN.values, turned), EACH_ITS_OWN, folds=3, seed=0)
        fold_of[part] = {other for other in range(3) if not np.array_equal(before[lot == other], after[lot == other])}
    assert fold_of == {0: {1, 2}, 1: {0, 2}, 2: {0, 1}}


def test_mixed_by_hand():
    """A quarter of the way from 1 to 0.6."""
    assert mixed(np.ones(1), np.full(1, 0.6), 0.25)[0] == pytest.approx(0.9)
    assert np.array_equal(mixed(TRAIN.label, np.full(600, 0.3), 0.0), TRAIN.label)


def test_the_rows_of_one_fit_are_gone_before_the_next(monkeypatch: pytest.MonkeyPatch):
    """What is in memory beside the table: never both what counts the trees and what is grown in the end."""
    held: list[weakref.ref[np.ndarray]] = []
    most = []
    part = teacher._part

    def counted(rows: LabelledRows, places: np.ndarray) -> LabelledRows:
        made = part(rows, places)
        held.append(weakref.ref(made.values))
        most.append(sum(len(one()) for one in held if one() is not None))
        return made

    monkeypatch.setattr(teacher, "_part", counted)
    told(TRAIN, EACH_ITS_OWN, folds=3, seed=0)
    assert most == [200, 400, 400] * 3


@pytest.mark.parametrize("asked_at", [0, 2])
def test_a_stop_is_heard_before_each_fold(monkeypatch: pytest.MonkeyPatch, asked_at: int):
    stop, grown = StopRequest(), []
    stop.made = asked_at == 0

    def grow(*_: object) -> None:
        grown.append(1)
        stop.made = len(grown) == asked_at

    monkeypatch.setattr(teacher, "_grown", grow)
    with pytest.raises(Stopped, match="Run the same command again"):
        told(TRAIN, EACH_ITS_OWN, 5, 0, True, stop)
    assert len(grown) == asked_at


@pytest.mark.parametrize("wrong", [{"share": -0.1}, {"share": 1.1}, {"folds": 2}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]):
    name, value = next(iter(wrong.items()))
    with pytest.raises(UsageError, match=rf"^{name} must be .*, got {value}$"):
        TeacherSettings(**wrong)  # type: ignore[arg-type]
