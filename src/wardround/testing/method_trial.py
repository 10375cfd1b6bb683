"""A method tried out on toy data: trained small through the product's own door, asked through the same one."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from wardround.batches.stay_table import stay_table
from wardround.batches.store import event_store, fit_featuriser
from wardround.errors import UsageError
from wardround.methods.registry import FittedMethod, Method, build_embedder
from wardround.methods.target import Target
from wardround.settings import override
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.tasks.task import find_task
from wardround.testing.toy_data import telling_data, two_futures
from wardround.train.cases import Cases
from wardround.train.data import bin_edges, open_data, row_shapes
from wardround.train.plan import FitSettings, TrainSettings
from wardround.train.predict import SHAPES, Predictions, predict_cases, predict_table
from wardround.train.run_folder import Run, open_run
from wardround.train.supervised import train

LOOP: Final = (
    "loop.epochs=6",
    "loop.learning_rate=5e-3",
    "loop.precision=fp32",
    "loop.checkpoint_every_steps=4",
)
SMALL_BATCHES: Final = ("model.batch_size=16", "model.budget=256")
"""More steps an epoch, for what a method has of these settings."""
KILL_AT: Final = 10


class Untrained(NamedTuple):
    """A model before its first step, the stays that it is to learn from, and a batch of them without labels."""

    model: nn.Module
    cases: Cases
    batch: Any


class _Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


@dataclass(frozen=True)
class MethodTrial:
    """A method under trial; it is to be lent to the registry meanwhile.

    Attributes:
        method: what a package offers.
        folder: for data and runs.
        assignments: `KEY=VALUE` of `--set` for every training.
        runs, trained: what was trained so far, by name; the models as the training left them.
    """

    method: Method | FittedMethod
    folder: Path
    assignments: tuple[str, ...] = ()
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    trained: dict[str, nn.Module] = field(default_factory=dict[str, nn.Module])

    @cached_property
    def data(self) -> Path:
        """Where every modality tells the outcome."""
        return telling_data(self.folder / "data")

    @cached_property
    def futures(self) -> tuple[Path, Path]:
        """The same stays with two futures."""
        return two_futures(self.folder / "futures")

    @property
    def defaults(self) -> TrainSettings | FitSettings:
        """The settings that `--set` changes."""
        if isinstance(self.method, FittedMethod):
            return FitSettings.default(self.method)
        return TrainSettings.default(self.method)

    @property
    def small(self) -> tuple[str, ...]:
        """What makes a training short."""
        if isinstance(self.method, FittedMethod):
            return self.assignments
        return (*LOOP, *(one for one in SMALL_BATCHES if self._has(one)), *self.assignments)

    def _has(self, assignment: str) -> bool:
        try:
            override(self.defaults, [assignment])
        except UsageError:
            return False
        return True

    def run(self, name: str = "first", task: str = "mortality") -> Run:
        """A training under some name, made when first asked for."""
        key = f"{name}-{task}"
        if key not in self.runs:
            self._train(self.folder / key, task, lambda model: self.trained.update({key: model}))
            self.runs[key] = open_run(self.folder / key)
        return self.runs[key]

    def resumed(self) -> Run:
        """The training once more, killed after some steps and started again. Raises `RuntimeError` where it came to its
        end before."""
        to, steps = self.folder / "resumed", count(1)

        def die(_: nn.Module) -> None:
            if next(steps) == KILL_AT:
                raise _Killed

        if isinstance(self.method, Method):
            try:
                self._train(to, "mortality", die)
            except _Killed:
                pass
            else:
                raise RuntimeError(f"`build` never made a {self.method.model.__name__}, the class that is named")
        self._train(to, "mortality", lambda _: None)
        return open_run(to)

    def _train(self, to: Path, task: str, on_step: Callable[[nn.Module], None]) -> None:
        if isinstance(self.method, FittedMethod):
            self._fit(to, task)
            return
        with _watching(self.method.model, on_step):
            self._fit(to, task)

    def _fit(self, to: Path, task: str) -> None:
        train(self.method.name, self.data, task, to, Window(), SplitPlan(), None, self.small, 1, quiet=True)

    def predictions(
        self, run: Run, folder: Path, members: np.ndarray | None = None, without: tuple[str, ...] = ()
    ) -> Predictions:
        """What a run says of the stays of a DATA folder, or of some of them.

        Args:
            run: a training.
            folder: the data.
            members: places in its cohort; None for all.
            without: modalities to leave out.
        """
        data = open_data(folder, run.plan.window, quiet=True)
        cohort = data.cohort(find_task(run.plan.task or ""))
        members = np.arange(cohort.frame.height) if members is None else members
        if isinstance(self.method, FittedMethod):
            fitted, inputs = run.fitted_model()
            table = stay_table(data.lines, cohort, inputs, without, quiet=True)
            asked = replace(
                table,
                values=table.values[members],
                observed=table.observed[members],
                passed_h=table.passed_h[members],
            )
            return predict_table(fitted, asked)
        model = run.model()
        return predict_cases(model, self.cases(run, folder, model, without), members)

    def cases(self, run: Run, folder: Path, model: nn.Module, without: tuple[str, ...] = ()) -> Cases:
        """The stays of a folder, ready for a model of the loop."""
        data = open_data(folder, run.plan.window, quiet=True)
        cohort = data.cohort(find_task(run.plan.task or ""))
        _, featuriser = run.training()
        store = event_store(data.lines, cohort, featuriser, self.shape.sequences, True, without)
        return Cases.of(data, cohort, store, model)

    def untrained(self, task: str) -> "Untrained":
        """Model and stays of a task as training begins with them. Raises `TypeError` for what is fitted whole."""
        if isinstance(self.method, FittedMethod):
            raise TypeError(f"{self.method.name} is fitted whole: it has no model before it is trained")
        settings: Any = override(self.defaults, self.small)
        data, chosen = open_data(self.data, Window(), quiet=True), find_task(task)
        cohort = data.cohort(chosen)
        featuriser = fit_featuriser(data.lines, cohort, settings.inputs, quiet=True)
        store = event_store(data.lines, cohort, featuriser, self.shape.sequences, True)
        shapes, everyone = row_shapes(featuriser), np.arange(cohort.frame.height)
        torch.manual_seed(1)
        embedder = None
        if self.method.encodes:
            encoder = settings.model.encoder
            embedder = build_embedder(shapes, encoder, bin_edges(store, everyone, shapes, encoder))
        start = Target(chosen.kind).start(torch.tensor(cohort.learned))
        model = self.method.build(shapes, embedder, chosen.learned, settings.model, start).eval()
        cases = Cases.of(data, cohort, store, model)
        return Untrained(model, cases, self._batch(settings.model, cases))

    def batch(self, run: Run, folder: Path) -> Any:
        """The first batch of a folder, without labels."""
        return self._batch(run.training()[0].model, self.cases(run, folder, run.model()))

    def _batch(self, settings: Any, cases: Cases) -> Any:
        n = cases.cohort.frame.height
        return self.shape.batches(cases, np.full(n, np.nan), np.arange(n), self.shape.size(settings), None)[0]

    @property
    def shape(self) -> Any:
        """How its models are fed. Raises `TypeError` for what is fitted whole."""
        if isinstance(self.method, FittedMethod):
            raise TypeError(f"{self.method.name} is fitted whole: it has no batches")
        return SHAPES[self.method.shape]

    def labels(self, folder: Path) -> pl.Series:
        """Who died, of the cohort at 24 h."""
        return open_data(folder, Window(), quiet=True).cohort(find_task("mortality")).frame["label"]

    def modalities(self, run: Run) -> tuple[str, ...]:
        """What a run reads."""
        return () if run.featuriser is None else tuple(run.featuriser.vocabulary.modalities)


@contextmanager
def _watching(model: type[nn.Module], on_step: Callable[[nn.Module], None]) -> Generator[None]:
    """Call `on_step` with the model before each loss."""
    own = vars(model).get("loss")
    sound: Any = next(vars(of)["loss"] for of in model.__mro__ if "loss" in vars(of))

    def watched(self: nn.Module, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        on_step(self)
        return sound(self, batch)

    patched: Any = model
    patched.loss = watched
    try:
        yield
    finally:
        if own is None:
            del patched.loss
        else:
            patched.loss = own
