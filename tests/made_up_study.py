"""A study as its files say it, with predictions that were made up: nothing is trained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from truth.plan import Cell, Plan, cells_of
from truth.work import cell_file, held_out_file, prediction_file

from wardround import files

STAYS = 120
RNG = np.random.default_rng(4)
RISK = RNG.uniform(0.05, 0.8, STAYS)
LABEL = (RNG.random(STAYS) < RISK).astype(float)
SUBJECT = np.arange(STAYS) // 2


def facts_of(cell: Cell, seconds: float = 10.0) -> dict[str, Any]:
    """What a cell's file says, its AUROC aside."""
    cohort = cell.cohort
    named = {"size": cohort.size, "rate": cohort.condition.rate, "mechanism": cohort.condition.mechanism}
    counts = dict.fromkeys(("train_stays", "train_deaths", "val_stays", "val_deaths"), 9)
    numbers = {"auroc": 0.7, "best_auroc": 0.9, "gap": 0.2, "seconds": seconds, "core_seconds": seconds}
    return {**named, "method": cell.method.name, "seed": cohort.seed, **numbers, **counts}


def write_study(plan: Plan, to: Path, score: Callable[[Cell], np.ndarray]) -> None:
    """All cells of a plan; `score` says what each predicts."""
    stays = pl.DataFrame({"subject_id": SUBJECT, "stay_id": np.arange(STAYS), "label": LABEL, "best_risk": RISK})
    for condition in plan.conditions():
        files.write_table(held_out_file(to, condition), stays)
    for cohort in plan.cohorts():
        for cell in cells_of(cohort):
            predicted = pl.DataFrame({"stay_id": np.arange(STAYS), "predicted": score(cell)})
            files.write_table(prediction_file(to, cell), predicted)
            files.write_json(cell_file(to, cell), facts_of(cell))
