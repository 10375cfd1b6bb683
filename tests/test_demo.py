"""The demo end to end on 250 synthetic stays, narrow models and one epoch; interrupted, it goes on where it was."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

import wardround.demo as module
from small_runs import DECODER, ENCODER, LOOP
from wardround import files
from wardround.cli import build_parser
from wardround.demo import ROWS, Row, demo
from wardround.errors import DataError, NoScoreError, RunError, UsageError
from wardround.evaluate.summary import BEST
from wardround.settings import override
from wardround.tasks.task import TASKS

torch.set_num_threads(1)

pytestmark = pytest.mark.slow

STAYS = 250
SMALL = (*LOOP, "model.hidden=8")
TINY = (
    Row("mortality-apache", "score", "mortality"),
    Row("mortality-mlp", "mlp", "mortality", settings=(*SMALL, *ENCODER)),
    Row("mortality-trajectory-aligned", "trajectory", "mortality", aligned=True, settings=(*LOOP, *DECODER)),
    Row("los-elapsed", "elapsed", "los_remaining"),
    Row("los-mlp-aligned", "mlp", "los_remaining", aligned=True, settings=SMALL),
)


class Interrupted(BaseException):
    """Stands for the end of the process."""


def small(patch: pytest.MonkeyPatch, rows: tuple[Row, ...] = TINY) -> None:
    """Other rows, a pretraining of one epoch, and no processes for two shards."""
    prepare = module.prepare
    patch.setattr(module, "prepare", lambda *a, **named: prepare(*a, **named | {"workers": 1}))
    patch.setattr(module, "ROWS", rows)
    patch.setattr(module, "override", lambda settings, _: override(settings, [*LOOP, *ENCODER]))


def counted(patch: pytest.MonkeyPatch, name: str, stop_at: int = 0) -> list[Any]:
    """The calls of a step, told whether each found its work done; the process ends at call number `stop_at`."""
    original, calls = getattr(module, name), []

    def call(*arguments: Any, **named: Any) -> Any:
        if len(calls) + 1 == stop_at:
            raise Interrupted
        made = original(*arguments, **named)
        calls.append(made)
        return made

    patch.setattr(module, name, call)
    return calls


def already(made: Any) -> bool:
    return made[1] if isinstance(made, tuple) else made.already


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo that was interrupted before its third training and called again."""
    to = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        counted(patch, "train", stop_at=3)
        with pytest.raises(Interrupted):
            demo(to, None, STAYS, seed=0, quiet=True)
    assert not (to / "report.html").exists()
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        synthesised, trainings = counted(patch, "synthesise_eicu"), counted(patch, "train")
        before = {steps: counted(patch, steps) for steps in ("prepare", "pretrain", "evaluate")}
        assert demo(to, None, STAYS, seed=0, quiet=True) == to / "report.html"
    assert synthesised == [True]
    assert [already(made) for made in before["prepare"] + before["pretrain"]] == [True, True]
    assert [already(made) for made in trainings] == [True, True, False, False, False]
    assert [already(made) for made in before["evaluate"]] == [True, True, True, False, False, False]
    return to


def test_an_interrupted_demo_goes_on_where_it_was(folder: Path):
    """What the fixture asserts; and that all of it is there."""
    names = {"raw", "data", "runs", "evaluations", "report.html", "manifest.json"}
    assert {path.name for path in folder.iterdir()} == names
    names = {row.name for row in TINY}
    assert {path.name for path in (folder / "runs").iterdir()} == names | {"aligned"}
    assert {path.name for path in (folder / "evaluations").iterdir()} == names | {"alignment"}
    for run in (folder / "runs").iterdir():
        files.verify_folder(run, "run", RunError)


def test_the_manifest_says_what_the_page_was_made_from(folder: Path):
    """It may be written into a folder of the user's, so it hashes the page alone: each folder has its own manifest."""
    manifest = files.verify_folder(folder, "demo", RunError)
    assert manifest["settings"] == {"stays": STAYS, "seed": 0}
    assert set(manifest["inputs"]) == {"data", "alignment", *(row.name for row in TINY)}
    evaluated = files.read_manifest(folder / "evaluations" / "mortality-mlp", "evaluation", RunError)
    assert manifest["inputs"]["mortality-mlp"] == evaluated["hash"]
    assert set(manifest["files"]) == {"report.html"}


def test_the_page_names_every_row_and_the_truth(folder: Path):
    page = (folder / "report.html").read_text()
    for row in TINY:
        assert f'<a href="evaluations/{row.name}/report.html">{row.name}</a>' in page
    assert BEST in page
    assert "synthetic data" in page
    links = re.findall(r'href="([^"#][^"]*)"', page)
    assert links
    assert all((folder / link).is_file() for link in links)


