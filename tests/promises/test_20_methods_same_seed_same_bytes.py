"""Promise 20, for every method: the same data, settings and seed give the same bytes; another seed does not."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import timelines
from small_runs import FIT
from wardround.files import sha256
from wardround.methods.registry import FITTED, METHODS
from wardround.settings import override
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train.plan import PretrainSettings
from wardround.train.pretrain import pretrain
from wardround.train.supervised import train

SMALL = ("loop.epochs=2", "encoder.hidden=8", "encoder.embed=4")
GRID = ("loop.epochs=2", "model.hidden=8", "budget=256")
DECODER = ("decoder.hidden=8", "decoder.heads=2", "decoder.layers=1", "decoder.mlp_hidden=8", "budget=256")


def hashes(run: Path) -> dict[str, str]:
    """Every file of a run but the manifest's own hash of it."""
    return {str(path.relative_to(run)): sha256(path) for path in sorted(run.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small DATA folder."""
    return timelines.write_data(tmp_path_factory.mktemp("same") / "data", timelines.random_timelines(3, 120))


def trained(method: str, data: Path, to: Path, seed: int) -> dict[str, str]:
    """Train once; the hashes of the run."""
    if method == "alignment":
        settings = override(PretrainSettings(), SMALL)
        pretrain(data, to, Window(), SplitPlan(), settings, seed, quiet=True)
    else:
        settings = FIT[method] if method in FITTED else GRID
        if method in METHODS and METHODS[method].encodes:
            settings = SMALL + (DECODER if method == "trajectory" else ())
        train(method, data, "mortality", to, Window(), SplitPlan(), None, settings, seed, quiet=True)
    return hashes(to)


@pytest.mark.parametrize("method", ["alignment", *METHODS, *FITTED])
def test_three_repeats_have_the_same_bytes(method: str, data: Path, tmp_path: Path) -> None:
    runs = [trained(method, data, tmp_path / str(repeat), seed=1) for repeat in range(3)]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize("method", ["alignment", *METHODS, "boosting"])
def test_another_seed_has_other_weights(method: str, data: Path, tmp_path: Path) -> None:
    """Negative control: the comparison can tell. `logistic` draws nothing."""
    first, second = (trained(method, data, tmp_path / str(seed), seed) for seed in (1, 2))
    assert first["weights.safetensors"] != second["weights.safetensors"]


def test_a_global_draw_in_between_does_not_matter(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ran before in the same process leaves no trace; an unseeded model would (planted fault)."""
    clean = trained("mlp", data, tmp_path / "clean", seed=1)
    torch.rand(5)
    assert trained("mlp", data, tmp_path / "after", seed=1) == clean
    seeded: Callable[[int], object] = torch.manual_seed
    monkeypatch.setattr(torch, "manual_seed", lambda seed: seeded(int(torch.initial_seed()) + 1))
    assert trained("mlp", data, tmp_path / "unseeded", seed=1) != clean
