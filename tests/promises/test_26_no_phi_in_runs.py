"""Promise 26, runs: no value of a patient leaves by the side door of pretrain, train, evaluate, predict and describe.

A DATA folder full of canaries: 13-digit ids of patients, stays and hospitals, times of discharge, and codes and texts
of all 18 HIPAA kinds. Searched: what the commands say, tracebacks and causes of errors, names and content of every file
that they leave, checkpoints of a killed training among them, with every error path forced.

Ids and times may stand where the format holds them: `splits.parquet`, `predictions.parquet`, `beliefs.parquet`,
`observed.parquet`. Codes that many stays share may stand where codes are named: in `vocabulary/`, and in what
`describe` says of 11 stays or more. Codes of a single stay, and free text, stand nowhere. The DATA folder is the data
itself; the names of the files in its cache are searched.
"""

import contextlib
import io
import logging
import shutil
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import torch

from canaries import KINDS, Canaries
from faulty_disk import REFUSALS, FaultyDisk
from raw_eicu import none_of
from small_runs import DECODER, ENCODER, FIT, LOOP, RISK, published
from timelines import Timelines, random_timelines, write_data
from wardround import cli, files
from wardround.errors import NoScoreError
from wardround.evaluate import evaluation
from wardround.events import MEDS_EVENT_SCHEMA
from wardround.train import cases, loop, run_folder, supervised

pytestmark = pytest.mark.usefixtures("fast_fsync")

STAYS = 120
HOLD_IDS = {"splits.parquet", "learned_from.parquet", "predictions.parquet", "beliefs.parquet", "observed.parquet"}
NAME = "Zebulon Quackenbush-bcdfghjkm"
NAME_CODES = {"vocabulary", "described"}
SMALL = [part for setting in (*LOOP, *ENCODER) for part in ("--set", setting)]
NARROW = [part for setting in (*LOOP, *DECODER) for part in ("--set", setting)]


@dataclass
class Marks:
    """The canaries of a DATA folder: ids and times, codes that many stays share, words of one event."""

    ids: Canaries = field(default_factory=lambda: Canaries(1))
    codes: Canaries = field(default_factory=lambda: Canaries(2))
    words: Canaries = field(default_factory=lambda: Canaries(3))

    @property
    def count(self) -> int:
        return len(self.ids.tokens | self.codes.tokens | self.words.tokens)

    def number(self) -> int:
        """An id that stands in no decimal by chance."""
        number = 10**12 + int(
            "".join(str(digit) for digit in np.random.default_rng(len(self.ids.tokens)).integers(1, 9, 12))
        )
        self.ids.tokens.add(str(number))
        return number

    def found_in(self, texts: dict[str, bytes]) -> list[str]:
        """Where one stands that should not."""
        no_ids = {where: text for where, text in texts.items() if Path(where).name not in HOLD_IDS}
        no_codes = {where: text for where, text in texts.items() if not NAME_CODES & set(Path(where).parts)}
        return self.ids.found_in(no_ids) + self.codes.found_in(no_codes) + self.words.found_in(texts)


def marked(marks: Marks, first_id: int = 1, seed: int = 3) -> Timelines:
    """Random timelines whose ids and codes are canaries; every sixth event has a code of its own."""
    plain = published(random_timelines(seed, STAYS, first_id=first_id))
    stays, events = plain.stays, plain.events
    number = {
        column: {old: marks.number() for old in stays[column].unique(maintain_order=True)}
        for column in ("subject_id", "stay_id", "hospital_id")
    }
    word = {code: f"{code}//{marks.codes.text()}" for code in sorted(events["code"].unique()) if code != RISK}
    alone = pl.Series([f"{marks.words.text()}" if place % 6 == 0 else None for place in range(events.height)])
    events = events.with_columns(
        stay_id=pl.col("stay_id").replace_strict(number["stay_id"]),
        code=pl.when((pl.col("code") != RISK) & alone.is_not_null())
        .then(alone)
        .otherwise(pl.col("code").replace(word)),
    )
    return Timelines(events, stays.with_columns(pl.col(name).replace_strict(to) for name, to in number.items()))


