"""What installed packages add: found, taken lazily, refused with one clear line, and never in the way."""

import subprocess
import sys
from pathlib import Path

import pytest

from installed import install
from raw_challenge import tiny_set
from small_runs import small_data
from wardround import cli, verbs
from wardround.catalogue import catalogue
from wardround.errors import ExtensionError, RunError, UsageError
from wardround.extensions import offers
from wardround.files import read_json
from wardround.methods.registry import KNOWN_METHODS, METHODS, find_method
from wardround.models.modality_encoder import EncoderSettings, find_encoder
from wardround.sources.registry import find_source
from wardround.tasks.task import KNOWN_TASKS, TASKS, Task, find_task
from wardround.train.run_folder import open_run

GOOD = """
import dataclasses
import polars as pl
from wardround.methods.registry import METHODS
from wardround.models.modality_encoder import ENCODERS, EncoderKind
from wardround.sources.registry import SOURCES
from wardround.tasks.task import Task

METHOD = dataclasses.replace(METHODS["mlp"], name="mine", summary="a method of mine")

def build(shape, settings, edges):
    return ENCODERS["set"].build(shape, dataclasses.replace(settings, kind="set"), edges)

ENCODER = EncoderKind("mine", build, "an encoder of mine", edges=True)
SOURCE = dataclasses.replace(SOURCES["challenge2012"], name="mine", summary="a source of mine")
TASK = Task("mine", "binary", lambda _: pl.col("died_in_unit").cast(pl.Float64), False, "death in the unit; not later")
WRONG = 3
"""
ALL = [f"{group}: mine = mine_code:{group[:-1].upper()}" for group in ("sources", "tasks", "encoders", "methods")]


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that adds one of each."""
    monkeypatch.delitem(sys.modules, "mine_code", raising=False)
    install(monkeypatch, tmp_path / "mine", "my-ward", "mine_code", GOOD, *ALL, version="2.3")


def offered(patch: pytest.MonkeyPatch, folder: Path, offer: str, code: str = GOOD, package: str = "bad-ward") -> None:
    """A package whose module has a name of its own."""
    module = f"{package.replace('-', '_')}_code"
    patch.delitem(sys.modules, module, raising=False)
    install(patch, folder / package, package, module, code, offer.replace("MODULE", module))


@pytest.mark.usefixtures("mine")
def test_what_a_package_adds_is_found_by_its_name():
    assert find_method("mine").summary == "a method of mine"
    assert find_encoder("mine").edges
    assert find_source("mine").stay_table.name == "records"
    assert find_task("mine").kind == "binary"
    assert EncoderSettings(kind="mine").kind == "mine"
    origin = KNOWN_METHODS.origin("mine")
    assert origin is not None
    assert origin.as_json() == {"group": "methods", "name": "mine", "package": "my-ward", "version": "2.3"}
    assert KNOWN_METHODS.origin("mlp") is None


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize("what", ["methods", "tasks", "sources", "encoders"])
def test_a_list_says_where_a_thing_comes_from(what: str, capsys: pytest.CaptureFixture[str]):
    rows = {row["name"]: row for row in catalogue(what)}
    assert rows["mine"]["from"] == "my-ward 2.3"
    assert cli.main(["list", what]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.endswith("[my-ward 2.3]") for line in said].count(True) == 1


@pytest.mark.usefixtures("mine")
def test_the_settings_of_a_method_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    offered(monkeypatch, tmp_path, "methods: bad = MODULE:METHOD", "raise RuntimeError")
    rows = [row for row in catalogue("settings") if row["from"] == "my-ward 2.3"]
    assert {row["name"] for row in rows} > {"train mine: model.hidden", "train mine: loop.epochs"}


@pytest.mark.usefixtures("mine")
def test_nothing_is_imported_until_a_name_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    assert find_method("mlp") is METHODS["mlp"]
    parser = cli.build_parser()
    parsed = parser.parse_args(["train", "mine", "--data", "d", "--task", "mine", "--to", "run"])
    assert (parsed.method, parsed.task, parsed.run) == ("mine", "mine", verbs.run_train)
    assert "mine" in KNOWN_METHODS.names()
    assert "mine_code" not in sys.modules
    find_method("mine")
    assert "mine_code" in sys.modules


@pytest.mark.usefixtures("mine")
def test_a_name_that_nobody_offers_is_told_what_there_is(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(UsageError, match=r"no task .yours.\. There are: .*phenotyping, mine"):
        find_task("yours")
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", "yours", "--data", "d", "--task", "mine", "--to", "run"])
    assert ended.value.code == 2
    assert "invalid choice: 'yours' (choose from mlp, " in capsys.readouterr().err


BROKEN = {
    "cannot be imported": (
        "methods: bad = MODULE:METHOD",
        "raise RuntimeError('no such GPU\\nand more')",
        r"package bad-ward 0.1.0, wardround.methods: bad = bad_ward_code:METHOD cannot be imported "
        r"\(RuntimeError: no such GPU\)\. Mend the package, or pip uninstall bad-ward\.",
    ),
    "ends the process": (
        "methods: bad = MODULE:METHOD",
        "raise SystemExit(3)",
        r"cannot be imported \(SystemExit: 3\)",
    ),
    "is not there": ("methods: bad = MODULE:ABSENT", GOOD, "bad = bad_ward_code:ABSENT cannot be imported"),
    "of another type": ("methods: bad = MODULE:WRONG", GOOD, "is of type int, not Method or FittedMethod"),
    "of another group": ("tasks: bad = MODULE:METHOD", GOOD, "wardround.tasks: bad = .* is of type Method, not Task"),
    "of another name": (
        "methods: bad = MODULE:METHOD",
        GOOD,
        "calls itself 'mine': give both the same name",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_offer_breaks_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str):
    offer, code, message = BROKEN[fault]
    offered(monkeypatch, tmp_path, offer, code)
    find = find_method if offer.startswith("methods") else find_task
    with pytest.raises(ExtensionError, match=message):
        find("bad")
    assert find_method("mlp") is METHODS["mlp"]
    assert find_task("mortality") is TASKS["mortality"]
    what = offer.partition(":")[0]
    rows = {row["name"]: row["summary"] for row in catalogue(what)}
    assert rows["bad"].startswith("cannot be used: package bad-ward 0.1.0")


@pytest.mark.parametrize("name", ["mlp", "score", "alignment"])
def test_a_built_in_name_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    offered(monkeypatch, tmp_path, f"methods: {name} = MODULE:METHOD")
    assert find_method("mlp") is METHODS["mlp"]
    assert KNOWN_METHODS.origin(name) is None
    rows = [row for row in catalogue("methods") if row["name"] == name]
    assert len(rows) == 2
    assert "cannot be used" not in rows[0]["summary"]
    assert "has the name of a built-in method, which stays in use. Rename it in the entry points" in rows[1]["summary"]
    assert rows[1]["from"] == "bad-ward 0.1.0"


def test_two_packages_of_one_name_are_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for package in ("one-ward", "two-ward"):
        offered(monkeypatch, tmp_path, "methods: mine = MODULE:METHOD", package=package)
    with pytest.raises(ExtensionError, match=r"mine is offered by one-ward 0\.1\.0 and by two-ward 0\.1\.0"):
        find_method("mine")


def test_without_packages_there_is_nothing():
    assert [offer for group in ("sources", "tasks", "encoders", "methods") for offer in offers(group)] == []


def test_a_thing_is_lent_for_a_while():
    lent = Task("lent", "binary", lambda at: at.is_null(), False, "nothing; not a thing")
    with KNOWN_TASKS.lend(lent):
        assert find_task("lent") is lent
        with KNOWN_TASKS.lend(lent):
            assert "lent" in KNOWN_TASKS.names()
        assert find_task("lent") is lent
    with pytest.raises(UsageError, match="no task 'lent'"):
        find_task("lent")
    with KNOWN_TASKS.lend(TASKS["mortality"]):
        assert find_task("mortality") is TASKS["mortality"]
    taken = Task("mortality", "binary", lambda at: at.is_null(), False, "another; not that")
    with pytest.raises(ExtensionError, match="the name is taken"), KNOWN_TASKS.lend(taken):
        pass
    assert find_task("mortality") is TASKS["mortality"]


def test_the_command_line_starts_without_torch_and_without_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In a process of its own: `--help` imports neither."""
    offer = "methods: loud = loud_code:METHOD"
    install(monkeypatch, tmp_path / "loud", "loud-ward", "loud_code", "print('imported')", offer)
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'loud')!r}); from wardround.cli import build_parser; "
    code += "build_parser().format_help(); "
    code += "print([name for name in ('torch', 'polars', 'numpy', 'loud_code') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def stamped(folder: Path) -> list[tuple[str, str, str]]:
    """Group, package and version of each stamp in a folder's settings."""
    settings = read_json(folder / "manifest.json")["settings"]
    assert all(stamp["name"] == "mine" for stamp in settings["packages"])
    return [(stamp["group"], stamp["package"], stamp["version"]) for stamp in settings["packages"]]


