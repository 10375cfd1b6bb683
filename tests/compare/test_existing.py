"""Runs that are there, side by side: on the same stays, or refused."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import torch

from small_runs import aligned, small_data, trained
from wardround import files
from wardround.compare.compare import compare
from wardround.errors import DataError, RunError, UsageError
from wardround.evaluate import report
from wardround.evaluate.evaluation import evaluate
from wardround.evaluate.paired import paired
from wardround.evaluate.question import Question
from wardround.metrics.discrimination import auroc
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan

torch.set_num_threads(1)


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


def test_other_test_stays_are_compared_where_both_were_tested_and_it_is_said(work: Path, tmp_path: Path):
    done = compare([work / "out" / "boosting", work / "out" / "other-split"], tmp_path / "to", quiet=True)
    tables = [pl.read_parquet(work / "out" / n / "predictions.parquet")["stay_id"] for n in ("boosting", "other-split")]
    both = set(tables[0]) & set(tables[1])
    assert 0 < len(both) < len(tables[0])
    assert {int(row["n_stays"]) for row in rows(tmp_path / "to").values()} == {len(both)}
    (note,) = done.found["notes"]
    assert "Test stays differ" in note
    assert note in (tmp_path / "to" / "report.html").read_text()


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


def test_another_label_for_the_same_stay_is_refused(work: Path, tmp_path: Path):
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
    with pytest.raises(RunError, match=f"{table.height} stays have another label or prediction time in copy"):
        compare([work / "out" / "boosting", copy], tmp_path / "to", quiet=True)
