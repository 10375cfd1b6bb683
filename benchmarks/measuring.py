"""What every benchmark here shares: a command in a process of its own, with its seconds and its peak memory; a table of
ratios.

Peak memory is that of the largest process of the command's tree (`ru_maxrss` of what has been waited for).
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

KIB_PER_GIB = 1024**2


@dataclass(frozen=True)
class Cost:
    """What a command cost: wall seconds, seconds of all its cores, GiB of its largest process."""

    seconds: float
    core_seconds: float
    peak_gib: float


def cost_of(command: Sequence[str], threads: int = 1) -> Cost:
    """Run a command to its end and measure it.

    Args:
        command: its words.
        threads: of polars, OpenMP and BLAS.

    Raises:
        SystemExit: where the command fails.
    """
    names = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    limits = dict.fromkeys(names, str(threads))
    begin = perf_counter()
    process = subprocess.Popen(command, env=os.environ | limits, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode(errors="replace")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{said[-2000:]}")
    return Cost(perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / KIB_PER_GIB)


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Median wall seconds of a function, called once before to warm up."""
    run()
    seconds: list[float] = []
    for _ in range(repeats):
        begin = perf_counter()
        run()
        seconds.append(perf_counter() - begin)
    return statistics.median(seconds)


def report(name: str, facts: dict[str, Any], to: Path | None) -> None:
    """Print what was found; write it as JSON with the machine it was found on where `to` is given."""
    machine = {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "python": platform.python_version(),
    }
    print(f"{name}: " + json.dumps(facts, indent=2))
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        (to / f"{name}.json").write_text(json.dumps({"machine": machine, "facts": facts}, indent=2) + "\n")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
