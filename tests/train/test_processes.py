"""Several processes in one training: the same weights as one, files of the first alone, stops and resumes together.

Real processes under `torchrun` on 127.0.0.1, over gloo; without dropout, so that one process can be compared with.
"""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
import torch
from accelerate import PartialState

from small_runs import small_data
from wardround import files
from wardround.errors import UsageError
from wardround.launcher import is_first_process
from wardround.train import processes
from wardround.train.processes import Processes
from wardround.train.weights import read_weights

torch.set_num_threads(1)

SIZES = ("encoder.hidden=8", "encoder.embed=4", "loop.epochs=2", "loop.learning_rate=3e-3")
MODELS = {
    "mlp": ("model.dropout=0", "modality_dropout_prob=0", "batch_size=33"),
    "lstm": ("model.dropout=0", "modality_dropout_prob=0", "batch_size=7"),
    "trajectory": (
        "decoder.dropout=0", "model.dropout=0", "modality_dropout_prob=0", "model.state=false", "decoder.hidden=8",
        "decoder.heads=2", "decoder.layers=1", "decoder.mlp_hidden=8", "budget=128",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data(tmp_path_factory.mktemp("processes") / "data")


def command(data: Path, to: Path, method: str, *settings: str) -> list[str]:
    verb = ["pretrain", "alignment"] if method == "alignment" else ["train", method, "--task", "mortality"]
    chosen = [f"--set={setting}" for setting in (*SIZES, "encoder.dropout=0", "input_dropout=0", *settings)]
    return ["wardround", *verb, "--data", str(data), "--to", str(to), *chosen]


def launch(count: int, called: list[str]) -> list[str]:
    if count == 1:
        return [sys.executable, "-m", *called]
    where = ["--nnodes", "1", "--nproc_per_node", str(count), "--master_addr", "127.0.0.1", "--master_port", "0"]
    where += ["--rdzv_backend", "c10d", "--rdzv_endpoint", "127.0.0.1:0", "--local_addr", "127.0.0.1"]
    return [sys.executable, "-m", "torch.distributed.run", *where, "-m", *called]


def environment() -> dict[str, str]:
    own = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "GLOO_SOCKET_IFNAME": "lo"}
    return {**os.environ, **own}


def ran(count: int, called: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        launch(count, called), env=environment(), capture_output=True, text=True, check=False, timeout=180
    )


def weights(run: Path) -> dict[str, torch.Tensor]:
    return read_weights(run / "weights.safetensors", None)


CASES = [
    *((method, settings) for method, settings in MODELS.items()),
    *(("alignment", (f"alignment.loss={loss}", "alignment.dropout_prob=0", "batch_size=33"))
      for loss in ("masked-global", "one-vs-others", "all-pairs")),
]  # fmt: skip


SEVERAL = """
import json, sys
from wardround.cli import main
sys.exit(max(main(one) for one in json.load(open(sys.argv[1]))))
"""


def ran_one_after_the_other(count: int, folder: Path, called: list[list[str]]) -> subprocess.CompletedProcess[str]:
    """Several commands, without `wardround`, in one launch: starting it takes longer than a small training."""
    script, asked = folder / "several.py", folder / "asked.json"
    script.write_text(SEVERAL)
    asked.write_text(json.dumps(called))
    started = [*launch(count, [])[:-1], str(script), str(asked)]
    return subprocess.run(started, env=environment(), capture_output=True, text=True, check=False, timeout=400)


@pytest.mark.slow
def test_two_processes_learn_what_one_does(data: Path, tmp_path: Path):
    """Batches of an odd number of stays; of a pretraining too, where each stay is a negative of all others."""
    cases = {f"{method}-{settings[0].partition('=')[2]}": (method, settings) for method, settings in CASES}
    for count in (1, 2):
        called = [command(data, tmp_path / case / str(count), one, *given)[1:] for case, (one, given) in cases.items()]
        made = ran_one_after_the_other(count, tmp_path, called)
        assert made.returncode == 0, made.stderr
        assert made.stdout.count("is complete") == len(cases), "the first process alone speaks"
    for case in cases:
        same_training(tmp_path / case / "1", tmp_path / case / "2")


def same_training(first: Path, second: Path) -> None:
    """The same weights and history but for the order of sums; the same settings and verdicts."""
    one, two = weights(first), weights(second)
    assert one.keys() == two.keys()
    for name, value in one.items():
        where = f"{first.parent.name}, {name}"
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=2e-5, msg=partial("{}: {}".format, where))
    histories = [pl.read_parquet(run / "history.parquet") for run in (first, second)]
    assert histories[0].columns == histories[1].columns
    for name in histories[0].columns:
        values = histories[0][name].to_list()
        assert histories[1][name].to_list() == pytest.approx(values, rel=1e-4, abs=1e-6), (first, name)
    assert files.read_json(first / "settings.json") == files.read_json(second / "settings.json")
    checks = [files.read_json(run / "diagnostics.json") for run in (first, second)]
    assert [check["verdict"] for check in checks[0]] == [check["verdict"] for check in checks[1]]


