"""Who trains, who validates, who tests: by patient, by hash, the same for ever.

A patient's side is a hash of the seed and the patient, so it does not move when patients are added, rows are shuffled
or the cohort changes (promise 5). The strata of arXiv 2604.18753, section 3.1.1 (`strata.py`) are therefore held in
expectation, not forced, unless `strata="exact"` asks for it: a 70/15/15 forced inside each stratum moves a few patients
across the line whenever one is added. The run reports what was reached.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from wardround.errors import UsageError
from wardround.tasks.latest_years import latest_years, years
from wardround.tasks.strata import combinations, ranked, strata

TRAIN, VAL, TEST = "train", "val", "test"
SHARES: Final = (0.70, 0.15, 0.15)
CHOICES: Final = {
    "split-by": ("patient", "hospital", "time"),
    "pretrain-on": ("train-side", "disjoint"),
    "strata": ("expected", "exact"),
}

PretrainOn = Literal["train-side", "disjoint"]


@dataclass(frozen=True)
class SplitPlan:
    """How to split.

    Attributes:
        seed: another seed, another split.
        fold: (k, n) tests on fold k of n (k from 1); None splits 70/15/15.
        by: "patient"; "hospital" to test on hospitals that were never trained on; "time" to test on the latest patients
            (`latest_years.py`) and validate on 15 in 85 of the earlier ones, by hash.
        pretrain_on: "train-side" pretrains on the training patients of the same split; "disjoint" (printed) pretrains
            on 70 %, and fine-tunes on the pretraining validation and test patients, split again.
        strata: "expected" cuts by hash, so that each stratum has its shares in expectation and nobody ever moves;
            "exact" (printed) cuts each stratum by the rank of the hash, so that its shares are exact to one patient,
            and a few patients near the borders move when others come or go.
        test: whether anybody tests; False has all patients train, but 15 in 85 who validate: for a model that is judged
            on another cohort.

    Raises:
        UsageError: at construction, where a value is off or two do not go together.
    """

    seed: int = 0
    fold: tuple[int, int] | None = None
    by: Literal["patient", "hospital", "time"] = "patient"
    pretrain_on: PretrainOn = "train-side"
    strata: Literal["expected", "exact"] = "expected"
    test: bool = True

    def __post_init__(self) -> None:
        if self.fold is not None and not (self.fold[1] >= 2 and 1 <= self.fold[0] <= self.fold[1]):
            raise UsageError(f"--fold {self.fold[0]}/{self.fold[1]}: give K/N with 1 <= K <= N and N at least 2.")
        for (option, known), value in zip(CHOICES.items(), (self.by, self.pretrain_on, self.strata), strict=True):
            if value not in known:
                raise UsageError(f"--{option} {value}: there are {', '.join(known)}.")
        if self.by == "time" and self.fold is not None:
            raise UsageError("--split-by time tests on the latest patients: it has no folds. Leave out --fold.")
        if self.by != "patient" and self.pretrain_on == "disjoint":
            seen = "the test hospitals" if self.by == "hospital" else "the latest patients"
            raise UsageError(f"--split-by {self.by} goes with --pretrain-on train-side: disjoint would see {seen}.")
        if self.by != "patient" and self.strata == "exact":
            raise UsageError(f"--strata exact divides patients: it does not go with --split-by {self.by}.")
        if not self.test and self.names_testers:
            raise UsageError(
                "--no-test tests on nobody: it goes neither with --fold, nor with --split-by, nor with --pretrain-on "
                "disjoint, where most patients are pretrained on alone."
            )

    @property
    def names_testers(self) -> bool:
        """Whether a fold, hospitals, years or a disjoint pretraining say who tests."""
        return self.fold is not None or self.by != "patient" or self.pretrain_on == "disjoint"


def hash_share(seed: int, purpose: str, key: str) -> float:
    """A number in [0, 1) that depends on the seed, the purpose and the key alone (BLAKE2b, 53 bits)."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{key}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


@dataclass(frozen=True)
class _Shares:
    """A number in [0, 1) for each unit that is assigned: its hash, or the rank of it within a stratum."""

    seed: int
    stratum: Mapping[str, str] | None = None

    def of(self, purpose: str, units: Collection[str]) -> dict[str, float]:
        hashed = {unit: hash_share(self.seed, purpose, unit) for unit in units}
        return hashed if self.stratum is None else ranked(hashed, self.stratum)


