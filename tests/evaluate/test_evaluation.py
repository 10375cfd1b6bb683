"""evaluate and predict on small runs: files as the formats say, every number from the run and not from the data."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import wardround
from small_runs import aligned, published, small_data, trained
from timelines import Timelines, joined, random_timelines, with_billed_diagnoses, write_data
from wardround import files
from wardround.errors import DataError, RunError, UsageError
from wardround.evaluate import answer as answering
from wardround.evaluate import evaluation as module
from wardround.evaluate.answer import Answer, answer
from wardround.evaluate.answer_tables import beliefs_table, predictions_table
from wardround.evaluate.evaluation import evaluate, metrics_of, predict
from wardround.evaluate.other_hour import hour_lines, trained_for
from wardround.evaluate.question import Question, no_stay_on
from wardround.methods.scores import ScoreSettings, predict_elapsed
from wardround.metrics.discrimination import auroc, sensitivity
from wardround.tables import metrics_lines
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.tasks.task import TASKS
from wardround.train.data import open_data
from wardround.train.run_folder import Run, open_run

torch.set_num_threads(1)

ALL = Question(split="all", draws=20)
STAYS = 150
PROBABILITY = "predicted_boolean_probability"
IDS = ["subject_id", "stay_id", "prediction_time"]
NAMES = (
    "auroc auprc brier bss ace calibration_slope calibration_intercept sensitivity specificity ppv f1 accuracy event1"
)


@dataclass(frozen=True)
class Made:
    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, name: str) -> Run:
        return open_run(self.folder / name)

    def answer(self, name: str, question: Question = ALL, data: Path | None = None):
        return answer(self.run(name), data or self.data, question)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("evaluation")
    data = small_data(folder / "data", stays=STAYS)
    aligned(data, folder / "aligned")
    trained("mlp", data, folder / "mlp")
    trained("trajectory", data, folder / "trajectory")
    trained("trajectory", data, folder / "hours", task="los_remaining")
    trained("elapsed", data, folder / "elapsed", task="los_remaining")
    trained("score", data, folder / "score")
    return Made(folder)


def mine() -> Timelines:
    """The timelines of the data."""
    return published(random_timelines(3, STAYS))


def others() -> Timelines:
    """Another hospital: other patients, all their codes known."""
    return published(random_timelines(8, 60, first_id=7000))


# The files


def test_a_probability_is_a_row_a_stay_in_the_frozen_columns(made: Made, tmp_path: Path):
    to, already, metrics = evaluate(made.folder / "trajectory", made.data, tmp_path / "e", Question(draws=20))
    assert not already
    predictions, beliefs = (pl.read_parquet(to / f"{name}.parquet") for name in ("predictions", "beliefs"))
    assert dict(predictions.schema) == {
        "subject_id": pl.Int64,
        "stay_id": pl.Int64,
        "prediction_time": pl.Datetime("us"),
        "boolean_value": pl.Boolean,
        "predicted_boolean_probability": pl.Float64,
        "predicted_boolean_value": pl.Boolean,
    }
    assert predictions.height == predictions["stay_id"].n_unique() == metrics["n_stays"]
    assert predictions["predicted_boolean_probability"].is_between(0, 1).all()
    stays = pl.read_parquet(made.data / "stays.parquet").select("stay_id", "start", "died_in_hospital")
    both = predictions.join(stays, on="stay_id")
    assert both["boolean_value"].equals(both["died_in_hospital"].alias("boolean_value"))
    assert (both["prediction_time"] - both["start"]).dt.total_hours().unique().to_list() == [24]
    assert dict(beliefs.schema) == {
        "stay_id": pl.Int64,
        "event_index": pl.Int64,
        "time_h": pl.Float64,
        "modality": pl.String,
        "predicted_boolean_probability": pl.Float64,
    }
    side = made.run("trajectory").splits.filter(split="test")["stay_id"]
    assert predictions["stay_id"].is_in(side.implode()).all()
    assert {path.name for path in to.iterdir()} == {
        "metrics.json", "predictions.parquet", "beliefs.parquet", "observed.parquet", "report.html", "manifest.json",
    }  # fmt: skip


def test_beliefs_are_events_in_order_up_to_the_prediction(made: Made):
    asked = made.answer("trajectory")
    beliefs, predictions = beliefs_table(asked), predictions_table(asked)
    assert beliefs is not None
    of_stay = beliefs.group_by("stay_id", maintain_order=True)
    assert all(index == list(range(len(index))) for index in of_stay.agg("event_index")["event_index"].to_list())
    assert of_stay.agg(pl.col("time_h").diff().drop_nulls().min())["time_h"].drop_nulls().min() >= 0
    assert 0 < beliefs["time_h"].max() <= 24
    assert set(beliefs["modality"]) <= set(asked.modalities)
    assert len(set(beliefs["modality"])) > 5
    last = of_stay.agg(pl.col("predicted_boolean_probability").last().alias("last"))
    both = predictions.join(last, on="stay_id")
    assert both.height > 80
    assert both["last"].to_numpy() == pytest.approx(both["predicted_boolean_probability"].to_numpy(), abs=1e-6)


def test_hours_are_floats_and_the_last_belief_less_the_hours_since(made: Made):
    asked = made.answer("hours")
    predictions, beliefs = predictions_table(asked), beliefs_table(asked)
    assert predictions.columns == [*IDS, "float_value", "predicted_float_value"]
    assert beliefs.columns == ["stay_id", "event_index", "time_h", "modality", "predicted_float_value"]
    last = beliefs.group_by("stay_id").agg(left=pl.col("predicted_float_value").last() - (24 - pl.col("time_h").last()))
    both = predictions.join(last, on="stay_id")
    expected = both["left"].clip(lower_bound=0).to_numpy()
    assert both["predicted_float_value"].to_numpy() == pytest.approx(expected, rel=1e-4, abs=1e-3)


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Trained for several answers."""
    folder = tmp_path_factory.mktemp("billed")
    data = write_data(folder / "data", with_billed_diagnoses(published(random_timelines(3, STAYS)), 3))
    for name in ("trajectory", "boosting"):
        trained(name, data, folder / name, task="phenotyping")
    return Made(folder)


