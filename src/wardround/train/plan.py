"""What a run is: everything that decides its weights, as one frozen value that lies in the run folder as
`settings.json`."""

from dataclasses import dataclass, field, make_dataclass
from typing import Any, Literal

from wardround.batches.store import InputSettings
from wardround.errors import RunError, UsageError
from wardround.methods.alignment import AlignmentSettings
from wardround.methods.registry import Method
from wardround.models.modality_encoder import EncoderSettings
from wardround.models.tabular import check_widths
from wardround.settings import as_json, from_json
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train.settings import LoopSettings


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
        inputs: what the model sees; that of `--encoders` where given.
        model: the method's own settings.
        alignment: the loss the encoders were made for; only names their shape here.
        loop: the training loop.
    """

    inputs: InputSettings
    model: Any
    alignment: AlignmentSettings
    loop: LoopSettings

    @classmethod
    def default(cls, method: Method) -> "TrainSettings":
        """The defaults of a method. The validation loss decides when to stop: with few deaths an AUROC is decided by
        one of them."""
        loop = LoopSettings(learning_rate=3e-4, weight_decay=1e-2, epochs=100, patience=10)
        return cls(InputSettings(), method.settings(), AlignmentSettings(), loop)

    @staticmethod
    def of(method: Method) -> type:
        """The class with the method's own settings in place, which reads them back from JSON."""
        return make_dataclass(
            "TrainSettings",
            [
                ("inputs", InputSettings),
                ("model", method.settings),
                ("alignment", AlignmentSettings),
                ("loop", LoopSettings),
            ],
            bases=(TrainSettings,),
            frozen=True,
        )


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
            "at_h": self.window.at_h,
            "split": {
                "seed": self.split.seed,
                "fold": None if self.split.fold is None else f"{self.split.fold[0]}/{self.split.fold[1]}",
                "by": self.split.by,
                "pretrain_on": self.split.pretrain_on,
            },
            "encoders": self.encoders,
            "settings": None if self.settings is None else as_json(self.settings),
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any], settings_class: type | None) -> "Plan":
        """The plan of a run folder.

        Raises:
            RunError: where a part is missing, unknown, or does not fit this version.
        """
        try:
            split = values["split"]
            fold = None if split["fold"] is None else tuple(int(part) for part in split["fold"].split("/"))
            plan = cls(
                command=values["command"],
                method=values["method"],
                task=values["task"],
                window=Window(values["protocol"], values["at_h"]),
                split=SplitPlan(split["seed"], fold, split["by"], split["pretrain_on"]),  # type: ignore[arg-type]
                encoders=values["encoders"],
                settings=None if settings_class is None else from_json(settings_class, values["settings"]),
                seed=values["seed"],
            )
        except (KeyError, TypeError, AttributeError, ValueError, UsageError) as error:
            raise RunError("settings.json of the run lacks a part: it is of another version. Train again.") from error
        if plan.as_json() != values:
            raise RunError("settings.json of the run says more than this version knows. Update wardround.")
        return plan
