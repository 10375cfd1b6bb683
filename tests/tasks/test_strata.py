"""Strata, worked by hand; promise 5 has the properties."""

import polars as pl
import pytest

from wardround.tasks import splits
from wardround.tasks import strata as strata_module
from wardround.tasks.splits import SplitPlan, split_stays
from wardround.tasks.strata import balance, combinations, ranked, strata

SCHEMA = {
    "subject_id": pl.Int64,
    "stay_id": pl.Int64,
    "start": pl.Int64,
    "orphan": pl.Boolean,
    "modalities": pl.List(pl.String),
}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch):
    """Shares as told: the key's last digit, as tenths."""
    monkeypatch.setattr(splits, "hash_share", lambda seed, purpose, key: int(key[-1]) / 10)


@pytest.fixture
def three_are_enough(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(strata_module, "SMALL_STRATUM", 3)


def stays(*rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def test_a_stratum_is_small_below_20_patients():
    assert strata_module.SMALL_STRATUM == 20


def test_the_first_stay_names_the_combination_and_scores_are_no_input():
    made = combinations(
        stays(
            (1, 11, 5, False, ["lab"]),
            (1, 10, 0, False, ["demographics", "lab", "score"]),
            (2, 20, 0, True, ["score"]),
            (3, 30, 0, None, None),
            (4, 40, 0, False, ["vitals", "history"]),
        )
    )
    assert made.rows() == [
        (1, "demographics+lab", False),
        (2, "nothing recorded", True),
        (3, "nothing recorded", False),
        (4, "vitals+history", False),
    ]


@pytest.mark.usefixtures("told", "three_are_enough")
def test_the_balance_by_hand():
    """The modalities of the first stay name a patient's stratum; orphans lie apart; strata under three patients are
    one."""
    table = stays(
        *((subject, subject, 0, False, ["demographics", "lab"]) for subject in (0, 1, 7)),
        (9, 9, 0, False, ["demographics", "lab", "score"]),
        (0, 100, 5, False, ["aps"]),
        *((subject, subject, 0, True, ["demographics", "lab"]) for subject in (12, 13, 19)),
        *((subject, subject, 0, False, ["aps"]) for subject in (32, 33, 34)),
        (24, 24, 0, False, ["lab"]),
        (25, 25, 0, False, ["demographics"]),
        (38, 38, 0, True, ["lab"]),
    )
    made = balance(table, split_stays(table, SplitPlan()))
    assert made.with_columns(pl.col("train", "val", "test").round(3)).write_csv() == (
        "stratum,patients,train,val,test\n"
        "demographics+lab,4,0.5,0.25,0.25\n"
        "aps,3,1.0,0.0,0.0\n"
        "demographics+lab (orphans),3,0.667,0.0,0.333\n"
        "merged small strata,2,1.0,0.0,0.0\n"
        "merged small strata (orphans),1,0.0,1.0,0.0\n"
    )


@pytest.mark.usefixtures("told")
def test_the_balance_of_a_disjoint_split_counts_those_that_are_used():
    table = stays(*((subject, subject, 0, False, ["lab"]) for subject in range(40)))
    sides = split_stays(table, SplitPlan(pretrain_on="disjoint"))
    assert balance(table, sides)["patients"].sum() == 12
    assert balance(table, sides, "pretrain_split")["patients"].sum() == 40


@pytest.mark.usefixtures("three_are_enough")
def test_strata_are_merged_among_those_that_are_divided():
    patients = combinations(
        stays(
            *((subject, subject, 0, False, ["lab"]) for subject in (1, 2, 3, 4)),
            (5, 5, 0, False, ["aps"]),
            (6, 6, 0, False, ["history"]),
        )
    )
    small = "merged small strata"
    assert strata(patients, "123456") == dict.fromkeys("1234", "lab") | dict.fromkeys("56", small)
    assert strata(patients, "12") == dict.fromkeys("12", small)


def test_ranks_are_even_within_a_stratum_and_ties_go_by_the_patient():
    stratum = dict.fromkeys("1234", "lab") | dict.fromkeys("56", "aps")
    shares = {"4": 0.1, "2": 0.9, "1": 0.5, "3": 0.5, "5": 0.8, "6": 0.7}
    assert ranked(shares, stratum) == {"4": 0.125, "1": 0.375, "3": 0.625, "2": 0.875, "6": 0.25, "5": 0.75}
    assert ranked({"2": 0.3}, stratum) == {"2": 0.5}
    assert ranked({}, stratum) == {}
