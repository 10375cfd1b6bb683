"""`--set KEY=VALUE` into frozen dataclasses, and these into JSON and back."""

import json
from dataclasses import dataclass, field
from typing import Literal

import pytest

from wardround.errors import RunError, UsageError
from wardround.settings import as_json, find_key, flatten, from_json, override


@dataclass(frozen=True)
class Loop:
    """How to train."""

    epochs: int = 10
    rate: float = 0.1
    every: int | None = None
    mode: Literal["min", "max"] = "min"


@dataclass(frozen=True)
class Model:
    """What to train."""

    width: int = 8
    rate: float = 0.5
    frozen: bool = False
    names: tuple[str, ...] = ("a", "b")

    def __post_init__(self) -> None:
        if self.width < 1:
            raise UsageError(f"width must be 1 or more, got {self.width}")


@dataclass(frozen=True)
class Settings:
    """Both."""

    loop: Loop = field(default_factory=Loop)
    model: Model = field(default_factory=Model)
    seed: int = 0


FLAT = {
    "loop.epochs": 10,
    "loop.rate": 0.1,
    "loop.every": None,
    "loop.mode": "min",
    "model.width": 8,
    "model.rate": 0.5,
    "model.frozen": False,
    "model.names": ("a", "b"),
    "seed": 0,
}


def test_leaves_by_their_dotted_paths():
    assert flatten(Settings()) == FLAT


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("loop.epochs=3", "loop.epochs", 3),
        ("epochs=3", "loop.epochs", 3),
        (" epochs = 3 ", "loop.epochs", 3),
        ("loop.rate=1e-3", "loop.rate", 1e-3),
        ("seed=-1", "seed", -1),
        ("every=5", "loop.every", 5),
        ("every=none", "loop.every", None),
        ("mode=max", "loop.mode", "max"),
        ("frozen=True", "model.frozen", True),
        ("frozen=false", "model.frozen", False),
        ("names=x, y,", "model.names", ("x", "y")),
        ("names=", "model.names", ()),
        ("names=a=b", "model.names", ("a=b",)),
    ],
)
def test_an_assignment_changes_one_leaf(assignment, path, value):
    assert flatten(override(Settings(), [assignment])) == FLAT | {path: value}


def test_the_last_assignment_wins_and_the_first_settings_stay():
    before = Settings()
    assert override(before, ["seed=1", "seed=2"]).seed == 2
    assert before == Settings()


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("epochs", r"--set epochs: give KEY=VALUE\."),
        ("epoch=3", r"no setting 'epoch'\. There are: loop\.epochs, loop\.rate"),
        ("pochs=3", "no setting 'pochs'"),
        ("rate=3", r"setting 'rate' could be any of: loop\.rate, model\.rate\."),
        ("epochs=many", "--set epochs=many: a value of type int is expected"),
        ("epochs=1.5", "--set epochs=1.5: a value of type int"),
        ("every=soon", "a value of type int"),
        ("loop.rate=nan", "--set loop.rate=nan: a value of type float is expected"),
        ("loop.rate=inf", "--set loop.rate=inf: a value of type float is expected"),
        ("mode=best", r"--set mode=best: one of min, max\."),
        ("frozen=1", r"--set frozen=1: true or false\."),
        ("width=0", "width must be 1 or more, got 0"),
        ("loop=3", "no setting 'loop'"),
    ],
)
def test_an_assignment_that_does_not_fit(assignment, message):
    with pytest.raises(UsageError, match=message):
        override(Settings(), [assignment])


def test_a_key_is_its_path_or_a_unique_ending():
    assert [find_key(Settings(), key) for key in ("seed", "width", "model.rate")] == [
        "seed",
        "model.width",
        "model.rate",
    ]


def test_a_full_path_wins_over_the_ending_of_another():
    @dataclass(frozen=True)
    class Both:
        loop: Loop = field(default_factory=Loop)
        epochs: int = 1

    assert find_key(Both(), "epochs") == "epochs"


def test_json_and_back():
    changed = override(Settings(), ["names=", "every=4", "mode=max"])
    for settings in (Settings(), changed):
        text = json.dumps(as_json(settings))
        assert from_json(Settings, json.loads(text)) == settings
    assert as_json(Settings())["model"]["names"] == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 0, "loop": as_json(Loop())}, r"settings do not fit Settings of this version: model\. Train again"),
        (as_json(Settings()) | {"old": 1}, "do not fit Settings of this version: old"),
        (as_json(Settings()) | {"model": {"width": 3}}, "do not fit Model of this version: frozen, names, rate"),
        (
            as_json(Settings()) | {"model": as_json(Model()) | {"width": 0}},
            "settings are refused: width must be 1 or more",
        ),
    ],
)
def test_settings_of_another_version_are_refused(change, message):
    with pytest.raises(RunError, match=message):
        from_json(Settings, change)
