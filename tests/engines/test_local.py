"""Threads: results in order, few items under way, errors as they are; and who may be asked for."""

import importlib.util
import os
import threading
import time

import pytest

from wardround.cli import main
from wardround.cli_names import ENGINES
from wardround.engines import local
from wardround.engines.engine import open_engine, refuse_unusable
from wardround.engines.local import LocalEngine
from wardround.errors import UsageError


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_order_and_few_items_are_under_way(workers: int):
    under_way, most, lock = [0], [0], threading.Lock()

    def task(add: int, number: int):
        time.sleep(0.002 * (number % 3))
        with lock:
            under_way[0] -= 1
        return number + add

    def items():
        for number in range(30):
            with lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            yield number

    with open_engine("local", workers) as engine:
        assert list(engine.map(task, 100, items(), engine.workers)) == list(range(100, 130))
    assert most[0] <= workers + 1


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("ahead", [0, None])
def test_an_error_of_a_task_is_raised_and_the_rest_is_not_begun(workers: int, ahead: int | None):
    begun: list[int] = []

    def task(_: None, number: int):
        begun.append(number)
        if number == 4:
            raise ValueError("no good")

    with pytest.raises(ValueError, match="no good"):
        list(LocalEngine(workers).map(task, None, range(500), workers, ahead))
    assert len(begun) < 100


def test_as_many_threads_as_cores_and_four_at_most(monkeypatch: pytest.MonkeyPatch):
    for cores, expected in ((2, 2), (64, 4)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert LocalEngine().workers == local.usual_workers() == expected
    assert LocalEngine(9).workers == 9


def test_the_names_of_the_command_line_are_the_engines():
    for name in ENGINES:
        refuse_unusable(name)
    with pytest.raises(UsageError, match=r"no engine 'spark'\. There are: local, ray\."):
        refuse_unusable("spark")


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    sound = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ray" else sound(name, *more))
    assert main(["prepare", "eicu", "raw", "--to", "data", "--engine", "ray"]) == 2
    assert capsys.readouterr().err == (
        "wardround prepare: --engine ray needs Ray: pip install 'wardround[ray]', on every node.\n"
    )
