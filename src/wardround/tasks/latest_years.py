"""The latest patients, for a split by time: eICU tells the year of a discharge from hospital, and nothing finer.

A patient is of the earliest year that a stay of theirs has: the year of their first stay. The test patients are those
of the latest whole years that hold 15 % of all patients or more, so that each is later than every training patient.
Years that would hold more than half of them leave too little to learn from: then the earliest of these years is divided
by hash, which tests 15 % in all, and no test patient is earlier than a training patient. A patient of no known year is
on no side.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from wardround.errors import UsageError

MOST_TESTED: Final = 0.50
"""Share of the patients. The demo has two years, of 644 and 643 patients."""


@dataclass(frozen=True)
class LatestYears:
    """Whom to test on.

    Attributes:
        first: the earliest year with test patients; all patients of later years test.
        share: how much of the patients of year `first`; 1.0 is all of them.
    """

    first: int
    share: float

    @property
    def whole(self) -> bool:
        """Whether every test patient is later than every other."""
        return self.share == 1.0


def years(stays: pl.DataFrame) -> pl.DataFrame:
    """`subject_id, year` of the patients of whom a year is known."""
    known = stays.drop_nulls("year").group_by("subject_id").agg(pl.col("year").min())
    return known.sort("subject_id")


def latest_years(stays: pl.DataFrame, tested: float) -> LatestYears:
    """Choose the test years.

    Args:
        stays: `stays.parquet`.
        tested: share of the patients to test on, at least.

    Raises:
        UsageError: where the data knows of no two years.
    """
    patients = years(stays)["year"]
    if patients.n_unique() < 2:
        raise UsageError("--split-by time: the patients of this data are not of two years or more. Split by patient.")
    counts = patients.value_counts(name="own").sort("year", descending=True)
    counts = counts.with_columns(later=pl.col("own").cum_sum() - pl.col("own"))
    enough = counts.filter(pl.col("later") + pl.col("own") >= tested * len(patients))
    year, own, later = enough.row(0)
    whole = later + own <= MOST_TESTED * len(patients)
    return LatestYears(year, 1.0 if whole else (tested * len(patients) - later) / own)
