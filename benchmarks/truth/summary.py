"""The tables of the study: a row a cell; means over seeds; what alignment adds, paired, and whether that grows with
missingness.

A mean over several conditions takes the seeds that have all of them, so that a study which was stopped compares like
with like.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from truth.plan import ALIGNED, METHODS, PAIRS, RANDOM, Cell, Cohort, Condition, Method, Plan, cells_of
from truth.spread import Estimate, OfSeed, estimate, mean_of
from truth.work import held_out_file, is_done, prediction_file, read_cell
from wardround import files
from wardround.errors import RunError
from wardround.metrics.bootstrap import DRAWS, Metric, metric_draws
from wardround.metrics.discrimination import auroc
from wardround.metrics.inputs import PerDraw, Weights

ALL = "all"
COLUMNS = (
    "size", "rate", "mechanism", "method", "seed", "auroc", "best_auroc", "gap", "seconds", "core_seconds",
    "train_stays", "train_deaths", "val_stays", "val_deaths",
)  # fmt: skip


@dataclass(frozen=True)
class Study:
    """What was found so far.

    Attributes:
        plan: what was asked for.
        cells: what each cell that is done came to.
        auroc: of each of these, with its draws.
        best: condition -> the same of the best possible.
    """

    plan: Plan
    cells: Mapping[Cell, Mapping[str, Any]]
    auroc: Mapping[Cell, OfSeed]
    best: Mapping[Condition, OfSeed]


def read_study(plan: Plan, to: Path, draws: int = DRAWS) -> Study:
    """Read the cells that are done and draw patients.

    Raises:
        RunError: where a file is damaged, or the conditions judge other stays.
    """
    cells = [cell for cohort in plan.cohorts() for cell in cells_of(cohort) if is_done(to, cell)]
    conditions = list(dict.fromkeys(cell.cohort.condition for cell in cells))
    stays = {condition: files.read_table(held_out_file(to, condition), RunError) for condition in conditions}
    if not cells:
        return Study(plan, {}, {}, {})
    first = next(iter(stays.values())).select("subject_id", "stay_id", "label")
    if any(not table.select(first.columns).equals(first) for table in stays.values()):
        raise RunError(f"{to}: two conditions judge other stays. Make the study anew in another folder.")
    scores: dict[Any, np.ndarray] = {one: table["best_risk"].to_numpy() for one, table in stays.items()}
    scores |= {cell: _predicted(to, cell, first) for cell in cells}
    label, subject = first["label"].to_numpy(), first["subject_id"].to_numpy()
    metrics = {key: _auroc_of(score) for key, score in scores.items()}
    drawn = metric_draws(metrics, subject, label, draws=draws)
    found = {key: OfSeed(float(metric(label)), drawn[key]) for key, metric in metrics.items()}
    return Study(
        plan,
        {cell: read_cell(to, cell) for cell in cells},
        {cell: found[cell] for cell in cells},
        {condition: found[condition] for condition in conditions},
    )


def _predicted(to: Path, cell: Cell, stays: pl.DataFrame) -> np.ndarray:
    table = files.read_table(prediction_file(to, cell), RunError, ["stay_id", "predicted"])
    if not table["stay_id"].equals(stays["stay_id"]):
        raise RunError(f"{prediction_file(to, cell)}: it is about other stays. Remove the cell's JSON to make it anew.")
    return table["predicted"].to_numpy()


def _auroc_of(score: np.ndarray) -> Metric:
    def metric(label: np.ndarray, weights: Weights | None = None) -> PerDraw:
        return auroc(label, score, weights)

    return metric


def cell_rows(study: Study) -> list[dict[str, Any]]:
    """A row a cell, in the order in which they are made."""
    return [{name: facts[name] for name in COLUMNS} for facts in study.cells.values()]


def method_rows(study: Study) -> list[dict[str, Any]]:
    """A row a size, condition and method: AUROC and gap as means over seeds, with intervals."""
    return list(_method_rows(study))


def _method_rows(study: Study) -> Iterator[dict[str, Any]]:
    for size, condition, method in product(sorted(study.plan.sizes), study.plan.conditions(), METHODS):
        cells = [Cell(Cohort(condition, size, seed), method) for seed in range(study.plan.seeds)]
        own = [study.auroc[cell] for cell in cells if cell in study.auroc]
        if own:
            best = study.best[condition]
            yield {
                **_of_condition(size, condition),
                "method": method.name,
                "best_auroc": best.value,
                **_columns("auroc", estimate(own)),
                **_columns("gap", estimate([best - one for one in own])),
                "seeds": len(own),
            }


def gain_rows(study: Study) -> list[dict[str, Any]]:
    """AUROC on aligned less that on random encoders, paired by cohort and by draw of patients.

    A row a model, size and condition; then means: over mechanisms, over sizes and mechanisms, over both models too;
    then the gain at the highest rate less that at the lowest (`change`), of each model and of both.
    """
    return list(_gain_rows(study))


def _gain_rows(study: Study) -> Iterator[dict[str, Any]]:
    plan = study.plan
    sizes, rates = sorted(plan.sizes), sorted(set(plan.rates))
    for model, size, condition in product(PAIRS, sizes, plan.conditions()):
        yield from _gain_row(study, [model], [size], [condition])
    for model, size, rate in product(PAIRS, sizes, rates):
        if rate and len(plan.mechanisms) > 1:
            yield from _gain_row(study, [model], [size], _at(plan, rate))
    for models in ([model] for model in PAIRS) if len(sizes) > 1 else ():
        for rate in rates:
            yield from _gain_row(study, models, sizes, _at(plan, rate))
    for rate in rates:
        yield from _gain_row(study, PAIRS, sizes, _at(plan, rate))
    if len(rates) > 1:
        for models in (*([model] for model in PAIRS), PAIRS):
            yield from _change_row(study, models, sizes, rates[0], rates[-1])


def _gain_row(
    study: Study, models: Sequence[str], sizes: Sequence[int], conditions: Sequence[Condition]
) -> Iterator[dict[str, Any]]:
    gains = gains_by_seed(study, models, sizes, conditions)
    if gains:
        yield {
            "what": "gain",
            "method": models[0] if len(models) == 1 else ALL,
            "size": sizes[0] if len(sizes) == 1 else ALL,
            "rate": conditions[0].rate,
            "mechanism": conditions[0].mechanism if len(conditions) == 1 else ALL,
            **_columns("gain", estimate(list(gains.values()))),
            "seeds": len(gains),
        }


def _change_row(
    study: Study, models: Sequence[str], sizes: Sequence[int], low: float, high: float
) -> Iterator[dict[str, Any]]:
    at_low, at_high = (gains_by_seed(study, models, sizes, _at(study.plan, rate)) for rate in (low, high))
    both = [seed for seed in at_high if seed in at_low]
    if both:
        yield {
            "what": "change",
            "method": models[0] if len(models) == 1 else ALL,
            "size": sizes[0] if len(sizes) == 1 else ALL,
            "rate": f"{high:g} less {low:g}",
            "mechanism": ALL,
            **_columns("gain", estimate([at_high[seed] - at_low[seed] for seed in both])),
            "seeds": len(both),
        }


def gains_by_seed(
    study: Study, models: Iterable[str], sizes: Iterable[int], conditions: Iterable[Condition]
) -> dict[int, OfSeed]:
    """Seed -> mean gain over models, sizes and conditions, of the seeds that have all of them."""
    wanted = list(product(models, sizes, conditions))
    found: dict[int, OfSeed] = {}
    for seed in range(study.plan.seeds):
        gains = [_gain(study, model, Cohort(condition, size, seed)) for model, size, condition in wanted]
        there = [gain for gain in gains if gain is not None]
        if len(there) == len(wanted):
            found[seed] = mean_of(there)
    return found


def _gain(study: Study, model: str, cohort: Cohort) -> OfSeed | None:
    cells = [Cell(cohort, Method(model, encoders)) for encoders in (ALIGNED, RANDOM)]
    aligned, random = (study.auroc.get(cell) for cell in cells)
    return None if aligned is None or random is None else aligned - random


def _at(plan: Plan, rate: float) -> list[Condition]:
    return [condition for condition in plan.conditions() if condition.rate == rate]


def _of_condition(size: int, condition: Condition) -> dict[str, Any]:
    return {"size": size, "rate": condition.rate, "mechanism": condition.mechanism}


def _columns(name: str, found: Estimate) -> dict[str, float | None]:
    return {
        name: found.value,
        f"{name}_low": found.low,
        f"{name}_high": found.high,
        f"{name}_patients_low": found.patients_low,
        f"{name}_patients_high": found.patients_high,
        f"{name}_seed_sd": found.seed_sd,
    }


def csv_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV, six decimals; empty where there is none."""
    if not rows:
        return ""
    frame = pl.DataFrame(list(map(_text_rate, rows)), infer_schema_length=None, strict=False)
    return frame.write_csv(float_precision=6)


def _text_rate(row: Mapping[str, Any]) -> dict[str, Any]:
    """`size` and `rate` as text, for beside numbers they say "all" and "0.8 less 0"."""
    rate = row["rate"] if isinstance(row["rate"], str) else f"{row['rate']:g}"
    return {**row, "size": str(row["size"]), "rate": rate}
