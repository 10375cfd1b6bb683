"""Promise 5: no patient on two sides, and a side that never moves: when patients or stays come, when rows are shuffled,
when others leave.

(Near-duplicate notes wait for notes.)
"""

import os
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from leak_detector import Findings, accepts_leaky_encoders, on_two_sides
from timelines import random_stays, random_timelines, write_data
from wardround.errors import LeakageError, UsageError
from wardround.tasks import latest_years, splits, strata
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SHARES, TEST, TRAIN, VAL, SplitPlan, split_stays
from wardround.tasks.strata import SMALL_STRATUM, balance
from wardround.train.plan import PretrainSettings
from wardround.train.pretrain import pretrain
from wardround.train.run_folder import open_run
from wardround.train.supervised import train

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
SEEDS = range(max(3, round(30 * SCALE)))
STAYS = 3000

PLANS = [
    SplitPlan(),
    SplitPlan(seed=7),
    SplitPlan(fold=(1, 5)),
    SplitPlan(fold=(5, 5)),
    SplitPlan(fold=(2, 3), seed=4),
    SplitPlan(by="hospital"),
    SplitPlan(by="hospital", fold=(1, 3)),
    SplitPlan(pretrain_on="disjoint"),
    SplitPlan(pretrain_on="disjoint", fold=(3, 5), seed=2),
]
"""A side of these is of the patient or hospital alone."""

EXACT = [
    SplitPlan(strata="exact"),
    SplitPlan(strata="exact", seed=3),
    SplitPlan(strata="exact", fold=(2, 5)),
    SplitPlan(strata="exact", pretrain_on="disjoint"),
    SplitPlan(strata="exact", pretrain_on="disjoint", fold=(1, 3)),
]
LATEST = [SplitPlan(by="time"), SplitPlan(by="time", seed=7)]
"""Sides of these lie against the other patients."""


def names(plan: SplitPlan) -> str:
    return f"{plan.by}, {plan.pretrain_on}, fold {plan.fold}, seed {plan.seed}, {plan.strata}"


def stays_of(seed: int, n: int = STAYS) -> pl.DataFrame:
    """Stays as `stays.parquet` has them, with patients in several hospitals, stays without a hospital, and orphans."""
    rng = np.random.default_rng(seed)
    table = random_stays(seed, n).with_columns(
        start=pl.datetime(2001, 7, 1) + pl.duration(days=365 * pl.col("nth")),
        hospital_id=pl.Series(rng.integers(0, 60, n)),
        year=pl.Series(rng.choice([2012, 2013, 2014, 2015], n), dtype=pl.Int32) + pl.col("nth").cast(pl.Int32),
        orphan=pl.Series(rng.random(n) < 0.05),
        modalities=pl.Series(
            rng.choice(["demographics", "demographics+lab", "demographics+lab+aps", "lab"], n, p=[0.5, 0.3, 0.19, 0.01])
        ),
    )
    nowhere, never = pl.Series(rng.random(n) < 0.02), pl.Series(rng.random(n) < 0.02)
    alone = pl.when("orphan").then(9_000_000 + pl.col("stay_id")).otherwise("subject_id")
    return table.with_columns(
        hospital_id=pl.when(~nowhere).then("hospital_id"),
        year=pl.when(~never).then("year"),
        subject_id=alone,
        modalities=pl.col("modalities").str.split("+"),
    )


def unstable(before: pl.DataFrame, after: pl.DataFrame) -> Findings:
    """Stays of both tables on another side in the second."""
    both = before.join(after, on="stay_id", suffix="_after")
    moved = both.filter(
        pl.col("split").ne_missing(pl.col("split_after"))
        | pl.col("pretrain_split").ne_missing(pl.col("pretrain_split_after"))
    )
    return [f"{moved.height} of {both.height} stays changed sides"] if moved.height else []


@pytest.mark.parametrize("plan", [*PLANS, *EXACT, *LATEST], ids=names)
def test_no_patient_is_on_two_sides(plan: SplitPlan):
    patients = 0
    for seed in SEEDS:
        stays = stays_of(seed)
        assert on_two_sides(stays, plan) == []
        patients += stays["subject_id"].n_unique()
    print(f"{names(plan)}: 0 of {patients} patients on two sides (95 % bound {3 / patients:.1e})")