def test_of_several_answers_a_stay_has_a_row_each(billed: Made, tmp_path: Path):
    to, _, metrics = evaluate(billed.folder / "trajectory", billed.data, tmp_path / "e", Question(draws=20), quiet=True)
    labels = TASKS["phenotyping"].labels
    predictions, beliefs = (pl.read_parquet(to / f"{name}.parquet") for name in ("predictions", "beliefs"))
    assert predictions.columns == [*IDS, "label", "boolean_value", PROBABILITY, "predicted_boolean_value"]
    assert predictions.height == 25 * metrics["n_stays"]
    assert predictions.group_by("stay_id", maintain_order=True).agg("label")["label"].to_list() == (
        [list(labels)] * metrics["n_stays"]
    )
    assert beliefs.columns == ["stay_id", "event_index", "time_h", "modality", "label", PROBABILITY]
    last = beliefs.group_by("stay_id", "label", maintain_order=True).agg(pl.col(PROBABILITY).last().alias("last"))
    both = predictions.join(last, on=["stay_id", "label"])
    assert both["last"].to_numpy() == pytest.approx(both[PROBABILITY].to_numpy(), abs=1e-6)
    truth = open_data(billed.data, Window()).cohort(TASKS["phenotyping"]).frame
    told = predictions.group_by("stay_id", maintain_order=True).agg(pl.col("boolean_value").cast(pl.Float64))
    assert (
        told.join(truth, on="stay_id").filter(pl.col("boolean_value").list.to_array(25) != pl.col("label")).is_empty()
    )


def test_at_discharge_there_is_no_hour(billed: Made, tmp_path: Path):
    """Asked of each hospital stay that ended alive and that another of the patient follows."""
    run = trained("boosting", billed.data, tmp_path / "run", task="next_visit_phenotyping").folder
    assert files.read_json(run / "metrics.json")["at_h"] is None
    to, _, metrics = evaluate(run, billed.data, tmp_path / "e", Question("all", draws=20), quiet=True)
    assert (metrics["at_h"], metrics["asked_at"], metrics["sees_past_prediction"]) == (None, "discharge", [])
    assert metrics_lines(metrics)[0].startswith("boosting next_visit_phenotyping: causal protocol, at discharge, all: ")
    stays = pl.read_parquet(billed.data / "stays.parquet").select("stay_id", "hospital_end", "died_in_hospital")
    asked = pl.read_parquet(to / "predictions.parquet").unique("stay_id").join(stays, on="stay_id")
    assert asked.height == metrics["n_stays"] > 10
    assert not asked["died_in_hospital"].any()
    assert (asked["prediction_time"] - asked["hospital_end"]).is_between(timedelta(0), timedelta(minutes=1)).all()
    assert "Predicted at discharge from hospital." in (to / "report.html").read_text()
    with pytest.raises(UsageError, match="leave --at-h out"):
        evaluate(run, billed.data, tmp_path / "f", Question(at_h=24.0), quiet=True)
    assert not (tmp_path / "f").exists()


def test_of_several_answers_the_metrics_are_means_and_by_label(billed: Made):
    metrics = metrics_of(billed.answer("boosting"))
    assert set(NAMES.split()) <= set(metrics["metrics"])
    assert list(metrics["by_label"]) == list(TASKS["phenotyping"].labels)
    predictions = predictions_table(billed.answer("boosting"))
    areas = {}
    for name, entry in metrics["by_label"].items():
        rows = predictions.filter(label=name)
        assert entry["n_pos"] == rows["boolean_value"].sum()
        area = float(auroc(rows["boolean_value"].to_numpy().astype(int), rows[PROBABILITY].to_numpy()))
        assert entry["auroc"]["value"] == (None if np.isnan(area) else pytest.approx(area))
        areas[name] = area
    assert metrics["metrics"]["auroc"]["value"] == pytest.approx(np.nanmean(list(areas.values())))
    assert metrics["prevalence"] == pytest.approx(predictions["boolean_value"].mean())
    flagged = predictions.with_columns(at=pl.col("label").replace_strict(metrics["threshold"]))
    assert (flagged["predicted_boolean_value"] == (flagged[PROBABILITY] >= flagged["at"])).all()
    json.dumps(metrics, allow_nan=False)


def test_to_predict_several_answers_nobody_needs_a_label(billed: Made, tmp_path: Path):
    to, _, n_stays = predict(billed.folder / "boosting", billed.data, tmp_path / "p", quiet=True)
    assert pl.read_parquet(to / "predictions.parquet").height == 25 * n_stays


