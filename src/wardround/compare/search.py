"""A search of settings within a stated budget, judged on the validation side alone, that goes on where it was.

The first trial is the settings as they stand, so that a search chooses nothing that validation calls worse than leaving
them; the others are proposed by the tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) as optuna has it.
Every trial is written down when it ends:

    trials.json     {"trials": [{"number", "settings", "value" (null where it failed), "reason", "seconds"}]}

and the study is made anew from what is written before each trial, with a sampler seeded by the search and the trial's
number. So a search that was killed proposes what it would have proposed. Nothing is pickled; no database is kept.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from wardround import files
from wardround.compare.spaces import Choice, Range, Space
from wardround.compare.toml_table import as_text
from wardround.errors import RunError, StorageError, UsageError, WardroundError
from wardround.stopping import Stopped

TRIALS: Final = "trials.json"


@dataclass(frozen=True)
class Budget:
    """What a search may spend: trials, and seconds after which no further one begins."""

    trials: int
    seconds: float | None = None


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        settings: `KEY=VALUE` of the best trial.
        value: of the objective, on validation.
        trials, failed: how many ended, and how many of those without a value.
        seconds: that they took together.
    """

    settings: tuple[str, ...]
    value: float
    trials: int
    failed: int
    seconds: float


def require_optuna() -> None:
    """Raises `UsageError` naming the extra where optuna is not installed."""
    if find_spec("optuna") is None:
        raise UsageError("[search] needs optuna: pip install 'wardround[search]'. Or leave [search] out of the recipe.")


def search(
    folder: Path,
    space: Space,
    budget: Budget,
    maximise: bool,
    seed: int,
    judge: Callable[[int, tuple[str, ...]], float],
    ended: Callable[[int], None] = lambda _: None,
    first: Mapping[str, Any] | None = None,
) -> Found:
    """Search, or go on with a search.

    Args:
        folder: where `trials.json` lies.
        space: full path of a setting -> what is tried.
        budget: how much.
        maximise: whether a larger value is better.
        seed: of the proposals.
        judge: number of the trial and its `KEY=VALUE` -> value on validation; a `WardroundError` is a failed trial.
        ended: called with how many trials have ended, after each.
        first: the settings of the first trial, all that are in the space; None has it proposed like the others.

    Raises:
        RunError: where no trial gave a value, or `trials.json` is of another search.
        Stopped: after SIGTERM; the same call goes on.
        StorageError: if the disk refuses.
    """
    trials = read_trials(folder)
    while len(trials) < budget.trials and not _is_late(trials, budget):
        number = len(trials)
        params = dict(first) if first and number == 0 else _propose(trials, space, maximise, seed)
        settings = as_assignments(params)
        begun = time.monotonic()
        value, reason = None, ""
        try:
            value = judge(number, settings)
        except (Stopped, StorageError):
            raise
        except WardroundError as error:
            reason = str(error)
        trial = {"number": number, "params": params, "settings": list(settings), "value": value, "reason": reason}
        trials.append({**trial, "seconds": round(time.monotonic() - begun, 3)})
        files.write_json(folder / TRIALS, {"trials": trials})
        ended(len(trials))
    return best(trials, maximise)


def read_trials(folder: Path) -> list[dict[str, Any]]:
    """The trials that ended, none where there was none. Raises `RunError` where the file is torn."""
    path = folder / TRIALS
    return files.read_json(path, RunError)["trials"] if path.is_file() else []


def best(trials: list[dict[str, Any]], maximise: bool) -> Found:
    """The best trial, the first of equals. Raises `RunError` where none has a value."""
    valued = [trial for trial in trials if trial["value"] is not None]
    if not valued:
        reasons = {trial["reason"] for trial in trials}
        raise RunError(f"all {len(trials)} trials failed: {'; '.join(sorted(reasons)[:3])}")
    sign = -1.0 if maximise else 1.0
    first = min(valued, key=lambda trial: (sign * trial["value"], trial["number"]))
    seconds = sum(trial["seconds"] for trial in trials)
    return Found(tuple(first["settings"]), first["value"], len(trials), len(trials) - len(valued), seconds)


def as_assignments(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Settings as `--set` takes them: a number to its last digit, so that it is the one that was proposed."""
    return tuple(f"{path}={as_text(value)}" for path, value in params.items())


def _is_late(trials: list[dict[str, Any]], budget: Budget) -> bool:
    return budget.seconds is not None and sum(trial["seconds"] for trial in trials) >= budget.seconds


def _propose(trials: list[dict[str, Any]], space: Space, maximise: bool, seed: int) -> dict[str, Any]:
    """The settings of the next trial: of the trials before it, the space and the seed alone."""
    import optuna  # late: an extra, and slow to import

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {path: _distribution(values) for path, values in space.items()}
    sampler = optuna.samplers.TPESampler(seed=int(files.hash_of([seed, len(trials)])[:8], 16))
    study = optuna.create_study(direction="maximize" if maximise else "minimize", sampler=sampler)
    states = optuna.trial.TrialState
    for trial in trials:
        if set(trial["params"]) != set(space):
            raise RunError("trials.json is of a search of other settings. Delete its folder.")
        failed = trial["value"] is None
        study.add_trial(
            optuna.trial.create_trial(
                params=trial["params"],
                distributions=distributions,
                value=None if failed else trial["value"],
                state=states.FAIL if failed else states.COMPLETE,
            )
        )
    return dict(study.ask(distributions).params)


def _distribution(values: Range | Choice) -> Any:
    from optuna import distributions as of

    if isinstance(values, Choice):
        return of.CategoricalDistribution(list(values.values))
    if values.whole:
        return of.IntDistribution(int(values.low), int(values.high), log=values.log)
    return of.FloatDistribution(float(values.low), float(values.high), log=values.log)
