"""Runs and evaluations held against each other, and runs against the data that they are asked of, before any is asked:
what an evaluation would be refused for is said at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from wardround import files
from wardround.compare.against_data import said_of
from wardround.compare.existing import Existing
from wardround.errors import RunError, UsageError
from wardround.evaluate.answer import members_asked
from wardround.methods.scores import ScoreSettings
from wardround.tasks.cohort import hour_asked
from wardround.tasks.task import find_task
from wardround.train.data import open_data
from wardround.train.readable import refuse_unreadable
from wardround.train.run_folder import Run, open_run
from wardround.train.scored_stays import refuse_none_scored, scored_stays

SAME: Final = {"task": "--task", "protocol": "--protocol", "at_h": "--at-h"}
"""What runs and evaluations must have in common, and the option that decides it."""


def check_runs(existing: Existing, quiet: bool = True) -> None:
    """Hold what is compared against each other and the data.

    Args:
        existing: the folders.
        quiet: no progress on stderr while the data are opened.

    Raises:
        RunError: where a run cannot be opened.
        UsageError: where one predicts nothing, tasks, protocols or hours differ, or nobody is on the side that is
            asked.
        DataError: where the data cannot be asked the task, or have no score that is asked of them or nothing that a run
            reads.
    """
    runs = {name: open_run(folder) for name, folder in existing.folders.items() if existing.kind(name) == "run"}
    about = {
        name: _about(runs[name]) if name in runs else files.read_json(folder / "metrics.json", RunError)
        for name, folder in existing.folders.items()
    }
    _check_same(about, existing.rows[existing.against][0])
    if runs and existing.data is not None:
        _check_data(existing, existing.data, runs, quiet)


def _about(run: Run) -> dict[str, Any]:
    """What its evaluation will say of itself. Raises `UsageError` where there can be none to compare."""
    if run.plan.command != "train" or run.plan.task is None:
        raise UsageError(f"{run.folder} is a pretraining: it predicts nothing. Give what `wardround train` wrote.")
    at_h = hour_asked(find_task(run.plan.task), run.plan.window)
    return {"task": run.plan.task, "protocol": run.plan.window.protocol, "at_h": at_h}


def _check_same(about: Mapping[str, Any], against: str) -> None:
    """Raises `UsageError` naming what differs."""
    for name, found in about.items():
        if found.get("task") is None:
            raise UsageError(f"{name} is the evaluation of a pretraining: it predicts nothing.")
    for key, option in SAME.items():
        theirs = about[against][key]
        for name, found in about.items():
            if found[key] != theirs:
                raise UsageError(
                    f"{name} has {option} {found[key]}, {against} has {theirs}: they answer different questions. "
                    "Compare runs of one task, protocol and hour."
                )


def _check_data(existing: Existing, folder: Path, runs: Mapping[str, Run], quiet: bool) -> None:
    """Whether each run can be asked: all are of one task, protocol and hour."""
    plan = next(iter(runs.values())).plan
    task = find_task(plan.task or "")
    data = open_data(folder, plan.window, quiet)
    with said_of(f"{task.name} on {data.folder}"):
        chosen = data.cohort(task, quiet=quiet)
    for name, run in runs.items():
        with said_of(name):
            question = existing.question(run.data_hash, data.hash)
            members = members_asked(run, chosen, question)
            refuse_unreadable(run, data, task.hides)
            settings = run.plan.settings
            if run.plan.method == "score" and isinstance(settings, ScoreSettings | None):
                have = scored_stays(data, chosen, task, settings, [members], quiet)
                refuse_none_scored(have[members], f"{data.folder}", plan.window, settings)