def test_several_answers_at_several_hours(billed: Made, tmp_path: Path):
    question = Question("all", draws=20)
    to, _, last = evaluate(billed.folder / "boosting", billed.data, tmp_path / "e", question, [12, 24], quiet=True)
    assert last["at_h"] == 24
    assert json.loads((to / "metrics_12h.json").read_text())["by_label"].keys() == last["by_label"].keys()
    assert "By prediction hour" in (to / "report.html").read_text()


def test_data_in_which_nobody_was_billed_yet_can_be_predicted(billed: Made, tmp_path: Path):
    to, _, n_stays = predict(billed.folder / "boosting", small_data(tmp_path / "data"), tmp_path / "p", quiet=True)
    made = pl.read_parquet(to / "predictions.parquet")
    assert made.height == made["boolean_value"].null_count() == 25 * n_stays
    assert made[PROBABILITY].null_count() == 0


def test_a_report_of_several_answers_shows_each(billed: Made, tmp_path: Path):
    to, _, _ = evaluate(billed.folder / "boosting", billed.data, tmp_path / "e", Question("all", draws=20), quiet=True)
    page = (to / "report.html").read_text()
    assert "Which answers are right?" in page
    assert "Septicemia" in page
    assert "AUROC by label" in page
    assert "of the rarer outcome in" in page


@pytest.mark.parametrize("name", ["mlp", "score", "elapsed"])
def test_what_has_no_beliefs_writes_none(made: Made, name: str):
    assert beliefs_table(made.answer(name)) is None


def test_metrics_say_what_a_reader_must_know(made: Made):
    metrics = metrics_of(made.answer("trajectory"))
    assert list(metrics)[:9] == [
        "method", "task", "protocol", "at_h", "split", "n_stays", "n_subjects", "n_excluded", "without",
    ]  # fmt: skip
    assert set(NAMES.split()) <= set(metrics["metrics"])
    assert all({"value", "low", "high"} <= set(entry) for entry in metrics["metrics"].values())
    assert (metrics["method"], metrics["task"], metrics["protocol"]) == ("trajectory", "mortality", "causal")
    assert (metrics["at_h"], metrics["split"]) == (24, "all")
    predictions = predictions_table(made.answer("trajectory"))
    label = predictions["boolean_value"].cast(pl.Int64).to_numpy()
    assert metrics["prevalence"] == label.mean()
    assert metrics["n_subjects"] == predictions["subject_id"].n_unique() < metrics["n_stays"]
    value = float(auroc(label, predictions["predicted_boolean_probability"].to_numpy()))
    assert metrics["metrics"]["auroc"]["value"] == pytest.approx(value)
    json.dumps(metrics, allow_nan=False)


@pytest.mark.parametrize("split", ["test", "val", "train", "all"])
@pytest.mark.parametrize("name", ["mlp", "trajectory", "score", "hours", "elapsed"])
def test_every_stay_is_judged_or_counted_under_one_reason(made: Made, name: str, split: str):
    metrics = metrics_of(made.answer(name, replace(ALL, split=split)))
    assert metrics["n_stays"] + sum(metrics["n_excluded"].values()) == STAYS
    assert ("no usable published score" in metrics["n_excluded"]) == (name == "score")
    assert ("not on the asked side of the split" in metrics["n_excluded"]) == (split != "all")
    assert {"age unknown or under 18", "left the unit by the prediction time"} <= set(metrics["n_excluded"])


# What comes from the run


def test_threshold_and_reference_are_the_run_s_own(made: Made, tmp_path: Path):
    """On other data too: nothing is chosen there."""
    run = made.run("mlp")
    data = write_data(tmp_path / "d", others())
    for folder in (made.data, data):
        asked = made.answer("mlp", ALL, folder)
        metrics = metrics_of(asked)
        assert metrics["threshold"] == run.fitted["threshold"]
        label = asked.cohort.frame["label"].to_numpy().astype(int)
        found = float(sensitivity(label, asked.predictions.prediction, run.fitted["threshold"]))
        assert metrics["metrics"]["sensitivity"]["value"] == pytest.approx(found)
        reference = run.fitted["train_prevalence"]
        skill = 1 - np.mean((asked.predictions.prediction - label) ** 2) / np.mean((reference - label) ** 2)
        assert metrics["metrics"]["bss_train"]["value"] == pytest.approx(skill)


@pytest.mark.parametrize("name", ["mlp", "trajectory"])
def test_what_other_stays_there_are_moves_no_prediction(made: Made, tmp_path: Path, name: str):
    """Vocabulary and normaliser come from the run."""
    whole = write_data(tmp_path / "whole", others())
    some = others().stays["stay_id"][::3]
    part = write_data(tmp_path / "part", others().only(some))
    one, other = (predictions_table(made.answer(name, ALL, folder)) for folder in (whole, part))
    both = other.join(one, on="stay_id", suffix="_whole")
    assert both.height == other.height > 10
    a, b = (both[f"predicted_boolean_probability{end}"].to_numpy() for end in ("", "_whole"))
    assert a == pytest.approx(b, abs=1e-6)


