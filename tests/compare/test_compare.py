"""A recipe end to end on small timelines: resumed, changed, failing, and blind to the labels of test stays."""

import csv
import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from small_runs import published, small_data
from timelines import Timelines, random_timelines, with_billed_diagnoses, write_data
from wardround import files
from wardround.compare import compare as module
from wardround.compare import work
from wardround.compare.compare import Compared, compare, plan_of
from wardround.errors import DataError, RunError, UsageError
from wardround.evaluate import report
from wardround.evaluate.evaluation import evaluate, predict
from wardround.evaluate.question import Question
from wardround.metrics.discrimination import auroc
from wardround.metrics.macro import macro
from wardround.stopping import Stopped
from wardround.tasks.splits import SplitPlan, split_stays
from wardround.train import data as train_data
from wardround.whole_file import one_writer

torch.set_num_threads(1)

pytestmark = pytest.mark.slow

SMALL = "set = { loop.epochs = 1, encoder.hidden = 8, encoder.embed = 4, model.hidden = 8 }"
BOOSTING = '[[rows]]\nmethod = "boosting"\nset = { rounds = 5, min_leaf_stays = 5 }\n'
LOGISTIC = '[[rows]]\nmethod = "logistic"\nset = { penalties = [1.0] }\n'
ALIGNED = '[encoders.aligned]\nloss = "masked-global"\nset = { epochs = 1, encoder.hidden = 8, encoder.embed = 4 }\n'
MLP = f'[[rows]]\nmethod = "mlp"\nseeds = [0, 1]\n{SMALL}\ntune = false\n'
BESIDE = '[[rows]]\nmethod = "mlp"\nencoders = ["aligned"]\nset = { loop.epochs = 1, model.hidden = 8 }\ntune = false\n'
MANY = 300
FOLDS = "[split]\nfolds = 2\n"
SEARCH = "[search]\ntrials = 3\nspace.logistic.clip = { low = 2.0, high = 9.0 }\n"
SPACE = "space.boosting = { leaves = { low = 2, high = 9 } }\n"


@pytest.fixture(scope="module", autouse=True)
def plain_reports() -> Iterator[None]:
    """The reports of single cells are tested elsewhere, and take long to draw; no waiting for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(report, "write_report", lambda to, run, data: files.write_text(to / "report.html", "report"))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data(tmp_path_factory.mktemp("compare") / "data")


def recipe(folder: Path, data: Path, *parts: str, task: str = "mortality", top: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "r.toml").write_text(f'data = "{data}"\ntasks = ["{task}"]\ndraws = 50\n{top}\n' + "".join(parts))
    return folder / "r.toml"


def run(file: Path, to: Path) -> Compared:
    return compare([file], to, quiet=True)


def lines(to: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((to / "table.csv").read_text().splitlines()))


def by_name(found: dict[str, Any]) -> dict[str, Any]:
    """The rows of the one table."""
    (table,) = found["tables"]
    return {row["row"]: row for row in table["rows"]}


def counted(patch: pytest.MonkeyPatch, name: str, stop_at: int = 0, raised: type[BaseException] = KeyboardInterrupt):
    """The folders that a step was called for; the process ends at call number `stop_at`."""
    original, calls = getattr(work, name), []

    def call(*arguments: Any, **named: Any) -> Any:
        if len(calls) + 1 == stop_at:
            raise raised
        made = original(*arguments, **named)
        calls.append(made)
        return made

    patch.setattr(work, name, call)
    return calls


ALL = (FOLDS, ALIGNED, BOOSTING, LOGISTIC, MLP, BESIDE, SEARCH, SPACE)


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison that was left alone."""
    folder = tmp_path_factory.mktemp("whole")
    done = run(recipe(folder, data, *ALL), folder / "to")
    assert not done.already
    return folder / "to"


