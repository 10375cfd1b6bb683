"""Promise 1 of a task that is asked at discharge: nothing that becomes known after it, and nothing of later hospital
stays of the patient, moves anything at it. What is billed at discharge counts."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from leak_detector import View, fitted_featuriser, model_inputs, predictions, view
from timelines import Timelines, random_events, random_timelines, with_billed_diagnoses, write_data
from untrained import fitted_whole, random_embedder, untrained
from wardround.batches.store import Featuriser, InputSettings
from wardround.tasks import cohort
from wardround.tasks.cohort import Window
from wardround.tasks.task import TASKS
from wardround.testing.leaks import differing
from wardround.train.data import open_data
from wardround.train.predict import predict_table

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
STAYS = max(120, round(1500 * SCALE))
TASK = TASKS["next_visit_phenotyping"]
MADE = InputSettings()


@dataclass(frozen=True)
class Visits:
    """First hospital stays of patients, with two futures each."""

    folders: tuple[Path, Path]
    featuriser: Featuriser
    first: frozenset[int]

    def seen(self, which: int) -> tuple[View, np.ndarray]:
        """A view, and the places of the first hospital stays in its cohort."""
        made = view(self.folders[which], Window(), TASK, self.featuriser)
        return made, np.flatnonzero([stay in self.first for stay in made.cohort.frame["stay_id"]])


def another_future(timelines: Timelines, seed: int) -> Timelines:
    """Of the first hospital stay of each patient what is known by discharge, to the minute; other events after it, and
    other later hospital stays, half of them gone."""
    first = pl.col("nth") == 0
    over = timelines.stays.select("stay_id", discharge="hospital_end", first=first)
    events = timelines.events.join(over, on="stay_id")
    known = events.filter("first", pl.col("available") <= pl.col("discharge")).select(timelines.events.columns)
    kept = timelines.stays.filter(first | (pl.col("stay_id") % 2 == 0))
    other = random_events(seed, kept, 8).join(over, on="stay_id")
    late = pl.when("first").then(pl.col("discharge") + 1 + pl.col("available").abs()).otherwise("available")
    other = other.with_columns(available=late).select(timelines.events.columns)
    stays = kept.with_columns(
        hospital_end=pl.when(first).then("hospital_end").otherwise(pl.col("hospital_end") + 500),
        died_in_hospital=pl.when(first).then("died_in_hospital").otherwise(pl.col("stay_id") % 3 == 0),
    )
    other = other.with_columns(pl.col("value").fill_nan(None).cast(pl.Float32))
    billed = with_billed_diagnoses(Timelines(other.clear(), stays.filter(~first)), seed).events
    return Timelines(pl.concat([known, other, billed]), stays)


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Visits:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("visits")
    one = with_billed_diagnoses(random_timelines(8, STAYS), 8)
    folders = write_data(folder / "one", one), write_data(folder / "other", another_future(one, 9), shards=2)
    train = write_data(folder / "train", with_billed_diagnoses(random_timelines(7, 150), 7))
    first = frozenset(one.stays.filter(pl.col("nth") == 0)["stay_id"].to_list())
    return Visits(folders, fitted_featuriser(train, Window("paper", None), MADE), first)


def moved(visits: Visits) -> list[str]:
    """What the futures moved of the first hospital stays."""
    (one, places), (other, others) = visits.seen(0), visits.seen(1)
    columns = ["subject_id", "stay_id", "start", "prediction_time"]
    asked, asked_too = one.cohort.frame[places].select(columns), other.cohort.frame[others].select(columns)
    if not asked.equals(asked_too):
        return ["other stays are asked, or at other times"]
    return differing(model_inputs(one, places), model_inputs(other, others))


def test_another_future_gives_the_same_cohort_and_the_same_bytes(visits: Visits):
    assert moved(visits) == []
    made, places = visits.seen(0)
    assert len(places) > STAYS / 3
    diagnosis = made.state.modalities.index("diagnosis")
    assert made.state.observed[places, diagnosis].mean() > 0.95, "billed codes are known at discharge"
    labels = [open_data(folder, Window()).cohort(TASK).frame for folder in visits.folders]
    first = [frame.filter(pl.col("stay_id").is_in(list(visits.first))) for frame in labels]
    assert first[0].height > first[1].height > 10, "the futures must differ in whether there is a next visit"
    both = first[0].join(first[1], on="stay_id")
    assert (both["label"] != both["label_right"]).mean() > 0.5, "and in what it is billed with"


@pytest.mark.parametrize("method", ["mlp", "trajectory"])
def test_another_future_gives_the_same_prediction(visits: Visits, method: str):
    (one, places), (other, others) = visits.seen(0), visits.seen(1)
    model = untrained(method, TASK, random_embedder(visits.featuriser, one.state, "quantile"), "quantile")
    said, said_too = predictions(one, model, places), predictions(other, model, others)
    assert differing(vars(said), vars(said_too)) == []
    assert np.ptp(said.prediction) > 0.01


def test_another_future_gives_the_same_prediction_of_what_is_fitted_whole(visits: Visits):
    (one, places), (other, others) = visits.seen(0), visits.seen(1)
    model = fitted_whole("logistic", one)
    said, said_too = (predict_table(model, seen.table).prediction for seen in (one, other))
    assert (said[places] == said_too[others]).all()


def test_control_a_prediction_time_a_day_after_discharge_is_caught(visits: Visits, monkeypatch: pytest.MonkeyPatch):
    sound = cohort._discharge
    monkeypatch.setattr(cohort, "_discharge", lambda: sound() + pl.duration(hours=24))
    assert moved(visits)


def test_control_what_is_billed_at_discharge_is_seen(visits: Visits, tmp_path: Path):
    one = with_billed_diagnoses(random_timelines(8, STAYS), 8)
    coded = pl.col("code") == "DIAGNOSIS//ICD//10//A419"
    other = replace(one, events=one.events.filter(~coded))
    folders = visits.folders[0], write_data(tmp_path / "other", other)
    assert moved(replace(visits, folders=folders))