@pytest.mark.parametrize("name", ["mlp", "trajectory"])
def test_codes_that_the_run_does_not_know_are_ignored_and_counted(made: Made, tmp_path: Path, name: str):
    """Three before the prediction; one after it, one published score and one of a modality the run does not read do
    not count."""
    timelines = others()
    cohort = open_data(write_data(tmp_path / "plain", timelines), Window()).cohort(None)
    stay = predictions_table(made.answer(name, ALL, tmp_path / "plain"))["stay_id"][0]
    assert stay in cohort.frame["stay_id"]
    new = [("lab", "LAB//new", 60.0), ("lab", "LAB//new", 90.0), ("medication", "MEDICATION//new", 1440.0)]
    new += [("lab", "LAB//new", 1441.0), ("score", "SCORE//new", 10.0)]
    rows = [(stay, minute, minute, modality, code, 1.0) for modality, code, minute in new]
    more = pl.DataFrame(rows, schema=timelines.events.schema, orient="row")
    data = write_data(tmp_path / "d", replace(timelines, events=pl.concat([timelines.events, more])))
    plain, asked = made.answer(name, ALL, tmp_path / "plain"), made.answer(name, ALL, data)
    assert metrics_of(asked)["unknown_items"] == metrics_of(plain)["unknown_items"] + 3
    assert asked.predictions.prediction == pytest.approx(plain.predictions.prediction, abs=1e-6)


def test_unknown_codes_alone_are_a_stay_without_events(made: Made, tmp_path: Path):
    """Every stay gets the one answer of a stay of which nothing is known, and there is no belief to write."""
    timelines = others()
    blank = replace(timelines, events=timelines.events.with_columns(code="ELSEWHERE//" + pl.col("code")))
    asked = made.answer("trajectory", ALL, write_data(tmp_path / "d", blank))
    assert beliefs_table(asked) is None
    assert len(set(asked.predictions.prediction.tolist())) == 1
    known = timelines.events.filter(pl.col("available") <= 1440, pl.col("modality") != "score")
    stays = asked.cohort.frame["stay_id"]
    assert metrics_of(asked)["unknown_items"] == known["stay_id"].is_in(stays.implode()).sum()


def test_patients_that_the_run_was_trained_on_are_counted(made: Made, tmp_path: Path):
    splits = made.run("mlp").splits
    trained_on = splits.filter(pl.col("split").is_in(["train", "val"]))["subject_id"].unique()
    data = write_data(tmp_path / "d", joined([others(), mine()]))
    for folder in (made.data, data, write_data(tmp_path / "o", others())):
        asked = made.answer("mlp", ALL, folder)
        expected = asked.cohort.frame["subject_id"].is_in(trained_on.implode()).sum()
        assert metrics_of(asked)["n_seen_in_training"] == expected
    assert expected == 0


def test_a_side_of_the_split_that_other_data_does_not_have_is_named(made: Made, tmp_path: Path):
    data = write_data(tmp_path / "d", others())
    with pytest.raises(UsageError, match=r"no stay on the run's val side\. For another cohort ask for --split all"):
        made.answer("mlp", replace(ALL, split="val"), data)


def test_a_run_that_tests_on_nobody_says_what_to_ask_for(made: Made):
    run = made.run("mlp")
    plan = replace(run.plan, split=SplitPlan(test=False))
    assert "tests on nobody (--no-test): ask for --split val here" in no_stay_on("test", replace(run, plan=plan))
    assert "nobody" not in no_stay_on("test", run)


def test_a_stay_id_of_another_patient_is_another_stay(made: Made, tmp_path: Path):
    """Databases number their stays alike: nobody there is on a side of the run's split."""
    strangers = mine().with_stays(subject_id=pl.col("subject_id") + 1_000_000)
    with pytest.raises(UsageError, match="no stay on the run's test side"):
        made.answer("mlp", Question(draws=20), write_data(tmp_path / "d", strangers))


def test_a_static_model_is_given_the_whole_state_whatever_its_events_carry(made: Made, tmp_path: Path):
    """`content.running=false` is about events: validation, judged again, is what the run says of itself."""
    run = open_run(trained("mlp", made.data, tmp_path / "run", "content.running=false").folder)
    again = metrics_of(answer(run, made.data, replace(ALL, split="val")))["metrics"]["brier"]["value"]
    assert again == pytest.approx(files.read_json(run.folder / "metrics.json")["metrics"]["brier"]["value"])


def test_the_run_is_left_as_it_was(made: Made, tmp_path: Path):
    before = {path: files.sha256(path) for path in (made.folder / "mlp").rglob("*") if path.is_file()}
    evaluate(made.folder / "mlp", made.data, tmp_path / "e", Question(draws=20))
    assert {path: files.sha256(path) for path in (made.folder / "mlp").rglob("*") if path.is_file()} == before


# Rows, hours, protocols, modalities left out


def test_scores_are_judged_on_the_stays_that_have_one(made: Made):
    asked = made.answer("score")
    assert not np.isnan(asked.predictions.prediction).any()
    events = mine().events.filter((pl.col("code").str.contains("mortality")) & pl.col("value").is_not_null())
    assert set(asked.cohort.frame["stay_id"]) == set(events["stay_id"]) & set(
        made.answer("mlp").cohort.frame["stay_id"]
    )


def test_nobody_with_a_score_at_an_earlier_hour(made: Made):
    with pytest.raises(DataError, match="no stay has a usable published score at hour 6: APACHE's is known at 24 h"):
        made.answer("score", replace(ALL, at_h=6))


