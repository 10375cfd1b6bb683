"""How many cores there are, with and without a system that tells which may be used."""

import os

import pytest

from wardround.cores import usable_cores


def test_those_that_may_be_used_where_the_system_tells():
    assert usable_cores() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("machine", "found"), [(6, 6), (None, 1)])
def test_those_of_the_machine_elsewhere(monkeypatch: pytest.MonkeyPatch, machine: int | None, found: int):
    """As on macOS, where `prepare` and `compare --workers` ended with an AttributeError."""
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    assert usable_cores() == found