def with_texts(folder: Path, marks: Marks) -> Path:
    """Free text in every event, and the minutes of discharge among the canaries."""
    shard = folder / "data" / "0.parquet"
    events = files.read_table(shard)
    texts = pl.Series([marks.words.text() for _ in range(events.height)])
    files.write_table(shard, events.with_columns(text_value=texts), MEDS_EVENT_SCHEMA)
    stays = files.read_table(folder / "stays.parquet")
    for at in [*stays["end"], *stays["hospital_start"], *stays["hospital_end"]]:
        marks.ids.tokens |= {at.strftime(f"%Y-%m-%d{between}%H:%M") for between in (" ", "t")}
    return closed_again(folder, "data")


def closed_again(folder: Path, kind: str) -> Path:
    """The manifest written anew over whatever lies there: as made by another tool or version."""
    manifest = files.read_json(folder / "manifest.json")
    files.write_manifest(folder, kind, manifest["inputs"], manifest["settings"], manifest["version"])
    return folder


# What is said and left


@dataclass(frozen=True)
class Said:
    """What a command said: its exit code, and all text."""

    code: int
    texts: dict[str, bytes]

    @property
    def text(self) -> str:
        return b"\n".join(self.texts.values()).decode()


def call(*arguments: object) -> Said:
    """A command with its progress, and the whole traceback of what it does not catch."""
    out, err, log = io.StringIO(), io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    escaped = ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        except Exception as error:  # noqa: BLE001 - it must show no canary either
            code, escaped = -1, "".join(traceback.format_exception(error))
    logging.getLogger().removeHandler(handler)
    spoken = {"stdout": out, "stderr": err, "log": log}
    return Said(
        code, {name: stream.getvalue().encode() for name, stream in spoken.items()} | {"raised": escaped.encode()}
    )


def library_error(action: Callable[[], object]) -> dict[str, bytes]:
    """The traceback of an error with all its causes, as a notebook shows it."""
    try:
        action()
    except Exception as error:  # noqa: BLE001
        return {"traceback": "".join(traceback.format_exception(error)).encode()}
    return {}


def texts_of(folder: Path) -> dict[str, bytes]:
    """Names of all files, and their content as a reader of the format sees it."""
    shown = {"file names": "\n".join(str(path.relative_to(folder)) for path in folder.rglob("*")).encode()}
    for path in folder.rglob("*"):
        if path.is_file():
            shown[str(path.relative_to(folder))] = _content(path)
    return shown


def _content(path: Path) -> bytes:
    if path.suffix != ".parquet":
        return path.read_bytes()
    table = files.read_table(path)
    return repr((table.columns, table.rows(), pq.read_schema(path).metadata)).encode()


@dataclass(frozen=True)
class World:
    """DATA, runs, evaluations; what the commands that made them said."""

    folder: Path
    marks: Marks
    said: dict[str, Said]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, name: str) -> Path:
        return self.folder / "runs" / name

    def copy(self, of: Path, to: Path) -> Path:
        return Path(shutil.copytree(of, to, ignore=shutil.ignore_patterns("cache")))


def commands(folder: Path) -> Iterator[tuple[str, list[object]]]:
    """Every command of the five verbs once, and the methods that write something of their own."""
    data, runs, out = folder / "data", folder / "runs", folder / "out"
    yield "pretrain", ["pretrain", "alignment", "--data", data, "--to", runs / "aligned", *SMALL]
    train = lambda method, *rest: ["train", method, "--data", data, "--to", runs / method, *rest]  # noqa: E731
    yield "train mlp", train("mlp", "--task", "mortality", *SMALL)
    frozen = ["--encoders", runs / "aligned", "--set", "train_encoders=false"]
    yield "train trajectory", train("trajectory", "--task", "los_remaining", *NARROW, *frozen)
    for method, chosen in FIT.items():
        fit = [part for setting in chosen for part in ("--set", setting)]
        yield f"train {method}", train(method, "--task", "mortality", *fit)
    yield "train score", train("score", "--task", "mortality")
    yield "train elapsed", train("elapsed", "--task", "los")
    for run in ("aligned", "mlp", "trajectory", *FIT, "score", "elapsed"):
        yield f"evaluate {run}", ["evaluate", runs / run, "--data", data, "--to", out / run, "--split", "all"]
    yield "hours", ["evaluate", runs / "mlp", "--data", data, "--to", out / "hours", "--at-h", "6", "12", "--json"]
    yield "predict", ["predict", runs / "trajectory", "--data", data, "--to", out / "predicted"]
    yield "described", ["describe", data, "--to", out / "described", "--json"]
    yield "again", ["train", "mlp", "--data", data, "--to", runs / "mlp", "--task", "mortality", *SMALL]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    torch.set_num_threads(1)
    folder, marks = tmp_path_factory.mktemp("canaries"), Marks()
    marks.words.tokens.add(NAME.partition("-")[2])
    with_texts(write_data(folder / "data", marked(marks)), marks)
    return World(folder, marks, {name: call(*arguments) for name, arguments in commands(folder)})


