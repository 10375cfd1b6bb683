"""Runs that are there, side by side: on the same stays, or refused."""

import csv
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from small_runs import aligned, published, small_data, trained
from timelines import Timelines, random_timelines, write_data
from wardround import files
from wardround.compare import existing
from wardround.compare.compare import compare
from wardround.compare.seeds import rows_of
from wardround.errors import DataError, NoScoreError, RunError, UsageError
from wardround.evaluate import report
from wardround.evaluate.evaluation import evaluate
from wardround.evaluate.paired import paired
from wardround.evaluate.question import Question
from wardround.metrics.discrimination import auroc
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan

torch.set_num_threads(1)

SEEN = ("boolean_value", "predicted_boolean_probability")


@pytest.fixture(scope="module", autouse=True)
def plain_reports() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(report, "write_report", lambda to, run, data: files.write_text(to / "report.html", "report"))
        yield


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DATA, runs and evaluations: two that go together, and some that do not."""
    folder = tmp_path_factory.mktemp("existing")
    data = small_data(folder / "data", stays=400)
    trained("boosting", data, folder / "boosting")
    trained("logistic", data, folder / "logistic")
    trained("score", data, folder / "score")
    trained("boosting", data, folder / "other-split", split=SplitPlan(seed=7))
    trained("boosting", data, folder / "hours", task="los_remaining")
    trained("boosting", data, folder / "twelve", window=Window("causal", 12.0))
    trained("boosting", data, folder / "paper", window=Window("paper", 24.0))
    aligned(data, folder / "aligned")
    for run in ("boosting", "logistic", "other-split", "hours", "twelve", "paper", "score"):
        evaluate(folder / run, data, folder / "out" / run, Question(draws=20), quiet=True)
    return folder


def rows(to: Path) -> dict[str, dict[str, str]]:
    table = csv.DictReader((to / "table.csv").read_text().splitlines())
    return {row["row"]: row for row in table if row["measure"] == "auroc"}


def test_evaluations_are_compared_as_they_are(work: Path, tmp_path: Path):
    done = compare([work / "out" / "boosting", work / "out" / "logistic"], tmp_path / "to", quiet=True)
    expected = paired(work / "out" / "boosting", work / "out" / "logistic", "mortality", {"auroc": auroc})
    assert expected is not None
    found = rows(tmp_path / "to")
    difference = expected.difference["auroc"]
    got = [float(found["logistic"][name]) for name in ("difference", "difference_low", "difference_high")]
    assert got == pytest.approx([difference["value"], difference["low"], difference["high"]])
    assert float(found["boosting"]["value"]) == pytest.approx(expected.reference["auroc"]["value"])
    assert found["boosting"]["difference"] == ""
    assert done.found["notes"] == []
    assert {path.name for path in (tmp_path / "to").iterdir()} == {
        "table.csv", "comparison.json", "report.html", "manifest.json",
    }  # fmt: skip
    assert compare([work / "out" / "boosting", work / "out" / "logistic"], tmp_path / "to", quiet=True).already


def test_runs_are_asked_first_and_what_they_said_is_kept(work: Path, tmp_path: Path):
    sources = [work / "boosting", work / "logistic"]
    compare(sources, tmp_path / "to", data=work / "data", against="logistic", quiet=True)
    found = rows(tmp_path / "to")
    assert found["boosting"]["against"] == "logistic"
    assert found["boosting"]["difference"] != ""
    (kept, other) = sorted((tmp_path / "to" / "evaluations").iterdir())
    assert kept.name.startswith("boosting-")
    asked = pl.read_parquet(kept / "predictions.parquet")["stay_id"]
    assert set(asked) == set(pl.read_parquet(work / "out" / "boosting" / "predictions.parquet")["stay_id"])
    page = (tmp_path / "to" / "report.html").read_text()
    assert f'href="evaluations/{other.name}/report.html"' in page


def test_runs_of_other_seeds_are_one_row_of_their_mean(work: Path, tmp_path: Path):
    """As a recipe pools them: the mean of the metric over seeds, every seed's predictions in every draw."""
    for seed in (1, 2):
        trained("mlp", work / "data", tmp_path / f"mlp-{seed}", seed=seed)
    trained("mlp", work / "data", tmp_path / "wider", "model.hidden=9", seed=1)
    sources = [work / "boosting", tmp_path / "mlp-1", tmp_path / "wider", tmp_path / "mlp-2"]
    done = compare(sources, tmp_path / "to", work / "data", "mlp-2", quiet=True)
    found = rows(tmp_path / "to")
    assert list(found) == ["boosting", "mlp-1 (seeds 1 and 2)", "wider"]
    assert {row["against"] for row in found.values()} == {"mlp-1 (seeds 1 and 2)"}, "a row is named by each of its runs"
    areas = []
    for folder in (tmp_path / "to" / "evaluations").glob("mlp-*"):
        table = pl.read_parquet(folder / "predictions.parquet")
        areas.append(float(auroc(*(table[name].cast(pl.Float64).to_numpy() for name in SEEN))))
    assert len(set(areas)) == 2
    assert float(found["mlp-1 (seeds 1 and 2)"]["value"]) == pytest.approx(sum(areas) / 2)
    assert found["mlp-1 (seeds 1 and 2)"]["cells"] == "2"
    assert done.found["notes"] == []