@pytest.mark.usefixtures("mine")
def test_a_source_of_a_package_is_prepared(tmp_path: Path):
    raw, data = tiny_set().write(tmp_path / "raw"), tmp_path / "data"
    assert cli.main(["prepare", "mine", str(raw), "--to", str(data), "--quiet"]) == 0
    assert stamped(data) == [("sources", "my-ward", "2.3")]
    assert read_json(data / "metadata" / "dataset.json")["dataset_name"] == "mine"


@pytest.mark.usefixtures("mine")
def test_a_method_a_task_and_an_encoder_of_a_package_go_all_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    small_data(tmp_path / "data")
    small = [word for one in ("loop.epochs=1", "encoder.hidden=8", "encoder.embed=4") for word in ("--set", one)]
    kind = ["--set", "encoder.kind=mine"]
    on = ["--data", "data", "--quiet"]
    assert cli.main(["pretrain", "alignment", *on, "--to", "aligned", *small, *kind]) == 0
    assert stamped(tmp_path / "aligned") == [("encoders", "my-ward", "2.3")]
    taken = ["train", "mine", *on, "--task", "mine", "--to", "run", "--encoders", "aligned", "--set", "loop.epochs=1"]
    assert cli.main(taken) == 0
    assert stamped(tmp_path / "run") == [(group, "my-ward", "2.3") for group in ("methods", "tasks", "encoders")]
    assert cli.main(["evaluate", "run", *on, "--to", "out"]) == 0
    assert read_json(tmp_path / "out" / "metrics.json")["task"] == "mine"
    assert (tmp_path / "out" / "report.html").is_file()
    assert cli.main(["train", "logistic", *on, "--task", "mine", "--to", "ridge"]) == 0
    assert stamped(tmp_path / "ridge") == [("tasks", "my-ward", "2.3")]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    for folder, name in (("run", "wardround.methods"), ("ridge", "wardround.tasks"), ("aligned", "wardround.encoders")):
        with pytest.raises(
            RunError, match=rf"made with mine of {name} in package my-ward 2\.3, which is not installed"
        ):
            open_run(tmp_path / folder)
