"""A generated MIMIC-IV to hourly tables of 17 variables, and to full MEDS events, beside what it can be measured by.

    python benchmarks/etl.py [--stays 20000] [--memory-gib 4] [--workers 2] [--to RESULTS] [--meds-extract RUN]

`large_mimic4.py` writes the raw tables, at the number of stays and at half of it. Floor: the same files unpacked, by
isal where it is installed, and nothing done with them. Peers: plain scripts in polars and in duckdb, which check
nothing, account for nothing and hold all in memory. Ours: `prepare mimic4` for the events; for the tables `prepare
mimic4 --modalities paper`, which looks at the rows of the 17 variables alone, and `concepts hourly17` after it. Every
command has `--workers` threads. Ratios are to the floor's and to polars' wall time of the same run.

`--meds-extract` names the command `meds-extract-run` of an environment where MEDS-extract is installed (0.7.1: its
polars is not ours). It makes full events of 2,000 stays (`meds_extract_mimic4.yaml`), beside ours of the same.
"""

import argparse
import os
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
    parser.add_argument("--meds-extract", type=Path, metavar="RUN")
    parser.add_argument("--meds-extract-stays", type=int, default=2_000)
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
    if options.meds_extract is not None:
        with TemporaryDirectory() as name:
            facts |= _beside_meds_extract(Path(name), options)
    report("etl", facts, options.to)


def _costs(work: Path, stays: int, options: argparse.Namespace) -> dict[str, Cost]:
    raw, threads = work / "raw", options.workers
    _generate(raw, stays, threads)
    floor = cost_of([sys.executable, "-c", UNPACK, str(raw)], threads)
    prepared = cost_of(_prepare(raw, work / "data", "all", options), threads)
    paper = cost_of(_prepare(raw, work / "paper", "paper", options), threads)
    tables = wardround("concepts", str(work / "paper"), "hourly17", "--to", str(work / "tables"), "--quiet")
    hourly = _after(paper, cost_of(tables, threads))
    costs = {"floor": floor, "ours, events": prepared, "ours, hourly": hourly}
    for peer in ("polars", "duckdb"):
        for task in ("events", "hourly"):
            words = [str(HERE / f"plain_{peer}_mimic4.py"), task, str(raw), str(work / f"{peer}-{task}.parquet")]
            costs[f"{peer}, {task}"] = cost_of([sys.executable, *words], threads)
    return costs


def _generate(raw: Path, stays: int, threads: int) -> None:
    cost_of([sys.executable, str(HERE / "large_mimic4.py"), str(raw), "--stays", str(stays)], threads)


def _prepare(raw: Path, to: Path, modalities: str, options: argparse.Namespace) -> list[str]:
    how = ("--workers", str(options.workers), "--memory-gib", str(options.memory_gib), "--quiet")
    return wardround("prepare", "mimic4", str(raw), "--to", str(to), "--modalities", modalities, *how)


def _beside_meds_extract(work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Full events of fewer stays, by MEDS-extract's own runner and by ours."""
    raw, run = work / "raw", options.meds_extract.absolute()
    _generate(raw, options.meds_extract_stays, options.workers)
    ours = cost_of(_prepare(raw, work / "data", "all", options), options.workers)
    os.environ["PATH"] = f"{run.parent}:{os.environ['PATH']}"  # its stages are commands that it looks for
    spec = f"spec={HERE / 'meds_extract_mimic4.yaml'}"
    command = [str(run), spec, f"output_dir={work / 'meds'}", "do_download=false", f"input_dir={raw}"]
    theirs = cost_of(command, options.workers)
    return {
        f"events of {options.meds_extract_stays} stays": {"ours": _shown(ours), "MEDS-extract": _shown(theirs)},
        "wall, times MEDS-extract": round(ours.seconds / theirs.seconds, 2),
    }


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
