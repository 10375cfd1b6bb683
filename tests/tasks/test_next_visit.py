"""Who is asked at discharge of the next hospital stay, by hand."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from wardround.errors import UsageError
from wardround.events import STAY_COLUMNS
from wardround.tasks.cohort import Window, cohort, hour_asked
from wardround.tasks.task import TASKS, refuse_hour

DAY = datetime(2001, 7, 1)
TASK = TASKS["next_visit_phenotyping"]


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def stay(stay_id: int, subject: int, **columns) -> dict:
    usual = {
        **{"subject_id": subject, "stay_id": stay_id, "start": DAY, "end": at(48), "age": 60.0, "los_h": 74.0},
        **{"hospital_start": at(-2), "hospital_end": at(72), "died_in_hospital": False, "modalities": ["lab"]},
    }
    return dict.fromkeys(STAY_COLUMNS) | usual | columns


def stays(*rows: dict) -> pl.DataFrame:
    derived = dict.fromkeys(TASK.labels, pl.lit(True))
    return pl.DataFrame(list(rows), schema=STAY_COLUMNS).with_columns(**derived)


EDGES = stays(
    stay(1, 10),
    stay(2, 10, start=at(50), end=at(60)),
    stay(3, 11, hospital_end=None),
    stay(4, 12, died_in_hospital=True),
    stay(5, 13, died_in_hospital=None),
    stay(6, 14, age=17.0),
    stay(7, 15, end=None),
    stay(8, 16, hospital_start=None),
    stay(9, 17, hospital_end=at(-1)),
    stay(10, 18, start=DAY + timedelta(seconds=30)),
)
EXCLUDED = {
    "age unknown or under 18": 1,
    "another unit stay of the same hospital stay is its last": 1,
    "died in hospital, or nobody knows": 2,
    "discharge from hospital unknown": 3,
}


@pytest.mark.parametrize("labelled", [True, False])
def test_the_last_unit_stay_of_each_hospital_stay_that_ended_alive_is_asked(labelled: bool):
    """Also where the end of the unit stay is unknown, and whatever the hour."""
    for window in (Window(), Window(at_h=500)):
        made = cohort(EDGES, window, TASK, labelled)
        assert made.frame["stay_id"].to_list() == [2, 7, 10]
        assert made.excluded == EXCLUDED


def test_it_is_asked_at_the_end_of_the_minute_of_discharge():
    """Counted from unit admission: events of stay 10 lie at half minutes of the clock."""
    asked = dict(cohort(EDGES, Window(), TASK).frame.select("stay_id", "prediction_time").rows())
    assert asked == {2: at(72), 7: at(72), 10: at(72) + timedelta(seconds=30)}


def test_in_the_papers_protocol_its_rules_hold_too():
    old = stays(stay(1, 10), stay(2, 11, age=90.0), stay(3, 12, los_h=800.0), stay(4, 13, modalities=["vitals"]))
    for at_h in (None, 12):
        assert cohort(old, Window("paper", at_h), TASK).frame["stay_id"].to_list() == [1]


def test_without_a_next_stay_there_is_no_label():
    alone = EDGES.with_columns(pl.when(pl.col("stay_id") != 2).then(pl.col(TASK.labels)))
    made = cohort(alone, Window(), TASK)
    assert made.frame["stay_id"].to_list() == [7, 10]
    assert made.excluded == EXCLUDED | {"no label": 1}
    assert cohort(alone, Window(), TASK, labelled=False).frame["stay_id"].to_list() == [2, 7, 10]


def test_it_has_no_hour():
    assert hour_asked(TASK, Window()) is None
    assert hour_asked(TASKS["mortality"], Window()) == hour_asked(None, Window()) == 24
    with pytest.raises(UsageError, match="asked at discharge from hospital: leave --at-h out"):
        refuse_hour(TASK.name, said=True)
    for name, said in ((TASK.name, False), ("mortality", True), (None, True)):
        refuse_hour(name, said)
