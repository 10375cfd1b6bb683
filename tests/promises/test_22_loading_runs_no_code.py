"""Promise 22: loading a model runs no code, and a hostile file is refused fast, before memory is taken for it."""

import json
import os
import random
import shutil
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from code_bans import banned_uses
from hostile_files import GOOD, evil_pickle, hostile_json, hostile_safetensors, packed
from safetensors.torch import load_file
from toy_training import SETTINGS, Killed, killer, toy_model, train

from wardround.errors import RunError
from wardround.files import MANIFEST, hash_of, sha256
from wardround.safetensors_guard import read_layouts
from wardround.train.checkpoint import CHECKPOINTS, STATE, WEIGHTS, load_checkpoint
from wardround.train.loop import _Training
from wardround.train.weights import layouts_of, read_weights

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
SOURCES = Path(__file__).parents[2] / "src" / "wardround"
REFUSED_WITHIN_S = 1.0
FLOOR_BYTES = 16 * 2**20
RUNS_CODE = {
    "compile", "exec", "pickle.find_class", "marshal.loads", "os.system", "os.exec", "os.posix_spawn", "os.fork",
    "subprocess.Popen", "socket.connect", "ctypes.dlopen", "import",
}  # fmt: skip

# --- nothing in the source can run code from a file ---------------------------------------------------------------


def test_no_source_uses_a_banned_construct():
    files = sorted(SOURCES.rglob("*.py"))
    found = [f"{path.relative_to(SOURCES)}:{use}" for path in files for use in banned_uses(path.read_text())]
    assert len(files) > 20
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "import pickle",
        "import pickle as p",
        "from pickle import loads",
        "import _pickle",
        "import joblib",
        "from joblib import load",
        "import marshal",
        "import shelve",
        "import dill, os",
        "def f():\n    import cloudpickle",
        "import torch\ntorch.load('x')",
        "import torch as t\nt.load('x', weights_only=True)",
        "from torch import load\nload('x')",
        "from torch import load as safe\nsafe('x')",
        "import torch\nreader = torch.load",
        "import torch\ntorch.save({}, 'x')",
        "import torch\ntorch.hub.load('a', 'b')",
        "import torch\ntorch.jit.load('x')",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "import numpy as np\nnp.load('x', None, True)",
        "import numpy as np\nanything = True\nnp.load('x', allow_pickle=anything)",
        "from numpy import load\nload('x', allow_pickle=1)",
        "import yaml\nyaml.load(open('x'))",
        "import yaml\nyaml.unsafe_load('x')",
        "from yaml import load\nload('x')",
        "eval('1')",
        "exec('1')",
        "run = eval",
        "import builtins\nbuiltins.exec('1')",
        "__import__('os')",
        "from transformers import AutoModel\nAutoModel.from_pretrained('x', trust_remote_code=True)",
        "from transformers import AutoModel\nAutoModel.from_pretrained('x', **{'trust_remote_code': True})",
        "import pandas as pd\npd.read_pickle('x')",
    ],
)
def test_a_planted_construct_is_found(planted: str):
    assert banned_uses(planted)


@pytest.mark.parametrize(
    "harmless",
    [
        "model.eval()",
        "import numpy as np\nnp.load('x', allow_pickle=False)",
        "import json\njson.load(open('x'))",
        "from safetensors.torch import load_file\nload_file('x')",
        "import re\nre.compile('x')",
        "import yaml\nyaml.safe_load('x')",
        "'''says pickle and eval( in words'''",
        "from transformers import AutoModel\nAutoModel.from_pretrained('x', trust_remote_code=False)",
    ],
)
def test_a_harmless_construct_is_not(harmless: str):
    assert banned_uses(harmless) == []


# --- hostile files -------------------------------------------------------------------------------------------------

_heard: list[str] | None = None


def _listen(event: str, _args: tuple) -> None:
    if _heard is not None and event in RUNS_CODE:
        _heard.append(event)


@pytest.fixture(scope="module", autouse=True)
def _audit_hook():
    sys.addaudithook(_listen)  # stays until the process ends, deaf outside `audited`


@contextmanager
def audited() -> Iterator[list[str]]:
    global _heard
    _heard = []
    try:
        yield _heard
    finally:
        _heard = None


