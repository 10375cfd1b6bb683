"""A search goes on where it was, keeps to its budget, and leaves no number out."""

import json
from pathlib import Path

import pytest

from wardround.compare import search as module
from wardround.compare.search import TRIALS, Budget, as_assignments, best, require_optuna, search
from wardround.compare.spaces import Choice, Range
from wardround.errors import RunError, UsageError
from wardround.stopping import Stopped

SPACE = {"model.l2": Range(0.01, 10.0, log=True), "model.leaves": Range(2, 40), "model.kind": Choice(("a", "b"))}
TRIAL_COUNT = 14
"""More than the ten that the sampler draws blindly before it looks at any value."""


def value(number: int, settings: tuple[str, ...]) -> float:
    chosen = dict(one.split("=") for one in settings)
    if chosen["model.kind"] == "b" and int(chosen["model.leaves"]) < 8:
        raise RunError("it diverged")
    return (float(chosen["model.l2"]) - 1) ** 2 + (int(chosen["model.leaves"]) - 20) ** 2 / 100


def trials(folder: Path) -> list[dict]:
    return [{**one, "seconds": 0} for one in json.loads((folder / TRIALS).read_text())["trials"]]


def run(folder: Path, count: int = TRIAL_COUNT, judge=value, seed: int = 0, seconds: float | None = None):
    return search(folder, SPACE, Budget(count, seconds), False, seed, judge)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return folder


@pytest.mark.parametrize("kill_at", [0, 1, 7, 11, 13])
def test_a_search_that_was_killed_proposes_what_it_would_have(whole: Path, tmp_path: Path, kill_at: int):
    class Killed(BaseException):
        pass

    def deadly(number: int, settings: tuple[str, ...]) -> float:
        if number == kill_at:
            raise Killed
        return value(number, settings)

    with pytest.raises(Killed):
        run(tmp_path, judge=deadly)
    assert kill_at == 0 or len(trials(tmp_path)) == kill_at
    found = run(tmp_path)
    assert trials(tmp_path) == trials(whole)
    assert found.settings == best(trials(whole), maximise=False).settings


def test_what_came_before_decides_and_so_does_the_seed(whole: Path, tmp_path: Path):
    """Control: with other values, or another seed, later proposals are others."""
    run(tmp_path / "other", judge=lambda number, settings: -float(number))
    assert [one["params"] for one in trials(tmp_path / "other")] != [one["params"] for one in trials(whole)]
    assert trials(tmp_path / "other")[0]["params"] == trials(whole)[0]["params"]
    run(tmp_path / "seed", 1, seed=1)
    assert trials(tmp_path / "seed")[0]["params"] != trials(whole)[0]["params"]


def test_a_search_finds_more_than_its_first_guesses(whole: Path):
    values = [one["value"] for one in trials(whole) if one["value"] is not None]
    assert best(trials(whole), maximise=False).value == min(values)
    assert best(trials(whole), maximise=True).value == max(values)


def test_the_first_trial_is_what_stands_and_the_others_know_it(tmp_path: Path):
    """Even where it fails."""
    stands = {"model.l2": 1.25, "model.leaves": 20, "model.kind": "a"}
    found = search(tmp_path / "good", SPACE, Budget(5), False, 0, value, first=stands)
    assert trials(tmp_path / "good")[0]["params"] == stands
    assert found.value <= value(0, tuple(trials(tmp_path / "good")[0]["settings"]))
    search(tmp_path / "bad", SPACE, Budget(2), False, 0, value, first={**stands, "model.kind": "b", "model.leaves": 4})
    assert [one["value"] is None for one in trials(tmp_path / "bad")] == [True, False]


def test_a_failed_trial_counts_and_is_said(whole: Path):
    failed = [one for one in trials(whole) if one["value"] is None]
    assert failed
    assert {one["reason"] for one in failed} == {"it diverged"}
    found = best(trials(whole), maximise=False)
    assert (found.trials, found.failed) == (TRIAL_COUNT, len(failed))


def test_where_all_fail_there_is_no_answer(tmp_path: Path):
    def refuse(number: int, settings: tuple[str, ...]) -> float:
        raise RunError("no stay is left")

    with pytest.raises(RunError, match="all 3 trials failed: no stay is left"):
        run(tmp_path, 3, refuse)


def test_a_stop_is_no_failed_trial(tmp_path: Path):
    def stopped(number: int, settings: tuple[str, ...]) -> float:
        raise Stopped("as asked")

    with pytest.raises(Stopped):
        run(tmp_path, 3, stopped)
    assert not (tmp_path / TRIALS).exists()


def test_a_larger_budget_goes_on_and_none_is_left_does_nothing(tmp_path: Path, whole: Path):
    run(tmp_path, 5)
    run(tmp_path, TRIAL_COUNT)
    assert trials(tmp_path) == trials(whole)

    def never(number: int, settings: tuple[str, ...]) -> float:
        raise AssertionError("the budget is spent")

    assert run(tmp_path, TRIAL_COUNT, never).trials == TRIAL_COUNT


def test_no_trial_begins_after_the_time_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    assert run(tmp_path, 9, lambda number, settings: 0.0, seconds=25.0).trials == 3


def test_a_number_reaches_training_to_its_last_digit():
    third = 1 / 3
    (text,) = as_assignments({"model.l2": third})
    assert float(text.partition("=")[2]) == third
    assert as_assignments({"a": True, "b": 3, "c": "x"}) == ("a=true", "b=3", "c=x")


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    require_optuna()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'wardround\[search\]'"):
        require_optuna()


def test_trials_of_another_search_are_refused(tmp_path: Path):
    run(tmp_path, 1)
    with pytest.raises(RunError, match="of other settings"):
        search(tmp_path, {"model.l2": SPACE["model.l2"]}, Budget(2), False, 0, value)