def test_the_paper_protocol_is_stamped_on_a_score_too(made: Made, tmp_path: Path):
    """At 12 h the paper protocol sees a score that is published at 24 h."""
    window = Window("paper", 12.0)
    for method, past in (("score", {"score"}), ("elapsed", set()), ("mlp", {"aps", "lab"})):
        run = open_run(trained(method, made.data, tmp_path / method, window=window).folder)
        seen = set(answer(run, made.data, ALL).sees_past)
        assert past <= seen
        assert ("score" in seen) == (method == "score")
        assert seen or method == "elapsed"
    assert made.answer("score").sees_past == made.answer("mlp").sees_past == []


def test_lengths_of_stay_stand_beside_elapsed_hours_and_deaths_apart(made: Made):
    asked = made.answer("hours")
    metrics = metrics_of(asked)
    label, predicted = asked.cohort.frame["label"].to_numpy(), asked.predictions.prediction
    assert metrics["prevalence"] is None
    assert set(metrics["metrics"]) == {"mae_h", "mse_h2", "r2", "pearson", "spearman"}
    assert metrics["metrics"]["mae_h"]["value"] == pytest.approx(np.abs(label - predicted).mean())
    fitted = made.run("hours").fitted
    baseline = predict_elapsed(asked.data.elapsed_h(asked.cohort), fitted["edges"], fitted["values"])
    assert metrics["elapsed_baseline"]["mae_h"]["value"] == pytest.approx(np.abs(label - baseline).mean())
    row = metrics_of(made.answer("elapsed"))
    assert row["metrics"]["mae_h"] == row["elapsed_baseline"]["mae_h"] == metrics["elapsed_baseline"]["mae_h"]
    stays = mine().stays.select("stay_id", "died_in_hospital")
    died = asked.cohort.frame.join(stays, on="stay_id", maintain_order="left")["died_in_hospital"].to_numpy()
    apart = metrics["by_outcome"]
    assert (apart["died"]["n_stays"], apart["survived"]["n_stays"]) == (died.sum(), (~died).sum())
    assert apart["died"]["metrics"]["mae_h"]["value"] == pytest.approx(np.abs(label - predicted)[died].mean())
    assert apart["survived"]["metrics"]["mae_h"]["value"] == pytest.approx(np.abs(label - predicted)[~died].mean())


def test_by_number_of_events_counts_what_each_stay_shows(made: Made):
    """Raw events known by hour 24, the score among them, in quarters of the stays."""
    asked = made.answer("mlp")
    known = mine().events.filter(pl.col("available") <= 1440).group_by("stay_id").len()
    counts = asked.cohort.frame.join(known, on="stay_id", how="left", maintain_order="left")["len"].fill_null(0)
    assert asked.n_events.tolist() == counts.to_list()
    bins = metrics_of(asked)["by_n_events"]
    assert len(bins) == 4
    assert sum(row["n_stays"] for row in bins) == asked.cohort.frame.height
    assert [row["low"] for row in bins] == sorted(row["low"] for row in bins)
    assert bins[0]["low"] == counts.min()
    assert bins[-1]["high"] == counts.max()


def test_at_another_hour_than_the_run_s_the_elapsed_bins_do_not_hold(made: Made):
    assert metrics_of(made.answer("hours", replace(ALL, at_h=6)))["elapsed_baseline"] is None


def test_what_each_stay_has_at_its_prediction_time_is_written_down(made: Made, tmp_path: Path):
    to, _, n = predict(made.folder / "trajectory", made.data, tmp_path / "p")
    observed, beliefs = (pl.read_parquet(to / f"{name}.parquet") for name in ("observed", "beliefs"))
    seen = beliefs.group_by("stay_id").agg(seen=pl.col("modality").unique().sort())
    both = observed.join(seen, on="stay_id", how="left").with_columns(pl.col("modalities").list.sort())
    assert both.height == n
    assert both["modalities"].to_list() == both["seen"].fill_null([]).to_list()


def test_a_modality_that_is_left_out_has_no_belief(made: Made):
    asked = made.answer("trajectory", replace(ALL, without=("lab", "vitals")))
    assert not {"lab", "vitals"} & set(beliefs_table(asked)["modality"])
    assert metrics_of(asked)["without"] == ["lab", "vitals"]
    assert not np.allclose(asked.predictions.prediction, made.answer("trajectory").predictions.prediction)


@pytest.mark.parametrize(
    ("name", "message"), [("mlp", "--without cxr: the run's modalities are"), ("score", "score reads no modality")]
)
def test_what_cannot_be_left_out_is_refused(made: Made, name: str, message: str):
    with pytest.raises(UsageError, match=message):
        made.answer(name, replace(ALL, without=("cxr",)))


def test_another_hour_is_asked_of_the_same_weights(made: Made):
    early = made.answer("trajectory", replace(ALL, at_h=6))
    assert early.cohort.window == Window(at_h=6)
    assert beliefs_table(early)["time_h"].max() <= 6
    assert early.cohort.frame.height >= made.answer("trajectory").cohort.frame.height
    assert metrics_of(early)["at_h"] == 6