def peak_bytes(call: Callable[[], object]) -> int:
    """The most memory that Python held at once for this call, whether it raised `RunError` or not."""
    tracemalloc.start()
    try:
        call()
    except RunError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def is_modest(peak: int, file_bytes: int) -> bool:
    return peak <= max(2 * file_bytes, FLOOR_BYTES)


def refuse(path: Path) -> None:
    with pytest.raises(RunError, match=r"Make the folder again"):
        read_weights(path, None)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    paths = {}
    for number, (name, data) in enumerate(hostile_safetensors().items()):
        paths[name] = folder / f"{number}.safetensors"
        paths[name].write_bytes(data)
    return paths


def test_each_hostile_safetensors_file_is_refused_and_runs_nothing(written: dict[str, Path]):
    refuse(next(iter(written.values())))  # whatever is imported late is imported now
    slow = {}
    for name, path in written.items():
        with audited() as heard:
            taken_s = seconds(lambda path=path: refuse(path))
        assert heard == [], name
        if taken_s > REFUSED_WITHIN_S:
            slow[name] = taken_s
    assert slow == {}
    assert len(written) >= 60
    print(f"0 of {len(written)} hostile files ran code (upper 95 % bound {3 / len(written):.1%})")


def test_no_hostile_safetensors_file_takes_memory(written: dict[str, Path]):
    peaks = {name: peak_bytes(lambda path=path: read_weights(path, None)) for name, path in written.items()}
    greedy = {name: peak for name, peak in peaks.items() if not is_modest(peak, written[name].stat().st_size)}
    assert greedy == {}


def test_a_good_file_is_read(tmp_path: Path):
    path = tmp_path / "good.safetensors"
    path.write_bytes(packed({**GOOD, "__metadata__": {"format": "pt", "run": "import os"}}))
    assert torch.equal(read_weights(path, None)["weight"], torch.zeros(2, 3))


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "missing", "link to a device"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str):
    path = tmp_path / "x.safetensors"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    assert seconds(lambda: refuse(path)) < REFUSED_WITHIN_S


def test_a_sparse_giant_is_refused_before_it_is_read(tmp_path: Path):
    path, size = tmp_path / "giant.safetensors", 2**36
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    with path.open("wb") as stream:
        stream.write(len(header).to_bytes(8, "little") + header)
        stream.truncate(8 + len(header) + size)
    assert seconds(lambda: refuse(path)) < REFUSED_WITHIN_S
    expected = layouts_of({"w": torch.zeros(3)})
    with pytest.raises(RunError):
        read_weights(path, expected)


# --- hostile checkpoints -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def killed_training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("killed")
    with pytest.raises(Killed):
        train(folder, killer(9))
    return folder


def sign(checkpoint: Path) -> None:
    """Make the manifest true again, as someone with a text editor and patience would."""
    manifest = json.loads((checkpoint / MANIFEST).read_bytes())
    manifest.pop("hash")
    manifest["files"] = {name: sha256(checkpoint / name) for name in (WEIGHTS, STATE)}
    text = json.dumps({**manifest, "hash": hash_of(manifest)}, indent=1, sort_keys=True) + "\n"
    (checkpoint / MANIFEST).write_text(text)


@pytest.mark.parametrize("victim", [MANIFEST, STATE, WEIGHTS])
def test_hostile_checkpoints_are_refused_even_when_signed(killed_training: Path, tmp_path: Path, victim: str):
    training = _Training(toy_model(), lambda epoch: [], lambda model: {}, SETTINGS, tmp_path, "")
    load_checkpoint(killed_training, training.identity, training.state.expected_layouts)
    corpus = hostile_safetensors() if victim == WEIGHTS else hostile_json()
    folder = tmp_path / "run"
    newest = folder / CHECKPOINTS / "step-00000008"
    shutil.copytree(killed_training, folder)
    for name, data in corpus.items():
        (newest / victim).write_bytes(data)
        if victim != MANIFEST:
            sign(newest)
        with audited() as heard:
            start = time.perf_counter()
            checkpoint, notes = load_checkpoint(folder, training.identity, training.state.expected_layouts)
            taken_s = time.perf_counter() - start
        assert checkpoint is not None, name
        assert (checkpoint.step, heard, len(notes)) == (6, [], 1), name
        assert taken_s < REFUSED_WITHIN_S, name


def is_refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except RunError:
        return True
    return False