def test_what_is_written(whole: Path):
    files.verify_folder(whole, "comparison", RunError)
    assert {path.name for path in whole.iterdir()} == {
        "table.csv", "comparison.json", "report.html", "manifest.json", "runs", "encoders", "searches",
    }  # fmt: skip
    rows = lines(whole)
    assert [row["row"] for row in rows if row["measure"] == "auroc"] == ["boosting", "logistic", "mlp", "mlp, aligned"]
    assert {row["cells"] for row in rows if row["row"] == "mlp"} == {"4"}, "two folds, two seeds"
    cells = list((whole / "runs").iterdir())
    assert len(cells) == 2 + 2 + 4 + 2
    for cell in cells:
        files.verify_folder(cell / "run", "run", RunError)
        (evaluation,) = cell.glob("evaluation-*")
        files.verify_folder(evaluation, "evaluation", RunError)
    assert not list((whole / "searches").rglob("trial-*")), "runs of trials go when their value is written down"


def test_folds_are_pooled_and_seeds_are_averaged(whole: Path):
    """From the predictions of the cells, by hand."""
    tables: dict[str, list[pl.DataFrame]] = {"0": [], "1": []}
    for cell in (whole / "runs").glob("mlp-mortality-*"):
        seed = cell.name.split("-seed")[1][0]
        tables[seed].append(pl.read_parquet(next(cell.glob("evaluation-*")) / "predictions.parquet"))
    areas, stays = [], []
    for folds in tables.values():
        both = pl.concat(folds)
        assert both["stay_id"].n_unique() == both.height, "every stay once"
        label = both["boolean_value"].cast(pl.Float64).to_numpy()
        areas.append(float(auroc(label, both["predicted_boolean_probability"].to_numpy())))
        stays.append(both.height)
    (row,) = [row for row in lines(whole) if (row["row"], row["measure"]) == ("mlp", "auroc")]
    assert float(row["value"]) == pytest.approx(np.mean(areas))
    assert int(row["n_stays"]) == stays[0] == stays[1]


