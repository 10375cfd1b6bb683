"""What `--memory-gib` becomes."""

import argparse
import itertools
from dataclasses import replace

import pytest

from wardround.errors import UsageError
from wardround.option_values import gib
from wardround.sources import memory_plan
from wardround.sources.memory_plan import GIB, MemoryPlan, plan_memory


def planned_bytes(plan: MemoryPlan) -> int:
    """The larger of the two phases, beside what is there in any case."""
    reading = (
        plan.workers * plan.block_rows * memory_plan.CONVERTED_ROW_BYTES
        + plan.waiting_bytes * memory_plan.WAITING_FACTOR
    )
    writing = plan.workers * (memory_plan.GROUP_BYTES + plan.gather_rows * memory_plan.GATHERED_ROW_BYTES)
    return max(reading, writing)


@pytest.mark.parametrize("memory_gib", [0.9, 1, 1.5, 2, 4, 64])
@pytest.mark.parametrize("workers", [1, 2, 16])
def test_a_plan_is_within_the_memory(memory_gib: float, workers: int):
    plan = plan_memory(memory_gib, workers, 2_000)
    assert 1 <= plan.workers <= workers
    assert planned_bytes(plan) <= plan.free_bytes < memory_gib * GIB


def test_more_memory_holds_as_many_workers_and_rows_or_more():
    plans = [plan_memory(1 + n / 4, 8, 94_000) for n in range(1, 30)]
    for less, more in itertools.pairwise(plans):
        assert less.workers <= more.workers
        assert less.waiting_bytes <= more.waiting_bytes
    assert plans[-1].workers == 8


def test_too_little_memory_is_refused_with_what_is_needed():
    with pytest.raises(UsageError, match=r"--memory-gib 0\.5 is too small: 0\.8 are needed at least\."):
        plan_memory(0.5, 1, 0)
    with pytest.raises(UsageError, match=r"--memory-gib 1 is too small: 1\.9 are needed for 300,000 stays\."):
        plan_memory(1, 1, 300_000)
    assert plan_memory(1.9, 1, 300_000).workers == 1


def test_large_slices_take_fewer_workers_or_are_refused():
    plan = plan_memory(4, 4, 2_000)
    assert plan.holding(plan.gather_rows) == plan
    held = plan.holding(2_000_000)
    assert (held.workers, held.gather_rows) == (2, 2_000_000)
    assert planned_bytes(held) <= held.free_bytes
    with pytest.raises(UsageError, match=r"9,000,000 events of few patients .* Give 2\.7 more; the work .* is kept"):
        plan.holding(9_000_000)


def test_workers_with_memory_of_their_own_each_have_what_one_has():
    one, apart = plan_memory(1.5, 1, 2_000), plan_memory(1.5, 64, 2_000, is_apart=True)
    assert apart == replace(one, workers=64, is_apart=True)
    assert apart.holding(500_000).workers == 64
    assert plan_memory(1.5, 64, 2_000).workers < 4
    with pytest.raises(UsageError, match="--memory-gib is too small"):
        apart.holding(9_000_000)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "much"])
def test_memory_is_a_number_above_0(text: str):
    with pytest.raises(argparse.ArgumentTypeError, match="GiB, as a number above 0"):
        gib(text)
