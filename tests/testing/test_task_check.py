"""`check_task`: the built-in tasks fit, and each planted fault is named by its own requirement."""

from collections.abc import Callable
from typing import Any, Final

import polars as pl
import pytest

from wardround.tasks import cohort
from wardround.tasks.task import TASKS, Task, hours_between
from wardround.testing import CheckFailed, check_task
from wardround.testing.task_check import REQUIREMENTS


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_a_built_in_task_fits(task: Task):
    check_task(task)


DIED: Final = pl.col("died_in_unit").cast(pl.Float64)
HOURS: Final = pl.col("los_h").cast(pl.Float64)


def left(at: pl.Expr) -> pl.Expr:
    return hours_between(pl.col("end"), at)


def task(label: Callable[[pl.Expr], pl.Expr], kind: Any = "binary", falls: bool = False, **more: Any) -> Task:
    return Task(**{"name": "faulty", "kind": kind, "label": label, "falls": falls, "summary": "a fault; not"} | more)


FAULTS: Final[dict[str, tuple[Task, str]]] = {
    "a name with spaces": (task(lambda _: DIED, name="My Task"), "described"),
    "no summary": (task(lambda _: DIED, summary=""), "described"),
    "counts what was recorded": (task(lambda _: (pl.col("n_events") > 10).cast(pl.Float64)), "stays alone"),
    "a column that there is not": (task(lambda _: pl.col("sofa")), "stays alone"),
    "booleans": (task(lambda _: pl.col("died_in_unit")), "values"),
    "hours that are called yes or no": (task(lambda _: HOURS), "values"),
    "NaN for no label": (task(lambda _: pl.when(DIED > 0).then(HOURS).otherwise(float("nan")), "hours"), "values"),
    "all the same": (task(lambda _: DIED * 0), "values"),
    "one for all": (task(lambda _: DIED.sum()), "values"),
    "longer than the mean": (task(lambda _: (HOURS.mean() < HOURS).cast(pl.Float64)), "each its own"),
    "than the stay before": (task(lambda _: (HOURS - HOURS.shift(1)).fill_null(0), "hours"), "each its own"),
    "hours that do not fall": (task(lambda _: HOURS, "hours", True), "falls"),
    "yes or no that falls": (task(lambda _: DIED, falls=True), "falls"),
    "a probability that began": (task(lambda _: DIED, began="start"), "began"),
    "hours that are left and began": (task(left, "hours", True, began="start"), "began"),
    "hours that began and move": (task(left, "hours", began="start"), "began"),
    "hours that began at their end": (task(lambda _: HOURS, "hours", began="end"), "began"),
    "published risk of another outcome": (task(lambda _: DIED, published_risk=True), "published risk"),
}  # fmt: skip


def test_tasks_of_our_own_fit():
    """Negative controls of the faults."""
    check_task(task(lambda _: DIED))
    check_task(task(left, "hours", True))
    soon = task(lambda at: (hours_between(pl.col("end"), at) < 48).cast(pl.Float64))
    check_task(soon)
    check_task(task(lambda _: HOURS, "hours", began="hospital_start"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str):
    faulty, requirement = FAULTS[fault]
    with pytest.raises(CheckFailed, match=f"does not fulfil '{requirement}'") as found:
        check_task(faulty)
    assert found.value.requirement == requirement


@pytest.mark.parametrize(("planted", "requirement"), [("_rules", "at risk"), ("_counts", "counts")])
def test_a_fault_of_the_cohort_is_named(monkeypatch: pytest.MonkeyPatch, planted: str, requirement: str):
    """A task has no say in who is asked: planted in the cohort rule."""
    if planted == "_rules":
        monkeypatch.setattr(cohort, "_rules", lambda *_: [])
    else:
        from wardround.testing import task_check

        sound = task_check.cohort

        def lossy(*arguments: Any) -> cohort.Cohort:
            made = sound(*arguments)
            return cohort.Cohort(made.frame[1:], made.excluded, made.window)

        monkeypatch.setattr(task_check, "cohort", lossy)
    with pytest.raises(CheckFailed) as found:
        check_task(task(lambda _: DIED))
    assert found.value.requirement == requirement


def test_every_requirement_has_a_fault():
    told = {requirement for _, requirement in FAULTS.values()} | {"at risk", "counts"}
    assert told == {one.name for one in REQUIREMENTS}
