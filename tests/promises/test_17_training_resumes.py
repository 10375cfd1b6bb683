"""Promise 17, training: kill -9 anywhere, run the same again, the same bytes."""

import dataclasses
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from toy_training import SETTINGS, Killed, killer, scramble_random_state, toy_batches, train

from wardround.errors import StorageError
from wardround.train.checkpoint import Checkpoint
from wardround.train.state import TrainingState
from wardround.train.stopping import TrainingStopped

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
TOY = Path(__file__).with_name("toy_training.py")
EACH_EPOCH = dataclasses.replace(SETTINGS, checkpoint_every_steps=None)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """The digest of a training that was left alone, and how many steps it took."""
    torch.set_num_threads(1)
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    return train(tmp_path_factory.mktemp("left_alone"), count), steps


def killed_then_resumed(folder: Path, kill_steps: list[int], settings=SETTINGS) -> str:
    for kill_step in kill_steps:
        scramble_random_state()
        try:
            return train(folder, killer(kill_step), settings)
        except Killed:
            continue
    scramble_random_state()
    return train(folder, settings=settings)


def test_the_toy_is_worth_killing(uninterrupted: tuple[str, int], tmp_path: Path):
    _, steps = uninterrupted
    assert steps < SETTINGS.epochs * len(toy_batches(0)), "early stopping must be part of what is resumed"
    assert steps > 10


@pytest.mark.parametrize("settings", [SETTINGS, EACH_EPOCH], ids=["every 2 steps", "every epoch"])
def test_kill_at_every_step(uninterrupted: tuple[str, int], tmp_path: Path, settings):
    expected, steps = uninterrupted
    differing = [k for k in range(1, steps + 1) if killed_then_resumed(tmp_path / str(k), [k], settings) != expected]
    assert differing == []


def test_up_to_five_kills_a_run(uninterrupted: tuple[str, int], tmp_path: Path):
    expected, steps = uninterrupted
    rng, runs = random.Random(17), max(5, round(300 * SCALE))
    differing = 0
    for run in range(runs):
        kill_steps = [rng.randint(1, steps) for _ in range(rng.randint(1, 5))]
        differing += killed_then_resumed(tmp_path / str(run), kill_steps) != expected
    print(f"{differing} of {runs} (upper 95 % bound {3 / runs:.2%})")
    assert differing == 0


