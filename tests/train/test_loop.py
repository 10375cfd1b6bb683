"""The training loop. Kills and resumes: tests/promises/test_17; same bytes: test_20."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from wardround.errors import RunError, UsageError
from wardround.models.decoder import Decoder, DecoderSettings
from wardround.train.loop import fit
from wardround.train.processes import Processes
from wardround.train.schedule import learning_rate_factor
from wardround.train.settings import LoopSettings
from wardround.train.step import Stepper
from wardround.train.stopping import TrainingStopped

SETTINGS = LoopSettings(learning_rate=0.05, epochs=4, patience=4, weight_decay=0.0, clip_norm=1e9)


@dataclasses.dataclass
class Rows:
    x: Tensor
    y: Tensor

    def to(self, device: torch.device) -> "Rows":
        return Rows(self.x.to(device), self.y.to(device))


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def loss(self, batch: Rows) -> tuple[Tensor, dict[str, Tensor]]:
        error = (self.linear(batch.x).squeeze(-1) - batch.y).pow(2).mean()
        return error, {"rmse": error.sqrt()}


def rows(epoch: int = 0, count: int = 3) -> list[Rows]:
    generator = torch.Generator().manual_seed(epoch)
    xs = [torch.randn(8, 3, generator=generator) for _ in range(count)]
    return [Rows(x, x @ torch.tensor([1.0, -2.0, 0.5]) + 0.3) for x in xs]


def line() -> Line:
    torch.manual_seed(0)
    return Line()


def error_of(model: nn.Module) -> dict[str, float]:
    return {"loss": model.loss(rows(99, 1)[0])[0].item()}


def scripted(values: list[float], name: str = "loss"):
    """A validation that returns these values, epoch after epoch."""
    rest = iter(values)
    return lambda model: {name: next(rest)}


def run(folder: Path, model: nn.Module | None = None, batches=rows, validate=error_of, settings=SETTINGS, **others):
    return fit(model or line(), batches, validate, settings, folder, quiet=True, **others)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_it_is_adamw_by_hand(tmp_path: Path):
    """The same steps written out with torch alone give the same weights to the bit."""
    settings = dataclasses.replace(SETTINGS, weight_decay=0.1, clip_norm=0.5, epochs=3)
    trained = line()
    run(tmp_path, trained, validate=scripted([3.0, 2.0, 1.0]), settings=settings)
    by_hand, step = line(), 0
    optimizer = torch.optim.AdamW(by_hand.parameters(), weight_decay=0.1, fused=True)
    torch.manual_seed(settings.seed)
    for epoch in range(3):
        for batch in rows(epoch):
            optimizer.param_groups[0]["lr"] = 0.05 * learning_rate_factor(step, 9, 0.05, "cosine")
            optimizer.zero_grad()
            by_hand.loss(batch)[0].backward()
            nn.utils.clip_grad_norm_(by_hand.parameters(), 0.5)
            optimizer.step()
            step += 1
    for name, parameter in by_hand.named_parameters():
        assert torch.equal(parameter, trained.get_parameter(name)), name


def test_it_learns_and_the_history_says_so(tmp_path: Path):
    result = run(tmp_path, settings=dataclasses.replace(SETTINGS, epochs=60, patience=60))
    assert list(result.history[0]) == ["epoch", "step", "learning_rate", "train_loss", "train_rmse", "val_loss"]
    assert [row["epoch"] for row in result.history] == list(range(60))
    assert result.history[-1]["step"] == 180
    assert result.best_metrics["loss"] < 0.01 < result.history[0]["val_loss"]
    assert not result.stopped_early


def test_the_best_weights_come_back_not_the_last(tmp_path: Path):
    seen: list[Tensor] = []

    def validate(model: nn.Module) -> dict[str, float]:
        seen.append(model.linear.weight.detach().clone())
        return {"loss": [3.0, 1.0, 2.0, 2.5][len(seen) - 1]}

    model = line()
    result = run(tmp_path, model, validate=validate)
    assert result.best_epoch == 1
    assert result.best_metrics == {"loss": 1.0}
    assert torch.equal(model.linear.weight, seen[1])
    assert not torch.equal(model.linear.weight, seen[-1])
    assert not model.training


@pytest.mark.parametrize(
    ("mode", "values", "best", "epochs"),
    [
        ("min", [3.0, 2.0, 2.0, 2.5, 1.0], 1, 4),  # an equal value is no gain
        ("max", [0.5, 0.4, 0.45, 0.9], 0, 3),
        ("max", [0.5, 0.4, 0.6, 0.5, 0.5, 0.9], 2, 5),
        ("min", [1.0, float("inf")], None, None),
    ],
)
def test_early_stopping(tmp_path: Path, mode: str, values: list[float], best: int | None, epochs: int | None):
    settings = dataclasses.replace(SETTINGS, epochs=len(values), patience=2, mode=mode, monitor="score")
    if best is None:
        with pytest.raises(RunError, match="score after epoch 1 is inf"):
            run(tmp_path, validate=scripted(values, "score"), settings=settings)
        return
    result = run(tmp_path, validate=scripted(values, "score"), settings=settings)
    assert (result.best_epoch, len(result.history), result.stopped_early) == (best, epochs, True)


def test_other_validation_values_may_be_missing(tmp_path: Path):
    result = run(tmp_path, validate=lambda model: {**error_of(model), "auroc": float("nan")})
    assert result.history[0]["val_auroc"] is None
    assert result.best_metrics["auroc"] is None


def test_an_unknown_monitor_names_what_there_is(tmp_path: Path):
    with pytest.raises(UsageError, match=r"monitor='auroc' is not a validation value\. There are: loss"):
        run(tmp_path, settings=dataclasses.replace(SETTINGS, monitor="auroc"))


class Breaks(Line):
    """Goes wrong in its fifth batch, in the loss or only in the gradient."""

    def __init__(self, where: str):
        super().__init__()
        self.where, self.seen = where, 0

    def loss(self, batch: Rows) -> tuple[Tensor, dict[str, Tensor]]:
        loss, reported = super().loss(batch)
        self.seen += self.training
        if self.seen != 5:
            return loss, reported
        broken = loss * float("nan") if self.where == "loss" else torch.sqrt(loss - loss.detach()) + loss
        return broken, reported


@pytest.mark.parametrize(("where", "named"), [("loss", "loss"), ("gradient", "gradient's norm")])
def test_what_is_not_finite_names_the_step_and_the_remedy(tmp_path: Path, where: str, named: str):
    model = Breaks(where)
    with pytest.raises(
        RunError, match=rf"The {named} at step 4 \(epoch 1, batch 1\).*Lower learning_rate \(now 0.05\)"
    ):
        run(tmp_path, model)
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


def test_a_reported_value_may_come_and_go(tmp_path: Path):
    class Sometimes(Line):
        def loss(self, batch: Rows):
            loss, _ = super().loss(batch)
            if batch.x[0, 0] > 0:
                return loss, {}
            return loss, {"images": torch.tensor(7.0), "undefined": torch.tensor(float("nan"))}

    result = run(tmp_path, Sometimes())
    values = [row.get("train_images", 7.0) for row in result.history]
    assert values == [7.0] * 4
    assert all("train_undefined" not in row for row in result.history)


def test_frozen_parts_stay_and_are_not_saved(tmp_path: Path):
    model = nn.ModuleDict({"frozen": nn.Linear(50, 50).requires_grad_(False), "line": line()})
    model.loss = model["line"].loss
    before = model["frozen"].weight.clone()
    run(tmp_path, model)
    assert torch.equal(before, model["frozen"].weight)
    assert all(path.stat().st_size < 10_000 for path in tmp_path.rglob("state.safetensors"))


def test_nothing_to_learn(tmp_path: Path):
    with pytest.raises(RunError, match="no parameter that learns"):
        run(tmp_path, line().requires_grad_(False))


def test_no_batch(tmp_path: Path):
    with pytest.raises(RunError, match="Epoch 0 has no batch"):
        run(tmp_path, batches=lambda epoch: [])


def test_a_len_that_lies(tmp_path: Path):
    class Lies:
        def __len__(self) -> int:
            return 4

        def __iter__(self):
            return iter(rows())

    with pytest.raises(RunError, match="gave 3 batches, but its len is 4"):
        run(tmp_path, batches=lambda epoch: Lies())


def test_a_finished_training_is_not_trained_again(tmp_path: Path):
    model, again = line(), Line()
    first = run(tmp_path, model)
    second = run(tmp_path, again, batches=lambda epoch: pytest.fail("trained again"), validate=lambda model: {})
    assert second.history == first.history
    assert list(second.history[0]) == list(first.history[0])
    assert second.diagnostics == first.diagnostics
    assert torch.equal(model.linear.weight, again.linear.weight)
    assert second.notes == ["Training goes on after step 12 of 12."]


def test_a_second_training_into_the_folder_is_refused_while_the_first_is_under_way(tmp_path: Path):
    """It would sweep away, as a leftover, the checkpoint that the first is writing."""
    tried: list[str] = []

    def meanwhile(model: nn.Module) -> dict[str, float]:
        if not tried:
            with pytest.raises(RunError, match="another process is training into it") as refused:
                run(tmp_path / "run")
            tried.append(str(refused.value))
        return error_of(model)

    first = run(tmp_path / "run", validate=meanwhile)
    assert tried
    assert run(tmp_path / "alone").history == first.history
    assert run(tmp_path / "run").history == first.history, "when it has ended, the next goes on"


@pytest.mark.parametrize("changed", ["settings", "identity", "model"])
def test_another_training_in_the_folder_is_refused(tmp_path: Path, changed: str):
    run(tmp_path, identity="data 1")
    other = {"identity": "data 1"}
    if changed == "settings":
        other["settings"] = dataclasses.replace(SETTINGS, seed=1)
    elif changed == "identity":
        other["identity"] = "data 2"
    else:
        model = other["model"] = line()
        model.more = nn.Linear(2, 2)
    with pytest.raises(RunError, match="other settings, data or model"):
        run(tmp_path, **other)


def test_another_number_of_threads_is_said(tmp_path: Path):
    run(tmp_path)
    torch.set_num_threads(2)
    said: list[str] = []
    run(tmp_path, notes=said)
    assert said[-1].startswith("Versions, device, threads or processes changed")


def test_checkpoints_at_steps_and_how_many(tmp_path: Path):
    settings = dataclasses.replace(SETTINGS, checkpoint_every_steps=5, keep_checkpoints=3)
    run(tmp_path, settings=settings)
    assert sorted(path.name[-2:] for path in (tmp_path / "checkpoints").iterdir()) == ["05", "10", "12"]


def test_sigterm_in_the_last_step_is_not_lost(tmp_path: Path):
    def validate(model: nn.Module) -> dict[str, float]:
        os.kill(os.getpid(), signal.SIGTERM)
        return error_of(model)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(TrainingStopped, match="after step 3 of 3 is saved"):
        run(tmp_path, validate=validate, settings=dataclasses.replace(SETTINGS, epochs=1))
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_signals_are_left_alone(tmp_path: Path):
    results = []
    thread = threading.Thread(target=lambda: results.append(run(tmp_path)))
    thread.start()
    thread.join()
    assert len(results[0].history) == 4


def test_bf16_is_a_precision_of_the_steps_alone(tmp_path: Path):
    dtypes = set()

    class Watched(Line):
        def loss(self, batch: Rows):
            dtypes.add((self.training, self.linear(batch.x).dtype))
            return super().loss(batch)

    model = Watched()
    run(tmp_path, model, settings=dataclasses.replace(SETTINGS, precision="bf16"))
    assert dtypes == {(True, torch.bfloat16), (False, torch.float32)}
    assert model.linear.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("hidden", "has", "precision", "bf16"),
    [
        (256, {"amx_bf16": True}, "auto", True),
        (256, {"avx512_bf16": True}, "auto", True),
        (256, {"avx512_f": True, "amx_bf16": False}, "auto", False),
        (64, {"amx_bf16": True}, "auto", False),
        (256, {"amx_bf16": True}, "fp32", False),
        (64, {}, "bf16", True),
    ],
)
def test_on_a_cpu_auto_is_bf16_where_it_helps(
    monkeypatch: pytest.MonkeyPatch, hidden: int, has: dict[str, bool], precision: str, bf16: bool
):
    """A wide decoder, on a CPU with instructions for it."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    model = nn.ModuleDict({"decoder": Decoder(DecoderSettings(hidden=hidden, layers=1, heads=4, mlp_hidden=8))})
    settings = dataclasses.replace(SETTINGS, precision=precision)
    processes = Processes()
    if processes.device.type == "cpu":
        assert Stepper(model, settings, processes).bf16 is bf16


