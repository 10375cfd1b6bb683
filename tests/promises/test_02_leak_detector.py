"""Promise 2: the leak detector detects. Every planted leak is caught by the detector that promises 1, 3, 5, 6 use;
without one, none finds anything."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from planted_leaks import LEAKS, Leak

from leak_detector import (
    Findings,
    View,
    accepts_leaky_encoders,
    fits,
    fitted_featuriser,
    forget,
    left_already,
    moved,
    moved_beliefs,
    moved_fits,
    on_two_sides,
    row_fits,
    sequence_of,
    unlike_prefix,
    unlike_twins,
    view,
)
from timelines import APART, Timelines, joined, other_future, random_timelines, twin_of, with_physiology, write_data
from untrained import random_embedder, untrained
from wardround.batches.static import static_batch
from wardround.batches.store import Featuriser, InputSettings
from wardround.events import INPUT_MODALITIES
from wardround.tasks.cohort import Window
from wardround.tasks.splits import TEST, VAL, SplitPlan, split_stays
from wardround.tasks.task import TASKS
from wardround.testing.leaks import label_dependence, later_events

AT_H = 12.0
AT_MIN = round(AT_H * 60)
MORTALITY = TASKS["mortality"]
EVERYTHING = InputSettings(modalities=INPUT_MODALITIES)

LABELS_MOVED = ("training labels moved", "taught labels moved")


def with_other_rows(timelines: Timelines, side: str) -> Timelines:
    """Other values, codes and outcomes in the rows of one side."""
    stays = _stays(timelines)
    changed = split_stays(stays, SplitPlan()).filter(split=side)["stay_id"].implode()
    there = pl.col("stay_id").is_in(changed)
    events = timelines.events.with_columns(
        value=pl.when(there).then(pl.col("value") * 3 + 7).otherwise("value"),
        code=pl.when(there & pl.col("value").is_null()).then(pl.col("code") + "|only there").otherwise("code"),
    )
    died = pl.when(there).then(~pl.col("died_in_hospital")).otherwise("died_in_hospital")
    return Timelines(events, timelines.stays).with_stays(died_in_hospital=died)


def _stays(timelines: Timelines) -> pl.DataFrame:
    start = pl.lit(None, pl.Datetime("us"))
    return timelines.stays.with_columns(start=start)


@dataclass(frozen=True)
class World:
    """Folders to look at the product with."""

    folder: Path
    featuriser: Featuriser

    def seen(self, name: str, at_h: float = AT_H) -> View:
        """A folder through the product as it is now, nothing cached."""
        forget(self.folder / name)
        return view(self.folder / name, Window(at_h=at_h), MORTALITY, self.featuriser)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("promise-2")
    one = with_physiology(random_timelines(2, 60, AT_MIN, per_stay=40, until=1800), 2, AT_MIN)
    write_data(folder / "one", one)
    write_data(folder / "other", other_future(one, AT_MIN, 5), shards=2)
    write_data(folder / "shuffled", one, shuffle=3)
    write_data(folder / "twins", joined([one, twin_of(one, AT_MIN, 6)]))
    write_data(folder / "other val", with_other_rows(one, VAL))
    write_data(folder / "other test", with_other_rows(one, TEST))
    train = with_physiology(random_timelines(1, 80, AT_MIN, first_id=500), 1, AT_MIN)
    write_data(folder / "train", train)
    torch.set_num_threads(1)
    return World(folder, fitted_featuriser(folder / "train", Window(), EVERYTHING))


class Detectors:
    """Each detector by name, on a world."""

    def __init__(self, world: World, scratch: Path) -> None:
        self.world, self.scratch = world, scratch

    def moved(self) -> Findings:
        return moved(self.world.seen("one"), self.world.seen("other"))

    def moved_beliefs(self) -> Findings:
        before, after = self.world.seen("one"), self.world.seen("other")
        embedder = random_embedder(self.world.featuriser, before.state, "set")
        models = [untrained(method, MORTALITY, embedder, "set") for method in ("mlp", "trajectory")]
        return [finding for model in models for finding in moved_beliefs(before, after, model)]

    def moved_by_row_order(self) -> Findings:
        return moved(self.world.seen("one"), self.world.seen("shuffled"))

    def unlike_prefix(self) -> Findings:
        later = self.world.seen("one")
        return [
            finding
            for hour in (2.5, 5.75, 8.25, 11.5)
            for finding in unlike_prefix(self.world.seen("one", hour), later)
        ]

    def left_already(self) -> Findings:
        return left_already(self.world.seen("one"))

    def later_events(self) -> Findings:
        seen = self.world.seen("one")
        embedder = random_embedder(self.world.featuriser, seen.state, "tabular")
        model = untrained("trajectory", MORTALITY, embedder, "tabular")
        return later_events(model, sequence_of(seen, np.arange(16), model))

    def label_dependence(self) -> Findings:
        seen, n = self.world.seen("one"), 16
        embedder = random_embedder(self.world.featuriser, seen.state, "tabular")
        batch = static_batch(seen.state, seen.subject, np.zeros(seen.cohort.frame.height), np.arange(n))
        found = label_dependence(untrained("mlp", MORTALITY, embedder, "tabular"), batch)
        model = untrained("trajectory", MORTALITY, embedder, "tabular")
        return found + label_dependence(model, sequence_of(seen, np.arange(n), model))

    def unlike_twins(self) -> Findings:
        pairs = [(stay, stay + APART) for stay in self.world.seen("one").data.stays["stay_id"]]
        return unlike_twins(self.world.seen("twins"), pairs)

    def moved_fits(self) -> Findings:
        return [f for other in ("other val", "other test") for f in moved_fits(self._fits("one"), self._fits(other))]

    def fits_moved_by_the_future(self) -> Findings:
        found = moved_fits(self._fits("one"), self._fits("other"))
        return [finding for finding in found if finding not in LABELS_MOVED]

    def _fits(self, name: str) -> dict[str, str]:
        forget(self.world.folder / name)
        return fits(self.world.folder / name, Window(at_h=AT_H), MORTALITY, EVERYTHING)

    def moved_rows(self) -> Findings:
        """`train elapsed` from end to end: test rows move nothing, validation rows the threshold alone."""
        one, val, test = (self._rows(name) for name in ("one", "other val", "other test"))
        found = moved_fits(one, val)
        return moved_fits(one, test) + [finding for finding in found if finding != "elapsed threshold moved"]

    def _rows(self, name: str) -> dict[str, str]:
        to = self.scratch / f"{name}-{len(list(self.scratch.iterdir()))}"
        return row_fits(self.world.folder / name, to, Window(at_h=AT_H), MORTALITY)

    def on_two_sides(self) -> Findings:
        return on_two_sides(self.world.seen("one").data.stays, SplitPlan())

    def accepts_leaky_encoders(self) -> Findings:
        return accepts_leaky_encoders(self.world.seen("one").data.stays)


NAMES = [name for name, method in vars(Detectors).items() if callable(method) and not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_the_product_as_it_is_passes(world: World, tmp_path: Path, name: str):
    assert getattr(Detectors(world, tmp_path), name)() == []


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.name)
def test_every_planted_leak_is_caught(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leak: Leak):
    leak.plant(monkeypatch)
    findings = getattr(Detectors(world, tmp_path), leak.detector)()
    assert findings, f"{leak.name} went unseen by {leak.detector}"
    print(f"{leak.name:66s} {leak.detector:26s} {findings[0]}")


def test_the_power_table_has_at_least_24_leaks_and_uses_every_detector():
    assert len({leak.name for leak in LEAKS}) == len(LEAKS) >= 24
    assert {leak.detector for leak in LEAKS} | {"moved_beliefs"} == set(NAMES)
