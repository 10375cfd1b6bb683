"""What `--memory-gib` allows `prepare` to hold at once: the one place in which it becomes numbers of rows and bytes.

Two phases are bounded apart. While tables are read, each worker converts some rows of a block, and events wait to be
written as a run; while shards are written, each worker puts some slices in order and holds one row group of the file.
Nothing of this shows in the bytes of the result. The costs below were measured on MIMIC-IV's `chartevents` and eICU's
`vitalPeriodic`, the largest tables that there are, as peaks of the whole process with what allocators keep.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from wardround.errors import UsageError

GIB: Final = 2**30
MOST_GIB: Final = 1 << 20
MIB: Final = 2**20
DEFAULT_GIB: Final = 4.0

BASE_BYTES: Final = 450 * MIB
"""The interpreter, its libraries, a block of text as it is read, and the one before it."""
STAY_BYTES: Final = 4_000
"""A stay: its row, its static events, where its rows go."""
CONVERTED_ROW_BYTES: Final = 3_000
"""A raw row while it is converted."""
WAITING_FACTOR: Final = 6
"""Events that wait are held once more in the order of their slices and as they are written, beside those that wait
next; allocators keep some."""
GATHERED_ROW_BYTES: Final = 700
"""An event while its slice is put in order, beside those before it."""
GROUP_BYTES: Final = 300 * MIB
"""A row group of a shard, collected and written."""

LEAST_ROWS: Final = 5_000
MOST_BLOCK_ROWS: Final = 150_000
LEAST_GATHERED: Final = 50_000
MOST_GATHERED: Final = 400_000
"""More rows at once are no faster."""
LEAST_WAITING: Final = 8 * MIB
MOST_WAITING: Final = 48 * MIB


@dataclass(frozen=True)
class MemoryPlan:
    """What may be held at once.

    Attributes:
        workers: that convert rows or put shards in order.
        block_rows: raw rows that a worker converts at once.
        waiting_bytes: events that wait in memory to be written.
        gather_rows: events of a shard that a worker puts in order at once.
        free_bytes: what is left beside what is there in any case.
        is_apart: whether each worker is a process of its own, with so much memory.
    """

    workers: int
    block_rows: int
    waiting_bytes: int
    gather_rows: int
    free_bytes: int
    is_apart: bool = False

    def holding(self, rows: int) -> "MemoryPlan":
        """The plan for shards of which a slice has so many events: fewer workers, where they are more than planned.

        Raises:
            UsageError: where the memory does not hold one such slice.
        """
        if rows <= self.gather_rows:
            return self
        each = GROUP_BYTES + rows * GATHERED_ROW_BYTES
        if each > self.free_bytes:
            more = math.ceil((each - self.free_bytes) / GIB * 10) / 10
            raise UsageError(
                f"--memory-gib is too small: some {rows:,} events of few patients are put in order at once. Give "
                f"{more:.1f} more; the work that is done is kept."
            )
        workers = self.workers if self.is_apart else min(self.workers, self.free_bytes // each)
        return replace(self, workers=workers, gather_rows=rows)


def plan_memory(memory_gib: float, workers: int, n_stays: int, is_apart: bool = False) -> MemoryPlan:
    """What some GiB allow.

    Args:
        memory_gib: what the whole process may take.
        workers: that are asked for; fewer are planned where memory does not hold so many.
        n_stays: stays of the database; 0 where they are not known yet.
        is_apart: whether each worker is a process of its own: then each may take `memory_gib`, as the one that reads
            may, and none is less for the others.

    Raises:
        UsageError: where it is no size of a memory, or does not hold one worker at the least that it can do.
    """
    if not 0 < memory_gib <= MOST_GIB:
        raise UsageError(f"--memory-gib {memory_gib:g}: give GiB above 0, at most {MOST_GIB:,}.")
    fixed = BASE_BYTES + n_stays * STAY_BYTES
    free = int(memory_gib * GIB) - fixed
    least = GROUP_BYTES + LEAST_GATHERED * GATHERED_ROW_BYTES
    if free < least:
        needed = math.ceil((fixed + least) / GIB * 10) / 10
        whom = f"for {n_stays:,} stays" if n_stays else "at least"
        raise UsageError(f"--memory-gib {memory_gib:g} is too small: {needed:g} are needed {whom}.")
    workers = workers if is_apart else max(1, min(workers, free // least))
    sharing = 1 if is_apart else workers
    waiting = _between(free / 2 / WAITING_FACTOR, LEAST_WAITING, MOST_WAITING)
    block_rows = _between(free / 2 / sharing / CONVERTED_ROW_BYTES, LEAST_ROWS, MOST_BLOCK_ROWS)
    gathered = _between((free / sharing - GROUP_BYTES) / GATHERED_ROW_BYTES, LEAST_GATHERED, MOST_GATHERED)
    return MemoryPlan(workers, block_rows, waiting, gathered, free, is_apart)


def _between(value: float, low: int, high: int) -> int:
    return int(min(max(value, low), high))
