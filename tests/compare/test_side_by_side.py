"""Several processes make the table of one; nothing that two need is made twice, and one that ends costs its cell."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast

import pytest

from small_runs import small_data
from wardround import files
from wardround.compare import side_by_side as module
from wardround.compare import worker
from wardround.compare.cells import Cell, Hashes, cells_of
from wardround.compare.compare import compare
from wardround.compare.recipe import Encoders, Recipe, Row, Search
from wardround.compare.side_by_side import Crew, Orders, needs, side_by_side
from wardround.compare.spaces import SPACES
from wardround.errors import RunError, StorageError, UsageError
from wardround.progress import progress
from wardround.stopping import Stopped, StopRequest
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.whole_file import one_writer

TASKS = ("mortality",)
ROW = Row("r", "mlp", None, (), (0,), TASKS)
FREE = Cell(ROW, "mortality", SplitPlan(), 0, "free", None, None, None, "evaluation")
CELLS = [
    replace(FREE, run="a", encoders="e"),
    replace(FREE, run="b", encoders="e"),
    replace(FREE, run="c", search="s"),
    replace(FREE, run="d", search="s"),
    FREE,
]
FAKE = """
import os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
for line in sys.stdin:
    name = line.strip()
    (folder / f"{name}.begun").write_text(str(time.monotonic()))
    if name == sys.argv[2]:
        DEED
    time.sleep(0.15)
    (folder / f"{name}.ended").write_text(str(time.monotonic()))
    print('{"advanced": 1, "note": "n"}', flush=True)
    print('{"ended": true}', flush=True)
"""
"""A process that keeps the times of its cells, and does a deed at one of them."""


def fake(patch: pytest.MonkeyPatch, folder: Path, at: str = "", deed: str = "pass") -> Orders:
    """Orders whose processes are fakes."""
    script = FAKE.replace("DEED", deed)

    def words(_: Orders) -> list[str]:
        return [sys.executable, "-c", script, str(folder), at]

    patch.setattr(Orders, "words", words)
    return Orders(folder / "r.toml", 0, Hashes("0"), folder)


def done(orders: Orders, workers: int = 3, stop: StopRequest | None = None) -> dict[Cell, str]:
    with progress(len(CELLS), "cells", quiet=True) as bar:
        return side_by_side(orders, CELLS, workers, stop or StopRequest(), bar)


def times(folder: Path) -> dict[str, tuple[float, float]]:
    """Cell -> when it began and ended."""
    return {
        path.stem: (float(path.read_text()), float(path.with_suffix(".ended").read_text()))
        for path in folder.glob("*.begun")
    }


def test_cells_are_made_at_the_same_time_but_for_those_that_need_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert done(fake(monkeypatch, tmp_path)) == {}
    when = times(tmp_path)
    assert set(when) == {cell.run for cell in CELLS}
    for first, second in (("a", "b"), ("c", "d")):
        assert when[first][1] <= when[second][0], "the second waits until the first has made what both need"
    assert when["c"][0] < when["a"][1], "and others do not wait"


def test_what_was_made_is_there_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Once a cell has made the encoders, any number may take them at the same time."""
    three = [CELLS[0], CELLS[1], replace(FREE, run="z", encoders="e")]
    with progress(3, "cells", quiet=True) as bar:
        side_by_side(fake(monkeypatch, tmp_path), three, 3, StopRequest(), bar)
    when = times(tmp_path)
    assert when["z"][0] < when["b"][1]


