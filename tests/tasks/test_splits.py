"""Sides, worked by hand; promise 5 has the properties."""

import polars as pl
import pytest

from wardround.errors import UsageError
from wardround.tasks import splits
from wardround.tasks.splits import TEST, TRAIN, VAL, SplitPlan, hash_share, split_stays, strata

SCHEMA = {
    "subject_id": pl.Int64,
    "stay_id": pl.Int64,
    "start": pl.Int64,
    "hospital_id": pl.Int64,
    "orphan": pl.Boolean,
    "modalities": pl.List(pl.String),
}


def stays(*rows: tuple) -> pl.DataFrame:
    """Rows of `(subject, stay, start, hospital)`."""
    return pl.DataFrame([(*row, False, ["lab"]) for row in rows], schema=SCHEMA, orient="row")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch):
    """Shares as told: the key's last digit, as tenths."""
    monkeypatch.setattr(splits, "hash_share", lambda seed, purpose, key: int(key[-1]) / 10)


@pytest.mark.usefixtures("told")
def test_shares_to_sides():
    table = split_stays(stays(*((subject, 100 + subject, 0, 1) for subject in range(10))), SplitPlan())
    assert table["split"].to_list() == [TRAIN] * 7 + [VAL] * 2 + [TEST]
    assert table["pretrain_split"].equals(table["split"], check_names=False)


@pytest.mark.usefixtures("told")
def test_folds_of_shares():
    """Fold 2 of 5 tests the shares of [0.2, 0.4); of the others those under 15/85 validate."""
    table = split_stays(stays(*((subject, subject, 0, 1) for subject in range(10))), SplitPlan(fold=(2, 5)))
    assert table["split"].to_list() == [VAL, VAL, TEST, TEST] + [TRAIN] * 6


@pytest.mark.usefixtures("told")
def test_disjoint_pretraining_by_hand():
    """Those that pretraining trained on are not fine-tuned."""
    table = split_stays(
        stays(*((subject, subject, 0, 1) for subject in (0, 6, 7, 8, 9))), SplitPlan(pretrain_on="disjoint")
    )
    assert table.select("pretrain_split", "split").rows() == [
        (TRAIN, None), (TRAIN, None), (VAL, VAL), (VAL, VAL), (TEST, TEST),
    ]  # fmt: skip


@pytest.mark.usefixtures("told")
def test_hospitals_by_hand():
    """Hospital 1 trains, 7 validates, 9 tests. A patient stays on the side of the first stay; a stay elsewhere is left
    out."""
    table = split_stays(
        stays(
            (1, 10, 0, 1), (1, 11, 5, 9), (1, 12, 6, 1),
            (2, 20, 0, 9), (2, 21, 1, 9),
            (3, 30, 9, 7), (3, 31, 2, 1),
            (4, 40, 0, None), (4, 41, 1, 7),
            (5, 50, 0, None),
        ),
        SplitPlan(by="hospital"),
    )  # fmt: skip
    assert dict(table.select("stay_id", "split").rows()) == {
        10: TRAIN, 11: None, 12: TRAIN, 20: TEST, 21: TEST, 30: None, 31: TRAIN, 40: None, 41: VAL, 50: None,
    }  # fmt: skip


def test_hospitals_must_be_named():
    with pytest.raises(UsageError, match="this data names no hospital"):
        split_stays(stays((1, 1, 0, None)), SplitPlan(by="hospital"))


def test_shares_lie_in_0_1_and_hang_on_seed_purpose_and_key():
    shares = [hash_share(seed, purpose, key) for seed in (0, 1) for purpose in "ab" for key in "xy"]
    assert len(set(shares)) == 8
    assert all(0 <= share < 1 for share in shares)


def test_the_first_and_the_last_fold_can_be_asked():
    assert [SplitPlan(fold=fold).fold for fold in ((1, 5), (5, 5), (1, 2))] == [(1, 5), (5, 5), (1, 2)]


def test_the_split_that_is_made_unless_asked_otherwise():
    assert SplitPlan() == SplitPlan(seed=0, fold=None, by="patient", pretrain_on="train-side")
    assert (splits.SHARES, splits.SMALL_STRATUM) == ((0.70, 0.15, 0.15), 20)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fold": (0, 5)}, r"--fold 0/5: give K/N with 1 <= K <= N"),
        ({"fold": (6, 5)}, r"--fold 6/5"),
        ({"fold": (1, 1)}, r"--fold 1/1"),
        ({"by": "ward"}, "--split-by ward: there are patient, hospital"),
        ({"pretrain_on": "all"}, "--pretrain-on all: there are train-side, disjoint"),
        ({"by": "hospital", "pretrain_on": "disjoint"}, "disjoint would see the test hospitals"),
    ],
)
def test_a_split_that_cannot_be(settings, message):
    with pytest.raises(UsageError, match=message):
        SplitPlan(**settings)


@pytest.mark.usefixtures("told")
def test_the_strata_table_by_hand(monkeypatch: pytest.MonkeyPatch):
    """The modalities of the first stay name a patient's stratum; orphans lie apart; strata under three patients are
    one."""
    monkeypatch.setattr(splits, "SMALL_STRATUM", 3)
    rows = [
        *((subject, subject, 0, 1, False, ["demographics", "lab"]) for subject in (0, 1, 7, 9)),
        (0, 100, 5, 1, False, ["aps"]),
        *((subject, subject, 0, 1, True, ["demographics", "lab"]) for subject in (12, 13, 19)),
        *((subject, subject, 0, 1, False, ["aps"]) for subject in (32, 33, 34)),
        (24, 24, 0, 1, False, ["lab"]),
        (25, 25, 0, 1, False, ["demographics"]),
    ]
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    made = strata(table, split_stays(table, SplitPlan()))
    assert made.with_columns(pl.col("train", "val", "test").round(3)).write_csv() == (
        "stratum,patients,train,val,test\n"
        "demographics+lab,4,0.5,0.25,0.25\n"
        "aps,3,1.0,0.0,0.0\n"
        "demographics+lab (orphans),3,0.667,0.0,0.333\n"
        "merged small strata,2,1.0,0.0,0.0\n"
    )


@pytest.mark.usefixtures("told")
def test_strata_of_a_disjoint_split_count_those_that_are_used():
    table = stays(*((subject, subject, 0, 1) for subject in range(40)))
    sides = split_stays(table, SplitPlan(pretrain_on="disjoint"))
    assert strata(table, sides)["patients"].sum() == 12
    assert strata(table, sides, "pretrain_split")["patients"].sum() == 40