ALONE = """
import sys
from wardround.train import processes
processes.Processes.average_gradients = lambda self, parameters: None
from wardround.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_processes_that_do_not_average_are_found_out(data: Path, tmp_path: Path):
    """Planted fault: each learns from its own half alone."""
    script = tmp_path / "alone.py"
    script.write_text(ALONE)
    called = command(data, tmp_path / "one", "mlp", *MODELS["mlp"])
    assert ran(1, called).returncode == 0
    planted = [*launch(2, [])[:-1], str(script), *command(data, tmp_path / "two", "mlp", *MODELS["mlp"])[1:]]
    made = subprocess.run(planted, env=environment(), capture_output=True, text=True, check=False, timeout=180)
    assert made.returncode == 0, made.stderr
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert any(not torch.allclose(one[name], two[name], rtol=1e-4, atol=2e-5) for name in one)


@pytest.mark.slow
def test_they_stop_and_go_on_together(data: Path, tmp_path: Path):
    """SIGTERM to the launcher reaches all; what was saved goes on, in as many processes, to the same bytes."""
    settings = ("loop.epochs=12", "loop.patience=12", "loop.checkpoint_every_steps=5", "batch_size=16")
    settings = ("model.dropout=0.3", *settings)
    called = command(data, tmp_path / "stopped", "mlp", *settings)
    started = subprocess.Popen(launch(2, called), env=environment(), stderr=subprocess.PIPE, text=True)
    steps = tmp_path / "stopped" / "checkpoints"
    until = time.monotonic() + 120
    while not list(steps.glob("step-*")) and time.monotonic() < until:
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    _, said = started.communicate(timeout=120)
    assert started.returncode != 0
    assert list(steps.glob("step-*")), said
    assert not (tmp_path / "stopped" / "manifest.json").exists()
    whole = command(data, tmp_path / "whole", "mlp", *settings)
    again = ran_one_after_the_other(2, tmp_path, [called[1:], whole[1:]])
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("Training goes on after step") == 1
    for name in ("weights.safetensors", "history.parquet", "manifest.json"):
        assert files.sha256(tmp_path / "stopped" / name) == files.sha256(tmp_path / "whole" / name), name


ASKED = """
import os, signal, sys
from pathlib import Path
from wardround.methods import teacher
folder, ended = Path(sys.argv.pop(1)), sys.argv.pop(1) == "ended"
rank, sound = os.environ["RANK"], teacher.told
def told(*given):
    (folder / f"asked-{rank}").touch()
    if ended:
        os.kill(os.getpid(), signal.SIGTERM)
    return sound(*given)
teacher.told = told
from wardround.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_the_first_alone_asks_the_teacher(data: Path, tmp_path: Path):
    """One that is ended while it asks leaves nothing and keeps nobody waiting; the same command goes on."""
    script = tmp_path / "asked.py"
    script.write_text(ASKED)
    called = command(data, tmp_path / "run", "mlp", *MODELS["mlp"], "teacher.share=0.5")[1:]
    cache = data / "cache" / "teacher"
    before = set(cache.glob("*.npy"))
    for word, entries in (("ended", 0), ("sound", 1)):
        (tmp_path / word).mkdir()
        planted = [*launch(2, [])[:-1], str(script), str(tmp_path / word), word, *called, "--seed=7"]
        made = subprocess.run(planted, env=environment(), capture_output=True, text=True, check=False, timeout=180)
        assert (made.returncode == 0) is (word == "sound"), made.stderr
        assert len(set(cache.glob("*.npy")) - before) == entries
        assert (tmp_path / word / "asked-0").exists()
        assert ("asked to stop (SIGTERM) while it asked its teacher" in made.stderr) is (word == "ended")
    assert not (tmp_path / "sound" / "asked-1").exists()


def test_one_process_is_no_launcher(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("RANK", raising=False)
    alone = Processes()
    assert (alone.count, alone.rank) == (1, 0)
    assert is_first_process()
    assert alone.any(True)
    assert not alone.any(False)
    assert alone.as_first({"loss": 1.0}) == {"loss": 1.0}
    before = torch.random.get_rng_state()
    alone.seed_step(3, 4)
    assert torch.equal(torch.random.get_rng_state(), before), "one process draws on from where it was"


def test_launched_processes_that_do_not_find_each_other_are_refused(monkeypatch: pytest.MonkeyPatch):
    """Each would train by itself, and write over the other."""
    PartialState()  # what accelerate found the first time holds
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="2 processes were launched, and this one sees 1"):
        Processes()


def test_several_processes_say_what_to_install_where_accelerate_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "find_spec", lambda name: None)
    assert Processes().count == 1, "one process needs none"
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match=r"2 processes needs accelerate: pip install 'wardround\[processes\]'"):
        Processes()


def test_one_process_computes_where_it_can_unless_told(monkeypatch: pytest.MonkeyPatch):
    gpu = torch.device("cuda")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: gpu)
    assert Processes().device == gpu
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    assert Processes().device == torch.device("cpu")


@pytest.mark.parametrize("rank", ["1", "3"])
def test_another_rank_writes_nothing(monkeypatch: pytest.MonkeyPatch, rank: str):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", rank)
    assert not is_first_process()
    monkeypatch.delenv("WORLD_SIZE")
    assert is_first_process(), "a RANK that some scheduler set says nothing of a process that is alone"


@pytest.mark.parametrize(("modalities", "waits"), [(("lab", "cxr"), 1), (("radiology_note",), 1), (("lab", "aps"), 0)])
def test_others_wait_for_tokens_and_pixels_alone(monkeypatch: pytest.MonkeyPatch, modalities, waits: int):
    """Of numbers each process makes its own, at the same time."""
    came: list[str] = []
    monkeypatch.setattr(processes.distributed, "barrier", lambda: came.append("barrier"))
    for rank, order in ((0, ["made", "barrier"]), (1, ["barrier", "made"])):
        came.clear()
        monkeypatch.setattr(processes, "Processes", lambda rank=rank: SimpleNamespace(count=2, rank=rank))
        with processes.first_where_documents(modalities):
            came.append("made")
        assert came == (order if waits else ["made"])
