"""What a run is: everything that decides its weights, as one frozen value that lies in the run folder as
`settings.json`."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from wardround.batches.stay_table import TableSettings
from wardround.batches.store import InputSettings
from wardround.errors import ExtensionError, RunError, UsageError
from wardround.methods.alignment import AlignmentSettings
from wardround.methods.registry import FittedMethod, Method
from wardround.methods.teacher import TeacherSettings
from wardround.models.checks import check_widths
from wardround.models.modality_encoder import EncoderSettings
from wardround.settings import as_json, from_json
from wardround.tasks.cohort import DEFAULT_H, Window
from wardround.tasks.splits import SplitPlan
from wardround.tasks.task import find_task
from wardround.train.settings import LoopSettings

AT_DISCHARGE: Final = "discharge"
"""When a task of the next visit is asked, as `metrics.json` says it too."""
OTHER_VERSION: Final = "settings.json of the run lacks a part: it is of another version. Train again."


@dataclass(frozen=True)
class PretrainSettings:
    """What `--set` may change in `pretrain alignment`.

    Attributes:
        inputs: what the encoders see.
        encoder: kind and size of the encoders.
        alignment: the loss.
        loop: the training loop. The paper: Adam, batch 128, 100 epochs, patience 10 on the validation
            loss, here its contrastive term.
        batch_size: stays a batch.

    Raises:
        UsageError: at construction, for a batch size below 1.
    """

    inputs: InputSettings = field(default_factory=InputSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    alignment: AlignmentSettings = field(default_factory=AlignmentSettings)
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            monitor="alignment", learning_rate=1e-3, weight_decay=1e-4, epochs=100, patience=10
        )
    )
    batch_size: int = 128

    def __post_init__(self) -> None:
        check_widths(batch_size=self.batch_size)


@dataclass(frozen=True)
class TrainSettings:
    """What `--set` may change in `train METHOD`.

    Attributes:
        inputs: what the model sees; that of `--encoders` or `--init` where given.
        model: the method's own settings, of its `settings` class.
        teacher: who helps to teach it.
        loop: the training loop.
    """

    inputs: InputSettings
    model: Any
    teacher: TeacherSettings
    loop: LoopSettings

    @classmethod
    def default(cls, method: Method) -> "TrainSettings":
        """The defaults of a method. The validation loss decides when to stop: with few deaths an AUROC is decided by
        one of them."""
        loop = LoopSettings(learning_rate=3e-4, weight_decay=1e-2, epochs=method.epochs, patience=method.patience)
        return cls(method.inputs, method.settings(), method.teacher, loop)

    @classmethod
    def from_json(cls, method: Method, values: Any) -> "TrainSettings":
        """The settings of a training of `method`, as they lie in its folder. Raises `RunError` where a setting does not
        fit, `KeyError` where a part is missing."""
        return cls(
            from_json(InputSettings, values["inputs"]),
            from_json(method.settings, values["model"]),
            from_json(TeacherSettings, values["teacher"]),
            from_json(LoopSettings, values["loop"]),
        )


@dataclass(frozen=True)
class FitSettings:
    """What `--set` may change in `train METHOD` of a method that is fitted whole.

    Attributes:
        inputs: what its table holds.
        model: the method's own settings, of its `settings` class.
    """

    inputs: TableSettings
    model: Any

    @classmethod
    def default(cls, method: FittedMethod) -> "FitSettings":
        """The defaults of a method."""
        return cls(TableSettings(), method.settings())

    @classmethod
    def from_json(cls, method: FittedMethod, values: Any) -> "FitSettings":
        """The settings of a fit of `method`, as they lie in its folder. Raises `RunError` where a setting does not fit,
        `KeyError` where a part is missing."""
        return cls(from_json(TableSettings, values["inputs"]), from_json(method.settings, values["model"]))


@dataclass(frozen=True)
class Plan:
    """A run that is to be made, or was.

    Attributes:
        command: "pretrain" or "train".
        method: "alignment", or a method's name.
        task: what is predicted; None in pretraining.
        window: protocol and prediction hour.
        split: who is on which side.
        encoders: hash of the pretraining run whose encoders are taken.
        settings: everything that `--set` may change.
        seed: of the weights and the batches.
        init: hash of the run of the same method whose weights are the first ones.
        packages: installed packages whose method, task or encoder it uses (`packages.py`); none for what is built in.

    Raises:
        UsageError: at construction, for a negative seed.
    """

    command: Literal["pretrain", "train"]
    method: str
    task: str | None
    window: Window
    split: SplitPlan
    encoders: str | None
    settings: Any
    seed: int
    init: str | None = None
    packages: tuple[dict[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: give 0 or more.")

    def as_json(self) -> dict[str, Any]:
        """The JSON of `settings.json`."""
        return {
            "command": self.command,
            "method": self.method,
            "task": self.task,
            "protocol": self.window.protocol,
            **self._asked_at(),
            "split": {
                "seed": self.split.seed,
                "fold": None if self.split.fold is None else f"{self.split.fold[0]}/{self.split.fold[1]}",
                "by": self.split.by,
                "pretrain_on": self.split.pretrain_on,
                "strata": self.split.strata,
                **({} if self.split.test else {"test": False}),
            },
            "encoders": self.encoders,
            "settings": None if self.settings is None else as_json(self.settings),
            "seed": self.seed,
            "init": self.init,
            **_learns(self.task),
            **({"packages": list(self.packages)} if self.packages else {}),
        }

    def _asked_at(self) -> dict[str, Any]:
        """The hour of the predictions. A task that is asked at discharge has none; that of the window, which the causal
        protocol cannot be without, then decides nothing."""
        with suppress(UsageError, ExtensionError):  # of a package that is not here: whoever needs it is told
            if self.task is not None and find_task(self.task).next_visit:
                at_h = None if self.window.protocol == "causal" else self.window.at_h
                return {"at_h": at_h, "asked_at": AT_DISCHARGE}
        return {"at_h": self.window.at_h}

    @classmethod
    def from_json(cls, values: dict[str, Any], read_settings: Callable[[Any], Any] | None) -> "Plan":
        """The plan of a run folder.

        Args:
            values: its `settings.json`.
            read_settings: JSON -> the settings of its kind of run; None for rows, which have none.

        Raises:
            RunError: where a part is missing, unknown, or does not fit this version.
        """
        try:
            split, at_h = values["split"], values["at_h"]
            if values.get("asked_at") == AT_DISCHARGE and values["protocol"] == "causal":
                at_h = DEFAULT_H
            fold = None if split["fold"] is None else _fold(split["fold"])
            plan = cls(
                command=values["command"],
                method=values["method"],
                task=values["task"],
                window=Window(values["protocol"], at_h),
                split=SplitPlan(
                    split["seed"], fold, split["by"], split["pretrain_on"], split["strata"], split.get("test", True)
                ),
                encoders=values["encoders"],
                settings=None if read_settings is None else read_settings(values["settings"]),
                seed=values["seed"],
                init=values["init"],
                packages=tuple(values.get("packages", ())),
            )
        except (KeyError, TypeError, AttributeError, ValueError, UsageError) as error:
            raise RunError(OTHER_VERSION) from error
        if _learns(plan.task).keys() - values.keys():
            raise RunError(OTHER_VERSION)
        if plan.as_json() != values:
            raise RunError("settings.json of the run says more than this version knows. Update wardround.")
        return plan


def _learns(task: str | None) -> dict[str, str]:
    """What is learned of a duration that began before it is asked: a run of an earlier version learned all of it."""
    with suppress(UsageError, ExtensionError):  # of a package that is not here: whoever needs it is told
        return {"learns": "hours that are left"} if task and find_task(task).began else {}
    return {}


def _fold(text: str) -> tuple[int, int]:
    k, _, n = text.partition("/")
    return int(k), int(n)