def test_a_second_call_finds_it_complete_and_does_nothing(whole: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_work", None)
    before = files.sha256(whole / "report.html")
    done = run(whole.parent / "r.toml", whole)
    assert done.already
    assert done.found == json.loads((whole / "comparison.json").read_text())
    assert list(by_name(done.found)) == ["boosting", "logistic", "mlp", "mlp, aligned"], "in the recipe's order"
    assert files.sha256(whole / "report.html") == before


@pytest.mark.parametrize(
    ("step", "at", "raised"),
    [
        ("train", 1, KeyboardInterrupt),
        ("pretrain", 2, KeyboardInterrupt),
        ("evaluate", 5, Stopped),
    ],
)
def test_what_was_interrupted_goes_on_to_the_same_table(
    whole: Path, data: Path, tmp_path: Path, step: str, at: int, raised: type[BaseException]
):
    file = recipe(tmp_path, data, *ALL)
    with pytest.MonkeyPatch.context() as patch:
        done = len(counted(patch, step, at, raised))
        with pytest.raises(raised):
            run(file, tmp_path / "to")
        assert done < at
    assert not (tmp_path / "to" / "table.csv").exists()
    finished = list((tmp_path / "to").glob("runs/*/evaluation-*/manifest.json"))
    stamps = {path: path.stat().st_mtime_ns for path in finished}
    run(file, tmp_path / "to")
    assert (tmp_path / "to" / "table.csv").read_bytes() == (whole / "table.csv").read_bytes()
    assert {path: path.stat().st_mtime_ns for path in finished} == stamps, "what was done is not done again"
    theirs = sorted(path.name for path in (whole / "runs").iterdir())
    assert sorted(path.name for path in (tmp_path / "to" / "runs").iterdir()) == theirs


def test_what_is_done_is_counted_once(whole: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The bar begins with the cells that are there."""
    file = recipe(tmp_path, data, *ALL)
    shutil.copytree(whole, tmp_path / "to")
    for name in ("table.csv", "report.html", "comparison.json", "manifest.json"):
        (tmp_path / "to" / name).unlink()
    compare([file], tmp_path / "to")
    said = capsys.readouterr().err
    ((done, total),) = set(re.findall(r"^cells.*?: ([0-9]+) of ([0-9]+)", said, re.MULTILINE))
    assert done == total, said


def test_sigterm_stops_between_steps_and_the_same_call_goes_on(data: Path, tmp_path: Path):
    file = recipe(tmp_path, data, BOOSTING, LOGISTIC)
    original: Callable[..., Any] = work.train

    def train(*arguments: Any, **named: Any) -> Any:
        made = original(*arguments, **named)
        os.kill(os.getpid(), signal.SIGTERM)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "train", train)
        with pytest.raises(Stopped, match="Run the same command again"):
            run(file, tmp_path / "to")
    (made,) = (tmp_path / "to" / "runs").glob("*/run/manifest.json")
    before = made.stat().st_mtime_ns
    assert run(file, tmp_path / "to").n_failed == 0
    assert made.stat().st_mtime_ns == before


def test_sigterm_is_heard_inside_a_fit(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Trees of 25 labels take minutes: a stop that came before them, or in them, does not wait for their end."""
    original: Callable[..., Any] = work.train

    def train(*arguments: Any, **named: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments, **named)

    monkeypatch.setattr(work, "train", train)
    with pytest.raises(Stopped, match="Run the same command again"):
        run(recipe(tmp_path, data, BOOSTING, LOGISTIC), tmp_path / "to")
    assert not list((tmp_path / "to" / "runs").glob("*/run/manifest.json"))


def test_a_changed_recipe_makes_new_cells_alone(data: Path, tmp_path: Path):
    run(recipe(tmp_path, data, BOOSTING, MLP), tmp_path / "to")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "to" / "runs").rglob("manifest.json")}
    more = MLP.replace("seeds = [0, 1]", "seeds = [0, 1, 2]")
    with pytest.MonkeyPatch.context() as patch:
        trained = counted(patch, "train")
        run(recipe(tmp_path, data, BOOSTING, LOGISTIC, more), tmp_path / "to")
    assert len(trained) == 2, "logistic, and the third seed"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert {row["row"] for row in lines(tmp_path / "to")} == {"boosting", "logistic", "mlp"}
    files.verify_folder(tmp_path / "to", "comparison", RunError)


def test_other_draws_ask_every_run_again_and_train_none(data: Path, tmp_path: Path):
    """An evaluation holds intervals, so one of other draws is another, and the report that is linked is its own."""
    to = tmp_path / "to"
    file = recipe(tmp_path, data, BOOSTING, LOGISTIC)
    run(file, to)
    file.write_text(file.read_text().replace("draws = 50", "draws = 60"))
    with pytest.MonkeyPatch.context() as patch:
        trained = counted(patch, "train")
        done = run(file, to)
    assert all(finished.already for finished in trained)
    assert done.found["about"]["draws"] == 60
    metrics = [json.loads(path.read_text()) for path in to.glob("runs/*/evaluation-*/metrics.json")]
    assert sorted(one["intervals"]["draws"] for one in metrics) == [50, 50, 60, 60]
    linked = re.findall(r'href="(runs/[^"]+)/report.html"', (to / "report.html").read_text())
    assert [json.loads((to / path / "metrics.json").read_text())["intervals"]["draws"] for path in linked] == [60, 60]


