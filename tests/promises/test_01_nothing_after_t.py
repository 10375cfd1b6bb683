"""Promise 1: nothing after t moves anything at t, in the causal protocol, for every task x method x encoder.

All that is available by t is kept; what comes later is inserted, deleted, re-timed, re-valued and re-coded: discharge,
death and the late charting of early draws included. At scale 1 a pair of task and method sees 200 stays in each of its
30 variants (running or own content, with and without hourly bins, with the odds of APACHE IV; three encoders, random or
aligned and frozen).
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import cycle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from leak_detector import (
    View,
    fits,
    fitted_featuriser,
    grid_of,
    left_already,
    model_inputs,
    moved,
    moved_beliefs,
    moved_fits,
    predictions,
    sequence_of,
    unlike_prefix,
    view,
)
from timelines import (
    Drawn,
    Timelines,
    available_after,
    available_by,
    other_future,
    random_timelines,
    small_timelines,
    with_billed_diagnoses,
    with_physiology,
    write_data,
)
from untrained import aligned_embedder, fitted_whole, output, random_embedder, untrained, variants
from wardround.batches.content import ContentSettings
from wardround.batches.static import static_batch
from wardround.batches.store import InputSettings
from wardround.concepts.apache_iv import LOGIT_CODE
from wardround.events import INPUT_MODALITIES
from wardround.methods.registry import FITTED, METHODS
from wardround.tasks.cohort import Window
from wardround.tasks.task import TASKS
from wardround.testing.leaks import differing, label_dependence, later_events, later_hours
from wardround.train.predict import predict_table

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
CASES = max(10, round(200 * SCALE))
"""Stays compared in each variant of a pair."""

ANOTHER_SHAPE = {"binary": 1e-6, "hours": 3e-6}
"""How far apart 999 of 1,000 may be at another shape: a probability, or relative in log(1 + hours), which has steps of
2.4e-7 at 3."""

NEVER = 1e-5
"""How far none may be."""

NO_BINS: tuple[str, ...] = ()
CONTENTS = {
    "running, hourly bins": (24.0, InputSettings()),
    "running, no bins": (12.0, InputSettings(content=ContentSettings(hourly=NO_BINS))),
    "own items, hourly bins": (6.5, InputSettings(content=ContentSettings(running=False))),
    "own items, no bins": (48.0, InputSettings(content=ContentSettings(running=False, hourly=NO_BINS))),
    "with severity": (18.0, InputSettings(modalities=INPUT_MODALITIES)),
}
"""Content -> prediction hour and settings: the hours differ so that bins, APS at 24 h and half hours are met; the odds
of APACHE IV are computed anew at many times before and after 18 h."""

SEVERAL = ("mortality", "los_remaining", "phenotyping")
"""With every method: a task of each kind, one of them falling. The others differ in their labels alone, and have a
method each. The task that is asked at discharge has a file of its own, `test_01_nothing_after_discharge.py`."""
AT_AN_HOUR = [name for name, task in TASKS.items() if not task.next_visit]


ON_EVERY_CHANGE = ("running, hourly bins", "with severity")
"""With mortality a pair is asked with every content on every change; with another task with these, and at scale 1 with
all."""


def pairs(methods: Iterable[str]) -> list[tuple[str, str]]:
    """Every task and every method, and every method with every kind of task."""
    others = [task for task in AT_AN_HOUR if task not in SEVERAL]
    return [(task, method) for task in SEVERAL for method in methods] + list(zip(others, cycle(methods)))


def triples(methods: Iterable[str]) -> list[tuple[str, str, str]]:
    """Every pair with its contents."""
    return [
        (task, method, content)
        for task, method in pairs(methods)
        for content in CONTENTS
        if SCALE >= 1 or task == "mortality" or content in ON_EVERY_CHANGE
    ]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Worlds:
    """Training timelines, and the two futures of others, on disk; views, featurisers and embedders made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        train = with_billed_diagnoses(with_physiology(random_timelines(100, 150), 100), 100)
        self.train = write_data(folder / "train", train)
        self.featuriser = cache(self._featuriser)
        self.futures = cache(self._futures)
        self.view = cache(self._view)
        self.embedder = cache(self._embedder)

    def _featuriser(self, content: str):
        at_h, given_ = CONTENTS[content]
        return fitted_featuriser(self.train, Window(at_h=max(24.0, at_h)), given_)  # APS is a feature

    def _futures(self, at_h: float) -> tuple[Path, Path]:
        at_min = round(at_h * 60)
        one = with_physiology(random_timelines(at_min, round(1.7 * CASES) + 5, at_min), at_min, at_min)
        other = other_future(one, at_min, seed=at_min + 1)
        one, other = (with_billed_diagnoses(future, seed) for seed, future in enumerate((one, other)))
        folders = self.folder / f"one-{at_min}", self.folder / f"other-{at_min}"
        return write_data(folders[0], one), write_data(folders[1], other, shards=2)

    def _view(self, content: str, task: str, which: int) -> View:
        at_h, _ = CONTENTS[content]
        return view(self.futures(at_h)[which], Window(at_h=at_h), TASKS[task], self.featuriser(content))

    def _embedder(self, content: str, kind: str, aligned: bool):
        at_h, _ = CONTENTS[content]
        seen = view(self.train, Window(at_h=at_h), TASKS["mortality"], self.featuriser(content))
        return (aligned_embedder if aligned else random_embedder)(
            seen.data and self.featuriser(content), seen.state, kind
        )