def harmed_states(state: dict) -> Iterator[tuple[str, dict]]:
    for name, value in state["counters"].items():
        for wrong in ("x", -1, 0.5, True, None, [1], {"a": "b"}, [{"a": []}], 2**70):
            if type(wrong) is not type(value) and not (name in ("best_epoch",) and wrong is None):
                yield f"{name}={wrong}", {**state, "counters": {**state["counters"], name: wrong}}
    for name in ("step", "epoch", "total_steps", "best_epoch"):
        yield f"{name} below 0", {**state, "counters": {**state["counters"], name: -1}}
    yield "a step beyond all", {**state, "counters": {**state["counters"], "step": 2**70}}
    yield "a history of lists", {**state, "counters": {**state["counters"], "history": [[1]]}}
    yield "moments that are numbers", {**state, "counters": {**state["counters"], "moments": [1]}}
    yield "a counter too many", {**state, "counters": {**state["counters"], "code": "import os"}}
    yield "no environment", {"counters": state["counters"]}
    yield "unknown moments", {**state, "counters": {**state["counters"], "moments": ["os.system"]}}


def test_signed_counters_of_other_types_are_refused(killed_training: Path, tmp_path: Path):
    training = _Training(toy_model(), lambda epoch: [], lambda model: {}, SETTINGS, tmp_path, "")
    state = json.loads((killed_training / CHECKPOINTS / "step-00000008" / STATE).read_bytes())
    harmed = dict(harmed_states(state))
    taken = [
        name for name, value in harmed.items() if not is_refused(lambda v=value: training.state.expected_layouts(v))
    ]
    assert taken == []
    assert len(harmed) > 60


def test_no_hostile_json_takes_memory(killed_training: Path, tmp_path: Path):
    training = _Training(toy_model(), lambda epoch: [], lambda model: {}, SETTINGS, tmp_path, "")
    newest = tmp_path / CHECKPOINTS / "step-00000008"
    for name, data in hostile_json().items():
        shutil.rmtree(tmp_path / CHECKPOINTS, ignore_errors=True)
        shutil.copytree(killed_training / CHECKPOINTS, tmp_path / CHECKPOINTS)
        (newest / STATE).write_bytes(data)
        sign(newest)
        peak = peak_bytes(lambda: load_checkpoint(tmp_path, training.identity, training.state.expected_layouts))
        assert is_modest(peak, len(data)), name


# --- fuzz: what we take, safetensors takes and reads the same ------------------------------------------------------


def mutated(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, how = rng.randrange(len(changed)), rng.randrange(5)
        if how == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            del changed[at : at + rng.randint(1, 9)]
        elif how == 2:
            changed[at:at] = rng.choice([b"0", b"-", b",", b"[", b"{", b"}", b'"', b"9" * 20, b"\\u0000", b" "])
        elif how == 3:
            changed[at : at + 1] = rng.randbytes(1)
        else:
            changed[:8] = rng.choice([0, 2, 50, len(changed), 2**40, 2**64 - 1]).to_bytes(8, "little")
        if not changed:
            return b""
    return bytes(changed)


def test_fuzzed_headers(tmp_path: Path):
    rng, cases, taken = random.Random(22), max(1_000, round(100_000 * SCALE)), 0
    header = {"a": GOOD["weight"], "b": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]}}
    seed_file, path = packed(header, bytes(32)), tmp_path / "x.safetensors"
    with audited() as heard:
        for _ in range(cases):
            path.write_bytes(mutated(rng, seed_file))
            try:
                layouts = read_layouts(path)
            except RunError:
                continue
            taken += 1
            assert layouts_of(load_file(path)) == layouts
    assert set(heard) <= {"import"}
    assert taken < cases / 2
    print(f"{cases} headers, {taken} of them sound")


# --- negative controls: the same measures catch loaders that do wrong ----------------------------------------------


def test_a_loader_that_unpickles_is_heard(tmp_path: Path):
    import pickle

    with audited() as heard, pytest.raises(SystemExit):
        pickle.loads(evil_pickle())  # noqa: S301
    assert "pickle.find_class" in heard
    assert "exec" in heard


def test_a_loader_that_believes_the_header_is_seen(tmp_path: Path):
    claimed = 256 * 2**20
    assert not is_modest(peak_bytes(lambda: bytearray(claimed)), 100)


def test_a_loader_without_caps_is_seen():
    data = hostile_safetensors()["many lists"]
    assert not is_modest(peak_bytes(lambda: json.loads(data[8:-24])), len(data))
