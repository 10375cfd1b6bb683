"""A generated MIMIC-IV to hourly tables of 17 variables, and to full MEDS events, beside what it can be measured by.

    python benchmarks/etl.py [--stays 20000] [--memory-gib 4] [--workers 2] [--to RESULTS]

`large_mimic4.py` writes the raw tables, at the number of stays and at half of it. Floor: the same files unpacked, by
isal where it is installed, and nothing done with them. Peers: plain scripts in polars and in duckdb, which check
nothing, account for nothing and hold all in memory. Ours: `prepare mimic4` for the events, and `concepts hourly17`
after it for the tables (that goes by way of all events, which the peers' hourly scripts never make). Every command has
`--workers` threads. Ratios are to the floor's and to polars' wall time of the same run.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measuring import Cost, cost_of, report
from prepare_eicu import wardround

HERE = Path(__file__).parent
UNPACK = """
import sys
from pathlib import Path
from wardround.sources.gunzip import open_gzip
for path in Path(sys.argv[1]).rglob("*.csv.gz"):
    with path.open("rb") as file, open_gzip(file) as stream:
        while stream.read(1 << 20):
            pass
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stays", type=int, default=20_000)
    parser.add_argument("--memory-gib", type=float, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    sizes = (options.stays // 2, options.stays)
    with TemporaryDirectory() as name:
        costs = [_costs(Path(name) / str(stays), stays, options) for stays in sizes]
    facts: dict[str, Any] = {"stays": sizes, "workers": options.workers, "memory_gib": options.memory_gib}
    facts |= {step: [_shown(each[step]) for each in costs] for step in costs[0]}
    whole = costs[-1]
    for task, aim in (("hourly", 4), ("events", 8)):
        ours = whole[f"ours, {task}"]
        facts[f"{task}: wall, times the floor (aim {aim})"] = round(ours.seconds / whole["floor"].seconds, 1)
        facts[f"{task}: wall, times plain polars (aim 1)"] = round(ours.seconds / whole[f"polars, {task}"].seconds, 2)
        grown = ours.peak_gib / costs[0][f"ours, {task}"].peak_gib - 1
        facts[f"{task}: peak memory when the data double, % (aim 10)"] = round(100 * grown, 1)
    report("etl", facts, options.to)


def _costs(work: Path, stays: int, options: argparse.Namespace) -> dict[str, Cost]:
    raw, threads = work / "raw", options.workers
    script = [sys.executable, str(HERE / "large_mimic4.py"), str(raw), "--stays", str(stays)]
    cost_of(script, threads)
    how = ("--workers", str(threads), "--memory-gib", str(options.memory_gib), "--quiet")
    prepared = cost_of(wardround("prepare", "mimic4", str(raw), "--to", str(work / "data"), *how), threads)
    tables = wardround("concepts", str(work / "data"), "hourly17", "--to", str(work / "tables"), "--quiet")
    costs = {
        "floor": cost_of([sys.executable, "-c", UNPACK, str(raw)], threads),
        "ours, events": prepared,
        "ours, hourly": _after(prepared, cost_of(tables, threads)),
    }
    for peer in ("polars", "duckdb"):
        for task in ("events", "hourly"):
            words = [str(HERE / f"plain_{peer}_mimic4.py"), task, str(raw), str(work / f"{peer}-{task}.parquet")]
            costs[f"{peer}, {task}"] = cost_of([sys.executable, *words], threads)
    return costs


def _after(first: Cost, second: Cost) -> Cost:
    """Two commands, one after the other."""
    seconds, core_seconds = first.seconds + second.seconds, first.core_seconds + second.core_seconds
    return Cost(seconds, core_seconds, max(first.peak_gib, second.peak_gib))


def _shown(cost: Cost) -> dict[str, float]:
    return {
        "wall_s": round(cost.seconds, 1),
        "cpu_s": round(cost.core_seconds, 1),
        "peak_gib": round(cost.peak_gib, 2),
    }


if __name__ == "__main__":
    main()
