"""Summaries of a stay's numbers, worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.batches.number_summaries import AMOUNTS, LEVELS, SINGLE, Measured, SummaryPlan, number_summaries

PLAN = SummaryPlan(LEVELS, ("mean", "lowest", "highest", "count"), 6.0, (6.0, 24.0))
NOW = np.asarray([1440.0])


def measured(*triples: tuple[int, int, float]) -> Measured:
    """(cell, minute, value) in the order in which they became known."""
    cell, minute, value = zip(*triples, strict=True) if triples else ((), (), ())
    return Measured(np.asarray(cell, np.int64), np.asarray(minute, np.int64), np.asarray(value, np.float64))


def summarised(given: Measured, plan: SummaryPlan = PLAN, now=NOW, numbers: int = 1) -> list[dict[str, float]]:
    """By stay, for one number: summary -> value."""
    made = number_summaries(given, now, numbers, plan)
    return [dict(zip(plan.names, row[:, 0].tolist(), strict=True)) for row in made]


def test_a_lactate_by_hand():
    """2 at 1 h, 4 at 3 h, 9 at 20 h: slope = 71 / 218 (hours less 8: -7, -5, 12; values less 5: -3, -1, 4)."""
    (row,) = summarised(measured((0, 60, 2.0), (0, 180, 4.0), (0, 1200, 9.0)))
    assert row == pytest.approx(
        {
            "last": 9,
            "first": 2,
            "mean": 5,
            "lowest": 2,
            "highest": 9,
            "spread": np.sqrt((9 + 1 + 16) / 3),
            "range": 7,
            "change": 7,
            "slope_per_h": (21 + 5 + 48) / (49 + 25 + 144),
            "count": 3,
            "since_last_h": 4,
            "early_mean": 3,
            "early_lowest": 2,
            "early_highest": 4,
            "early_count": 2,
            "late6h_mean": 9,
            "late6h_lowest": 9,
            "late6h_highest": 9,
            "late6h_count": 1,
            "late24h_mean": 5,
            "late24h_lowest": 2,
            "late24h_highest": 9,
            "late24h_count": 3,
        }
    )


def test_one_value_has_no_slope_and_no_spread():
    (row,) = summarised(measured((0, 60, 2.0)))
    assert np.isnan(row["slope_per_h"])
    assert (row["spread"], row["range"], row["change"], row["count"]) == (0, 0, 0, 1)
    assert np.isnan(row["late6h_mean"])
    assert row["late6h_count"] == 0


def test_equal_values_have_no_spread_whatever_their_mean_rounds_to():
    (row,) = summarised(measured(*((0, minute, 0.1) for minute in range(3))))
    assert (row["spread"], row["slope_per_h"]) == (0, 0)


def test_values_of_one_minute_have_no_slope():
    (row,) = summarised(measured((0, 60, 2.0), (0, 60, 5.0)))
    assert np.isnan(row["slope_per_h"])
    assert (row["first"], row["last"], row["spread"]) == (2, 5, 1.5)


def test_never_measured_is_nan_but_for_counts():
    (row,) = summarised(measured())
    assert {name for name, value in row.items() if value == 0} == {
        "count", "early_count", "late6h_count", "late24h_count",
    }  # fmt: skip
    assert all(np.isnan(value) for name, value in row.items() if not name.endswith("count"))


def test_windows_take_their_last_minute_and_not_their_first():
    """Six hours before 24 h is minute 1080: known then is outside, a minute later inside. The early one ends at 360."""
    (row,) = summarised(measured((0, 360, 1.0), (0, 361, 2.0), (0, 1080, 3.0), (0, 1081, 4.0), (0, 1440, 5.0)))
    assert (row["early_count"], row["early_mean"]) == (1, 1)
    assert (row["late6h_count"], row["late6h_mean"]) == (2, 4.5)
    assert row["since_last_h"] == 0


def test_stays_and_numbers_keep_to_themselves():
    """Two stays, two numbers: cell = 2 * stay + number."""
    made = number_summaries(
        measured((3, 10, 7.0), (0, 20, 1.0), (3, 30, 8.0)), np.asarray([60.0, 120.0]), 2, SummaryPlan(("last", "count"))
    )
    assert np.isnan(made[0, 0, 1])
    assert np.isnan(made[1, 0, 0])
    assert (made[0, 0, 0], made[1, 0, 1]) == (1, 8)
    assert made[:, 1].tolist() == [[1, 0], [0, 2]]


def test_amounts_add_up():
    plan = SummaryPlan(AMOUNTS, ("sum", "count"), 6.0, (6.0,))
    (row,) = summarised(measured((0, 60, 100.0), (0, 1300, 50.0), (0, 1400, 25.0)), plan)
    assert row == pytest.approx(
        {
            "sum": 175, "last": 25, "mean": 175 / 3, "highest": 100, "count": 3, "since_last_h": 40 / 60,
            "early_sum": 100, "early_count": 1, "late6h_sum": 75, "late6h_count": 2,
        }
    )  # fmt: skip


def test_a_single_value_is_all_there_is():
    assert summarised(measured((0, 0, 61.0)), SummaryPlan(SINGLE)) == [{"last": 61.0}]


def test_a_modality_without_numbers_has_no_columns():
    assert number_summaries(measured(), NOW, 0, PLAN).shape == (1, len(PLAN.names), 0)


VALUE = st.tuples(st.integers(0, 3), st.integers(0, 1440), st.sampled_from((0.0, 1.0, -2.5, 1e30, -1e-9)))


@settings(deadline=None)
@given(st.lists(VALUE, max_size=12))
def test_each_cell_is_summarised_as_if_it_were_alone(values: list[tuple[int, int, float]]):
    """Four stays at once are each of them alone, to the bit; and bounds hold."""
    values = sorted(values, key=lambda value: value[:2])
    made = number_summaries(measured(*values), np.full(4, 1440.0), 1, PLAN)
    place = {name: place for place, name in enumerate(PLAN.names)}
    for stay in range(4):
        own = [(0, minute, value) for cell, minute, value in values if cell == stay]
        alone = number_summaries(measured(*own), NOW, 1, PLAN)[0]
        assert made[stay].tobytes() == alone.tobytes()
        row = made[stay, :, 0]
        if own:
            assert row[place["lowest"]] <= row[place["last"]] <= row[place["highest"]]
            assert row[place["count"]] == len(own)
            assert row[place["spread"]] <= row[place["range"]] or np.isclose(row[place["spread"]], row[place["range"]])
