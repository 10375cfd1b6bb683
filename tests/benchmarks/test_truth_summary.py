"""The tables, against what the made-up predictions give by hand."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from truth.charts import gain_chart, gap_chart
from truth.page import study_page
from truth.plan import ALIGNED, Cell, Cohort, Condition, Method, Plan
from truth.summary import cell_rows, csv_of, gain_rows, method_rows, read_study
from truth.work import cell_file, prediction_file

from made_up_study import LABEL, RISK, STAYS, write_study
from wardround import files
from wardround.errors import RunError
from wardround.metrics.discrimination import auroc

PLAN = Plan(sizes=(100, 200), rates=(0.0, 0.8), mechanisms=("random", "outcome"), seeds=2)


def score(cell: Cell) -> np.ndarray:
    """Noise by what the cell is; aligned encoders help where much is missing, and not else."""
    noise = 1.0 if cell.method.encoders == ALIGNED and cell.cohort.condition.rate else 2.0
    rng = np.random.default_rng([cell.cohort.seed, cell.cohort.size, len(cell.name)])
    return np.log(RISK) + rng.normal(0, noise, STAYS)


def value(cell: Cell) -> float:
    return float(auroc(LABEL, score(cell)))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    write_study(PLAN, tmp_path, score)
    return tmp_path


def cells(method: Method, size: int, condition: Condition) -> list[Cell]:
    return [Cell(Cohort(condition, size, seed), method) for seed in range(PLAN.seeds)]


def gain(model: str, size: int, condition: Condition, seed: int) -> float:
    both = [cells(Method(model, encoders), size, condition)[seed] for encoders in ("aligned", "random")]
    return value(both[0]) - value(both[1])


def test_a_row_a_cell_and_a_mean_a_method(study: Path):
    found = read_study(PLAN, study, draws=30)
    assert len(cell_rows(found)) == 2 * 3 * 2 * 5
    rows = method_rows(found)
    assert len(rows) == 2 * 3 * 5
    condition = Condition(0.8, "outcome")
    row = next(r for r in rows if (r["size"], r["mechanism"], r["method"]) == (200, "outcome", "mlp-aligned"))
    own = [value(cell) for cell in cells(Method("mlp", "aligned"), 200, condition)]
    best = float(auroc(LABEL, RISK))
    assert row["auroc"] == pytest.approx(np.mean(own))
    assert row["gap"] == pytest.approx(best - np.mean(own))
    assert row["gap_seed_sd"] == pytest.approx(np.std(own, ddof=1))
    assert row["gap_low"] < row["gap"] < row["gap_high"]
    assert row["seeds"] == 2


def test_gains_are_paired_pooled_and_compared_by_rate(study: Path):
    rows = gain_rows(read_study(PLAN, study, draws=30))
    none, some = Condition(0.0, "none"), [Condition(0.8, why) for why in ("random", "outcome")]

    def row(**wanted: object) -> dict:
        found = [r for r in rows if all(r[name] == value for name, value in wanted.items())]
        assert len(found) == 1
        return found[0]

    one = row(what="gain", method="mlp", size=100, rate=0.8, mechanism="random")
    assert one["gain"] == pytest.approx(np.mean([gain("mlp", 100, some[0], seed) for seed in (0, 1)]))
    by_seed = {
        rate: [np.mean([gain("mlp", n, c, seed) for n in (100, 200) for c in conditions]) for seed in (0, 1)]
        for rate, conditions in ((0.0, [none]), (0.8, some))
    }
    pooled = row(what="gain", method="mlp", size="all", rate=0.8)
    assert pooled["gain"] == pytest.approx(np.mean(by_seed[0.8]))
    assert pooled["gain_seed_sd"] == pytest.approx(np.std(by_seed[0.8], ddof=1))
    assert row(what="gain", method="mlp", size="all", rate=0.0)["gain"] == pytest.approx(np.mean(by_seed[0.0]))
    change = row(what="change", method="mlp")
    assert change["gain"] == pytest.approx(np.mean(by_seed[0.8]) - np.mean(by_seed[0.0]))
    both = row(what="change", method="all")
    assert both["gain"] == pytest.approx((change["gain"] + row(what="change", method="trajectory")["gain"]) / 2)


def test_a_mean_over_conditions_takes_whole_seeds_alone(study: Path):
    lost = cells(Method("mlp", "random"), 200, Condition(0.8, "random"))[1]
    cell_file(study, lost).unlink()
    rows = gain_rows(read_study(PLAN, study, draws=30))
    seeds = {(r["what"], r["method"], r["size"], r["rate"]): r["seeds"] for r in rows if r["mechanism"] == "all"}
    assert seeds["gain", "mlp", 200, 0.8] == 1
    assert seeds["gain", "mlp", 100, 0.8] == 2
    assert seeds["gain", "trajectory", "all", 0.8] == 2
    assert seeds["change", "mlp", "all", "0.8 less 0"] == 1


def test_tables_pictures_and_page_stand_for_a_study_with_one_seed(study: Path):
    plan = Plan(PLAN.sizes, PLAN.rates, PLAN.mechanisms, 1)
    found = read_study(plan, study, draws=30)
    methods, gains = method_rows(found), gain_rows(found)
    table = pl.read_csv(csv_of(gains).encode())
    assert table.height == len(gains)
    assert table["gain_low"].null_count() == len(gains)
    assert set(table["rate"]) == {"0", "0.8", "0.8 less 0"}
    assert csv_of([]) == ""
    assert gap_chart(methods, plan).to_dict()
    assert gain_chart(gains, plan).to_dict()
    assert study_page(found).chips[-1] == ("30 of 30 cells", False)


def test_conditions_that_judge_other_stays_are_refused(study: Path):
    cell = cells(Method("boosting"), 100, Condition(0.0, "none"))[0]
    path = prediction_file(study, cell)
    files.write_table(path, files.read_table(path).reverse())
    with pytest.raises(RunError, match="other stays"):
        read_study(PLAN, study, draws=5)