def test_runs_on_encoders_of_other_seeds_are_one_row(work: Path, tmp_path: Path):
    """As in a recipe, where each seed pretrains its own; encoders that were made otherwise are another row."""
    data = work / "data"
    for seed in (1, 2):
        aligned(data, tmp_path / f"encoders-{seed}", seed=seed)
        trained("mlp", data, tmp_path / f"mlp-{seed}", encoders=tmp_path / f"encoders-{seed}", seed=seed)
    trained("mlp", data, tmp_path / "mlp-3", encoders=tmp_path / "encoders-1", seed=2)
    aligned(data, tmp_path / "other", "batch_size=64", seed=3)
    trained("mlp", data, tmp_path / "otherwise", encoders=tmp_path / "other", seed=3)
    names = ("mlp-1", "mlp-2", "otherwise")
    compare([tmp_path / name for name in names], tmp_path / "to", data, quiet=True)
    found = rows(tmp_path / "to")
    assert list(found) == ["mlp-1 (seeds 1 and 2)", "otherwise"]
    assert found["mlp-1 (seeds 1 and 2)"]["cells"] == "2"
    named = {name: tmp_path / name for name in ("mlp-1", "mlp-2", "mlp-3")}
    assert rows_of(named, list(named)) == {"mlp-1 (seeds 1 after 1, 2 after 2 and 2 after 1)": tuple(named)}


def test_runs_of_before_this_was_written_down_stay_rows_of_their_own(work: Path, tmp_path: Path):
    """What their encoders were made with is not known."""
    for seed in (1, 2):
        aligned(work / "data", tmp_path / f"encoders-{seed}", seed=seed)
        trained("mlp", work / "data", tmp_path / f"mlp-{seed}", encoders=tmp_path / f"encoders-{seed}", seed=seed)
        (tmp_path / f"mlp-{seed}" / "before.json").unlink()
    named = {name: tmp_path / name for name in ("mlp-1", "mlp-2")}
    assert rows_of(named, list(named)) == {"mlp-1": ("mlp-1",), "mlp-2": ("mlp-2",)}


def test_the_same_seed_twice_is_two_rows(work: Path, tmp_path: Path):
    trained("logistic", work / "data", tmp_path / "again")
    compare([work / "logistic", tmp_path / "again"], tmp_path / "to", work / "data", quiet=True)
    assert list(rows(tmp_path / "to")) == ["logistic", "again"]