@pytest.mark.parametrize("plan", [plan for plan in PLANS if plan.by == "hospital"], ids=names)
def test_no_hospital_is_on_two_sides(plan: SplitPlan):
    stays = stays_of(0)
    table = (
        split_stays(stays, plan)
        .join(stays.select("stay_id", "hospital_id"), on="stay_id")
        .drop_nulls(["split", "hospital_id"])
    )
    assert table.group_by("hospital_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(table["split"]) == {TRAIN, VAL, TEST}


def test_folds_test_every_patient_once():
    stays = stays_of(1)
    tables = [split_stays(stays, SplitPlan(fold=(k, 5))).filter(split=TEST) for k in range(1, 6)]
    tested = pl.concat(tables)["subject_id"].unique(maintain_order=True)
    assert sum(table["subject_id"].n_unique() for table in tables) == len(tested) == stays["subject_id"].n_unique()


@pytest.mark.parametrize("plan", [plan for plan in [*PLANS, *EXACT] if plan.pretrain_on == "disjoint"], ids=names)
def test_disjoint_pretraining_trains_on_nobody_who_is_fine_tuned(plan: SplitPlan):
    table = split_stays(stays_of(0), plan)
    trained = set(table.filter(pretrain_split=TRAIN)["subject_id"])
    assert trained.isdisjoint(table.drop_nulls("split")["subject_id"])
    assert set(table.filter(pl.col("pretrain_split") != TRAIN)["split"]) == {TRAIN, VAL, TEST}


@pytest.mark.parametrize("plan", PLANS, ids=names)
def test_a_side_does_not_move_when_rows_are_added_removed_or_shuffled(plan: SplitPlan):
    """Patients that come or go, and rows in another order; with hospitals as units also other stays of the same
    patient, later ones."""
    stays = stays_of(2)
    before = split_stays(stays, plan)
    assert split_stays(stays, plan).equals(before)
    assert split_stays(stays.sample(fraction=1, shuffle=True, seed=1), plan).equals(before)
    more = stays_of(3).with_columns(pl.col("stay_id") + 10**6, pl.col("subject_id") + 10**6)
    assert unstable(before, split_stays(pl.concat([stays, more]), plan)) == []
    gone = pl.col("subject_id").hash(5) % 3 == 0
    assert unstable(before, split_stays(stays.filter(~gone), plan)) == []
    later = stays.filter(pl.col("nth") == 0).with_columns(
        pl.col("stay_id") + 10**6, pl.col("start") + pl.duration(days=9000)
    )
    assert unstable(before, split_stays(pl.concat([stays, later]), plan)) == []


@pytest.mark.parametrize("plan", [*EXACT, *LATEST], ids=names)
def test_a_side_does_not_move_when_rows_are_shuffled(plan: SplitPlan):
    stays = stays_of(2)
    mixed = stays.sample(fraction=1, shuffle=True, seed=1)
    assert split_stays(mixed, plan).equals(split_stays(stays, plan))


def on_the_wrong_side_of_time(stays: pl.DataFrame, plan: SplitPlan) -> Findings:
    """Test patients that are not later than every training and validation patient, and stays left out though somebody
    knows their patient's year."""
    first = stays.group_by("subject_id").agg(pl.col("year").min())
    table = split_stays(stays, plan).join(first, on="subject_id")
    earliest = table.filter(split=TEST)["year"].min()
    late = table.filter(pl.col("split").is_in([TRAIN, VAL]) & (pl.col("year") >= earliest)).height
    lost = table.filter(pl.col("split").is_null() != pl.col("year").is_null()).height
    found = (late, "stays are trained on and not earlier than every test patient"), (lost, "stays lost their side")
    return [f"{count} {what}" for count, what in found if count]


@pytest.mark.parametrize("plan", LATEST, ids=names)
def test_every_test_patient_is_later_than_every_other(plan: SplitPlan):
    for seed in SEEDS:
        stays = stays_of(seed)
        assert on_the_wrong_side_of_time(stays, plan) == []
        table = split_stays(stays, plan).unique("subject_id").drop_nulls("split")
        assert 0.15 <= (table["split"] == TEST).mean() <= 0.50
        earlier = table.filter(pl.col("split") != TEST)
        share = SHARES[1] / (SHARES[0] + SHARES[1])
        assert abs((earlier["split"] == VAL).mean() - share) <= binomial_bound(share, earlier.height)


def test_a_year_of_most_patients_tests_its_share_and_nobody_earlier():
    stays = stays_of(0).with_columns(year=pl.when(pl.col("year") > 2012).then(2015).otherwise("year").cast(pl.Int32))
    table = split_stays(stays, SplitPlan(by="time")).join(stays.select("stay_id", "year"), on="stay_id")
    patients = table.group_by("subject_id").agg(pl.col("split").first(), pl.col("year").min()).drop_nulls()
    assert abs((patients["split"] == TEST).mean() - 0.15) <= binomial_bound(0.15, patients.height)
    assert set(patients.filter(split=TEST)["year"]) == {2015}


def test_control_a_split_by_hash_in_place_of_time_is_caught(monkeypatch: pytest.MonkeyPatch):
    stays = stays_of(0)
    assert on_the_wrong_side_of_time(stays, SplitPlan())
    monkeypatch.setattr(latest_years, "MOST_TESTED", 0.0)
    assert on_the_wrong_side_of_time(stays, SplitPlan(by="time"))


def test_the_side_of_a_patient_is_this_for_ever():
    """The hash as it was when it was first published: a changed line here moves everybody's test patients."""
    assert [f"{splits.hash_share(0, 'split', str(patient)):.6f}" for patient in range(4)] == [
        "0.631151", "0.127991", "0.144339", "0.088023",
    ]  # fmt: skip
    sides = [splits.hash_share(5, purpose, "17") for purpose in ("split", "pretrain", "split/val")]
    assert len(set(sides)) == 3


def binomial_bound(share: float, n: int, sigmas: float = 4.5) -> float:
    """Half the width of an interval that a share of n patients leaves once in 150,000 times."""
    return sigmas * (share * (1 - share) / n) ** 0.5 + 0.5 / n


@pytest.mark.parametrize("plan", [SplitPlan(), SplitPlan(seed=3)], ids=names)
def test_shares_are_near_70_15_15_overall_and_in_each_stratum(plan: SplitPlan):
    for seed in SEEDS:
        stays = stays_of(seed, 8000)
        table = balance(stays, split_stays(stays, plan))
        patients = table["patients"].sum()
        assert patients == stays["subject_id"].n_unique()
        for side, share in zip((TRAIN, VAL, TEST), SHARES, strict=True):
            overall = (table[side] * table["patients"]).sum() / patients
            assert abs(overall - share) <= binomial_bound(share, patients)
            for reached, n in table.select(side, "patients").iter_rows():
                assert abs(reached - share) <= binomial_bound(share, n), (seed, side, n)


def uneven(stays: pl.DataFrame, plan: SplitPlan, sides: pl.DataFrame) -> Findings:
    """Strata whose shares are more than a patient from what was asked for."""
    test = SHARES[2] if plan.fold is None else 1 / plan.fold[1]
    val = SHARES[1] if plan.fold is None else (1 - test) * SHARES[1] / (SHARES[0] + SHARES[1])
    asked = {TRAIN: 1 - test - val, VAL: val, TEST: test}
    findings, columns = [], {"split": asked}
    if plan.pretrain_on == "disjoint":
        columns["pretrain_split"] = dict(zip((TRAIN, VAL, TEST), SHARES, strict=True))
    for column, shares in columns.items():
        for row in balance(stays, sides, column).iter_rows(named=True):
            off = max(abs(row[side] - share) * row["patients"] for side, share in shares.items())
            findings += [f"{column}, {row['stratum']}: {off:.2f} patients off"] if off > 1 + 1e-9 else []
    return findings


@pytest.mark.parametrize("plan", EXACT, ids=names)
def test_exact_strata_are_exact_to_one_patient(plan: SplitPlan):
    for seed in SEEDS:
        stays = stays_of(seed)
        assert uneven(stays, plan, split_stays(stays, plan)) == []


@pytest.mark.parametrize("plan", EXACT[:3], ids=names)
def test_a_patient_that_comes_moves_few_others(plan: SplitPlan):
    """One a border of the stratum at most."""
    stays = stays_of(4)
    before = split_stays(stays, plan)
    for number in range(10):
        one = stays.sample(1, seed=number).with_columns(pl.col("stay_id") + 10**6, pl.col("subject_id") + 10**8)
        both = before.join(split_stays(pl.concat([stays, one]), plan), on="stay_id", suffix="_after")
        moved = both.filter(pl.col("split") != pl.col("split_after"))["subject_id"].n_unique()
        assert moved <= 3


def test_control_strata_in_expectation_are_not_exact():
    stays = stays_of(0)
    assert uneven(stays, SplitPlan(), split_stays(stays, SplitPlan()))


def test_control_ranks_over_all_patients_are_caught(monkeypatch: pytest.MonkeyPatch):
    stays, plan = stays_of(0), SplitPlan(strata="exact")
    with monkeypatch.context() as faulty:
        faulty.setattr(strata, "_stratum", lambda: pl.lit("everybody"))
        sides = split_stays(stays, plan)
    assert uneven(stays, plan, sides)


def test_orphans_are_strata_of_their_own_and_small_strata_are_merged():
    stays = stays_of(0, 1500)
    table = balance(stays, split_stays(stays, SplitPlan()))
    named = set(table["stratum"])
    merged = {"merged small strata", "merged small strata (orphans)"}
    assert {"demographics", "demographics+lab", "demographics (orphans)"} | merged <= named
    assert table.filter(~pl.col("stratum").is_in(list(merged)))["patients"].min() >= SMALL_STRATUM
    sizes = table["patients"].to_list()
    assert sizes == sorted(sizes, reverse=True)


def test_orphans_split_each_by_itself():
    table = split_stays(stays_of(0, 8000), SplitPlan())
    orphans = table.filter(pl.col("subject_id") > 9_000_000)
    assert orphans["subject_id"].n_unique() == orphans.height > 300
    assert abs((orphans["split"] == TRAIN).mean() - 0.70) <= binomial_bound(0.70, orphans.height)


def test_data_without_hospitals_is_refused():
    nowhere = stays_of(0, 50).with_columns(hospital_id=pl.lit(None, pl.Int64))
    with pytest.raises(UsageError, match="names no hospital"):
        split_stays(nowhere, SplitPlan(by="hospital"))


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("promise-5")
    data = write_data(folder / "data", random_timelines(8, 120))
    quick = PretrainSettings()
    quick = replace(quick, encoder=replace(quick.encoder, hidden=8, embed=4), loop=replace(quick.loop, epochs=1))
    for seed, on in product((0, 1), ("train-side", "disjoint")):
        pretrain(data, folder / f"{seed}-{on}", Window(), SplitPlan(seed=seed, pretrain_on=on), quick, quiet=True)
    return folder, data


@pytest.mark.parametrize("on", ["train-side", "disjoint"])
def test_encoders_that_saw_test_patients_are_refused(pretrained: tuple[Path, Path], tmp_path: Path, on: str):
    folder, data = pretrained
    with pytest.raises(LeakageError, match=r"\d+ of \d+ test patients were used to pretrain") as refusal:
        train(
            "mlp",
            data,
            "mortality",
            tmp_path / "run",
            Window(),
            SplitPlan(),
            folder / f"1-{on}",
            ["epochs=1"],
            quiet=True,
        )
    assert "--split-seed" in str(refusal.value)
    assert not (tmp_path / "run" / "weights.safetensors").exists()


@pytest.mark.parametrize("on", ["train-side", "disjoint"])
def test_encoders_of_the_same_split_are_taken(pretrained: tuple[Path, Path], tmp_path: Path, on: str):
    folder, data = pretrained
    plan = SplitPlan(pretrain_on=on)
    train("mlp", data, "mortality", tmp_path / "run", Window(), plan, folder / f"0-{on}", ["epochs=1"], quiet=True)
    run, encoders = open_run(tmp_path / "run"), open_run(folder / f"0-{on}")
    trained_on = set(encoders.splits.filter(pretrain_split=TRAIN)["subject_id"])
    assert trained_on.isdisjoint(run.splits.filter(split=TEST)["subject_id"])


def test_control_a_split_by_row_is_caught(monkeypatch: pytest.MonkeyPatch):
    stays = stays_of(0)
    monkeypatch.setattr(splits, "_units", lambda frame, plan: frame["stay_id"].cast(pl.String))
    assert on_two_sides(stays, SplitPlan())


def test_control_a_split_by_place_in_the_table_is_caught(monkeypatch: pytest.MonkeyPatch):
    """A patient's side by rank: whole patients, but each one that comes moves the others."""
    stays = stays_of(0)
    monkeypatch.setattr(splits, "_units", lambda frame, plan: frame["subject_id"].rank("dense").cast(pl.String))
    assert on_two_sides(stays, SplitPlan()) == []
    before = split_stays(stays, SplitPlan())
    assert unstable(before, split_stays(stays.filter(pl.col("subject_id") % 3 > 0), SplitPlan()))


def test_control_a_guard_that_lets_all_encoders_through_is_caught(monkeypatch: pytest.MonkeyPatch):
    stays = stays_of(0)
    assert accepts_leaky_encoders(stays) == []
    monkeypatch.setattr("wardround.train.run_folder.Run.refuse_test_patients", lambda *_: None)
    assert accepts_leaky_encoders(stays)


def test_control_uneven_shares_are_caught(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(splits, "SHARES", (0.6, 0.2, 0.2))
    with pytest.raises(AssertionError):
        test_shares_are_near_70_15_15_overall_and_in_each_stratum(SplitPlan())