def test_a_cell_that_fails_is_said_and_the_others_are_done(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its row has no numbers, not those of the seeds that went well; the next call tries it again."""
    original: Callable[..., Any] = work.train

    def train(method: str, *arguments: Any, **named: Any) -> Any:
        if method == "mlp" and arguments[-1] == 1:
            raise RunError("the loss is not finite")
        return original(method, *arguments, **named)

    file = recipe(tmp_path, data, BOOSTING, MLP, LOGISTIC)
    with monkeypatch.context() as patch:
        patch.setattr(work, "train", train)
        done = run(file, tmp_path / "to")
    assert done.n_failed == 1
    (failed,) = [row for row in lines(tmp_path / "to") if row["row"] == "mlp"]
    assert failed["failed"] == "mlp, mortality, split 0, seed 1: the loss is not finite"
    assert failed["value"] == failed["measure"] == ""
    assert [row["row"] for row in lines(tmp_path / "to") if row["measure"] == "auroc"] == ["boosting", "logistic"]
    page = (tmp_path / "to" / "report.html").read_text()
    assert "1 cell failed." in page
    assert "the loss is not finite" in page
    assert not (tmp_path / "to" / "manifest.json").exists(), "it is not complete"
    assert run(file, tmp_path / "to").n_failed == 0
    assert all(not row["failed"] for row in lines(tmp_path / "to"))


@pytest.mark.parametrize("torn", ["runs/boosting*/evaluation-*/predictions.parquet", "searches/*/trials.json"])
def test_a_cell_that_cannot_be_read_is_said_and_the_others_are_kept(torn: str, data: Path, tmp_path: Path):
    search, to = "[search]\ntrials = 1\n", tmp_path / "to"
    assert run(recipe(tmp_path, data, BOOSTING, search, SPACE), to).n_failed == 0
    file = recipe(tmp_path, data, BOOSTING, MLP, search, SPACE)
    (path,) = to.glob(torn)
    path.write_bytes(path.read_bytes()[:-9])
    assert run(file, to).n_failed == 1
    (failed,) = [row for row in lines(to) if row["row"] == "boosting"]
    assert str(path) in failed["failed"]
    assert "Delete the folder of what it names" in failed["failed"]
    assert [row["row"] for row in lines(to) if row["measure"] == "auroc"] == ["mlp"]
    assert not (to / "manifest.json").exists(), "it is not complete"
    shutil.rmtree(path.parent)
    assert run(file, to).n_failed == 0
    assert [row["row"] for row in lines(to) if row["measure"] == "auroc"] == ["boosting", "mlp"]


def test_without_the_reference_nothing_is_paired_and_the_page_says_so(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    original: Callable[..., Any] = work.train

    def train(method: str, *arguments: Any, **named: Any) -> Any:
        if method == "boosting":
            raise MemoryError
        return original(method, *arguments, **named)

    monkeypatch.setattr(work, "train", train)
    run(recipe(tmp_path, data, BOOSTING, LOGISTIC), tmp_path / "to")
    assert {row["difference"] for row in lines(tmp_path / "to")} == {""}
    page = (tmp_path / "to" / "report.html").read_text()
    assert "boosting has no numbers for mortality" in page
    assert "out of memory" in page


def test_a_row_that_cannot_be_judged_is_said_and_the_others_are_kept(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its cells are done: nothing is trained again, and the next call judges it."""
    original: Callable[..., Any] = module.gather

    def gather(answers: Any, external: bool) -> Any:
        tables = original(answers, external)
        if next(iter(answers)).row.name != "logistic":
            return tables
        return {repeat: [one.with_columns(predicted=2.0) for one in seeds] for repeat, seeds in tables.items()}

    file, to = recipe(tmp_path, data, BOOSTING, LOGISTIC, MLP), tmp_path / "to"
    with monkeypatch.context() as patch:
        patch.setattr(module, "gather", gather)
        assert run(file, to).n_failed == 1
    (failed,) = [row for row in lines(to) if row["row"] == "logistic"]
    assert failed["failed"].startswith("logistic, mortality: ")
    assert "outside [0, 1]" in failed["failed"]
    assert [row["row"] for row in lines(to) if row["measure"] == "auroc"] == ["boosting", "mlp"]
    assert "1 row failed." in (to / "report.html").read_text()
    assert not (to / "manifest.json").exists(), "it is not complete"
    trainings = counted(monkeypatch, "train")
    assert run(file, to).n_failed == 0
    assert not trainings
    assert all(not row["failed"] for row in lines(to))


def test_a_disk_that_refuses_ends_the_call(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from wardround.errors import StorageError

    counted(monkeypatch, "train", 1, StorageError)
    with pytest.raises(StorageError):
        run(recipe(tmp_path, data, BOOSTING, LOGISTIC), tmp_path / "to")


# The search


def test_every_method_has_the_same_budget_and_uses_it(whole: Path):
    found = json.loads((whole / "comparison.json").read_text())
    assert found["search"]["trials"] == {"boosting": 3, "logistic": 3}
    assert found["search"]["equal"]
    assert found["search"]["stopped_by_time"] == {}
    assert found["search"]["not_searched"] == ["mlp", "mlp, aligned"]
    page = (whole / "report.html").read_text()
    assert "mlp, mlp, aligned: no setting of these was searched" in page
    assert "Every row that was searched had 3 trials, whatever its method, anew in each split." in page
    rows = by_name(found)
    assert {name: (row["facts"]["trials"], row["facts"]["searches"]) for name, row in rows.items()} == {
        "boosting": (6, 2),
        "logistic": (6, 2),
        "mlp": (0, 0),
        "mlp, aligned": (0, 0),
    }
    spent = json.loads((whole / "manifest.json").read_text())["settings"]["spent"]["mortality"]
    assert {name: row["trials"] for name, row in spent.items()} == {
        "boosting": 6,
        "logistic": 6,
        "mlp": 0,
        "mlp, aligned": 0,
    }
    assert all(row["seconds"] > 0 for row in spent.values())


def test_a_budget_that_differs_is_said(data: Path, tmp_path: Path):
    run(recipe(tmp_path, data, BOOSTING, LOGISTIC, SEARCH, SPACE, "trials_of.boosting = 1\n"), tmp_path / "to")
    found = json.loads((tmp_path / "to" / "comparison.json").read_text())["search"]
    assert (found["trials"], found["equal"]) == ({"boosting": 1, "logistic": 3}, False)
    page = (tmp_path / "to" / "report.html").read_text()
    assert "Search budgets differ." in page
    assert "boosting 1, logistic 3" in page


def test_a_trial_that_does_not_fit_into_memory_is_a_failed_trial(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The search goes on with smaller models; the row keeps its numbers."""
    original: Callable[..., Any] = work.train

    def train(method: str, of: Path, task: str, to: Path, *arguments: Any, **named: Any) -> Any:
        if to.name == "trial-0":
            raise torch.OutOfMemoryError
        return original(method, of, task, to, *arguments, **named)

    monkeypatch.setattr(work, "train", train)
    done = run(recipe(tmp_path, data, BOOSTING, "[search]\ntrials = 2\n", SPACE), tmp_path / "to")
    assert done.n_failed == 0
    facts = by_name(done.found)["boosting"]["facts"]
    assert (facts["trials"], facts["trials_failed"]) == (2, 1)


def test_a_pretraining_takes_no_minutes_from_the_search(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Else a row that starts from encoders would have fewer trials than one that does not."""
    original, there = work.search, list[bool]()

    def search(folder: Path, *arguments: Any) -> Any:
        there.append(any((tmp_path / "to" / "encoders").glob("*/manifest.json")))
        return original(folder, *arguments)

    monkeypatch.setattr(work, "search", search)
    row = BESIDE.replace("tune = false", "tune = true")
    space = "[search]\ntrials = 1\nspace.mlp.model.dropout = { low = 0.0, high = 0.4 }\n"
    run(recipe(tmp_path, data, ALIGNED, row, space), tmp_path / "to")
    assert there == [True]


def test_a_search_opens_the_data_once(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Opening hashes every file of it, which takes longer than many a trial."""
    original, folders = train_data.open_data, []

    def open_data(folder: Path, *arguments: Any, **named: Any) -> Any:
        folders.append(folder)
        return original(folder, *arguments, **named)

    for part in (train_data, work):
        monkeypatch.setattr(part, "open_data", open_data)
    tuned = BESIDE.replace("tune = false", "tune = true")
    space = "[search]\ntrials = 3\nspace.mlp = { loop.learning_rate = { low = 1e-4, high = 1e-2, log = true } }\n"
    done = run(recipe(tmp_path, data, BOOSTING + "tune = false\n", ALIGNED, tuned, space), tmp_path / "to")
    assert by_name(done.found)["mlp, aligned"]["facts"]["trials"] == 3
    assert folders == [data] * (1 + 1 + 2), "boosting; the search; the last training, and its encoders"


def test_the_chosen_settings_are_those_of_the_run(whole: Path):
    found = json.loads((whole / "comparison.json").read_text())
    chosen = by_name(found)["boosting"]["facts"]["chosen"]
    assert [one["split"] for one in chosen] == ["split 0 fold 1 of 2", "split 0 fold 2 of 2"]
    for one in chosen:
        fold = one["split"].split()[3]
        (settings,) = (whole / "runs").glob(f"boosting-*-fold{fold}of2-*/run/settings.json")
        leaves = json.loads(settings.read_text())["settings"]["model"]["leaves"]
        assert one["settings"] == [f"model.leaves={leaves}"]


def relabelled(folder: Path, side: str) -> Path:
    """The data with the deaths of one side of the split turned about."""
    timelines: Timelines = published(random_timelines(3, MANY))
    plain = small_data(folder / "plain", stays=MANY)
    splits = split_stays(pl.read_parquet(plain / "stays.parquet"), SplitPlan())
    stays = timelines.stays.join(splits.select("stay_id", "split"), on="stay_id", how="left", maintain_order="left")
    turned = pl.when(stays["split"] == side).then(~stays["died_in_hospital"]).otherwise(stays["died_in_hospital"])
    return write_data(folder / side, timelines.with_stays(died_in_hospital=stays.select(turned).to_series()))


def searched(data: Path, folder: Path) -> list[dict[str, Any]]:
    """Every trial of every search, seconds apart; and the search's folder goes by what was searched alone."""
    parts = (BOOSTING, LOGISTIC, SEARCH, SPACE)
    done = run(recipe(folder, data, *parts), folder / "to")
    trials = [
        [one["params"], one["value"]]
        for path in sorted((folder / "to" / "searches").glob("*/trials.json"), key=lambda path: path.parent.name[:8])
        for one in json.loads(path.read_text())["trials"]
    ]
    rows = by_name(done.found)
    return [{"trials": trials}, {name: row["facts"]["chosen"] for name, row in rows.items()}, rows]


def test_labels_of_test_stays_are_never_read_by_the_search(tmp_path: Path):
    """Turned about, they leave every trial and every choice as they were; the control turns those of validation."""
    plain = searched(small_data(tmp_path / "data", stays=MANY), tmp_path / "a")
    test = searched(relabelled(tmp_path, "test"), tmp_path / "b")
    assert test[:2] == plain[:2]
    assert test[2]["boosting"]["metrics"]["auroc"]["value"] == pytest.approx(
        1 - plain[2]["boosting"]["metrics"]["auroc"]["value"]
    )
    validation = searched(relabelled(tmp_path, "val"), tmp_path / "c")
    assert validation[0] != plain[0]


# Another cohort


def test_another_cohort_is_judged_whole(data: Path, tmp_path: Path):
    other = small_data(tmp_path / "other", seed=8, stays=90)
    top = f'test_data = "{other}"\n'
    run(recipe(tmp_path, data, "[split]\nseeds = [0, 1]\n", BOOSTING, LOGISTIC, top=top), tmp_path / "to")
    rows = lines(tmp_path / "to")
    (evaluation, *_) = (tmp_path / "to" / "runs").glob("boosting-*/evaluation-*/metrics.json")
    metrics = json.loads(evaluation.read_text())
    assert metrics["split"] == "all"
    assert {int(row["n_stays"]) for row in rows} == {metrics["n_stays"]}
    assert "every stay of another cohort" in (tmp_path / "to" / "report.html").read_text()


def test_patients_that_were_trained_on_are_said(data: Path, tmp_path: Path):
    """Another folder may hold the patients of the first; the control has none of them."""
    timelines = published(random_timelines(8, 60))
    for name, add in (("same", 0), ("apart", 10**6)):
        other = write_data(tmp_path / name, timelines.with_stays(subject_id=pl.col("subject_id") + add))
        done = run(recipe(tmp_path, data, BOOSTING, top=f'test_data = "{other}"\n'), tmp_path / f"to-{name}")
        said = [
            note.startswith("boosting: asked of patients that the run was trained on") for note in done.found["notes"]
        ]
        assert any(said) == (name == "same")


# What is refused before any work


def test_a_copy_of_the_data_is_no_other_cohort(data: Path, tmp_path: Path):
    other = shutil.copytree(data, tmp_path / "copy")
    with pytest.raises(UsageError, match=r"test_data: .* holds the very data of .* its patients were trained on"):
        run(recipe(tmp_path, data, BOOSTING, top=f'test_data = "{other}"\n'), tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_a_dry_run_names_the_cells_and_writes_nothing(data: Path, tmp_path: Path, whole: Path):
    file = recipe(tmp_path, data, *ALL)
    said = plan_of([file], None)
    assert said[-1] == "10 cells, 0 of them done; 2 pretrainings; 12 trials in 4 searches"
    assert sum("to do" in line for line in said) == 10
    assert plan_of([file], whole)[-1].startswith("10 cells, 10 of them done")
    assert {path.name for path in tmp_path.iterdir()} == {"r.toml"}


def test_somebody_s_files_are_not_written_over(data: Path, tmp_path: Path):
    file = recipe(tmp_path, data, BOOSTING)
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "table.csv").write_text("mine")
    with pytest.raises(RunError, match=r"table\.csv: this command did not make it"):
        run(file, tmp_path / "to")
    assert (tmp_path / "to" / "table.csv").read_text() == "mine"
    with pytest.raises(RunError, match="holds 'data'"):
        run(file, data)


def test_several_answers_are_compared_by_their_mean(tmp_path: Path):
    """Value and paired difference are those of the macro AUROC over the folds together."""
    billed = with_billed_diagnoses(published(random_timelines(3, 150)), 3)
    file = recipe(tmp_path, write_data(tmp_path / "data", billed), BOOSTING, LOGISTIC, FOLDS, task="phenotyping")
    rows = by_name(run(file, tmp_path / "to").found)
    said: dict[str, np.ndarray] = {}
    for name in ("boosting", "logistic"):
        cells = sorted((tmp_path / "to" / "runs").glob(f"{name}-*/evaluation-*/predictions.parquet"))
        table = pl.concat(pl.read_parquet(cell) for cell in cells).sort("stay_id", "label")
        said[name] = table["predicted_boolean_probability"].to_numpy().reshape(-1, 25)
        truth = table["boolean_value"].cast(pl.Float64).to_numpy().reshape(-1, 25)
        assert rows[name]["metrics"]["auroc"]["value"] == pytest.approx(float(macro(auroc)(truth, said[name])))
    less = float(macro(auroc)(truth, said["logistic"]) - macro(auroc)(truth, said["boosting"]))
    assert rows["logistic"]["differences"]["auroc"]["value"] == pytest.approx(less)


def test_two_at_once_do_not_write_into_one_folder(data: Path, tmp_path: Path):
    """Each would find the other's unfinished files and take them for somebody's."""
    file = recipe(tmp_path, data, BOOSTING)
    with one_writer(tmp_path / "to", RunError, "comparing"), pytest.raises(RunError, match="another process is compar"):
        run(file, tmp_path / "to")
    run(file, tmp_path / "to")
    (made,) = (tmp_path / "to" / "runs").iterdir()
    question = Question("test", draws=50)
    with one_writer(tmp_path / "e", RunError, "x"), pytest.raises(RunError, match="another process is evaluating"):
        evaluate(made / "run", data, tmp_path / "e", question, quiet=True)
    with one_writer(tmp_path / "p", RunError, "x"), pytest.raises(RunError, match="another process is predicting"):
        predict(made / "run", data, tmp_path / "p", quiet=True)


def test_a_recipe_says_data_and_against_itself(data: Path, tmp_path: Path):
    file = recipe(tmp_path, data, BOOSTING)
    with pytest.raises(UsageError, match="go with folders"):
        compare([file], tmp_path / "to", data=data)
    with pytest.raises(UsageError, match="go with folders"):
        compare([file], tmp_path / "to", against="boosting")


def test_hospitals_that_are_not_named_are_missed_before_any_work(data: Path, tmp_path: Path):
    timelines = published(random_timelines(3, 40))
    nowhere = write_data(tmp_path / "data", timelines.with_stays(hospital_id=pl.lit(None, pl.Int64)))
    with pytest.raises(UsageError, match="names no hospital"):
        run(recipe(tmp_path, nowhere, '[split]\nby = "hospital"\n', BOOSTING), tmp_path / "to")
    assert not (tmp_path / "to").exists()


NOBODY = "no stay is in the cohort .*no label: "


@pytest.mark.parametrize(
    ("task", "stays", "said"),
    [
        ("phenotyping", None, "DATA has no code of what the labels of phenotyping are made of: .*--modalities paper"),
        ("next_visit_phenotyping", {"subject_id": pl.col("stay_id")}, f"^next_visit_phenotyping on DATA: {NOBODY}"),
        ("mortality", {"died_in_hospital": pl.lit(None, pl.Boolean)}, f"^mortality on DATA: {NOBODY}"),
        ("los_remaining", {"subject_id": pl.lit(7)}, "^los_remaining on DATA: no stay of the cohort is on the .* side"),
    ],
    ids=["no codes", "no next visit", "no outcome", "one patient"],
)
def test_labels_that_the_data_cannot_give_are_missed_before_any_work(
    task: str, stays: dict[str, pl.Expr] | None, said: str, tmp_path: Path
):
    """No encoder is pretrained for a table without numbers; in a dry run too."""
    timelines = random_timelines(3, 40)
    if stays is not None:
        timelines = with_billed_diagnoses(timelines, 3).with_stays(**stays)
    folder = write_data(tmp_path / "data", timelines)
    file = recipe(tmp_path, folder, ALIGNED, BESIDE, task=task)
    with pytest.raises(DataError, match=said.replace("DATA", str(folder))):
        run(file, tmp_path / "to")
    with pytest.raises(DataError, match=said.replace("DATA", str(folder))):
        plan_of([file], None)
    assert not (tmp_path / "to").exists()


def test_a_cohort_that_cannot_judge_is_missed_before_any_work(data: Path, tmp_path: Path):
    billed = write_data(tmp_path / "data", with_billed_diagnoses(random_timelines(5, 150), 3))
    file = recipe(tmp_path, billed, BOOSTING, task="phenotyping", top=f'test_data = "{data}"')
    with pytest.raises(DataError, match=f"{data} has no code of what the labels of phenotyping are made of"):
        run(file, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_one_process_alone_compares(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="in one process"):
        run(recipe(tmp_path, data, BOOSTING), tmp_path / "to")