@pytest.fixture(scope="module")
def worlds(tmp_path_factory) -> Worlds:
    return Worlds(tmp_path_factory.mktemp("promise-1"))


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("task", AT_AN_HOUR)
def test_another_future_gives_the_same_cohort_and_the_same_bytes(worlds: Worlds, task: str, content: str):
    before, after = (worlds.view(content, task, which) for which in (0, 1))
    assert moved(before, after) == []
    assert left_already(before) == left_already(after) == []
    assert before.cohort.frame.height >= CASES
    labels = [seen.cohort.frame["label"] for seen in (before, after)]
    assert not labels[0].equals(labels[1]), "the futures must differ in the outcome"
    cut = before.data.window.at_h * 60
    for seen in (before, after):
        later = seen.data.lines.minute > cut
        assert later.mean() > 0.2, "there must be a future"


def test_the_odds_of_the_severity_modality_move_with_time(worlds: Worlds):
    """There is something to leak: most stays have odds by 18 h, and others after it."""
    seen = worlds.view("with severity", "mortality", 0)
    assert "severity" in seen.events.modalities
    lines, cut = seen.data.lines, seen.data.window.at_h * 60
    logit = lines.code == lines.codes.index(LOGIT_CODE)
    assert (lines.minute[logit] > cut).mean() > 0.2
    known = ~np.isnan(seen.state.published_last)
    assert 0.5 < known.mean() < 1
    assert len(np.unique(seen.events.published)) > 1.25 * known.sum(), "they do not move within a stay"


@pytest.mark.parametrize(("task", "method", "content"), triples(METHODS))
def test_another_future_gives_the_same_beliefs(worlds: Worlds, task: str, method: str, content: str):
    before, after = (worlds.view(content, task, which) for which in (0, 1))
    compared, apart, members = 0, [], np.arange(min(24, before.cohort.frame.height))
    for kind, aligned in variants():
        embedder = worlds.embedder(content, kind, aligned)
        model = untrained(method, TASKS[task], embedder, kind, frozen=aligned, seed=list(TASKS).index(task))
        assert moved_beliefs(before, after, model) == []
        compared += before.cohort.frame.height
        apart += _apart_at_another_shape(before, after, model)
        if METHODS[method].shape == "sequence":
            batch = sequence_of(after, members, model)
            assert later_events(model, batch, seed=compared) == []
        elif METHODS[method].shape == "grid":
            batch = grid_of(after, members)
            assert later_hours(model, batch, seed=compared) == []
        else:
            batch = static_batch(after.state, after.subject, np.zeros(len(after.subject)), members)
        assert label_dependence(model, batch) == []
    usual, largest = np.quantile(np.concatenate([one.ravel() for one in apart]), (0.999, 1))
    bound = f"95 % bound {3 / compared:.1e}"
    print(f"{task} x {method}, {content}: 0 of {compared} moved ({bound}); {largest:.1e} at another shape")
    assert usual <= ANOTHER_SHAPE[TASKS[task].kind]
    assert largest <= NEVER


@pytest.mark.parametrize(("task", "method", "content"), triples(FITTED))
def test_another_future_gives_the_same_prediction_of_what_is_fitted_whole(
    worlds: Worlds, task: str, method: str, content: str
):
    """To the bit, in any order and alone."""
    before, after = (worlds.view(content, task, which) for which in (0, 1))
    model = fitted_whole(method, before)
    one, other = (predict_table(model, seen.table).prediction for seen in (before, after))
    assert one.tobytes() == other.tobytes()
    assert np.ptp(one) > 0.01, "the answers must differ"
    assert (_said_of(model, after.table, slice(None, None, -2)) == one[::-2]).all()
    assert (_said_of(model, after.table, slice(3, 4)) == one[3:4]).all()


def _said_of(model, table, places: slice) -> np.ndarray:
    part = {name: getattr(table, name)[places] for name in ("values", "observed", "passed_h")}
    return predict_table(model, replace(table, **part)).prediction