def split_stays(stays: pl.DataFrame, plan: SplitPlan) -> pl.DataFrame:
    """Give every stay its sides.

    Args:
        stays: `stays.parquet`.
        plan: how.

    Returns:
        `subject_id, stay_id, pretrain_split, split` by stay id. `split` is null for stays that fine-tuning may not use:
        those of the disjoint pretraining's training patients, with `by="hospital"` stays of a patient outside the
        hospitals of their side, with `by="time"` those of patients of no known year.

    Raises:
        UsageError: where hospitals or years are asked for and the data names none.
    """
    frame = stays.sort("stay_id")
    of_stay = _units(frame, plan)
    units = of_stay.drop_nulls().unique().to_list()
    shares = _shares(frame, units, plan)
    if plan.pretrain_on == "disjoint":
        pretrain = {unit: _thirds(share) for unit, share in shares.of("pretrain", units).items()}
        held_out = [unit for unit in units if pretrain[unit] != TRAIN]
        split = _sides(held_out, plan, _shares(frame, held_out, plan))
        return frame.select(
            "subject_id", "stay_id", pretrain_split=_each(of_stay, pretrain), split=_each(of_stay, split)
        )
    sides = _earlier_and_latest(frame, shares) if plan.by == "time" else _sides(units, plan, shares)
    split = _each(of_stay, sides)
    split = _whole_patients(frame, split) if plan.by == "hospital" else split
    return frame.select("subject_id", "stay_id", pretrain_split=split, split=split)


def _shares(frame: pl.DataFrame, units: Collection[str], plan: SplitPlan) -> _Shares:
    """What divides some units together."""
    return _Shares(plan.seed, strata(combinations(frame), units) if plan.strata == "exact" else None)


def _units(frame: pl.DataFrame, plan: SplitPlan) -> pl.Series:
    """What is assigned as one, by stay: the patient (an orphan stay is its own), or the hospital that the stay was in,
    null where it is not known."""
    if plan.by != "hospital":
        return frame["subject_id"].cast(pl.String)
    if frame["hospital_id"].null_count() == frame.height:
        raise UsageError("--split-by hospital: this data names no hospital. Split by patient.")
    return frame["hospital_id"].cast(pl.String)


def _each(of_stay: pl.Series, sides: Mapping[str, str]) -> pl.Series:
    return of_stay.replace_strict(dict(sides), default=None, return_dtype=pl.String)


def _sides(units: Collection[str], plan: SplitPlan, shares: _Shares) -> dict[str, str]:
    if not plan.test:
        return _with_validation(units, (), shares)
    of = shares.of("split", units)
    if plan.fold is None:
        return {unit: _thirds(share) for unit, share in of.items()}
    k, n = plan.fold
    return _with_validation(units, {unit for unit, share in of.items() if int(share * n) == k - 1}, shares)


def _earlier_and_latest(frame: pl.DataFrame, shares: _Shares) -> dict[str, str]:
    """Sides by time of the patients whose year is known."""
    latest = latest_years(frame, SHARES[2])
    year = dict(years(frame).select(pl.col("subject_id").cast(pl.String), "year").iter_rows())
    border = shares.of("split", [unit for unit in year if year[unit] == latest.first])
    test = {unit for unit in year if year[unit] > latest.first or border.get(unit, 1.0) < latest.share}
    return _with_validation(year, test, shares)


def _with_validation(units: Collection[str], test: Collection[str], shares: _Shares) -> dict[str, str]:
    """The test units as given; of the others 15 in 85 validate."""
    validation = SHARES[1] / (SHARES[0] + SHARES[1])
    of = shares.of("split/val", [unit for unit in units if unit not in test])
    return dict.fromkeys(test, TEST) | {unit: VAL if share < validation else TRAIN for unit, share in of.items()}


def _thirds(share: float) -> str:
    return TRAIN if share < SHARES[0] else VAL if share < SHARES[0] + SHARES[1] else TEST


def _whole_patients(frame: pl.DataFrame, split: pl.Series) -> pl.Series:
    """A patient seen in hospitals of several sides keeps the stays of the side of the first; the others are left
    out."""
    sides = frame.select("subject_id", "start", "stay_id", side=split).sort("subject_id", "start", "stay_id")
    first = sides.group_by("subject_id", maintain_order=True).agg(first=pl.col("side").drop_nulls().first())
    joined = frame.select("subject_id", side=split).join(first, on="subject_id", how="left", maintain_order="left")
    return joined.select(pl.when(pl.col("side") == pl.col("first")).then("side")).to_series()
