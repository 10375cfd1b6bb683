"""The example of an outside package: a method in under 60 lines that fits, is listed, trained, evaluated, and missed
where it is not installed."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from installed import install
from small_runs import ENCODER, LOOP, small_data
from wardround.cli import main
from wardround.errors import RunError
from wardround.files import read_json
from wardround.testing import check_method
from wardround.train.run_folder import open_run

EXAMPLE = Path(__file__).parents[1] / "examples" / "wardround-mean-risk"
MODULE = EXAMPLE / "wardround_mean_risk.py"
SETTINGS = [word for setting in (*LOOP, *ENCODER) for word in ("--set", setting)]
TRAIN = ["train", "mean_risk", "--data", "data", "--task", "mortality", "--to", "run", "--quiet", *SETTINGS]
ORIGIN = {"group": "methods", "name": "mean_risk", "package": "wardround-mean-risk", "version": "0.1.0"}


def declared() -> dict:
    return tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example as pip would leave it, without pip."""
    project = declared()
    offers = [f"methods: {name} = {value}" for name, value in project["entry-points"]["wardround.methods"].items()]
    monkeypatch.delitem(sys.modules, MODULE.stem, raising=False)
    install(monkeypatch, tmp_path / "site", project["name"], MODULE.stem, MODULE.read_text(), *offers)


def test_it_is_short_and_outside_the_package():
    assert len(MODULE.read_text().splitlines()) < 60
    assert declared()["version"] == ORIGIN["version"]


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_it_fits():
    check_method(importlib.import_module(MODULE.stem).METHOD, ENCODER)


@pytest.mark.usefixtures("installed")
def test_it_is_listed_trained_evaluated_and_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    small_data(tmp_path / "data")
    assert main(["list", "methods", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mean_risk"]["from"] == "wardround-mean-risk 0.1.0"
    assert main(TRAIN) == 0
    assert read_json(tmp_path / "run" / "settings.json")["packages"] == [ORIGIN]
    assert read_json(tmp_path / "run" / "manifest.json")["settings"]["packages"] == [ORIGIN]
    evaluate = ["evaluate", "run", "--data", "data", "--quiet"]
    assert main([*evaluate, "--to", "out"]) == 0
    assert read_json(tmp_path / "out" / "metrics.json")["method"] == "mean_risk"
    assert main(["predict", "run", "--data", "data", "--to", "said", "--quiet"]) == 0
    assert main(TRAIN) == 0
    assert "was already complete" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert main([*evaluate, "--to", "again"]) == 1
    said = capsys.readouterr().err
    assert "run was made with mean_risk of wardround.methods in package wardround-mean-risk 0.1.0" in said
    assert "which is not installed. Install it: pip install wardround-mean-risk." in said
    assert main(["train", "mlp", "--data", "data", "--task", "mortality", "--to", "mlp", "--quiet", *SETTINGS]) == 0
    assert "packages" not in read_json(tmp_path / "mlp" / "settings.json")


@pytest.mark.usefixtures("installed")
def test_the_same_name_of_another_package_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    small_data(tmp_path / "data")
    assert main(TRAIN) == 0
    assert open_run(tmp_path / "run").plan.packages == (ORIGIN,)
    monkeypatch.undo()
    install(monkeypatch, tmp_path / "other", "other-ward", "other_code", "", "methods: mean_risk = other_code:METHOD")
    with pytest.raises(RunError, match=r"which is not installed \(here mean_risk is of other-ward 0\.1\.0\)"):
        open_run(tmp_path / "run")


@pytest.mark.slow
def test_pip_installs_it(tmp_path: Path):
    """Into a folder of its own, without the network; then the commands in processes of their own."""
    shutil.copytree(EXAMPLE, tmp_path / "example")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", tmp_path / "site", tmp_path / "example"], check=True, cwd=tmp_path)
    small_data(tmp_path / "data")
    paths = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])

    def say(*arguments: str) -> str:
        command = [sys.executable, "-m", "wardround", *arguments]
        environment = os.environ | {"PYTHONPATH": paths}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "[wardround-mean-risk 0.1.0]" in say("list", "methods")
    assert "run is complete" in say(*TRAIN)
    assert "out is complete" in say("evaluate", "run", "--data", "data", "--to", "out", "--quiet")