def test_every_row_is_judged_on_the_same_patients(folder: Path):
    """But for the score, which not every stay has."""
    stays = {
        row.name: set(pl.read_parquet(folder / "evaluations" / row.name / "predictions.parquet")["stay_id"])
        for row in TINY
    }
    assert stays["mortality-mlp"] == stays["mortality-trajectory-aligned"] == stays["los-elapsed"]
    assert stays["mortality-apache"] <= stays["mortality-mlp"]
    assert len(stays["mortality-mlp"]) > 10


def test_nothing_of_the_truth_comes_into_the_data(folder: Path):
    inputs = files.read_manifest(folder / "data", "data", DataError)["inputs"]
    assert inputs
    assert not any("truth" in name for name in inputs)


@pytest.mark.parametrize(("stays", "seed"), [(300, 0), (STAYS, 1)])
def test_another_size_or_seed_in_the_same_folder_is_refused(folder: Path, stays: int, seed: int):
    """It would show the numbers of the old one under the new one's name."""
    before = files.sha256(folder / "report.html")
    said = rf"holds a demo of 250 stays, seed 0, not of {stays}, seed {seed}\. Choose another --to"
    with pytest.raises(UsageError, match=said):
        demo(folder, None, stays, seed=seed, quiet=True)
    assert files.sha256(folder / "report.html") == before


def test_on_data_of_one_s_own_there_is_no_truth_and_no_synthesis(folder: Path, tmp_path: Path, monkeypatch):
    """A row that the data cannot give is left out, and said to be."""
    small(monkeypatch, (TINY[3], TINY[0]))
    calls = counted(monkeypatch, "synthesise_eicu")
    original: Callable = module.train

    def train(method: str, *arguments: Any) -> Any:
        if method == "score":
            raise NoScoreError("no validation stay has a published score")
        return original(method, *arguments)

    monkeypatch.setattr(module, "train", train)
    page = demo(tmp_path / "own", folder / "raw", 7, seed=0, quiet=True).read_text()
    assert calls == []
    assert not (tmp_path / "own" / "raw").exists()
    assert BEST not in page
    assert "real data" in page
    assert "los-elapsed" in page
    assert "mortality-apache" not in page


def test_a_row_that_is_left_out_is_named_on_stderr(folder: Path, monkeypatch, capsys: pytest.CaptureFixture[str]):
    small(monkeypatch, (TINY[0],))

    def refuse(*_: Any) -> Any:
        raise NoScoreError("no validation stay has a published score.")

    monkeypatch.setattr(module, "train", refuse)
    demo(folder, None, STAYS, seed=0, quiet=False)
    said = capsys.readouterr().err
    assert "mortality-apache left out: no validation stay has a published score." in said
    commands = [line for line in said.splitlines() if line.startswith("$ wardround ")]
    assert [command.split()[2] for command in commands] == ["synth", "prepare", "pretrain", "evaluate", "train"]


def test_data_that_is_no_good_ends_the_demo(folder: Path, monkeypatch):
    """A page without its rows, and an exit as if all were well, would be taken for a result."""
    small(monkeypatch, (TINY[0],))

    def refuse(*_: Any) -> Any:
        raise DataError("data/0.parquet differs from what was written")

    monkeypatch.setattr(module, "train", refuse)
    with pytest.raises(DataError, match="differs from what was written"):
        demo(folder, None, STAYS, seed=0, quiet=True)


def test_a_step_is_printed_as_the_command_that_does_it(tmp_path: Path, monkeypatch, capsys):
    """Another seed is another split and other weights: each command says so, and the command line takes each."""
    small(monkeypatch, (TINY[4],))
    demo(tmp_path / "demo", None, STAYS, seed=3, quiet=False)
    commands = [line[len("$ wardround ") :] for line in capsys.readouterr().err.splitlines() if line.startswith("$ ")]
    parsed = [build_parser().parse_args(command.split()) for command in commands]
    assert [options.verb for options in parsed] == ["synth", "prepare", "pretrain", "evaluate", "train", "evaluate"]
    assert {options.seed for options in parsed if options.verb != "prepare"} == {3}
    assert {options.split_seed for options in parsed if options.verb in ("pretrain", "train")} == {3}
    assert "epochs=40" in commands[2]
    seeds = {path: files.read_json(path)["seed"] for path in (tmp_path / "demo" / "runs").rglob("settings.json")}
    assert set(seeds.values()) == {3}
    evaluated = files.read_manifest(tmp_path / "demo" / "evaluations" / "alignment", "evaluation", RunError)
    assert evaluated["settings"]["question"]["seed"] == 3


def test_the_rows_of_the_demo_are_trainings_that_exist():
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert {row.task for row in ROWS} == {"mortality", "los_remaining"} <= set(TASKS)
    assert {"score", "elapsed", "mlp", "trajectory"} == {row.method for row in ROWS}
    assert any(row.aligned for row in ROWS if row.method == "trajectory")
