"""What the main job costs as the cohort grows: 1x, 4x, 16x, and the exponent of cost = c * stays ** exponent.

    python benchmarks/cohort_size.py [--stays 1000] [--to RESULTS]

Synthetic eICU folders; `prepare` and one epoch of `train mlp` and `train boosting` with few trees, then `evaluate`. An
exponent of 1 is linear; below 1 a fixed cost is still felt. It is that of core seconds, for every command has one
thread.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from measuring import Cost, cost_of, report
from prepare_eicu import wardround

SIZES = (1, 4, 16)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stays", type=int, default=1000)
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    stays = [options.stays * size for size in SIZES]
    with TemporaryDirectory() as name:
        costs = [_costs(n, Path(name) / str(n)) for n in stays]
    steps = {
        step: {
            "seconds": [round(cost[step].seconds, 1) for cost in costs],
            "core_seconds": [round(cost[step].core_seconds, 1) for cost in costs],
            "peak_gib": [round(cost[step].peak_gib, 2) for cost in costs],
            "exponent_core_seconds": _exponent(stays, [cost[step].core_seconds for cost in costs]),
            "exponent_memory": _exponent(stays, [cost[step].peak_gib for cost in costs]),
        }
        for step in costs[0]
    }
    report("cohort_size", {"stays": stays, "steps": steps}, options.to)


def _costs(stays: int, work: Path) -> dict[str, Cost]:
    work.mkdir()
    raw, data, run = str(work / "raw"), str(work / "data"), str(work / "mlp")
    cost_of(wardround("synth", "eicu", "--stays", str(stays), "--to", raw))
    whole = ["--task", "mortality", "--data", data]
    return {
        "prepare": cost_of(wardround("prepare", "eicu", raw, "--to", data, "--workers", "1")),
        "train mlp, one epoch": cost_of(wardround("train", "mlp", *whole, "--to", run, "--set", "epochs=1")),
        "train boosting, 50 trees": cost_of(
            wardround("train", "boosting", *whole, "--to", str(work / "trees"), "--set", "rounds=50")
        ),
        "evaluate mlp": cost_of(wardround("evaluate", run, "--data", data, "--to", str(work / "out"))),
    }


def _exponent(stays: list[int], costs: list[float]) -> float:
    """The slope between the two largest sizes, where fixed costs are felt least."""
    return round(float(np.log(costs[-1] / costs[-2]) / np.log(stays[-1] / stays[-2])), 2)


if __name__ == "__main__":
    main()
