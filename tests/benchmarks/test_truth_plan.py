"""Which cohorts and cells there are, their order, and what is expected of the time."""

from pathlib import Path

import polars as pl
import pytest
from truth.plan import ALIGNED, RANDOM, Cohort, Condition, Plan, cells_of, expected_s, left_s, share_of

from wardround.sources.synthetic import SyntheticSettings, synthesise_eicu

PLAN = Plan(sizes=(200, 100), rates=(0.8, 0.0, 0.4), mechanisms=("random", "outcome"), seeds=2)


def test_a_rate_of_nothing_is_run_once_and_others_once_a_mechanism():
    assert [one.name for one in PLAN.conditions()] == ["0-none", "40-random", "40-outcome", "80-random", "80-outcome"]


def test_seeds_come_one_after_the_other_and_small_cohorts_first():
    made = [(one.seed, one.size) for one in PLAN.cohorts()]
    assert made == [(0, 100)] * 5 + [(0, 200)] * 5 + [(1, 100)] * 5 + [(1, 200)] * 5
    assert len({one.name for one in PLAN.cohorts()}) == 20


def test_the_study_has_as_many_cells_as_was_asked_for():
    """3 sizes x (1 + 2 rates x 3 mechanisms) x 3 seeds, and on each two models on two kinds of encoders, and trees."""
    cells = [cell for cohort in Plan().cohorts() for cell in cells_of(cohort)]
    assert len(Plan().cohorts()) == 63
    assert len({cell.name for cell in cells}) == 63 * 5
    assert [cell.method.encoders for cell in cells[:5]] == [RANDOM, ALIGNED, RANDOM, ALIGNED, None]


def test_more_seeds_keep_what_there_was():
    more = Plan(PLAN.sizes, PLAN.rates, PLAN.mechanisms, 3)
    assert more.cohorts()[: len(PLAN.cohorts())] == PLAN.cohorts()


def test_shares_are_all_cohorts_once():
    parts = [share_of(PLAN.cohorts(), (place, 3)) for place in (1, 2, 3)]
    assert sorted(one.name for part in parts for one in part) == sorted(one.name for one in PLAN.cohorts())


def test_where_nothing_is_missing_the_mechanism_changes_no_byte(tmp_path: Path):
    synthesise_eicu(tmp_path / "none", 40, 3, Condition(0.0, "none").settings, quiet=True)
    synthesise_eicu(tmp_path / "outcome", 40, 3, SyntheticSettings("outcome", 0.0), quiet=True)
    tables = sorted(path.name for path in (tmp_path / "none").glob("*.csv.gz"))
    assert len(tables) > 10
    for name in tables:
        assert (tmp_path / "none" / name).read_bytes() == (tmp_path / "outcome" / name).read_bytes()
    assert not pl.read_parquet(tmp_path / "none" / "truth" / "stays.parquet")["missing_lab"].any()


def test_a_cohort_costs_what_those_like_it_did_else_its_stays():
    few, many = (Condition(rate, "random") for rate in (0.4, 0.8))
    seconds = {Cohort(few, 100, 0): 30.0, Cohort(few, 100, 1): 50.0, Cohort(many, 100, 0): 10.0}
    assert expected_s(Cohort(few, 100, 2), seconds) == 40.0
    assert expected_s(Cohort(few, 200, 0), seconds) == pytest.approx(200 * (0.3 + 0.5 + 0.1) / 3)
    assert left_s([Cohort(few, 100, 2), Cohort(many, 100, 2)], seconds) == 50.0
    assert expected_s(Cohort(few, 100, 0), {}) is None
    assert left_s([Cohort(few, 100, 0)], {}) is None
    assert left_s([], {}) == 0
