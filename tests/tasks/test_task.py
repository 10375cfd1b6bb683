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
        "died_in_unit": [False, True, None],
    }
)
AT = pl.lit(datetime(2001, 7, 2))


def test_labels_by_hand():
    """One goes home two days after admission, one dies half an hour after the prediction time, one has no outcome."""
    labels = STAYS.select(**{name: task.label(AT) for name, task in TASKS.items() if not task.labels})
    assert labels.write_csv() == (
        "mortality,mortality_icu,mortality_30d,los_remaining,los,los_icu\n"
        "0.0,0.0,0.0,24.0,50.0,30.0\n"
        "1.0,1.0,1.0,0.5,24.5,24.5\n"
        ",,,,,\n"
    )


def test_several_answers_are_an_array_in_the_order_of_their_names():
    """Of a stay that one of them is not known of, none is."""
    task, unknown = TASKS["phenotyping"], [None, False]
    columns = {name: [place % 2 == 0, True, False] for place, name in enumerate(task.labels)}
    columns[task.labels[3]] = [True, *unknown]
    made = pl.DataFrame(columns).select(label=task.label(AT))["label"]
    assert made.dtype == pl.Array(pl.Float64, 25)
    assert made.to_list() == [[1.0, 0.0, 1.0, 1.0, *[1.0, 0.0] * 10, 1.0], None, [0.0] * 25]


def test_a_task_hides_what_its_label_is_made_of():
    assert TASKS["phenotyping"].hidden_of(("lab", "diagnosis")) == ("diagnosis",)
    assert TASKS["phenotyping"].shown_of(("lab", "diagnosis")) == ("lab",)
    assert all(not task.hides for name, task in TASKS.items() if name != "phenotyping")
    assert [name for name, task in TASKS.items() if task.next_visit] == ["next_visit_phenotyping"]


def test_death_within_30_days_counts_from_hospital_admission():
    """In time to the minute, late, alive, admission unknown (from the unit's), death at an unknown time."""
    admitted, unit = datetime(2001, 6, 1), datetime(2001, 6, 2)
    ends = [datetime(2001, 7, 1), datetime(2001, 7, 1, 0, 1), datetime(2001, 7, 1), datetime(2001, 7, 2), None]
    stays = pl.DataFrame(
        {
            "start": [unit] * 5,
            "hospital_start": [admitted, admitted, admitted, None, admitted],
            "hospital_end": ends,
            "died_in_hospital": [True, True, False, True, True],
        }
    )
    task, soon, late = TASKS["mortality_30d"], pl.lit(datetime(2001, 6, 3)), pl.lit(datetime(2001, 7, 1, 0, 0))
    assert stays.select(task.label(soon)).to_series().to_list() == [1.0, 0.0, 0.0, 1.0, None]
    assert stays.select(task.label(late)).to_series().to_list() == [None, None, None, 1.0, None], "the days are over"


def test_only_what_is_left_of_the_stay_falls():
    assert {name for name, task in TASKS.items() if task.falls} == {"los_remaining"}
    for name, task in TASKS.items():
        if task.labels:
            continue
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
    with pytest.raises(
        UsageError,
        match=r"no task 'death'. There are: mortality, mortality_icu, .*los_icu",
    ):
        find_task("death")
