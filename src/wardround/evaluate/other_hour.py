"""A run that is asked at an hour which it did not learn to answer at: it meets states that it has not seen, and its
threshold was chosen at its own hour.

Methods that read a stay event by event or hour by hour judge at every hour up to their own: only a later one is another
to them. A score as the data store it is fitted to no hour; the points of one that is made of events are.
"""

from collections.abc import Iterable
from typing import Any

from wardround.methods.registry import Method, find_method
from wardround.methods.scores import ROWS, STORED, ScoreSettings
from wardround.tasks.cohort import hour_asked
from wardround.tasks.task import find_task
from wardround.train.run_folder import Run


def trained_for(run: Run, at_h: float | None) -> dict[str, Any]:
    """`trained_at_h` (hours, None for the end of the stay) where `at_h` is an hour that the run did not learn to answer
    at; else nothing."""
    own = run.plan.window.at_h
    if run.plan.task is None or at_h is None or at_h == own or _is_stored_score(run):
        return {}
    if hour_asked(find_task(run.plan.task), run.plan.window) != own:  # asked at discharge
        return {}
    earlier = own is None or at_h < own
    return {} if earlier and _judges_on_the_way(run.plan.method) else {"trained_at_h": own}


def _is_stored_score(run: Run) -> bool:
    settings = run.plan.settings
    return run.plan.method == "score" and (not isinstance(settings, ScoreSettings) or settings.of == STORED)


def _judges_on_the_way(name: str) -> bool:
    if name in ROWS:
        return False
    method = find_method(name)
    return isinstance(method, Method) and method.shape in ("sequence", "grid")


def trained_words(trained_at_h: float | None, *at_h: float) -> str:
    """`Trained for hour 12, asked at hour 24`, or `at hours 24, 48`."""
    own = "the end of the stay" if trained_at_h is None else f"hour {trained_at_h:g}"
    hours = ", ".join(f"{hour:g}" for hour in at_h)
    return f"Trained for {own}, asked at hour{'s' if len(at_h) > 1 else ''} {hours}"


ADVICE = (
    "The model meets states that it did not learn from, and its threshold was chosen at its own hour. Train a run for "
    "this hour to know how well the method answers at it."
)
"""What it means, and what to do."""


def hour_lines(run: Run, hours: Iterable[float | None]) -> list[str]:
    """For the terminal: a line for each hour that the run did not learn to answer at."""
    found = [(trained_for(run, hour), hour) for hour in hours]
    return [f"{trained_words(own['trained_at_h'], hour)}. {ADVICE}" for own, hour in found if own and hour is not None]