def test_the_canaries_are_many_and_reach_what_may_hold_them(world: World):
    marks = world.marks
    held = {path.name: _content(path) for path in world.folder.rglob("*") if path.name in HOLD_IDS}
    codes = _content(world.run("mlp") / "vocabulary" / "features.parquet")
    data = b"".join(_content(path) for path in world.data.rglob("*.parquet"))
    assert len(KINDS) == 18
    assert marks.count > 2000
    assert len(marks.words.found_in({"data": data})) > 1000
    assert set(held) == HOLD_IDS
    assert all(len(marks.ids.found_in({name: text})) >= 10 for name, text in held.items())
    assert len(marks.codes.found_in({"vocabulary": codes})) >= 15, "they went through training"


def test_commands_that_end_well_show_none(world: World):
    assert {name: said.code for name, said in world.said.items()} == dict.fromkeys(world.said, 0)
    assert "training" in world.said["train mlp"].text, "with progress"
    texts = {f"{name}/{kind}": text for name, said in world.said.items() for kind, text in said.texts.items()}
    assert world.marks.found_in(texts) == []
    shown = texts_of(world.folder / "runs") | texts_of(world.folder / "out")
    shown |= {"DATA": "\n".join(path.name for path in world.data.rglob("*")).encode()}
    wanted = {
        "mlp/settings.json", "mlp/metrics.json", "mlp/diagnostics.json", "mlp/fitted.json", "mlp/manifest.json",
        "mlp/history.parquet", "mlp/weights.safetensors", "mlp/normaliser/normaliser.parquet", "mlp/report.html",
        "aligned/embedding.parquet", "described/report.html", "hours/metrics_6h.json", "predicted/metrics.json",
    }  # fmt: skip
    assert wanted <= set(shown)
    assert world.marks.found_in(shown) == []
    print(f"{world.marks.count} canaries, {len(shown)} files: {none_of(len(shown))}")