def test_encoders_that_are_whole_keep_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An earlier call made them, or the cell that makes them goes on with its own run."""
    files.write_json(tmp_path / "encoders" / "e" / files.MANIFEST, {})
    done(fake(monkeypatch, tmp_path))
    when = times(tmp_path)
    assert when["b"][0] < when["a"][1]


@pytest.mark.parametrize("number", [9, 15])
def test_a_process_that_is_ended_costs_its_cell_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int):
    failed = done(fake(monkeypatch, tmp_path, "c", f"os.kill(os.getpid(), {number})"), workers=2)
    ((cell, why),) = failed.items()
    assert cell.run == "c"
    assert f"ended (signal {number})" in why
    assert "--workers" in why
    assert {path.stem for path in tmp_path.glob("*.ended")} == {"a", "b", "d", "free"}


@pytest.mark.parametrize(
    ("deed", "kind", "says"),
    [
        ("sys.exit(3)", RunError, "exit code 3"),
        ("print('{', flush=True), sys.exit(4)", RunError, "exit code 4"),
        ("""print('{"refused": "no space left"}', flush=True)""", StorageError, "no space left"),
    ],
)
def test_what_would_end_every_cell_ends_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, kind: type[Exception], says: str
):
    with pytest.raises(kind, match=says):
        done(fake(monkeypatch, tmp_path, "a", deed))


@pytest.mark.parametrize("raised", [Stopped, KeyboardInterrupt])
def test_no_process_is_left_when_it_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: type[BaseException]):
    started: list[subprocess.Popen[str]] = []
    popen: Any = subprocess.Popen

    def kept(*words: Any, **named: Any) -> Any:
        started.append(popen(*words, **named))
        return started[-1]

    class Request(StopRequest):
        def check(self) -> None:
            if list(tmp_path.glob("*.begun")):
                raise raised

    monkeypatch.setattr(module.subprocess, "Popen", kept)
    with pytest.raises(raised):
        done(fake(monkeypatch, tmp_path), stop=Request())
    assert [process.poll() for process in started] == [-signal.SIGTERM if raised is Stopped else -signal.SIGKILL] * 3


def test_a_cell_needs_its_encoders_its_search_and_its_own_run():
    assert needs(CELLS[0]) == {"runs/a", "encoders/e"}
    assert needs(replace(CELLS[2], encoders="e")) == {"runs/c", "searches/s", "encoders/e"}


def test_a_cell_of_another_seed_needs_the_encoders_of_its_search_too():
    """A search is made with the row's first seed: without that, two cells would begin the same pretraining."""
    row = Row("m", "mlp", Encoders("aligned", ("alignment.loss=masked-global",)), (), (0, 1), TASKS)
    search = Search(3, {}, None, {"mortality": "auroc"}, {"mlp": SPACES["mlp"]})
    recipe = Recipe(Path("d"), None, TASKS, Window(), (SplitPlan(0),), (row,), "m", search)
    first, second = cells_of(recipe, Hashes("0" * 64))
    assert needs(second) - needs(first) == {f"runs/{second.run}", f"encoders/{second.encoders}"}
    assert f"encoders/{first.encoders}" in needs(second)


RECIPE = """
tasks = ["mortality"]
draws = 50
[split]
folds = 2
[encoders.aligned]
loss = "masked-global"
set = { epochs = 1, encoder.hidden = 8, encoder.embed = 4 }
[[rows]]
method = "boosting"
set = { rounds = 5, min_leaf_stays = 5 }
[[rows]]
method = "mlp"
encoders = ["aligned"]
set = { loop.epochs = 1, model.hidden = 8 }
[[rows]]
method = "mlp"
name = "never trained"
set = { loop.learning_rate = 1e30, loop.epochs = 3 }
"""


@pytest.mark.slow
def test_two_processes_make_the_table_that_one_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """To the byte, a row that fails included."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    data, file = small_data(tmp_path / "data"), tmp_path / "r.toml"
    file.write_text(f'data = "{data}"\n{RECIPE}')
    one, two = tmp_path / "one", tmp_path / "two"
    counts = [compare([file], to, quiet=True, workers=workers).n_failed for to, workers in ((one, 1), (two, 2))]
    assert counts == [2, 2]
    assert (one / "table.csv").read_bytes() == (two / "table.csv").read_bytes()
    made = [sorted(path.relative_to(to) for path in to.rglob("weights.safetensors")) for to in (one, two)]
    assert made[0] == made[1]
    assert len(made[0]) >= 4
    for path in made[0]:
        assert (one / path).read_bytes() == (two / path).read_bytes(), path


@pytest.mark.slow
def test_a_process_leaves_when_its_input_ends(tmp_path: Path):
    """Whoever asked is gone: it does not go on for itself, and a recipe without that cell is said."""
    data, file = small_data(tmp_path / "data"), tmp_path / "r.toml"
    file.write_text(f'data = "{data}"\n{RECIPE}')
    words = Orders(file, 0, Hashes("0"), tmp_path / "to").words()
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        given, said = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        given.write("gone\n")
        given.flush()
        assert [json.loads(said.readline()) for _ in range(2)] == [
            {"advanced": 1, "note": ""},
            {"ended": True, "why": worker.CHANGED},
        ]
        given.close()
        assert said.read() == ""
    assert process.returncode == 0


def test_a_process_holds_the_lock_of_the_folder_when_its_parent_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As after kill -9: the same command, given again at once, is refused until the last process has left."""
    to, orders = tmp_path / "to", fake(monkeypatch, tmp_path)
    to.mkdir()
    lock = os.open(to, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with Crew(replace(orders, lock=lock), 1, StopRequest()) as crew:
        crew.start()
        os.close(lock)
        with pytest.raises(RunError, match="another process is comparing"), one_writer(to, RunError, "comparing"):
            pass
    with one_writer(to, RunError, "comparing"):
        pass


def test_what_a_worker_count_must_be(tmp_path: Path):
    with pytest.raises(UsageError, match="--workers must be at least 1"):
        compare([tmp_path / "r.toml"], tmp_path / "to", workers=0)


def test_folders_are_not_made_side_by_side(tmp_path: Path):
    with pytest.raises(UsageError, match="--workers goes with a recipe"):
        compare([tmp_path, tmp_path], tmp_path / "to", workers=2)