def test_diagnostics_warn(tmp_path: Path):
    model = line()
    model.unused = nn.Linear(2, 2)
    settings = dataclasses.replace(SETTINGS, clip_norm=1e-6)
    result = run(tmp_path, model, validate=scripted([4.0, 3.0, 2.0, 1.0]), settings=settings)
    assert {one["check"]: (one["verdict"], one["value"]) for one in result.diagnostics} == {
        "best_epoch": ("warn", 3),
        "clipped_fraction": ("warn", 1.0),
        "parameters_without_gradient": ("warn", 2),
    }


def test_progress_is_plain_lines_and_quiet_is_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run(tmp_path / "quiet")
    assert capsys.readouterr() == ("", "")
    fit(line(), rows, error_of, SETTINGS, tmp_path / "loud")
    assert capsys.readouterr().err.splitlines()[0] == "training: 0 of 12"


def test_importing_the_loop_leaves_accelerate_alone():
    code = "import sys, wardround.train.loop; sys.exit('accelerate' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"epochs": 0},
        {"patience": 0},
        {"keep_checkpoints": 0},
        {"checkpoint_every_steps": 0},
        {"clip_norm": -1.0},
        {"warmup_fraction": 1.5},
        {"weight_decay": -0.1},
        {"schedule": "linear"},
        {"precision": "fp16"},
        {"mode": "best"},
    ],
    ids=str,
)
@pytest.mark.usefixtures("unchecked_signatures")
def test_settings_that_no_training_can_have(wrong: dict):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        LoopSettings(**wrong)


def test_how_checkpoints_are_kept_does_not_decide():
    assert set(LoopSettings().that_decide()) == {one.name for one in dataclasses.fields(LoopSettings)} - {
        "checkpoint_every_steps",
        "keep_checkpoints",
    }
