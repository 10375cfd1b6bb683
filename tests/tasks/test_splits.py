"""Sides, worked by hand; promise 5 has the properties."""

import polars as pl
import pytest

from wardround.errors import UsageError
from wardround.tasks import splits
from wardround.tasks.splits import TEST, TRAIN, VAL, SplitPlan, hash_share, split_stays

SCHEMA = {
    "subject_id": pl.Int64,
    "stay_id": pl.Int64,
    "start": pl.Int64,
    "hospital_id": pl.Int64,
    "orphan": pl.Boolean,
    "modalities": pl.List(pl.String),
    "year": pl.Int32,
}


def stays(*rows: tuple, year: int | None = None) -> pl.DataFrame:
    """Rows of `(subject, stay, start, hospital)`."""
    return pl.DataFrame([(*row, False, ["lab"], year) for row in rows], schema=SCHEMA, orient="row")


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
def test_nobody_tests_where_none_is_to():
    """Those under 15/85 validate, the others train."""
    ten = stays(*((subject, subject, 0, 1) for subject in range(10)))
    assert split_stays(ten, SplitPlan(test=False))["split"].to_list() == [VAL] * 2 + [TRAIN] * 8


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
    assert SplitPlan() == SplitPlan(
        seed=0, fold=None, by="patient", pretrain_on="train-side", strata="expected", test=True
    )
    assert splits.SHARES == (0.70, 0.15, 0.15)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fold": (0, 5)}, r"--fold 0/5: give K/N with 1 <= K <= N"),
        ({"fold": (6, 5)}, r"--fold 6/5"),
        ({"fold": (1, 1)}, r"--fold 1/1"),
        ({"by": "ward"}, "--split-by ward: there are patient, hospital, time"),
        ({"pretrain_on": "all"}, "--pretrain-on all: there are train-side, disjoint"),
        ({"strata": "forced"}, "--strata forced: there are expected, exact"),
        ({"by": "hospital", "pretrain_on": "disjoint"}, "disjoint would see the test hospitals"),
        ({"by": "time", "pretrain_on": "disjoint"}, "disjoint would see the latest patients"),
        ({"by": "time", "fold": (1, 5)}, "--split-by time tests on the latest patients: it has no folds"),
        ({"by": "time", "strata": "exact"}, "--strata exact divides patients: it does not go with --split-by time"),
        ({"by": "hospital", "strata": "exact"}, "it does not go with --split-by hospital"),
        ({"test": False, "fold": (1, 5)}, "--no-test tests on nobody: it goes neither with --fold, nor"),
        ({"test": False, "by": "hospital"}, "--no-test tests on nobody"),
        ({"test": False, "by": "time"}, "--no-test tests on nobody"),
        ({"test": False, "pretrain_on": "disjoint"}, "nor with --pretrain-on disjoint"),
    ],
)
@pytest.mark.usefixtures("unchecked_signatures")
def test_a_split_that_cannot_be(settings, message):
    with pytest.raises(UsageError, match=message):
        SplitPlan(**settings)


@pytest.mark.usefixtures("told")
def test_time_by_hand():
    """Four of ten patients are of the latest year, all of whom test; patient 3 was there before. Of the earlier ones
    those of shares under 15/85 validate. Nobody knows when patient 27 was there."""
    table = pl.concat(
        [
            stays(*((subject, subject, 0, 1) for subject in (10, 11, 13, 14, 15, 18)), year=2014),
            stays(*((subject, subject, 0, 1) for subject in (20, 21, 25, 26)), (13, 113, 1, 1), year=2015),
            stays((27, 27, 0, 1), (13, 213, 2, 1)),
        ]
    )
    made = split_stays(table, SplitPlan(by="time"))
    assert dict(made.select("stay_id", "split").rows()) == {
        10: VAL, 11: VAL, 13: TRAIN, 14: TRAIN, 15: TRAIN, 18: TRAIN, 113: TRAIN, 213: TRAIN,
        20: TEST, 21: TEST, 25: TEST, 26: TEST, 27: None,
    }  # fmt: skip
    assert made["pretrain_split"].equals(made["split"], check_names=False)


@pytest.mark.usefixtures("told")
def test_a_latest_year_of_most_patients_is_divided():
    """Seven of ten patients are of 2015: those of a hash under 0.15 * 10 / 7 test, the others are as earlier ones."""
    table = pl.concat(
        [
            stays(*((subject, subject, 0, 1) for subject in (10, 12, 19)), year=2014),
            stays(*((subject, subject, 0, 1) for subject in (20, 21, 22, 23, 24, 25, 26)), year=2015),
        ]
    )
    made = split_stays(table, SplitPlan(by="time"))
    assert dict(made.select("stay_id", "split").rows()) == {
        10: VAL, 12: TRAIN, 19: TRAIN, 20: TEST, 21: TEST, 22: TEST, 23: TRAIN, 24: TRAIN, 25: TRAIN, 26: TRAIN,
    }  # fmt: skip


def test_exact_strata_by_hand():
    """Twenty patients of one stratum and forty of another."""
    rows = [(subject, subject, 0, 1, False, ["lab"] if subject < 20 else ["aps"], None) for subject in range(60)]
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    for seed in range(5):
        made = split_stays(table, SplitPlan(seed=seed, strata="exact"))
        for part, counts in ((made.head(20), (14, 3, 3)), (made.tail(40), (28, 6, 6))):
            assert tuple((part["split"] == side).sum() for side in (TRAIN, VAL, TEST)) == counts


def test_exact_strata_keep_the_order_of_the_hash():
    table = stays(*((subject, subject, 0, 1) for subject in range(40)))
    made = split_stays(table, SplitPlan(strata="exact"))
    by_hash = made.sort(pl.col("subject_id").map_elements(lambda s: hash_share(0, "split", str(s)), pl.Float64))
    assert by_hash["split"].to_list() == [TRAIN] * 28 + [VAL] * 6 + [TEST] * 6


def test_exact_folds_and_both_cuts_of_a_disjoint_split():
    table = stays(*((subject, subject, 0, 1) for subject in range(200)))
    tested = [split_stays(table, SplitPlan(fold=(k, 5), strata="exact")).filter(split=TEST) for k in range(1, 6)]
    assert [part.height for part in tested] == [40] * 5
    assert pl.concat(tested)["subject_id"].n_unique() == 200
    made = split_stays(table, SplitPlan(pretrain_on="disjoint", strata="exact"))
    counts = [(made[column] == side).sum() for column in ("pretrain_split", "split") for side in (TRAIN, VAL, TEST)]
    assert counts == [140, 30, 30, 42, 9, 9]
    assert made.filter(pretrain_split=TRAIN)["split"].null_count() == 140