@pytest.mark.parametrize(
    ("name", "hour", "told"),
    [
        ("mlp", 6, {"trained_at_h": 24}),
        ("mlp", 24, {}),
        ("trajectory", 6, {}),  # it judges after every event on the way
        ("trajectory", 30, {"trained_at_h": 24}),
        ("elapsed", 30, {"trained_at_h": 24}),
        ("score", 30, {}),  # it was fitted to no hour
    ],
)
def test_an_hour_that_the_run_did_not_learn_for_is_told(made: Made, name: str, hour: float, told: dict[str, float]):
    run = made.run(name)
    assert trained_for(run, hour) == told
    if name == "score":  # but what points mean is
        made_of_events = replace(run, plan=replace(run.plan, settings=ScoreSettings("sofa")))
        assert trained_for(made_of_events, hour) == {"trained_at_h": 24}
    assert len(hour_lines(run, [None, 24, hour])) == len(told)
    if name == "mlp":
        metrics = metrics_of(made.answer(name, replace(ALL, at_h=hour)))
        assert {key: metrics[key] for key in ("trained_at_h",) if key in metrics} == told


def test_draws_and_their_seed_move_the_intervals_alone(made: Made):
    one, same, other = (metrics_of(made.answer("mlp", replace(ALL, seed=seed)))["metrics"] for seed in (0, 0, 1))
    assert one == same
    assert {name: entry["value"] for name, entry in one.items()} == {name: e["value"] for name, e in other.items()}
    assert one["auroc"] != other["auroc"]


# evaluate


def test_several_hours_are_a_file_each(made: Made, tmp_path: Path):
    question = replace(ALL, without=("lab",))
    to, _, last = evaluate(made.folder / "mlp", made.data, tmp_path / "e", question, hours=[6, 12.5])
    six, twelve = (json.loads((to / f"metrics_{hour}h.json").read_text()) for hour in ("6", "12.5"))
    assert (six["at_h"], twelve["at_h"]) == (6, 12.5)
    assert six["without"] == twelve["without"] == ["lab"]
    assert twelve == last == json.loads((to / "metrics.json").read_text())
    alone = evaluate(made.folder / "mlp", made.data, tmp_path / "one", replace(question, at_h=6))[2]
    assert alone == six
    assert pl.read_parquet(to / "predictions.parquet").height == last["n_stays"]
    assert evaluate(made.folder / "mlp", made.data, to, question, hours=[6, 12.5])[1:] == (True, last)


@pytest.mark.parametrize("name", ["mlp", "aligned"])
def test_a_second_call_finds_it_and_another_question_is_never_written_over_it(made: Made, tmp_path: Path, name: str):
    call: Callable = lambda question, hours=(): evaluate(made.folder / name, made.data, tmp_path / "e", question, hours)  # noqa: E731
    _, already, metrics = call(ALL)
    assert not already
    assert call(ALL)[1:] == (True, json.loads((tmp_path / "e" / "metrics.json").read_text()))
    assert metrics == call(ALL)[2]
    for other in (
        replace(ALL, split="val"),
        replace(ALL, seed=1),
        replace(ALL, without=("lab",)),
        replace(ALL, at_h=6),
    ):
        with pytest.raises(RunError, match="made with other settings or inputs"):
            call(other)
    with pytest.raises(RunError, match="made with other settings or inputs"):
        call(ALL, [6, 12])


def test_data_that_is_not_there_is_an_error_of_the_data(made: Made, tmp_path: Path):
    for call in (
        lambda: evaluate(made.folder / "mlp", tmp_path / "nowhere", tmp_path / "e", ALL),
        lambda: predict(made.folder / "mlp", tmp_path / "nowhere", tmp_path / "e"),
    ):
        with pytest.raises(DataError, match="nowhere is not a folder"):
            call()
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize(("given", "message"), [({"split": "dev"}, "--split dev"), ({"seed": -1}, "--seed -1")])
def test_a_question_that_nobody_can_answer_is_refused(given: dict, message: str):
    with pytest.raises(UsageError, match=message):
        Question(**given)


def test_hours_that_an_interrupted_call_finished_are_not_asked_again(made: Made, tmp_path: Path, monkeypatch):
    """Killed at the second of three hours: the same call asks two, another one all of its own."""
    asked: list[float | None] = []
    original = module.answer

    def counting(run: Run, data: Path, question: Question, quiet: bool) -> Answer:
        asked.append(question.at_h)
        if stop_at == question.at_h:
            raise KeyboardInterrupt
        return original(run, data, question, quiet)

    monkeypatch.setattr(module, "answer", counting)
    call = lambda hours, to="e": evaluate(made.folder / "mlp", made.data, tmp_path / to, ALL, hours, quiet=True)  # noqa: E731
    stop_at = 12
    with pytest.raises(KeyboardInterrupt):
        call([6, 12, 24])
    assert (tmp_path / "e" / "metrics_6h.json").is_file()
    stop_at = None
    asked.clear()
    call([6, 12, 24])
    assert asked == [12, 24]
    asked.clear()
    call([6, 12, 24], "again")
    assert asked == [6, 12, 24]
    left = [{path.name: path.read_bytes() for path in (tmp_path / to).iterdir()} for to in ("e", "again")]
    assert left[0] == left[1]
    stop_at = 12
    with pytest.raises(KeyboardInterrupt):
        call([6, 12, 24], "older")
    stop_at = None
    asked.clear()
    monkeypatch.setattr(wardround, "__version__", "another")
    call([6, 12, 24], "older")
    assert asked == [6, 12, 24], "an hour of another version is asked again"


