"""Promise 6: what is fitted sees training patients only.

Whatever happens to a validation or test patient's rows (values, codes, times, outcomes; rows, stays and patients that
come or go), the hashes of vocabulary, normaliser, quantile edges, `elapsed` bins, class share and trained weights stay.
The threshold hangs on validation alone. 1,000 changes at scale 1.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from leak_detector import fits, moved_fits, row_fits
from small_runs import FIT
from timelines import EVENT, Timelines, random_events, random_stays, random_timelines, write_data
from wardround import files
from wardround.batches.content import ContentSettings
from wardround.batches.store import InputSettings
from wardround.methods.registry import FITTED
from wardround.settings import override
from wardround.tasks.cohort import Window
from wardround.tasks.splits import TEST, TRAIN, VAL, SplitPlan, split_stays
from wardround.tasks.task import TASKS
from wardround.train import supervised
from wardround.train.data import Sides
from wardround.train.plan import PretrainSettings
from wardround.train.pretrain import pretrain

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
CHANGES = max(30, round(1000 * SCALE))
WINDOW = Window(at_h=12.0)
AT_MIN = 720
MORTALITY = TASKS["mortality"]
SETTINGS = [InputSettings(), InputSettings(content=ContentSettings(running=False, hourly=()))]


def sides(timelines: Timelines) -> dict[str, list[int]]:
    """Stays of each side."""
    table = split_stays(timelines.stays.with_columns(start=pl.lit(None, pl.Datetime("us"))), SplitPlan())
    return {side: table.filter(split=side)["stay_id"].to_list() for side in (TRAIN, VAL, TEST)}


def base() -> Timelines:
    return random_timelines(6, 90, AT_MIN, per_stay=20, until=1500)


# The changes: each takes timelines, the stays of the side, and chance.

Change = Callable[[Timelines, list[int], np.random.Generator], Timelines]


def _some_events(timelines: Timelines, stays: list[int], rng: np.random.Generator) -> pl.Expr:
    """A random part of the events of a few stays."""
    few = rng.choice(stays, size=min(len(stays), int(rng.integers(3, 9))), replace=False).tolist()
    return pl.col("stay_id").is_in(few) & pl.Series(rng.random(timelines.events.height) < 0.7)


def other_values(timelines: Timelines, stays: list[int], rng: np.random.Generator) -> Timelines:
    there, size = _some_events(timelines, stays, rng), 10.0 ** rng.integers(-3, 30)
    value = pl.when(there).then(pl.lit(rng.normal() * size, pl.Float32)).otherwise("value")
    return replace(timelines, events=timelines.events.with_columns(value=value))


def other_codes(timelines: Timelines, stays: list[int], rng: np.random.Generator) -> Timelines:
    there, name = (
        _some_events(timelines, stays, rng),
        pl.col("modality").str.to_uppercase() + f"//{'abc'[rng.integers(3)]}|new",
    )
    return replace(timelines, events=timelines.events.with_columns(code=pl.when(there).then(name).otherwise("code")))


def other_times(timelines: Timelines, stays: list[int], rng: np.random.Generator) -> Timelines:
    there, shift = _some_events(timelines, stays, rng), float(rng.integers(-900, 900))
    moved = [pl.when(there).then(pl.col(name) + shift).otherwise(name).alias(name) for name in ("minute", "available")]
    return replace(timelines, events=timelines.events.with_columns(moved))


def more_events(timelines: Timelines, stays: list[int], rng: np.random.Generator) -> Timelines:
    new = random_events(int(rng.integers(10**6)), timelines.only(stays).stays, 60, AT_MIN)
    return replace(timelines, events=pl.concat([timelines.events, new.with_columns(pl.col("value").fill_nan(None))]))


def fewer_events(timelines: Timelines, stays: list[int], rng: np.random.Generator) -> Timelines:
    return replace(timelines, events=timelines.events.filter(~_some_events(timelines, stays, rng)))


def a_patient_less(timelines: Timelines, stays: list[int], rng: np.random.Generator) -> Timelines:
    gone = timelines.stays.filter(pl.col("stay_id") == rng.choice(stays))["subject_id"].implode()
    kept = timelines.stays.filter(~pl.col("subject_id").is_in(gone))
    return timelines.only(kept["stay_id"])


def patients_more(timelines: Timelines, stays: list[int], rng: np.random.Generator) -> Timelines:
    """New patients of the same side: their ids are drawn until the hash puts them there."""
    wanted = next(side for side, members in sides(timelines).items() if stays[0] in members)
    seed = int(rng.integers(10**6))
    new = random_stays(seed, 60, AT_MIN, first_id=100_000 + 1000 * (seed % 1000))
    events = random_events(seed, new, 30, AT_MIN).with_columns(
        pl.col("value").fill_nan(None), code=pl.col("code") + "|theirs"
    )
    theirs = Timelines(events, new)
    theirs = theirs.only(sides(theirs)[wanted])
    return Timelines(pl.concat([timelines.events, theirs.events]), pl.concat([timelines.stays, theirs.stays]))


def other_outcomes(timelines: Timelines, stays: list[int], rng: np.random.Generator) -> Timelines:
    there = pl.col("stay_id").is_in(stays) & pl.Series(rng.random(timelines.stays.height) < 0.6)
    end = pl.when(there).then(int(rng.integers(1, 9000))).otherwise("end")
    return timelines.with_stays(
        died_in_hospital=pl.when(there).then(~pl.col("died_in_hospital")).otherwise("died_in_hospital"),
        end=end,
        hospital_end=pl.when(there).then(end + int(rng.integers(0, 9000))).otherwise("hospital_end"),
        age=pl.when(there & (pl.col("stay_id") % 5 == 0)).then(12.0).otherwise("age"),
    )


CHANGES_OF_ROWS: list[Change] = [
    other_values, other_codes, other_times, more_events, fewer_events, a_patient_less, patients_more, other_outcomes,
]  # fmt: skip


@dataclass(frozen=True)
class World:
    folder: Path
    timelines: Timelines
    sides: dict[str, list[int]]
    fitted: list[dict[str, str]]
    rows: dict[str, str]

    def fitted_after(self, name: str, timelines: Timelines) -> list[dict[str, str]]:
        folder = write_data(self.folder / name, timelines)
        return [fits(folder, WINDOW, MORTALITY, settings) for settings in SETTINGS]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    torch.set_num_threads(1)
    folder, timelines = tmp_path_factory.mktemp("promise-6"), base()
    data = write_data(folder / "base", timelines)
    fitted = [fits(data, WINDOW, MORTALITY, settings) for settings in SETTINGS]
    return World(
        folder, timelines, sides(timelines), fitted, row_fits(data, folder / "base elapsed", WINDOW, MORTALITY)
    )


@pytest.mark.parametrize("change", CHANGES_OF_ROWS, ids=lambda change: change.__name__)
@pytest.mark.parametrize("side", [VAL, TEST])
def test_validation_and_test_rows_move_no_hash(world: World, tmp_path: Path, side: str, change: Change):
    times = -(-CHANGES // (2 * len(CHANGES_OF_ROWS)))
    for number in range(times):
        rng = np.random.default_rng([number, len(side), CHANGES_OF_ROWS.index(change)])
        other = change(world.timelines, world.sides[side], rng)
        assert not (other.events.equals(world.timelines.events) and other.stays.equals(world.timelines.stays))
        name = f"{side}-{change.__name__}-{number}"
        for before, after in zip(world.fitted, world.fitted_after(name, other), strict=True):
            assert moved_fits(before, after) == []
        if number == 0:
            rows = moved_fits(world.rows, row_fits(world.folder / name, tmp_path / "elapsed", WINDOW, MORTALITY))
            assert rows in ([], ["elapsed threshold moved"] if side == VAL else [])
    print(f"{side}, {change.__name__}: 0 hashes moved in {times} changes")


def test_training_rows_do_move_every_hash(world: World):
    """The control of the hashes: each change of training rows moves something, and every hash is moved by some
    change."""
    moved: Counter[str] = Counter()
    for number, change in enumerate(CHANGES_OF_ROWS):
        other = change(world.timelines, world.sides[TRAIN], np.random.default_rng([number]))
        found = moved_fits(world.fitted[0], world.fitted_after(f"train-{number}", other)[0])
        assert found, change.__name__
        moved.update(found)
    labels = {"training labels moved", "taught labels moved"}
    assert set(moved) == {"vocabulary moved", "normaliser moved", "quantile edges moved"} | labels


def test_the_threshold_hangs_on_validation(world: World, tmp_path: Path):
    """Other deaths among validation patients move it, and nothing else; other deaths among test patients do not."""
    for side, expected in ((VAL, ["elapsed threshold moved"]), (TEST, [])):
        there = pl.col("stay_id").is_in(world.sides[side])
        dead = world.timelines.with_stays(
            died_in_hospital=pl.when(there).then(~pl.col("died_in_hospital")).otherwise("died_in_hospital")
        )
        folder = write_data(tmp_path / side, dead)
        assert moved_fits(world.rows, row_fits(folder, tmp_path / f"{side} elapsed", WINDOW, MORTALITY)) == expected


QUICK = ["epochs=2", "encoder.hidden=8", "embed=4", "encoder.kind=quantile", "precision=fp32"]
QUICK_GRID = ["epochs=2", "model.hidden=8", "precision=fp32"]
FITTED_FILES = ("weights.safetensors", "fitted.json", "metrics.json", "history.parquet")
"""Not `diagnostics.json`: how evenly the strata lie on the sides is a sentence about everybody."""


def digests(run: Path) -> dict[str, str]:
    """SHA-256 of all that a finished run has learned or fitted."""
    names = [
        *FITTED_FILES,
        *(str(path.relative_to(run)) for part in ("vocabulary", "normaliser") for path in (run / part).iterdir()),
    ]
    return {name: files.sha256(run / name) for name in sorted(names)}


def pretrain_quickly(data: Path, to: Path) -> None:
    settings = override(PretrainSettings(), QUICK)
    pretrain(data, to, WINDOW, SplitPlan(), settings, quiet=True)


TRAININGS: dict[str, Callable[[Path, Path], object]] = {
    "pretrain alignment": pretrain_quickly,
    **{
        f"train {method}": lambda data, to, method=method, quick=quick: supervised.train(
            method, data, "mortality", to, WINDOW, SplitPlan(), assignments=quick, quiet=True
        )
        for method, quick in (("mlp", QUICK), ("lstm", QUICK), ("trajectory", QUICK), ("grud", QUICK_GRID))
    },
    **{
        f"train {method}": lambda data, to, method=method: supervised.train(
            method, data, "mortality", to, WINDOW, SplitPlan(), assignments=FIT[method], quiet=True
        )
        for method in FITTED
    },
}


@pytest.mark.parametrize("training", TRAININGS)
def test_trained_weights_and_all_beside_them_do_not_see_test_patients(world: World, tmp_path: Path, training: str):
    rng = np.random.default_rng(11)
    other = world.timelines
    for change in (other_values, other_codes, more_events, patients_more, other_outcomes):
        other = change(other, world.sides[TEST], rng)
    TRAININGS[training](world.folder / "base", tmp_path / "one")
    TRAININGS[training](write_data(tmp_path / "data", other), tmp_path / "other")
    assert digests(tmp_path / "one") == digests(tmp_path / "other")


def test_weights_do_not_see_validation_labels_until_they_choose_the_epoch(world: World, tmp_path: Path):
    """One epoch leaves nothing to choose: other validation deaths move the threshold and the reported numbers, not the
    weights."""
    there = pl.col("stay_id").is_in(world.sides[VAL])
    dead = world.timelines.with_stays(
        died_in_hospital=pl.when(there).then(~pl.col("died_in_hospital")).otherwise("died_in_hospital")
    )
    runs = []
    for name, timelines in (("one", world.timelines), ("other", dead)):
        data = write_data(tmp_path / f"{name} data", timelines)
        quick = [*QUICK, "epochs=1"]
        supervised.train("mlp", data, "mortality", tmp_path / name, WINDOW, SplitPlan(), assignments=quick, quiet=True)
        runs.append(digests(tmp_path / name))
    moved = {name for name in runs[0] if runs[0][name] != runs[1][name]}
    assert moved <= {"fitted.json", "metrics.json", "history.parquet"}
    assert {"fitted.json", "metrics.json"} <= moved


@pytest.mark.parametrize("method", FITTED)
def test_what_is_fitted_whole_does_not_see_validation_patients_until_they_choose(
    world: World, tmp_path: Path, method: str
):
    """One round, or one penalty, leaves nothing to choose: other validation rows and deaths move no weight."""
    rng = np.random.default_rng(12)
    other = world.timelines
    for change in (other_values, other_codes, more_events, patients_more, other_outcomes):
        other = change(other, world.sides[VAL], rng)
    chosen = {"boosting": ["rounds=1", "min_leaf_stays=5"], "logistic": ["penalties=1"]}[method]
    runs = []
    for name, timelines in (("one", world.timelines), ("other", other)):
        data = write_data(tmp_path / f"{name} data", timelines)
        supervised.train(method, data, "mortality", tmp_path / name, WINDOW, SplitPlan(), None, chosen, quiet=True)
        runs.append(digests(tmp_path / name))
    moved = {name for name in runs[0] if runs[0][name] != runs[1][name]}
    assert {"metrics.json", "history.parquet"} <= moved <= {"fitted.json", "metrics.json", "history.parquet"}


def test_control_a_fit_on_all_sides_is_caught(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Sides, "part", lambda self, side: self.cohort)
    before = fits(world.folder / "base", WINDOW, MORTALITY, SETTINGS[0])
    other = patients_more(world.timelines, world.sides[TEST], np.random.default_rng(1))
    folder = write_data(world.folder / "leaky", other)
    assert {"vocabulary moved", "normaliser moved"} <= set(
        moved_fits(before, fits(folder, WINDOW, MORTALITY, SETTINGS[0]))
    )


def test_the_stays_of_the_sides_are_enough_to_tell(world: World):
    assert min(len(world.sides[side]) for side in (VAL, TEST)) >= 8
    assert set(EVENT) == set(world.timelines.events.columns)
