"""Who is asked, worked by hand, in both protocols."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from wardround.errors import DataError, UsageError
from wardround.events import STAY_COLUMNS
from wardround.tasks.cohort import Cohort, Window, cohort, elapsed_h
from wardround.tasks.task import TASKS, Task

DAY = datetime(2001, 7, 1)
MORTALITY = TASKS["mortality"]
AT_AN_HOUR = [task for task in TASKS.values() if not task.next_visit]


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def stay(stay_id: int, **columns) -> dict:
    """An adult who leaves the unit at 48 h and the hospital at 72 h, alive, with labs."""
    usual = {
        "subject_id": 100 + stay_id,
        "stay_id": stay_id,
        "start": DAY,
        "end": at(48),
        "hospital_start": at(-2),
        "hospital_end": at(72),
        "age": 60.0,
        "los_h": 74.0,
        "died_in_hospital": False,
        "died_in_unit": False,
        "modalities": ["demographics", "lab"],
    }
    return dict.fromkeys(STAY_COLUMNS) | usual | columns


def stays(*rows: dict) -> pl.DataFrame:
    derived = dict.fromkeys(TASKS["phenotyping"].labels, pl.lit(False))
    return pl.DataFrame(list(rows), schema=STAY_COLUMNS).with_columns(**derived)


def answer(made: Cohort) -> tuple[list[int], dict[str, int]]:
    return made.frame["stay_id"].to_list(), made.excluded


EDGES = stays(
    stay(1),
    stay(2, age=18.0),
    stay(3, age=17.9),
    stay(4, age=None),
    stay(5, end=at(24)),
    stay(6, end=at(24) + timedelta(microseconds=1)),
    stay(7, end=at(3), age=5.0),
    stay(8, end=None),
    stay(9, died_in_hospital=None),
)


def test_the_causal_cohort_by_hand():
    """Adult, in the unit and alive after hour 24; a stay is counted under the first reason against it. Nobody knows
    where a stay without an end is."""
    assert answer(cohort(EDGES, Window(), MORTALITY)) == (
        [1, 2, 6],
        {
            "age unknown or under 18": 3,
            "end of the unit stay unknown": 1,
            "left the unit by the prediction time": 1,
            "no label": 1,
        },
    )


def test_to_predict_no_label_is_needed():
    made = cohort(EDGES, Window(), MORTALITY, labelled=False)
    assert made.frame.select("stay_id", "label").rows() == [(1, 0.0), (2, 0.0), (6, 0.0), (8, 0.0), (9, None)]


def test_every_stay_is_in_the_cohort_or_counted_once():
    for task in (None, *TASKS.values()):
        for window in (Window(), Window(at_h=1), Window("paper", None), Window("paper", 12)):
            if task is TASKS["los_icu"] and window.at_h is None:
                continue  # refused: the end is the answer
            made = cohort(EDGES, window, task)
            assert made.frame.height + sum(made.excluded.values()) == EDGES.height


def test_pretraining_without_labels_takes_every_stay_of_the_causal_protocol():
    made = cohort(EDGES, Window())
    assert answer(made) == (list(range(1, 10)), {})
    assert made.frame["label"].null_count() == 9


def test_the_cohort_is_in_the_order_of_the_stay_ids_whatever_the_order_of_the_rows():
    mixed = EDGES.sample(fraction=1, shuffle=True, seed=1)
    assert cohort(mixed, Window(), MORTALITY).frame.equals(cohort(EDGES, Window(), MORTALITY).frame)


def test_the_prediction_time_is_an_hour_of_the_stay():
    made = cohort(stays(stay(1), stay(2, start=at(10))), Window(at_h=12.5), MORTALITY).frame
    assert made.columns == ["subject_id", "stay_id", "start", "prediction_time", "label", "passed_h"]
    assert made["prediction_time"].to_list() == [at(12.5), at(22.5)]


def test_of_a_duration_that_began_before_it_is_asked_models_learn_what_is_left():
    some = stays(stay(1, hospital_start=at(-6), end=at(40), hospital_end=at(94), los_h=100.0), stay(2, end=at(40)))
    whole = cohort(some, Window(at_h=24), TASKS["los"])
    assert (whole.passed_h[0], whole.frame["label"][0], whole.learned[0]) == (30, 100, 70)
    assert whole.whole(whole.learned)[0] == 100
    unit = cohort(some, Window(at_h=24), TASKS["los_icu"])
    assert (unit.passed_h[0], unit.frame["label"][0], unit.learned[0]) == (24, 40, 16)
    with pytest.raises(UsageError, match="los_icu is over when it is asked"):
        cohort(some, Window("paper", None), TASKS["los_icu"])


def test_a_hospital_stay_began_with_the_unit_stay_at_the_latest():
    unknown = stays(stay(1, hospital_start=None, los_h=None))
    assert cohort(unknown, Window(at_h=24), TASKS["los"], labelled=False).passed_h.tolist() == [24]


@pytest.mark.parametrize("task", [None, *(task for task in TASKS.values() if not task.began and not task.labels)])
def test_of_no_other_label_has_a_part_passed(task: Task | None):
    found = cohort(stays(stay(1)), Window(at_h=24), task, labelled=False)
    assert found.passed_h.tolist() == [0]
    left = np.asarray([7.0])
    assert found.whole(left) is left


def test_a_stay_that_was_over_before_it_is_asked_has_nothing_left():
    written_late = stays(stay(1, hospital_start=at(0), end=at(40), hospital_end=at(38), los_h=38.0))
    assert cohort(written_late, Window("paper", None), TASKS["los"]).learned.tolist() == [0]


VOUCHED = stays(
    stay(1, end=None, hospital_end=None, in_unit_until=at(48)),
    stay(2, end=None, hospital_end=at(48), in_unit_until=at(48)),
    stay(3, end=None, hospital_end=at(120), in_unit_until=at(48)),
    stay(4, end=None, in_unit_until=at(48), age=17.0),
    stay(5, end=None, in_unit_until=None),
    stay(6, in_unit_until=None),
)
"""Stays 1-4 of a database that publishes no end, but holds 48 h of each; their hospital stay is in whole days."""


@pytest.mark.parametrize(
    ("at_h", "members"), [(0, [1, 2, 3, 6]), (24, [1, 2, 3, 6]), (47.9, [1, 2, 3, 6]), (48, [1, 2, 3])]
)
def test_a_stay_without_an_end_is_asked_as_long_as_the_database_vouches_for_it(at_h: float, members: list[int]):
    made = cohort(VOUCHED, Window(at_h=at_h), MORTALITY)
    assert made.frame["stay_id"].to_list() == members
    assert made.excluded["end of the unit stay unknown"] == 1
    assert made.frame.height + sum(made.excluded.values()) == VOUCHED.height


def test_no_task_asks_it_later():
    later = at(48) + timedelta(minutes=1)
    said = r"record of the stay ends before the prediction time: 3\b.*end of the unit stay unknown: 1\b"
    with pytest.raises(DataError, match=said):
        cohort(VOUCHED, Window(at_h=(later - DAY) / timedelta(hours=1)), MORTALITY)


def test_what_vouches_for_a_stay_says_nothing_of_its_outcome():
    """Twins that differ in how the hospital stay goes on are both in the cohort, and predicted alike without labels."""
    for labelled in (True, False):
        made = cohort(VOUCHED, Window(at_h=48), MORTALITY, labelled=labelled)
        assert {1, 2, 3} <= set(made.frame["stay_id"])


PAPER = stays(
    stay(1),
    stay(2, age=89.0),
    stay(3, age=90.0),
    stay(4, los_h=12.0),
    stay(5, los_h=11.9),
    stay(6, los_h=720.0),
    stay(7, los_h=720.1),
    stay(8, los_h=None),
    stay(9, modalities=["demographics"]),
    stay(10, modalities=None),
    stay(11, end=at(12)),
    stay(12, modalities=["demographics", "radiology_note"]),
    stay(13, modalities=["cxr"]),
)


def test_the_paper_cohort_by_hand():
    """Appendix A.1.1: age 18-89, hospital stay of 12-720 h, a lab result, a note or a picture; the whole stay is
    seen."""
    made = cohort(PAPER, Window("paper", None), MORTALITY)
    left_out = {
        "age unknown or not 18-89": 1,
        "hospital stay unknown or not 12-720 h": 3,
        "no lab result, note or picture": 2,
    }
    assert answer(made) == ([1, 2, 4, 6, 11, 12, 13], left_out)
    assert made.frame.filter(pl.col("stay_id") == 11)["prediction_time"].item() == at(12)


def test_the_paper_cohort_with_its_anchor_at_12_hours():
    made = cohort(PAPER, Window("paper", 12), MORTALITY)
    assert answer(made)[0] == [1, 2, 4, 6, 12, 13]
    assert made.excluded["left the unit by the prediction time"] == 1


UNKNOWN = stays(
    stay(1),
    stay(2, end=None),
    stay(3, end=None, hospital_end=None, los_h=None, died_in_hospital=None),
    stay(4, end=at(5)),
)


@pytest.mark.parametrize(
    ("window", "task"),
    [
        pytest.param(window, task, id=f"{window}-{task.name}")
        for window in (Window(), Window(at_h=0), Window("paper", 12), Window("paper", None))
        for task in AT_AN_HOUR
        if window.at_h is not None or task.began != "start"
    ],
)
def test_no_task_asks_a_stay_whose_end_is_not_known(window: Window, task):
    made = cohort(UNKNOWN, window, task)
    assert {2, 3}.isdisjoint(made.frame["stay_id"])
    assert made.frame["prediction_time"].null_count() == 0
    unknown = 1 if window.protocol == "paper" else 2  # 3 has no length of stay
    assert made.excluded["end of the unit stay unknown"] == unknown


def test_who_left_the_hospital_is_not_in_the_unit_though_its_discharge_was_written_later():
    table = stays(stay(1), stay(2, hospital_end=at(23)), stay(3, hospital_end=at(24)), stay(4, hospital_end=at(24.1)))
    for labelled in (True, False):
        made = cohort(table, Window(), MORTALITY, labelled)
        assert answer(made) == ([1, 4], {"left the unit by the prediction time": 2})


@pytest.mark.parametrize("task", AT_AN_HOUR, ids=lambda task: task.name)
def test_without_labels_those_who_lie_in_the_unit_are_asked(task):
    """Their stay has no end yet. The paper's protocol looks back on finished stays alone."""
    assert cohort(UNKNOWN, Window(), task, labelled=False).frame["stay_id"].to_list() == [1, 2, 3]
    assert cohort(UNKNOWN, Window("paper", 12), task, labelled=False).frame["stay_id"].to_list() == [1]