def interrupted_at_its_manifest(call: Callable[[], object]) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "write_manifest", interrupt)
        with pytest.raises(KeyboardInterrupt):
            call()


def test_what_an_unfinished_evaluation_left_is_not_taken_for_a_part_of_this_one(made: Made, tmp_path: Path):
    to = tmp_path / "e"
    interrupted_at_its_manifest(lambda: evaluate(made.folder / "trajectory", made.data, to, ALL, [6, 12], quiet=True))
    assert (to / "beliefs.parquet").is_file()
    (to / ".beliefs.parquet.1-0123456789abcdef.partial").write_bytes(b"half")
    (to / "notes.txt").write_text("a person's")
    evaluate(made.folder / "mlp", made.data, to, replace(ALL, at_h=24), quiet=True)
    assert {path.name for path in to.iterdir()} == {
        "metrics.json", "predictions.parquet", "observed.parquet", "report.html", "manifest.json", "notes.txt",
    }  # fmt: skip
    assert "By prediction hour" not in (to / "report.html").read_text()


def test_an_unfinished_evaluation_stays_while_the_next_question_has_no_answer(made: Made, tmp_path: Path):
    to = tmp_path / "e"
    interrupted_at_its_manifest(lambda: predict(made.folder / "mlp", made.data, to, quiet=True))
    before = {path: path.read_bytes() for path in to.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="--without cxr"):
        evaluate(made.folder / "mlp", made.data, to, replace(ALL, without=("cxr",)), quiet=True)
    assert {path: path.read_bytes() for path in to.rglob("*") if path.is_file()} == before


def test_a_crash_after_the_manifest_leaves_a_finished_folder(made: Made, tmp_path: Path):
    to = evaluate(made.folder / "mlp", made.data, tmp_path / "e", ALL, quiet=True)[0]
    files.write_json(to / ".evaluation" / "begun.json", {})
    assert evaluate(made.folder / "mlp", made.data, to, ALL, quiet=True)[1]
    assert not (to / ".evaluation").exists()