def test_a_run_that_cannot_answer_is_said_and_the_others_are_kept(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    original = existing.evaluate

    def fails(run: Path, *arguments: Any, **named: Any) -> Any:
        if run.name == "boosting":
            raise NoScoreError("nobody has one")
        return original(run, *arguments, **named)

    sources, to = [work / "boosting", work / "logistic", work / "score"], tmp_path / "to"
    with monkeypatch.context() as patch:
        patch.setattr(existing, "evaluate", fails)
        done = compare(sources, to, work / "data", quiet=True)
    assert done.n_failed == 1
    assert list(rows(to)) == ["logistic", "score"]
    assert "boosting: nobody has one" in (to / "table.csv").read_text()
    assert "nobody has one" in (to / "report.html").read_text()
    assert not (to / "manifest.json").exists(), "it is not complete"
    assert compare(sources, to, work / "data", quiet=True).n_failed == 0
    assert list(rows(to)) == ["boosting", "logistic", "score"]


def test_other_test_stays_are_compared_where_both_were_tested_and_it_is_said(work: Path, tmp_path: Path):
    done = compare([work / "out" / "boosting", work / "out" / "other-split"], tmp_path / "to", quiet=True)
    tables = [pl.read_parquet(work / "out" / n / "predictions.parquet")["stay_id"] for n in ("boosting", "other-split")]
    both = set(tables[0]) & set(tables[1])
    assert 0 < len(both) < len(tables[0])
    assert {int(row["n_stays"]) for row in rows(tmp_path / "to").values()} == {len(both)}
    (note,) = done.found["notes"]
    assert "Test stays differ" in note
    assert note in (tmp_path / "to" / "report.html").read_text()


def test_the_stamp_of_the_paper_protocol_is_that_of_the_evaluations(work: Path, tmp_path: Path):
    copied = tmp_path / "copied"
    shutil.copytree(work / "out" / "paper", copied)
    past = files.read_json(copied / "metrics.json")["sees_past_prediction"]
    assert past, "there must be something to stamp"
    compare([work / "out" / "paper", copied], tmp_path / "to", quiet=True)
    assert {row["sees_past_prediction"] for row in rows(tmp_path / "to").values()} == {" ".join(past)}
    assert f"Sees past the prediction time: {', '.join(past)}" in (tmp_path / "to" / "report.html").read_text()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("out/hours", "out/hours has --task los_remaining"),
        ("out/twelve", "--at-h 12.0, .*boosting has 24.0: they answer different questions"),
        ("out/paper", "--protocol paper"),
        ("data", "holds 'data': give what `wardround train` or `wardround evaluate` wrote"),
        ("nowhere", "is not a folder"),
        ("aligned", "is a pretraining: it predicts nothing"),
        ("out/boosting", "the same folder is given twice"),
    ],
)
def test_what_does_not_go_together_is_refused(work: Path, tmp_path: Path, other: str, said: str):
    first = work / "out" / "boosting"
    with pytest.raises((RunError, UsageError), match=said.replace("out/hours has", "hours has")):
        compare([first, work / other], tmp_path / "to", data=work / "data", quiet=True)
    assert not (tmp_path / "to" / "table.csv").exists()