def test_pretraining_takes_stays_whose_end_is_not_known_where_nothing_asks_for_it():
    """In the paper's protocol stay 3 has no length of stay; at an hour of it stays must be in the unit."""
    assert cohort(UNKNOWN, Window()).frame["stay_id"].to_list() == [1, 2, 3, 4]
    whole = cohort(UNKNOWN, Window("paper", None)).frame
    assert whole.select("stay_id", "prediction_time").rows() == [(1, at(48)), (2, None), (4, at(5))]
    anchored = cohort(UNKNOWN, Window("paper", 12))
    assert answer(anchored) == (
        [1],
        {
            "hospital stay unknown or not 12-720 h": 1,
            "end of the unit stay unknown": 1,
            "left the unit by the prediction time": 1,
        },
    )


def test_a_stay_whose_hospital_discharge_is_not_known_is_asked_what_can_be_told():
    table = stays(stay(1), stay(2, hospital_end=None, los_h=None))
    for task, told in (("mortality", [1, 2]), ("los_icu", [1, 2]), ("los_remaining", [1]), ("los", [1])):
        assert cohort(table, Window(), TASKS[task]).frame["stay_id"].to_list() == told


def test_lengths_of_stay_are_clipped_in_the_causal_protocol_alone():
    long = stays(stay(1, hospital_end=at(1000), los_h=1002.0))
    for task in ("los_remaining", "los"):
        assert cohort(long, Window(), TASKS[task]).frame["label"].max() == 720
    assert cohort(long, Window(), TASKS["los_remaining"]).frame["label"].to_list() == [720.0]
    whole = cohort(stays(stay(1, hospital_end=at(1000))), Window("paper", 12), TASKS["los_remaining"])
    assert whole.frame["label"].to_list() == [988.0]


