"""What a training takes from finished runs: aligned encoders (`--encoders`), or first weights (`--init`)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from wardround.batches.store import Featuriser, InputSettings
from wardround.errors import UsageError
from wardround.methods.registry import Method
from wardround.settings import override
from wardround.tasks.cohort import Window
from wardround.tasks.task import Task, find_task
from wardround.train.data import OpenData
from wardround.train.plan import PretrainSettings, TrainSettings
from wardround.train.readable import refuse_unreadable
from wardround.train.run_folder import Run, open_run

NOT_TOLD: Final = "no check of test patients can find them, and numbers may be too good"


@dataclass(frozen=True)
class Brought:
    """At most one run that a training stands on.

    Attributes:
        encoders: a pretraining, whose inputs, encoders and tokens are taken.
        init: a training of the same method, whose inputs, settings of the model and weights are taken.
    """

    encoders: Run | None = None
    init: Run | None = None

    @classmethod
    def of(cls, method: Method, task: Task, encoders: Path | None, init: Path | None) -> "Brought":
        """Open the run that was asked for.

        Raises:
            RunError: where it cannot be opened, or is of the wrong kind.
            UsageError: for both at once, encoders for a method that has none, or an `init` of another method or another
                kind of task.
        """
        if encoders is not None and init is not None:
            raise UsageError("--init brings the encoders of its run with it: leave --encoders out.")
        if encoders is not None and not method.encodes:
            raise UsageError(f"{method.name} has no encoders: leave --encoders out.")
        made = cls(None if encoders is None else open_run(encoders), None if init is None else open_run(init))
        if made.encoders is not None:
            made.encoders.pretraining()
        if made.init is not None:
            _check_kind(made.init, method, task)
        return made

    @property
    def runs(self) -> tuple[Run, ...]:
        """The run that is there, or none."""
        return tuple(run for run in (self.encoders, self.init) if run is not None)

    @property
    def featuriser(self) -> Featuriser | None:
        """The fitted inputs that come with it."""
        if self.encoders is not None:
            return self.encoders.pretraining()[1]
        return None if self.init is None else self.init.training()[1]

    def settings(self, method: Method, assignments: Sequence[str]) -> TrainSettings:
        """Defaults, then what the run brings, then `--set`.

        Raises:
            UsageError: where `--set` changes what comes with the run. Beside aligned encoders the summaries may differ,
                one for one: the paper sums laboratory values to pretrain and averages them for the static models.
        """
        settings = TrainSettings.default(method)
        if self.encoders is not None:
            brought, featuriser = self.encoders.pretraining()
            changed = settings_beside(method, brought, assignments)
            check_widths(changed.inputs, featuriser)
            return changed
        if self.init is not None:
            brought, _ = self.init.training()
            changed = override(replace(settings, inputs=brought.inputs, model=brought.model), assignments)
            if changed.inputs != brought.inputs or (method.encodes and changed.model.encoder != brought.model.encoder):
                raise UsageError("inputs and encoder come with --init: set them where that run was trained.")
            return changed
        return override(settings, assignments)

    def check(
        self, window: Window, data: OpenData, splits: pl.DataFrame, notes: list[str], hides: Collection[str] = ()
    ) -> None:
        """Refuse a run of another protocol, that reads nothing of the data, or that learned from a patient who is
        tested by `splits`; note what differs.

        Args:
            window: of this training.
            data: what is trained on.
            splits: of these data.
            notes: sentences for the person; added to.
            hides: modalities that the task never shows.

        Raises:
            UsageError, LeakageError, DataError: saying which.
        """
        for run, what in (
            (self.encoders, "The encoders were pretrained"),
            (self.init, "The first weights were trained"),
        ):
            if run is None:
                continue
            theirs = run.plan.window
            if theirs.protocol != window.protocol:
                raise UsageError(
                    f"{what} under the {theirs.protocol} protocol, this training is {window.protocol}: "
                    "give both the same --protocol."
                )
            if theirs.at_h != window.at_h:
                notes.append(f"{what} at hour {theirs.at_h}, this training is at {window.at_h}.")
            if run.data_hash != data.hash:
                shares = any(pool.may_share(data.patients) for pool in run.learned_pools())
                also = f" It may share patients with this one, under other ids: {NOT_TOLD}." if shares else ""
                notes.append(f"{what} on other data.{also}")
            refuse_unreadable(run, data, hides)
        if self.encoders is not None:
            self.encoders.refuse_test_patients(splits, data.patients)
        if self.init is not None:
            self.init.refuse_learned_patients(splits, data.patients)


def _check_kind(init: Run, method: Method, task: Task) -> None:
    """Refuse first weights of another method, or that learned to say something else."""
    init.training()
    if init.plan.method != method.name:
        raise UsageError(
            f"--init {init.folder} is a {init.plan.method} run, this training is {method.name}: give a run of the same "
            "method."
        )
    theirs = find_task(init.plan.task or "")
    if theirs.labels != task.labels:
        raise UsageError(
            f"--init {init.folder} was trained for {theirs.name}, which has other answers than {task.name}. "
            "Give a run of the same task."
        )
    if theirs.kind != task.kind:
        says = {"binary": "a probability", "hours": "hours"}
        raise UsageError(
            f"--init {init.folder} was trained for {theirs.name} and says {says[theirs.kind]}; {task.name} asks for "
            f"{says[task.kind]}. Give a run of a task of the same kind."
        )


def settings_beside(method: Method, pretrained: PretrainSettings, assignments: Sequence[str]) -> TrainSettings:
    """Defaults, the inputs and the encoder of a pretraining, then `--set`. Raises `UsageError` where `--set` changes
    what comes with the pretraining, but for the summaries."""
    settings = TrainSettings.default(method)
    model = replace(settings.model, encoder=pretrained.encoder)
    changed = override(replace(settings, inputs=pretrained.inputs, model=model), assignments)
    if changed.model.encoder != pretrained.encoder or not _same_but_summaries(changed.inputs, pretrained.inputs):
        raise UsageError("inputs and encoder come with --encoders: set them in `wardround pretrain`.")
    return changed


def _same_but_summaries(inputs: InputSettings, brought: InputSettings) -> bool:
    return replace(inputs, content=replace(inputs.content, summaries=brought.content.summaries)) == brought


def check_widths(inputs: InputSettings, featuriser: Featuriser) -> None:
    """Refuse inputs whose rows are of another width than encoders take.

    Args:
        inputs: of a training.
        featuriser: of the pretraining.

    Raises:
        UsageError: naming the modalities.
    """
    widths = replace(featuriser, settings=inputs).widths
    unlike = [name for name, width in featuriser.widths.items() if widths[name] != width]
    if unlike:
        raise UsageError(
            f"content.summaries={','.join(inputs.content.summaries)}: rows of another width than the encoders take "
            f"({', '.join(unlike)}). Give as many summaries as in `wardround pretrain`, one for one. Of "
            "content.volumes two replace the mean: to sum there and average here, pretrain with --set volumes=."
        )
