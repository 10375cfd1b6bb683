"""Labels worked by hand, and what a task says of itself."""

from datetime import datetime

import polars as pl
import pytest

from wardround.errors import UsageError
from wardround.tasks.task import TASKS, find_task, hours_between

DAY = datetime(2001, 7, 1)
STAYS = pl.DataFrame(
    {
        "start": [DAY] * 3,
        "end": [datetime(2001, 7, 2, 6), datetime(2001, 7, 2, 0, 30), None],
        "hospital_start": [datetime(2001, 6, 30, 22), DAY, None],
        "hospital_end": [datetime(2001, 7, 3), datetime(2001, 7, 2, 0, 30), None],
        "los_h": pl.Series([50.0, 24.5, None], dtype=pl.Float32),
        "died_in_hospital": [False, True, None],
    }
)
AT = pl.lit(datetime(2001, 7, 2))


def test_labels_by_hand():
    """One goes home two days after admission, one dies half an hour after the prediction time, one has no outcome."""
    labels = STAYS.select(**{name: task.label(AT) for name, task in TASKS.items()})
    assert labels.write_csv() == (
        "mortality,los_remaining,los,los_icu\n"
        "0.0,24.0,50.0,30.0\n"
        "1.0,0.5,24.5,24.5\n"
        ",,,\n"
    )  # fmt: skip


def test_only_what_is_left_of_the_stay_falls():
    assert {name for name, task in TASKS.items() if task.falls} == {"los_remaining"}
    for name, task in TASKS.items():
        later = STAYS.select(task.label(AT) - task.label(AT + pl.duration(hours=3))).to_series().to_list()
        assert later[:2] == ([3.0, 3.0] if task.falls else [0.0, 0.0]), name


def test_hours_are_counted_from_whole_minutes():
    moments = pl.DataFrame({"a": [datetime(2001, 1, 1, 0, 0, 59)], "b": [datetime(2001, 1, 1, 1, 31)]})
    assert moments.select(hours_between(pl.col("b"), pl.col("a"))).item() == 1.5


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_a_task_says_what_it_is_and_what_it_is_not(task):
    assert find_task(task.name) is task
    assert task.kind in ("binary", "hours")
    assert "not " in task.summary or "part of it has passed" in task.summary


def test_an_unknown_task_is_named_with_those_there_are():
    with pytest.raises(UsageError, match=r"no task 'death'. There are: mortality, los_remaining, los, los_icu\."):
        find_task("death")