@pytest.mark.parametrize(
    ("second", "data", "error", "said"),
    [
        ("hours", "data", UsageError, "hours has --task los_remaining, boosting has mortality"),
        ("out/twelve", "data", UsageError, "twelve has --at-h 12.0, boosting has 24.0"),
        ("aligned", "data", UsageError, "is a pretraining: it predicts nothing"),
        (
            "score",
            "bare",
            NoScoreError,
            "^score: no stay of .*bare has the score at hour 24: APACHE's is known at 24 h",
        ),
        ("logistic", "unlabelled", DataError, "^mortality on .*unlabelled: no stay is in the cohort"),
        (
            "logistic",
            "unread",
            DataError,
            "^boosting: .*boosting reads demographics, .*, and no stay of .*unread has any of them .they have score.: ",
        ),
    ],
    ids=["task", "hour", "pretraining", "no score", "no label", "nothing to read"],
)
def test_what_cannot_be_asked_is_said_before_any_run_is(
    second: str,
    data: str,
    error: type[Exception],
    said: str,
    work: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """The first run could be; asking it may take an hour."""
    others = published(random_timelines(8, 60))
    write_data(tmp_path / "bare", Timelines(others.events.filter(pl.col("modality") == "lab"), others.stays))
    write_data(tmp_path / "unread", Timelines(others.events.filter(pl.col("modality") == "score"), others.stays))
    write_data(tmp_path / "unlabelled", others.with_stays(died_in_hospital=pl.lit(None, pl.Boolean)))
    monkeypatch.setattr(existing, "evaluate", None)
    folder = work / data if data == "data" else tmp_path / data
    with pytest.raises(error, match=said):
        compare([work / "boosting", work / second], tmp_path / "to", folder, quiet=True)
    assert not (tmp_path / "to" / "evaluations").exists()


def test_a_run_that_tests_on_nobody_is_said_before_any_is_asked(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    trained("logistic", work / "data", tmp_path / "whole", split=SplitPlan(test=False))
    monkeypatch.setattr(existing, "evaluate", None)
    with pytest.raises(UsageError, match=r"^whole: this data has no stay on the run's test side.*--no-test"):
        compare([work / "boosting", tmp_path / "whole"], tmp_path / "to", work / "data", quiet=True)


def test_a_run_needs_data_and_one_folder_is_none(work: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="is a run: give --data"):
        compare([work / "boosting", work / "logistic"], tmp_path / "to")
    with pytest.raises(UsageError, match="two folders or more"):
        compare([work / "boosting"], tmp_path / "to")
    with pytest.raises(UsageError, match=r"--against x: no such row\. There are: boosting, logistic"):
        compare([work / "boosting", work / "logistic"], tmp_path / "to", work / "data", "x")
    with pytest.raises(DataError, match="is not a folder"):
        compare([work / "boosting", work / "logistic"], tmp_path / "to", work / "nowhere")


def test_patients_that_were_trained_on_are_said(work: Path, tmp_path: Path):
    for name in ("boosting", "logistic"):
        evaluate(work / name, work / "data", tmp_path / name, Question("all", draws=20), quiet=True)
    done = compare([tmp_path / "boosting", tmp_path / "logistic"], tmp_path / "to", quiet=True)
    assert "asked of patients that the run was trained on" in done.found["notes"][0]


def test_another_label_for_the_same_stay_fails_the_row_and_the_others_are_kept(work: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    for path in (work / "out" / "logistic").iterdir():
        copy.mkdir(exist_ok=True)
        (copy / path.name).write_bytes(path.read_bytes())
    table = pl.read_parquet(copy / "predictions.parquet")
    files.write_table(copy / "predictions.parquet", table.with_columns(~pl.col("boolean_value")))
    with pytest.raises(RunError, match="differs from what was written"):
        compare([work / "out" / "boosting", copy], tmp_path / "to", quiet=True)
    manifest = json.loads((copy / "manifest.json").read_text())
    files.write_manifest(copy, "evaluation", manifest["inputs"], manifest["settings"], manifest["version"])
    said = f"copy: {table.height} stays have another label or prediction time than in boosting. "
    for against in (None, "boosting"):
        to = tmp_path / f"to {against}"
        sources = [work / "out" / "boosting", copy, work / "out" / "logistic"]
        assert compare(sources, to, against=against, quiet=True).n_failed == 1
        assert list(rows(to)) == ["boosting", "logistic"]
        assert said in (to / "table.csv").read_text()
        assert not (to / "manifest.json").exists(), "it is not complete"


def test_a_row_that_cannot_be_judged_has_failed_and_the_others_are_kept(work: Path, tmp_path: Path):
    """Predictions that are no numbers: no metric takes them."""
    copy = tmp_path / "copy"
    shutil.copytree(work / "out" / "logistic", copy)
    table = pl.read_parquet(copy / "predictions.parquet")
    broken = pl.when(pl.int_range(pl.len()) > 2).then("predicted_boolean_probability").otherwise(float("nan"))
    files.write_table(copy / "predictions.parquet", table.with_columns(broken.alias("predicted_boolean_probability")))
    manifest = json.loads((copy / "manifest.json").read_text())
    files.write_manifest(copy, "evaluation", manifest["inputs"], manifest["settings"], manifest["version"])
    to = tmp_path / "to"
    assert compare([work / "out" / "boosting", copy, work / "out" / "score"], to, quiet=True).n_failed == 1
    assert list(rows(to)) == ["boosting", "score"]
    (failed,) = [row for row in csv.DictReader((to / "table.csv").read_text().splitlines()) if row["failed"]]
    assert failed["row"] == "copy"
    assert "copy, mortality: " in failed["failed"]
    assert "values are NaN" in failed["failed"]
    assert "1 row failed." in (to / "report.html").read_text()
    assert not (to / "manifest.json").exists(), "it is not complete"


def test_a_run_that_learned_for_another_hour_is_said(work: Path, tmp_path: Path):
    evaluate(work / "twelve", work / "data", tmp_path / "asked", Question(at_h=24, draws=20), quiet=True)
    done = compare([work / "out" / "boosting", tmp_path / "asked"], tmp_path / "to", quiet=True)
    assert done.found["notes"] == ["asked: Trained for hour 12, asked at hour 24."]
    assert "Trained for hour 12, asked at hour 24" in (tmp_path / "to" / "report.html").read_text()