def _apart_at_another_shape(before: View, after: View, model) -> list[np.ndarray]:
    """The same stays in half-sized batches, and one alone: other batch mates and padding. How far apart, on the model's
    scale."""
    task, at_h, n = before.task, before.data.window.at_h, before.cohort.frame.height
    whole, compared = predictions(before, model), []
    assert np.ptp(whole.prediction) > 0.01, "the answers must differ"
    for members in (np.arange(n)[::-2], np.asarray([n // 2])):
        part = predictions(after, model, members)
        compared.append((output(task, part.prediction, at_h), output(task, whole.prediction[members], at_h)))
        if len(whole.belief):
            beliefs = np.concatenate([whole.belief[whole.belief_stay == member] for member in members])
            compared.append((output(task, part.belief), output(task, beliefs)))
    return [np.abs(one - other) / np.maximum(1, np.abs(one)) for one, other in compared]


@pytest.mark.parametrize("content", CONTENTS)
def test_an_earlier_hour_sees_the_beginning_of_the_same_line(worlds: Worlds, content: str):
    at_h, _ = CONTENTS[content]
    later = worlds.view(content, "mortality", 0)
    for earlier_h in (at_h / 2, at_h - 0.25):
        folder = worlds.futures(at_h)[0]
        earlier = view(folder, Window(at_h=earlier_h), TASKS["mortality"], worlds.featuriser(content))
        assert unlike_prefix(earlier, later) == []


def test_what_is_fitted_on_training_stays_does_not_know_their_future(worlds: Worlds):
    for at_h, given_ in CONTENTS.values():
        one, other = (fits(folder, Window(at_h=at_h), TASKS["mortality"], given_) for folder in worlds.futures(at_h))
        assert moved_fits(one, other) == ["taught labels moved", "training labels moved"]


@given(known=small_timelines(), future=small_timelines())
@settings(
    max_examples=max(15, round(200 * SCALE)),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_small_timelines_by_hypothesis(worlds: Worlds, tmp_path_factory, known: Drawn, future: Drawn):
    """Two hours in: what is available later comes from elsewhere."""
    one = known.timelines()
    shared = available_by(one, 120)
    later = available_after(future.timelines(), 120).only(one.stays["stay_id"])
    other = Timelines(pl.concat([later.events, shared.events]), one.stays)
    folder = tmp_path_factory.mktemp("small")
    seen = [
        view(
            write_data(folder / name, timelines),
            Window(at_h=2),
            TASKS["mortality"],
            worlds.featuriser("running, hourly bins"),
        )
        for name, timelines in (("one", one), ("other", other))
    ]
    assert moved(*seen) == []


# Negative controls: the detectors see what they are meant to see, on the unchanged product, once the past moves.


def test_control_another_past_moves_the_inputs(worlds: Worlds, tmp_path: Path):
    content, at_min = "running, hourly bins", 1440
    one = random_timelines(at_min, 30, at_min)
    last = pl.col("available") <= at_min
    past = one.events.with_columns(
        value=pl.when(last & (pl.col("modality") == "lab")).then(pl.col("value") + 100).otherwise("value")
    )
    seen = [
        view(write_data(tmp_path / name, timelines), Window(), TASKS["mortality"], worlds.featuriser(content))
        for name, timelines in (("one", one), ("other", Timelines(past, one.stays)))
    ]
    findings = moved(*seen)
    assert any(finding.startswith("static lab") for finding in findings)
    assert any(finding.startswith("events lab") for finding in findings)
    assert any(finding.startswith("grid values") for finding in findings)
    assert any(finding.startswith("table:") for finding in findings)
    embedder = worlds.embedder(content, "tabular", False)
    for method in METHODS:
        assert moved_beliefs(*seen, untrained(method, TASKS["mortality"], embedder, "tabular"))
    moving = (np.nan_to_num(seen[0].table.values) != np.nan_to_num(seen[1].table.values)).any(axis=0)
    told = np.nan_to_num(seen[0].table.values[:, moving]).sum(axis=1)
    for method in FITTED:
        model = fitted_whole(method, seen[0], (told > np.median(told)).astype(np.float64))
        one, other = (predict_table(model, each.table).prediction for each in seen)
        assert (one != other).any()


def test_control_the_paper_protocol_over_the_whole_stay_moves(worlds: Worlds):
    seen = [
        view(folder, Window("paper", None), TASKS["mortality"], worlds.featuriser("running, hourly bins"))
        for folder in worlds.futures(24.0)
    ]
    assert moved(*seen)
    both = np.intersect1d(*(one.cohort.frame["stay_id"].to_numpy() for one in seen))
    one, other = (model_inputs(each, each.places(both)) for each in seen)
    assert len(differing(one, other)) > 5


def test_control_a_belief_hangs_on_what_came_before(worlds: Worlds):
    content = "running, hourly bins"
    seen = worlds.view(content, "mortality", 0)
    embedder = worlds.embedder(content, "tabular", False)
    model = untrained("trajectory", TASKS["mortality"], embedder, "tabular")
    batch = sequence_of(seen, np.arange(8), model)
    rows = {name: values.clone().requires_grad_() for name, values in batch.rows.items()}
    batch.rows.update(rows)
    made = model.beliefs(batch)[0]
    last = (batch.lengths - 1).clamp(min=0)
    made.gather(1, last[:, None]).sum().backward()
    pulled = torch.cat([values.grad.abs().sum(dim=1) for values in rows.values() if values.grad is not None])
    assert (pulled > 0).float().mean() > 0.9