def test_nobody_left_says_why():
    with pytest.raises(
        DataError, match=r"no stay is in the cohort \(age unknown or under 18: 1\)\. Choose another hour"
    ):
        cohort(stays(stay(1, age=3.0)), Window(), MORTALITY)
    with pytest.raises(DataError, match="it is empty"):
        cohort(stays(), Window(), MORTALITY)


def test_elapsed_hours_are_counted_from_hospital_admission():
    made = stays(stay(1), stay(2, hospital_start=None)).with_columns(prediction_time=pl.lit(at(24)))
    assert made.select(elapsed_h()).to_series().to_list() == [26.0, 0.0]


def test_the_hour_of_admission_and_a_year_later_can_be_asked():
    assert [Window(at_h=hours).at_h for hours in (0, 24 * 366)] == [0, 24 * 366]
    assert cohort(stays(stay(1), stay(2, end=DAY)), Window(at_h=0), MORTALITY).frame["stay_id"].to_list() == [1]


def test_the_clock_of_a_protocol():
    assert [Window().clock, Window("paper", None).clock] == ["available_time", "time"]


@pytest.mark.parametrize(
    ("protocol", "at_h", "message"),
    [
        ("causal", None, "needs a prediction hour"),
        ("causal", -1, "--at-h -1 is not an hour"),
        ("paper", 9000, "--at-h 9000 is not an hour"),
        ("causal", 24 * 366 + 0.5, "is not an hour"),
        ("causal", float("nan"), "--at-h nan is not an hour"),
        ("future", 24, "no protocol 'future'. There are: causal, paper"),
    ],
)
@pytest.mark.usefixtures("unchecked_signatures")
def test_a_window_that_cannot_be(protocol, at_h, message):
    with pytest.raises(UsageError, match=message):
        Window(protocol, at_h)


def test_no_duration_is_said_to_be_longer_than_a_label_can_be():
    some = cohort(stays(stay(1, hospital_start=at(-600), hospital_end=at(3000), los_h=3600.0)), Window(), TASKS["los"])
    assert (some.frame["label"].to_list(), some.whole(np.asarray([500.0])).tolist()) == ([720], [720])
