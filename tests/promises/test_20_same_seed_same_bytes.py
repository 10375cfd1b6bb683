"""Promise 20: same seed, same bytes. Here the loop itself, on a toy; every method joins where the methods are known."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy_training import (
    SETTINGS,
    Killed,
    Once,
    ToyBatch,
    ToyModel,
    digest,
    killer,
    scramble_random_state,
    toy_batches,
    toy_model,
    toy_validate,
    train,
)

from wardround.train.loop import fit

TOY = Path(__file__).with_name("toy_training.py")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights_after(folder: Path, model: torch.nn.Module, batches, settings=SETTINGS) -> str:
    return digest(model, fit(model, batches, toy_validate, settings, folder, quiet=True), folder)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_three_repeats_are_equal(tmp_path: Path, precision: str):
    settings = dataclasses.replace(SETTINGS, precision=precision)
    digests = set()
    for repeat in range(3):
        scramble_random_state()
        digests.add(train(tmp_path / str(repeat), settings=settings))
    assert len(digests) == 1


def test_another_process_and_hash_seed_are_equal(tmp_path: Path):
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    done = subprocess.run(
        [sys.executable, str(TOY), str(tmp_path / "there")], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == train(tmp_path / "here")


def test_how_the_batches_are_held_does_not_matter(tmp_path: Path):
    as_list = weights_after(tmp_path / "list", toy_model(), toy_batches)
    through = weights_after(tmp_path / "once", toy_model(), lambda epoch: Once(toy_batches(epoch)))
    assert as_list == through


def test_batches_that_draw_from_the_global_generator_resume(tmp_path: Path):
    """A `DataLoader` draws a seed for its workers each time it is gone through: a resume goes through it once more."""
    expected = weights_after(tmp_path / "whole", toy_model(), lambda epoch: Once(toy_batches(epoch)))
    for at in (3, 7, 9):
        on_step = killer(at)
        with pytest.raises(Killed):
            weights_after(tmp_path / str(at), toy_model(), lambda epoch, on=on_step: Once(toy_batches(epoch, on)))
        scramble_random_state()
        assert weights_after(tmp_path / str(at), toy_model(), lambda epoch: Once(toy_batches(epoch))) == expected


def test_how_often_is_saved_does_not_matter(tmp_path: Path):
    every = [dataclasses.replace(SETTINGS, checkpoint_every_steps=n, keep_checkpoints=n or 1) for n in (None, 1, 4)]
    assert len({train(tmp_path / str(n), settings=settings) for n, settings in enumerate(every)}) == 1


def test_another_seed_gives_other_bytes(tmp_path: Path):
    other = dataclasses.replace(SETTINGS, seed=4)
    assert train(tmp_path / "one") != train(tmp_path / "other", settings=other)


class ForgetfulModel(ToyModel):
    """Planted: noise from a generator of its own, which no seed reaches."""

    _hidden = torch.Generator()

    def loss(self, batch: ToyBatch):
        loss, reported = super().loss(batch)
        return loss * (1 + 0.1 * torch.rand((), generator=self._hidden)), reported


def test_planted_randomness_outside_the_seed_is_caught(tmp_path: Path):
    digests = set()
    for repeat in range(2):
        torch.manual_seed(1)
        digests.add(weights_after(tmp_path / str(repeat), ForgetfulModel(), toy_batches))
    assert len(digests) == 2


def test_planted_batches_that_change_are_caught(tmp_path: Path):
    def shuffled(epoch: int) -> list[ToyBatch]:
        return [toy_batches(epoch)[i] for i in torch.randperm(5, generator=unseeded)]

    digests = set()
    for repeat in range(2):
        unseeded = torch.Generator().manual_seed(repeat)
        digests.add(weights_after(tmp_path / str(repeat), toy_model(), shuffled))
    assert len(digests) == 2