@pytest.mark.parametrize("hour", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("name", ["mlp", "aligned"])
def test_what_is_no_hour_is_refused_before_anything_is_written(made: Made, tmp_path: Path, name: str, hour: float):
    calls = [
        lambda: evaluate(made.folder / name, made.data, tmp_path / "e", replace(ALL, at_h=hour), quiet=True),
        lambda: evaluate(made.folder / name, made.data, tmp_path / "e", ALL, [6, hour], quiet=True),
    ]
    if name == "mlp":
        calls.append(lambda: predict(made.folder / name, made.data, tmp_path / "e", hour, quiet=True))
    for call in calls:
        with pytest.raises(UsageError, match="is not an hour of a stay"):
            call()
    assert not (tmp_path / "e").exists()


def test_a_model_without_a_number_is_no_missing_score(made: Made, monkeypatch: pytest.MonkeyPatch):
    original = answering.predict_cases

    def broken(*given):
        found = original(*given)
        found.prediction[:3] = np.nan
        return found

    monkeypatch.setattr(answering, "predict_cases", broken)
    with pytest.raises(RunError, match="mlp: its model gives no number for 3 of"):
        made.answer("mlp")


def test_one_answer_of_several_without_a_number_is_enough(billed: Made, monkeypatch: pytest.MonkeyPatch):
    original = answering.predict_table

    def broken(*given):
        found = original(*given)
        found.prediction[:2, 7] = np.nan
        return found

    monkeypatch.setattr(answering, "predict_table", broken)
    with pytest.raises(RunError, match="boosting: its model gives no number for 2 of"):
        billed.answer("boosting")


@pytest.mark.parametrize("name", ["mlp", "trajectory"])
def test_stays_are_predicted_some_at_a_time(made: Made, monkeypatch, capsys: pytest.CaptureFixture[str], name: str):
    whole = made.answer(name)
    monkeypatch.setattr(answering, "STAYS_AT_ONCE", 17)
    capsys.readouterr()
    parts = made.answer(name)
    n = whole.cohort.frame.height
    assert f"predicting, stays: {n} of {n} in" in capsys.readouterr().err
    assert parts.predictions.prediction == pytest.approx(whole.predictions.prediction, abs=1e-6)
    for field in ("belief_stay", "belief_minute", "belief_modality"):
        assert (getattr(parts.predictions, field) == getattr(whole.predictions, field)).all()
    assert parts.predictions.belief == pytest.approx(whole.predictions.belief, abs=1e-6)


def test_events_with_a_code_that_the_run_does_not_know_are_counted_among_those_known(made: Made, tmp_path: Path):
    timelines = others()
    strange = (pl.col("modality") == "lab") & (pl.col("available") <= 1440)
    code = pl.when(strange).then(pl.lit("LAB//unheard of")).otherwise("code")
    data = write_data(tmp_path / "d", Timelines(timelines.events.with_columns(code=code), timelines.stays))
    asked = made.answer("mlp", ALL, data)
    metrics = metrics_of(asked)
    ids = asked.cohort.frame["stay_id"].implode()
    expected = timelines.events.filter(strange & pl.col("stay_id").is_in(ids)).height
    plain = metrics_of(made.answer("mlp", ALL, write_data(tmp_path / "plain", timelines)))
    assert expected > 10
    assert metrics["unknown_items"] - plain["unknown_items"] == expected
    assert metrics["n_items"] == plain["n_items"] == int(asked.n_events.sum()) > expected


# beside


def test_an_evaluation_at_home_is_put_beside_one_elsewhere(made: Made, tmp_path: Path):
    data = write_data(tmp_path / "d", others())
    home = evaluate(made.folder / "mlp", made.data, tmp_path / "home", Question(draws=20), quiet=True)[0]
    run = made.folder / "mlp"
    to, _, metrics = evaluate(run, data, tmp_path / "e", ALL, beside=home, quiet=True)
    assert files.read_json(to / "internal.json") == files.read_json(home / "metrics.json")
    assert files.read_json(to / "metrics.json") == metrics
    assert "internal: test side, 24 h" in (to / "report.html").read_text()
    assert evaluate(run, data, to, ALL, beside=home, quiet=True)[1]
    with pytest.raises(RunError, match="made with other settings or inputs"):
        evaluate(run, data, to, ALL, quiet=True)
    alone = evaluate(run, data, tmp_path / "alone", ALL, quiet=True)[0]
    assert not (alone / "internal.json").exists()
    assert "internal: validation side, 24 h" in (alone / "report.html").read_text()
    less = replace(ALL, without=("lab",))
    home = evaluate(run, made.data, tmp_path / "home-less", replace(less, split="test"), quiet=True)[0]
    to = evaluate(run, data, tmp_path / "less", less, beside=home, quiet=True)[0]
    assert "internal: test side, 24 h, without lab" in (to / "report.html").read_text()


def test_what_cannot_stand_beside_is_refused(made: Made, tmp_path: Path):
    data, question = write_data(tmp_path / "d", others()), Question(draws=20)
    home = evaluate(made.folder / "score", made.data, tmp_path / "home", question, quiet=True)[0]
    away = evaluate(made.folder / "mlp", data, tmp_path / "away", ALL, quiet=True)[0]
    for beside in (home, away):
        with pytest.raises(UsageError, match="not an evaluation of this run on the data that it was made with"):
            evaluate(made.folder / "mlp", data, tmp_path / "e", ALL, beside=beside, quiet=True)
    for run, of in (("mlp", made.data), ("aligned", data)):
        with pytest.raises(UsageError, match="for a trained method on other data than its own"):
            evaluate(made.folder / run, of, tmp_path / "e", ALL, beside=home, quiet=True)
    for here, there in (((), ("lab", "aps")), (("lab",), ())):
        home = evaluate(made.folder / "mlp", made.data, tmp_path / f"{len(there)}", replace(question, without=there))[0]
        with pytest.raises(UsageError, match=f"{', '.join(sorted(there)) or 'nothing'} was left out of it"):
            evaluate(made.folder / "mlp", data, tmp_path / "e", replace(ALL, without=here), beside=home, quiet=True)
    files.write_json(away / "metrics.json", {})
    for beside in (away, made.folder / "mlp"):
        with pytest.raises(RunError):
            evaluate(made.folder / "mlp", data, tmp_path / "e", ALL, beside=beside, quiet=True)
    assert not (tmp_path / "e").exists()


# predict


def test_stays_without_a_label_are_predicted_too(made: Made, tmp_path: Path):
    timelines = others()
    unknown = pl.col("stay_id") % 2 == 0
    data = write_data(
        tmp_path / "d",
        timelines.with_stays(died_in_hospital=pl.when(~unknown).then("died_in_hospital")),
    )
    to, already, n = predict(made.folder / "trajectory", data, tmp_path / "p")
    predictions = pl.read_parquet(to / "predictions.parquet")
    assert not already
    assert predictions.height == n > made.answer("trajectory", ALL, data).cohort.frame.height
    even = predictions.filter(pl.col("stay_id") % 2 == 0)
    assert even.height == even["boolean_value"].null_count() > 5
    assert predictions["boolean_value"].null_count() == even.height
    assert predictions["predicted_boolean_probability"].null_count() == 0
    whole = predictions_table(made.answer("trajectory", ALL, write_data(tmp_path / "whole", timelines)))
    assert predictions.drop("boolean_value").equals(whole.drop("boolean_value")), "labels move nothing"
    assert {path.name for path in to.iterdir()} == {
        "metrics.json", "predictions.parquet", "beliefs.parquet", "observed.parquet", "manifest.json",
    }  # fmt: skip
    metrics = json.loads((to / "metrics.json").read_text())
    assert metrics["metrics"] == {}, "who was asked under which protocol, and no number that needs a label"
    assert metrics["n_stays"] + sum(metrics["n_excluded"].values()) == timelines.stays.height
    assert predict(made.folder / "trajectory", data, to) == (to, True, n)
    with pytest.raises(RunError, match="other settings"):
        predict(made.folder / "trajectory", data, to, at_h=6)


def test_predict_asks_at_the_hour_it_is_told(made: Made, tmp_path: Path):
    to, _, n = predict(made.folder / "hours", made.data, tmp_path / "p", at_h=6)
    predictions = pl.read_parquet(to / "predictions.parquet")
    assert predictions["prediction_time"].dt.hour().unique().to_list() == [6]
    assert predictions.height == n


def test_a_pretraining_predicts_nothing(made: Made, tmp_path: Path):
    with pytest.raises(UsageError, match="is a pretraining: it predicts nothing"):
        predict(made.folder / "aligned", made.data, tmp_path / "p")