def test_a_training_that_is_killed_leaves_none(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither in its checkpoints nor in what it says when it goes on."""
    original, steps = loop.Stepper.take, []

    def take(self, *arguments):
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(loop.Stepper, "take", take)
    often = ["--set", "checkpoint_every_steps=1", "--set", "batch_size=16"]
    train = ["train", "mlp", "--data", world.data, "--task", "mortality", "--to", tmp_path / "run", *SMALL, *often]
    stopped = call(*train)
    assert (stopped.code, "interrupted" in stopped.text) == (1, True)
    shown = texts_of(tmp_path / "run")
    assert sum("checkpoints/" in name for name in shown) >= 2
    again = call(*train)
    assert again.code == 0
    assert "goes on after step 2" in again.text
    shown = {**shown, **{f"after: {name}": text for name, text in texts_of(tmp_path / "run").items()}}
    kept = {name.removeprefix("after: "): name for name in shown}
    assert (
        world.marks.found_in({name: shown[whole] for name, whole in kept.items()} | stopped.texts | again.texts) == []
    )


# Every error path, forced


Fault = Callable[[Path], None]


def changed(name: str, change: Callable[[bytes], bytes]) -> Fault:
    def fault(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return fault


def without(name: str) -> Fault:
    return lambda folder: (folder / name).unlink()


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def made_elsewhere(kind: str, name: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Fault:
    """A table that another tool wrote, under a manifest that is sound."""

    def fault(folder: Path) -> None:
        files.write_table(folder / name, change(files.read_table(folder / name)))
        closed_again(folder, kind)

    return fault


def broken_elsewhere(kind: str, name: str, content: Callable[[bytes], bytes]) -> Fault:
    def fault(folder: Path) -> None:
        changed(name, content)(folder)
        closed_again(folder, kind)

    return fault


def words_for(column: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A name where something else is declared, in every row."""
    return lambda table: table.with_columns(pl.lit(NAME).alias(column))


def untampered_faults(kind: str, names: list[str]) -> dict[str, Fault]:
    """What a manifest sees."""
    faults: dict[str, Fault] = {}
    for name in names:
        faults |= {
            f"{name} flipped": changed(name, flipped),
            f"{name} cut": changed(name, cut),
            f"no {name}": without(name),
        }
    return faults


DATA_FAULTS = {
    **untampered_faults("data", ["manifest.json", "stays.parquet", "data/0.parquet", "metadata/codes.parquet"]),
    "text for a shard": broken_elsewhere("data", "data/0.parquet", lambda _: f"name,{NAME}".encode()),
    "text for the stays": broken_elsewhere("data", "stays.parquet", lambda _: f"name,{NAME}".encode()),
    "no stays at all": made_elsewhere("data", "stays.parquet", lambda table: table.clear()),
    "no label": made_elsewhere(
        "data", "stays.parquet", lambda t: t.with_columns(died_in_hospital=pl.lit(None, pl.Boolean))
    ),
    "stays without a column": made_elsewhere("data", "stays.parquet", lambda table: table.drop("end")),
    "events without a column": made_elsewhere("data", "data/0.parquet", lambda table: table.drop("code")),
    "codes without a column": made_elsewhere("data", "metadata/codes.parquet", lambda table: table.drop("code")),
    **{
        f"words for {column} of the {table}": made_elsewhere("data", path, words_for(column))
        for table, path, columns in (
            ("stays", "stays.parquet", ("age", "start", "end", "stay_id", "died_in_hospital", "hospital_start")),
            ("events", "data/0.parquet", ("numeric_value", "available_time", "stay_id")),
        )
        for column in columns
    },
}
RUN_FAULTS = {
    **untampered_faults(
        "run",
        ["manifest.json", "settings.json", "weights.safetensors", "splits.parquet", "fitted.json",
         "vocabulary/features.parquet", "normaliser/normaliser.parquet"],
    ),
    "weights that are none": broken_elsewhere("run", "weights.safetensors", cut),
    "settings that are none": broken_elsewhere("run", "settings.json", cut),
    "a vocabulary that is none": broken_elsewhere("run", "vocabulary/features.parquet", cut),
    "a smaller normaliser": made_elsewhere("run", "normaliser/normaliser.parquet", lambda table: table[:3]),
    "a smaller vocabulary": made_elsewhere("run", "vocabulary/features.parquet", lambda table: table[:3]),
    "nobody on any side": made_elsewhere("run", "splits.parquet", lambda table: table.clear()),
}  # fmt: skip


def asked_of_data(world: World, data: Path, to: Path) -> dict[str, list[object]]:
    """Every verb on a DATA folder."""
    return {
        "train": ["train", "mlp", "--data", data, "--task", "mortality", "--to", to, *SMALL],
        "pretrain": ["pretrain", "alignment", "--data", data, "--to", to, *SMALL],
        "evaluate": ["evaluate", world.run("mlp"), "--data", data, "--to", to, "--split", "all"],
        "predict": ["predict", world.run("trajectory"), "--data", data, "--to", to],
        "score": ["train", "score", "--data", data, "--task", "mortality", "--to", to],
    }


def asked_of_run(world: World, run: Path, to: Path) -> dict[str, list[object]]:
    return {
        "evaluate": ["evaluate", run, "--data", world.data, "--to", to],
        "predict": ["predict", run, "--data", world.data, "--to", to],
        "encoders": ["train", "mlp", "--data", world.data, "--task", "mortality", "--to", to, "--encoders", run],
    }


def calls_that_are_off(world: World, to: Path) -> Iterator[list[object]]:
    """Questions that data, run or disk cannot answer."""
    data, run = world.data, world.run
    train = lambda *rest, method="mlp": ["train", method, "--data", data, "--to", to, *rest]  # noqa: E731
    mortality, evaluate = ("--task", "mortality"), ["evaluate", run("mlp"), "--data", data, "--to", to]
    yield train(*mortality, "--at-h", "8000")
    yield train(*mortality, "--at-h", "-1")
    yield train(*mortality, "--set", "nonsense=1")
    yield train(*mortality, "--set", "epochs=soon")
    yield train(*mortality, "--set", "modalities=cxr", *SMALL)
    yield train(*mortality, "--set", "learning_rate=1e30", "--set", "clip_norm=1e30", "--set", "epochs=3")
    yield train(*mortality, "--encoders", run("aligned"), "--split-seed", "5")
    yield train(*mortality, "--encoders", run("aligned"), "--protocol", "paper")
    yield train(*mortality, "--encoders", run("mlp"))
    yield train(*mortality, "--init", run("mlp"), "--split-seed", "5")
    yield train(*mortality, "--init", run("aligned"))
    yield train(*mortality, "--encoders", run("aligned"), "--set", "encoder.hidden=3")
    yield train(*mortality, "--seed", "-1")
    yield train(*mortality, "--at-h", "6", method="score")
    yield train(*mortality, "--set", "epochs=1", method="elapsed")
    yield ["train", "mlp", "--data", data, "--task", "mortality", "--to", run("elapsed")]
    yield ["train", "mlp", "--data", data, "--task", "mortality", "--to", data]
    yield ["train", "gru", "--data", data, "--task", "mortality", "--to", to]
    yield ["pretrain", "alignment", "--data", data, "--to", run("mlp")]
    yield ["pretrain", "alignment", "--data", data, "--to", to, "--set", "modalities=lab"]
    yield [*evaluate, "--without", "cxr"]
    yield [*evaluate, "--at-h", "8000"]
    yield [*evaluate, "--split", "elsewhere"]
    yield [*evaluate[:-1], world.folder / "out" / "mlp"]
    yield ["evaluate", run("score"), "--data", data, "--to", to, "--at-h", "6"]
    yield ["evaluate", run("score"), "--data", data, "--to", to, "--without", "lab"]
    yield ["predict", run("aligned"), "--data", data, "--to", to]
    yield ["predict", run("mlp"), "--data", world.folder, "--to", to]
    yield ["describe", world.folder / "runs"]


def forced(world: World, said: Said, to: Path, name: str) -> bool:
    """Nothing is shown; whether it was an error, and one of ours."""
    shown = said.texts | (texts_of(to) if to.is_dir() else {})
    assert world.marks.found_in(shown) == [], name
    assert said.code >= 0, f"{name}: {said.text}"
    return said.code > 0


def test_no_question_that_cannot_be_answered_shows_a_canary(world: World, tmp_path: Path):
    errors = [
        forced(world, call(*arguments), tmp_path / "to", " ".join(map(str, arguments)))
        for arguments in calls_that_are_off(world, tmp_path / "to")
    ]
    assert all(errors)
    print(f"{len(errors)} calls that are off, canaries found: {none_of(len(errors))}")


def test_no_broken_folder_shows_a_canary(world: World, tmp_path: Path):
    """Every verb on every fault of DATA, and of a static, a pretrained and a sequence RUN."""
    errors, answered = 0, set()
    for number, (name, fault) in enumerate(DATA_FAULTS.items()):
        data, to = world.copy(world.data, tmp_path / f"data {number}"), tmp_path / f"to {number}"
        fault(data)
        for verb, arguments in asked_of_data(world, data, to).items():
            shutil.rmtree(to, ignore_errors=True)
            failed = forced(world, call(*arguments), to, f"{verb}, {name}")
            errors += failed
            answered |= set() if failed else {(verb, name)}
    for kind in ("mlp", "aligned", "trajectory"):
        for number, (name, fault) in enumerate(RUN_FAULTS.items()):
            run, to = world.copy(world.run(kind), tmp_path / f"{kind} {number}"), tmp_path / f"{kind} to {number}"
            fault(run)
            for verb, arguments in asked_of_run(world, run, to).items():
                failed = forced(world, call(*arguments), to, f"{verb} of {kind}, {name}")
                errors += failed
                answered |= set() if failed else {(f"{verb} of {kind}", name)}
    assert answered <= {
        *((verb, "no label") for verb in ("predict", "pretrain")),
        *((verb, "nobody on any side") for verb in ("predict of mlp", "predict of trajectory", "encoders of aligned")),
    }, "what these do not need"
    assert errors >= 200
    print(f"{errors} forced errors of runs, canaries found: {none_of(errors)}")


def test_no_refusal_of_the_disk_shows_a_canary(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    errors = 0
    for number, (kind, refusal) in enumerate(REFUSALS.items()):
        for at in (1, 4, 9, 15):
            to = tmp_path / f"{kind} {at}"
            arguments = (
                ["train", "elapsed", "--data", world.data, "--task", "los", "--to", to],
                ["evaluate", world.run("mlp"), "--data", world.data, "--to", to],
                ["predict", world.run("mlp"), "--data", world.data, "--to", to],
            )[number]
            with monkeypatch.context() as patch:
                FaultyDisk(patch, at, refusal)
                said = call(*arguments)
            errors += forced(world, said, to, f"{kind} at {at}")
    assert errors >= 8


def test_errors_of_the_library_show_none_in_tracebacks_and_causes(world: World, tmp_path: Path):
    """As a notebook shows them: `raise ... from` and what came before it."""
    data, run = world.copy(world.data, tmp_path / "data"), world.copy(world.run("mlp"), tmp_path / "run")
    broken_elsewhere("data", "data/0.parquet", cut)(data)
    broken_elsewhere("run", "weights.safetensors", cut)(run)
    question = evaluation.Question(split="all")
    texts = [
        library_error(lambda: supervised.train("mlp", data, "mortality", tmp_path / "x", *window_and_split())),
        library_error(lambda: evaluation.evaluate(run, world.data, tmp_path / "y", question)),
        library_error(lambda: evaluation.evaluate(world.run("mlp"), data, tmp_path / "z", question)),
    ]
    assert all(len(text) == 1 for text in texts)
    assert [world.marks.found_in(text) for text in texts] == [[], [], []]


def window_and_split() -> tuple:
    return supervised.Window(), supervised.SplitPlan()


def test_a_stop_signal_shows_none(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    original = loop.Stepper.take

    def take(self, *arguments):
        signal.raise_signal(signal.SIGTERM)
        return original(self, *arguments)

    monkeypatch.setattr(loop.Stepper, "take", take)
    train = ["train", "mlp", "--data", world.data, "--task", "mortality", "--to", tmp_path / "run", *SMALL]
    said = call(*train)
    assert "asked to stop (SIGTERM)" in said.text
    assert forced(world, said, tmp_path / "run", "SIGTERM")


# Negative controls: planted prints


PLANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {}


def plant(name: str) -> Callable[[Callable], Callable]:
    def register(planted: Callable[[pytest.MonkeyPatch], None]) -> Callable:
        PLANTS[name] = planted
        return planted

    return register


def around(patch: pytest.MonkeyPatch, of: object, name: str, wrapped: Callable) -> None:
    """Let `wrapped` take the place of a function, which it is given first."""
    original = getattr(of, name)
    patch.setattr(of, name, lambda *a, **named: wrapped(original, *a, **named))


def an_id(cohort) -> int:
    return int(cohort.frame["stay_id"][0])


@plant("a print on the way")
def _(patch: pytest.MonkeyPatch) -> None:
    def noisy(original, self, side):
        print(side, self.cohort.frame["stay_id"].to_list())
        return original(self, side)

    around_method(patch, supervised.Sides, "members", noisy)


@plant("a line in the log")
def _(patch: pytest.MonkeyPatch) -> None:
    def logged(original, data, cohort, *rest):
        logging.getLogger("wardround").warning("reading %s", an_id(cohort))
        return original(data, cohort, *rest)

    around(patch, cases, "published_scores", logged)


@plant("an id in an error")
def _(patch: pytest.MonkeyPatch) -> None:
    def refusing(_, data, cohort, *rest):
        raise NoScoreError(f"stay {an_id(cohort)} has no score.")

    around(patch, cases, "published_scores", refusing)


@plant("a code in a traceback")
def _(patch: pytest.MonkeyPatch) -> None:
    def breaking(_, data, *rest):
        raise KeyError(data.lines.codes[0], data.lines.codes[-1])

    around(patch, cases, "published_scores", breaking)


def leaving(name: str, leak: Callable[[object], object]) -> Callable[[pytest.MonkeyPatch], None]:
    """Something more in a JSON file of the run, made of the splits."""

    def planted(patch: pytest.MonkeyPatch) -> None:
        splits: list[pl.DataFrame] = []
        around(
            patch,
            files,
            "write_table",
            lambda original, path, table, *r: (splits.append(table), original(path, table, *r))[1],
        )

        def write(original, path, value):
            return original(path, leak(value, int(splits[0]["subject_id"][0])) if path.name == name else value)

        around(patch, files, "write_json", write)

    return planted


PLANTS["an id in fitted.json"] = leaving("fitted.json", lambda value, one: {**value, "first": one})
PLANTS["an id in metrics.json"] = leaving("metrics.json", lambda value, one: {**value, "worst": [one]})
PLANTS["an id as a key of diagnostics.json"] = leaving(
    "diagnostics.json", lambda value, one: [*value, {str(one): "warn"}]
)
PLANTS["an id in manifest.json"] = leaving("manifest.json", lambda value, one: {**value, "by": f"patient {one}"})


@plant("an id in settings.json")
def _(patch: pytest.MonkeyPatch) -> None:
    def as_json(original, self):
        return {**original(self), "note": str(self.seen)}

    def close(original, self, splits, *rest):
        object.__setattr__(self.plan, "seen", splits["stay_id"][0])
        return original(self, splits, *rest)

    plain = run_folder.Plan.as_json
    patch.setattr(
        run_folder.Plan, "as_json", lambda self: as_json(plain, self) if hasattr(self, "seen") else plain(self)
    )
    around_method(patch, run_folder.NewRun, "close", close)


def around_method(patch: pytest.MonkeyPatch, of: type, name: str, wrapped: Callable) -> None:
    original = getattr(of, name)
    patch.setattr(of, name, lambda self, *a, **named: wrapped(original, self, *a, **named))


@plant("ids in history.parquet")
def _(patch: pytest.MonkeyPatch) -> None:
    def close(original, self, splits, *rest):
        made = original(self, splits, *rest)
        files.write_table(self.folder / "history.parquet", splits.select(epoch="stay_id"))
        return made

    around_method(patch, run_folder.NewRun, "close", close)


@plant("an id for the name of a file")
def _(patch: pytest.MonkeyPatch) -> None:
    def close(original, self, splits, *rest):
        files.write_text(self.folder / f"done-{splits['stay_id'][0]}", "")
        return original(self, splits, *rest)

    around_method(patch, run_folder.NewRun, "close", close)


@plant("a name in the header of the weights")
def _(patch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import save_file

    def close(original, self, splits, *rest):
        made = original(self, splits, *rest)
        save_file({"w": torch.zeros(1)}, self.folder / "weights.safetensors", {"stay": str(splits["stay_id"][0])})
        return made

    around_method(patch, run_folder.NewRun, "close", close)


@pytest.mark.parametrize("name", PLANTS)
def test_control_a_planted_print_is_found(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    """In a training of the score row, which ends without a finding."""
    train = ["train", "score", "--data", world.data, "--task", "mortality", "--to", tmp_path / "run"]
    PLANTS[name](monkeypatch)
    said = call(*train)
    shown = said.texts | (texts_of(tmp_path / "run") if (tmp_path / "run").is_dir() else {})
    assert world.marks.found_in(shown)


def test_control_the_same_training_without_a_plant_shows_none(world: World, tmp_path: Path):
    assert len(PLANTS) >= 10
    said = call("train", "score", "--data", world.data, "--task", "mortality", "--to", tmp_path / "run")
    assert said.code == 0
    assert world.marks.found_in(said.texts | texts_of(tmp_path / "run")) == []


@pytest.mark.parametrize("where", ["report.html", "beliefs.parquet"])
def test_control_a_word_in_an_evaluation_is_found(world: World, tmp_path: Path, monkeypatch, where: str):
    """In the report; and in a file that may hold ids, where a word may not stand."""
    to = tmp_path / "e"

    def write_report(original, folder, run, data):
        word = files.read_table(data / "data" / "0.parquet")["text_value"][0]
        if where == "report.html":
            original(folder, run, data)
            page = (folder / where).read_text()
            (folder / where).write_text(page.replace("</body>", f"<p>{word}</p></body>"))
        else:
            files.write_table(folder / where, pl.DataFrame({"stay_id": [1], "modality": [word]}))

    from wardround.evaluate import report

    around(monkeypatch, report, "write_report", write_report)
    call("evaluate", world.run("mlp"), "--data", world.data, "--to", to)
    assert world.marks.found_in(texts_of(to))
