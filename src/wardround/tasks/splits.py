"""Who trains, who validates, who tests: by patient, by hash, the same for ever.

A patient's side is a hash of the seed and the patient, so it does not move when patients are added, rows are shuffled
or the cohort changes (promise 5). The strata of arXiv 2604.18753, section 3.1.1 (the combination of modalities of a
patient's first stay; orphans, stays without a patient id, by themselves) are therefore held in expectation, not forced:
a forced 70/15/15 inside each stratum would move patients across the line whenever one is added. `strata` measures what
was reached, small strata merged, and the run reports it.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from wardround.errors import UsageError

TRAIN, VAL, TEST = "train", "val", "test"
SHARES: Final = (0.70, 0.15, 0.15)
SMALL_STRATUM: Final = 20
"""Patients; smaller strata are merged into one for the balance report (at 15 % they would expect fewer than three test
patients)."""

PretrainOn = Literal["train-side", "disjoint"]


@dataclass(frozen=True)
class SplitPlan:
    """How to split.

    Attributes:
        seed: another seed, another split.
        fold: (k, n) tests on fold k of n (k from 1); None splits 70/15/15.
        by: "patient", or "hospital" to test on hospitals that were never trained on.
        pretrain_on: "train-side" pretrains on the training patients of the same split; "disjoint" (printed) pretrains
            on 70 %, and fine-tunes on the pretraining validation and test patients, split again.

    Raises:
        UsageError: at construction, where a value is off.
    """

    seed: int = 0
    fold: tuple[int, int] | None = None
    by: Literal["patient", "hospital"] = "patient"
    pretrain_on: PretrainOn = "train-side"

    def __post_init__(self) -> None:
        if self.fold is not None and not (self.fold[1] >= 2 and 1 <= self.fold[0] <= self.fold[1]):
            raise UsageError(f"--fold {self.fold[0]}/{self.fold[1]}: give K/N with 1 <= K <= N and N at least 2.")
        if self.by not in ("patient", "hospital"):
            raise UsageError(f"--split-by {self.by}: there are patient, hospital.")
        if self.pretrain_on not in ("train-side", "disjoint"):
            raise UsageError(f"--pretrain-on {self.pretrain_on}: there are train-side, disjoint.")
        if self.by == "hospital" and self.pretrain_on == "disjoint":
            raise UsageError(
                "--split-by hospital goes with --pretrain-on train-side: disjoint would see the test hospitals."
            )


def hash_share(seed: int, purpose: str, key: str) -> float:
    """A number in [0, 1) that depends on the seed, the purpose and the key alone (BLAKE2b, 53 bits)."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{key}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def split_stays(stays: pl.DataFrame, plan: SplitPlan) -> pl.DataFrame:
    """Give every stay its sides.

    Args:
        stays: `stays.parquet`.
        plan: how.

    Returns:
        `subject_id, stay_id, pretrain_split, split` by stay id. `split` is null for stays that fine-tuning may not use:
        those of the disjoint pretraining's training patients, and with `by="hospital"` stays of a patient outside the
        hospitals of their side.

    Raises:
        UsageError: where hospitals are asked for and the data names none.
    """
    frame = stays.sort("stay_id")
    units = _units(frame, plan)
    sides = {unit: _side(unit, plan, "split") for unit in units.drop_nulls().unique()}
    split = units.replace_strict(sides, default=None, return_dtype=pl.String)
    if plan.pretrain_on == "train-side":
        split = _whole_patients(frame, split) if plan.by == "hospital" else split
        return frame.select("subject_id", "stay_id", pretrain_split=split, split=split)
    pretrain = units.replace_strict(
        {unit: _thirds(hash_share(plan.seed, "pretrain", unit)) for unit in sides}, return_dtype=pl.String
    )
    held = frame.select("subject_id", "stay_id", pretrain_split=pretrain, split=split)
    return held.with_columns(split=pl.when(pl.col("pretrain_split") != TRAIN).then("split"))


def _units(frame: pl.DataFrame, plan: SplitPlan) -> pl.Series:
    """What is assigned as one: the patient (an orphan stay is its own), or the hospital of the patient's first stay."""
    if plan.by == "patient":
        return frame["subject_id"].cast(pl.String)
    if frame["hospital_id"].null_count() == frame.height:
        raise UsageError("--split-by hospital: this data names no hospital. Split by patient.")
    return frame.select(pl.col("hospital_id").cast(pl.String)).to_series()


def _side(unit: str, plan: SplitPlan, purpose: str) -> str:
    share = hash_share(plan.seed, purpose, unit)
    if plan.fold is None:
        return _thirds(share)
    k, n = plan.fold
    if int(share * n) == k - 1:
        return TEST
    validation = SHARES[1] / (SHARES[0] + SHARES[1])
    return VAL if hash_share(plan.seed, f"{purpose}/val", unit) < validation else TRAIN


def _thirds(share: float) -> str:
    return TRAIN if share < SHARES[0] else VAL if share < SHARES[0] + SHARES[1] else TEST


def _whole_patients(frame: pl.DataFrame, split: pl.Series) -> pl.Series:
    """A patient seen in hospitals of several sides keeps the stays of the side of the first; the others are left
    out."""
    sides = frame.select("subject_id", "start", "stay_id", side=split).sort("subject_id", "start", "stay_id")
    first = sides.group_by("subject_id", maintain_order=True).agg(first=pl.col("side").drop_nulls().first())
    joined = frame.select("subject_id", side=split).join(first, on="subject_id", how="left", maintain_order="left")
    return joined.select(pl.when(pl.col("side") == pl.col("first")).then("side")).to_series()


def strata(stays: pl.DataFrame, sides: pl.DataFrame, column: str = "split") -> pl.DataFrame:
    """How evenly the modality combinations lie on the sides.

    Args:
        stays: `stays.parquet`.
        sides: what `split_stays` gave.
        column: "split" or "pretrain_split".

    Returns:
        A row a stratum: `stratum` (modalities of the patient's first stay, orphans apart, strata under 20 patients
            merged),
        `patients`, and the share of them on each side.
    """
    first = stays.sort("subject_id", "start", "stay_id").group_by("subject_id", maintain_order=True).first()
    name = pl.col("modalities").list.join("+") + pl.when("orphan").then(pl.lit(" (orphans)")).otherwise(pl.lit(""))
    table = first.select("subject_id", stratum=name).join(
        sides.drop_nulls(column).select("subject_id", side=column).unique("subject_id"), on="subject_id"
    )
    size = pl.len().over("stratum")
    table = table.with_columns(
        stratum=pl.when(size < SMALL_STRATUM).then(pl.lit("merged small strata")).otherwise("stratum")
    )
    shares = [(pl.col("side") == side).mean().alias(side) for side in (TRAIN, VAL, TEST)]
    return (
        table.group_by("stratum")
        .agg(pl.len().alias("patients"), *shares)
        .sort("patients", "stratum", descending=[True, False])
    )
