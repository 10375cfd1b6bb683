"""evaluate and predict for methods that are fitted whole: the same questions and the same files as for the others."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from small_runs import published, small_data, trained
from timelines import Timelines, random_timelines, write_data
from wardround.errors import UsageError
from wardround.evaluate.answer import answer
from wardround.evaluate.evaluation import evaluate, predict
from wardround.evaluate.question import Question
from wardround.methods.registry import FITTED
from wardround.train.run_folder import Run, open_run

ALL = Question(split="all", draws=20)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data(tmp_path_factory.mktemp("tables") / "data")


@pytest.fixture(scope="module", params=FITTED)
def run(request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return open_run(trained(request.param, data, tmp_path_factory.mktemp("run") / request.param).folder)


def test_the_files_and_metrics_are_those_of_every_method(run: Run, data: Path, tmp_path: Path):
    to, already, metrics = evaluate(run.folder, data, tmp_path / "e", ALL, hours=[12.0, 24.0])
    assert not already
    assert {path.name for path in to.iterdir()} == {
        "metrics.json", "metrics_12h.json", "metrics_24h.json", "predictions.parquet", "observed.parquet",
        "report.html", "manifest.json",
    }  # fmt: skip
    assert (metrics["method"], metrics["at_h"], metrics["split"]) == (run.plan.method, 24, "all")
    predictions = pl.read_parquet(to / "predictions.parquet")
    assert predictions["predicted_boolean_probability"].is_between(0, 1).all()
    assert predictions.height == metrics["n_stays"]


def test_another_hour_is_another_table(run: Run, data: Path):
    early, late = (answer(run, data, Question(split="all", at_h=hour)) for hour in (6.0, 24.0))
    both = set(early.cohort.frame["stay_id"]) & set(late.cohort.frame["stay_id"])
    said = [
        dict(zip(asked.cohort.frame["stay_id"], asked.predictions.prediction, strict=True)) for asked in (early, late)
    ]
    assert np.mean([said[0][stay] != said[1][stay] for stay in both]) > 0.5


def test_without_a_modality_is_as_if_it_had_never_been_recorded(run: Run, data: Path, tmp_path: Path):
    left = answer(run, data, Question(split="all", without=("lab", "vitals")))
    made = published(random_timelines(3, 150))
    never = Timelines(made.events.filter(~pl.col("modality").is_in(["lab", "vitals"])), made.stays)
    other = answer(run, write_data(tmp_path / "never", never), ALL)
    assert left.predictions.prediction.tobytes() == other.predictions.prediction.tobytes()
    whole = answer(run, data, ALL)
    assert (left.predictions.prediction != whole.predictions.prediction).any()
    gone = [left.modalities.index(name) for name in ("lab", "vitals")]
    assert not left.observed[:, gone].any()
    assert whole.observed[:, gone].any()
    with pytest.raises(UsageError, match="--without notes: the run's modalities are"):
        answer(run, data, Question(split="all", without=("notes",)))


def test_codes_of_other_data_are_ignored_and_counted(run: Run, data: Path, tmp_path: Path):
    made = published(random_timelines(3, 150))
    new = made.events.filter(pl.col("modality") == "lab").with_columns(code=pl.lit("LAB//new"), available=pl.lit(60.0))
    other = write_data(tmp_path / "other", Timelines(pl.concat([made.events, new]), made.stays))
    one, more = answer(run, data, ALL), answer(run, other, ALL)
    assert more.unknown_items > one.unknown_items
    assert one.predictions.prediction.tobytes() == more.predictions.prediction.tobytes()


def test_predict_needs_no_label(run: Run, data: Path, tmp_path: Path):
    made = published(random_timelines(3, 150))
    unknown = made.with_stays(died_in_hospital=pl.lit(None, pl.Boolean))
    to, _, stays = predict(run.folder, write_data(tmp_path / "unknown", unknown), tmp_path / "p")
    assert stays == pl.read_parquet(to / "predictions.parquet").height > 100
    known = answer(run, data, Question(split="all", labelled=False)).predictions.prediction
    assert pl.read_parquet(to / "predictions.parquet")["predicted_boolean_probability"].to_list() == known.tolist()


@pytest.mark.parametrize("method", FITTED)
def test_durations_stand_beside_the_elapsed_hours(method: str, data: Path, tmp_path: Path):
    folder = trained(method, data, tmp_path / "run", task="los_remaining").folder
    _, _, metrics = evaluate(folder, data, tmp_path / "e", Question(draws=20))
    assert {"mae_h", "mse_h2", "r2", "pearson", "spearman"} <= set(metrics["metrics"])
    assert pl.read_parquet(tmp_path / "e" / "predictions.parquet")["predicted_float_value"].min() >= 0