class CountedCalls:
    """Counts os.write, os.fsync and os.replace together, and lets something happen at call number `at`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, happening: Callable[[], None]):
        self.count = 0
        for name in ("write", "fsync", "replace"):
            monkeypatch.setattr(os, name, self._counted(getattr(os, name), at, happening))

    def _counted(self, original: Callable, at: int, happening: Callable[[], None]) -> Callable:
        def call(*args, **kwargs):
            self.count += 1
            if self.count == at:
                happening()
            return original(*args, **kwargs)

        return call


def die() -> None:
    raise Killed


def refuse() -> None:
    raise OSError(28, "No space left on device")


SHORT = dataclasses.replace(SETTINGS, epochs=2, checkpoint_every_steps=3)


@pytest.mark.parametrize(("happening", "error"), [(die, Killed), (refuse, StorageError)], ids=["kill", "disk full"])
def test_kill_at_every_write_fsync_and_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happening, error):
    with monkeypatch.context() as patch:
        calls = CountedCalls(patch, 0, happening)
        expected = train(tmp_path / "whole", settings=SHORT)
    assert calls.count > 40
    differing = []
    for at in range(1, calls.count + 1):
        folder, notes = tmp_path / str(at), []
        with monkeypatch.context() as patch:
            CountedCalls(patch, at, happening)
            with pytest.raises(error):
                train(folder, settings=SHORT)
        scramble_random_state()
        if train(folder, settings=SHORT, notes=notes) != expected or any("not used" in note for note in notes):
            differing.append(at)
        left = [path.name for path in folder.rglob(".step*")]
        assert left == [], "a killed write leaves nothing behind once the run has gone on"
    print(f"{len(differing)} of {calls.count} calls (upper 95 % bound {3 / calls.count:.2%})")
    assert differing == []


def run_and_kill(folder: Path, kill_step: int | None, wait_s: float) -> str | None:
    """One process; killed `wait_s` after it said `kill_step`. The digest it said, if it lived to say it."""
    command = [sys.executable, str(TOY), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            if line.startswith("done"):
                return line.split()[1]
            if line.split()[1] == str(kill_step):
                time.sleep(wait_s)
                os.kill(process.pid, signal.SIGKILL)
        return None


def test_kill_minus_9(uninterrupted: tuple[str, int], tmp_path: Path):
    expected, steps = uninterrupted
    rng, runs, killed = random.Random(9), max(2, round(20 * SCALE)), 0
    for run in range(runs):
        folder, said = tmp_path / str(run), None
        for _ in range(1 + run % 5):
            said = said or run_and_kill(folder, rng.randrange(steps - 3), rng.random() * 0.01)
            killed += said is None
        said = said or run_and_kill(folder, None, 0)
        assert said == expected
    assert killed > 0
    print(f"0 of {runs} (upper 95 % bound {min(1, 3 / runs):.0%}), {killed} processes killed")


def test_sigterm_saves_the_very_step(uninterrupted: tuple[str, int], tmp_path: Path):
    expected, steps = uninterrupted
    for at in range(1, steps + 1, 4):
        folder, notes, calls = tmp_path / str(at), [], iter(range(1, 1000))

        def ask(calls=calls, at=at) -> None:
            if next(calls) == at:
                os.kill(os.getpid(), signal.SIGTERM)

        with pytest.raises(TrainingStopped, match="Run the same command again"):
            train(folder, ask)
        scramble_random_state()
        assert train(folder, notes=notes) == expected
        assert notes == [f"Training goes on after step {at} of 30."]


# What a resume can get wrong, planted after a sound restore. Each must change what comes out.


def moments_of(state: TrainingState) -> list[dict[str, torch.Tensor]]:
    return list(state.optimizer.state.values())


def lose_batch_norm(state: TrainingState) -> None:
    dict(state.model.named_buffers())["hidden.1.running_mean"].zero_()


def lose_best_weights(state: TrainingState) -> None:
    state.remember_best()


def set_counter(name: str, change: Callable) -> Callable[[TrainingState], None]:
    return lambda state: setattr(state.counters, name, change(getattr(state.counters, name)))


def lose_sums(state: TrainingState) -> None:
    state.counters.sums, state.counters.counts = {}, {}


PLANTED: dict[str, Callable[[TrainingState], object]] = {
    "random state not saved": lambda state: torch.manual_seed(SETTINGS.seed),
    "position in the epoch lost": set_counter("step_in_epoch", lambda _: 0),
    "schedule off by one": set_counter("step", lambda step: step + 1),
    "length of the schedule lost": set_counter("total_steps", lambda total: total + 5),
    "moments lost": lambda state: state.optimizer.state.clear(),
    "first moment lost": lambda state: [one["exp_avg"].zero_() for one in moments_of(state)],
    "second moment lost": lambda state: [one["exp_avg_sq"].zero_() for one in moments_of(state)],
    "AdamW's step off by one": lambda state: [one["step"].add_(1) for one in moments_of(state)],
    "batch norm's buffers lost": lose_batch_norm,
    "best weights lost": lose_best_weights,
    "best value lost": set_counter("best_metrics", lambda _: {}),
    "patience begun again": set_counter("epochs_without_gain", lambda _: 0),
    "history lost": set_counter("history", lambda _: []),
    "sums of the epoch lost": lose_sums,
    "one epoch skipped": set_counter("epoch", lambda epoch: epoch + 1),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_resume_bug_is_caught(
    uninterrupted: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
):
    expected, steps = uninterrupted
    sound = TrainingState.restore

    def faulty(self: TrainingState, checkpoint: Checkpoint) -> None:
        sound(self, checkpoint)
        PLANTED[fault](self)

    monkeypatch.setattr(TrainingState, "restore", faulty)
    outcomes = (killed_then_resumed(tmp_path / str(k), [k]) for k in range(steps, 3, -3))
    assert any(outcome != expected for outcome in outcomes)
