"""Which years test, worked by hand."""

from datetime import datetime

import polars as pl
import pytest

from wardround.errors import UsageError
from wardround.tasks.latest_years import LatestYears, latest_years, years


def patients(counts: dict[int | None, int]) -> pl.DataFrame:
    """Year -> patients of one stay."""
    of = [year for year, count in counts.items() for _ in range(count)]
    table = pl.DataFrame({"subject_id": range(len(of)), "year": pl.Series(of, dtype=pl.Int32)})
    return table.with_columns(start=pl.lit(datetime(2001, 7, 1)))


@pytest.mark.parametrize(
    ("counts", "latest"),
    [
        ({2014: 85, 2015: 15}, LatestYears(2015, 1.0)),
        ({2014: 50, 2015: 50}, LatestYears(2015, 1.0)),
        ({2010: 40, 2013: 45, 2014: 10, 2015: 5}, LatestYears(2014, 1.0)),
        ({2010: 40, 2013: 10, 2014: 36, 2015: 14}, LatestYears(2014, 1.0)),
        ({2014: 40, 2015: 60}, LatestYears(2015, 0.25)),
        ({2013: 30, 2014: 60, 2015: 10}, LatestYears(2014, 5 / 60)),
        ({2013: 30, 2014: 60, 2015: 10, None: 400}, LatestYears(2014, 5 / 60)),
    ],
    ids=str,
)
def test_whole_years_of_15_percent_or_more_unless_they_are_more_than_half(counts, latest):
    made = latest_years(patients(counts), 0.15)
    assert made.first == latest.first
    assert made.share == pytest.approx(latest.share)
    assert made.whole == (latest.share == 1.0)


@pytest.mark.parametrize("counts", [{2015: 30}, {None: 30}, {2015: 2, None: 9}], ids=str)
def test_data_of_one_year_cannot_be_split_by_time(counts):
    with pytest.raises(UsageError, match="--split-by time: the patients of this data are not of two years or more"):
        latest_years(patients(counts), 0.15)


def test_a_patient_is_of_the_earliest_year_that_is_known():
    table = pl.DataFrame({"subject_id": [1, 1, 1, 2, 3], "year": [2015, None, 2014, None, 2016]})
    assert years(table).rows() == [(1, 2014), (3, 2016)]
