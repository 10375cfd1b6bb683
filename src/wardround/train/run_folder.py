"""The RUN folder: written at the end of a training, read by everything after it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl
import torch
from torch import nn

import wardround
from wardround import files
from wardround.batches.features import Vocabulary
from wardround.batches.normaliser import Normaliser
from wardround.batches.stay_table import TableFeaturiser
from wardround.batches.store import Featuriser, InputSettings
from wardround.errors import LeakageError, RunError
from wardround.json_kinds import is_object
from wardround.launcher import is_first_process
from wardround.methods.alignment import Alignment
from wardround.methods.per_label import PerLabel
from wardround.methods.registry import KNOWN_METHODS, FittedMethod, Method, build_embedder, find_method
from wardround.methods.scores import ROWS, ScoreSettings
from wardround.methods.table_model import TableModel
from wardround.models.embedder import ModalityEmbedder
from wardround.settings import from_json
from wardround.sources.patient_pool import IDS, NOT_KNOWN, POOL, PatientPool
from wardround.tasks.splits import TEST, TRAIN, VAL
from wardround.tasks.task import find_task
from wardround.train.data import row_shapes
from wardround.train.lineage import BEFORE, Lineage, lineage_of
from wardround.train.loop import FitResult
from wardround.train.packages import check_packages
from wardround.train.plan import FitSettings, Plan, PretrainSettings, TrainSettings
from wardround.train.weights import layouts_of, read_weights, write_weights

WEIGHTS: Final = "weights.safetensors"
ELAPSED: Final = ("edges", "values")
"""What the row `elapsed` fits, and what every length of stay is shown beside."""
_NOTHING_READ: Final = Featuriser(InputSettings(), Vocabulary((), {}, {}), Normaliser({}, {}))
"""The inputs of rows: no code is read, so vocabulary and normaliser are there and empty."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: where it lies.
        hash: of its manifest.
        data_hash: of the data it was made with.
        plan: what it is.
        splits: `splits.parquet`.
        learned_from: patients that the run, the pretraining of its encoders, and the runs that its weights started from
            learned from, were stopped or given a threshold by: `subject_id`, and whose patient and number it is.
        fitted: what was fitted: decision threshold, training prevalence, bins of `elapsed`.
        featuriser: fitted inputs; None for rows that read none.
        lineage: how it was made, its seeds apart.
    """

    folder: Path
    hash: str
    data_hash: str
    plan: Plan
    splits: pl.DataFrame
    learned_from: pl.DataFrame
    fitted: dict[str, Any]
    featuriser: Featuriser | TableFeaturiser | None
    lineage: Lineage

    def n_seen(self, subjects: pl.Series, patients: PatientPool) -> int:
        """How many of these stays are of patients that the run learned from, as far as ids tell: see `learned_from`."""
        return int(subjects.is_in(self._learned_ids(patients).implode()).sum())

    def learned_pools(self) -> list[PatientPool]:
        """Whose patients the run learned from: its own data's, and those of the runs behind it."""
        return [PatientPool(*row) for row in self.learned_from.select(POOL, IDS).unique().sort(POOL, IDS).iter_rows()]

    def _learned_ids(self, patients: PatientPool) -> pl.Series:
        """The ids in `learned_from` that mean the same patient in data of `patients`."""
        alike = [pool for pool in self.learned_pools() if pool.numbers_as(patients)]
        of = pl.DataFrame({POOL: [pool.name for pool in alike], IDS: [pool.ids for pool in alike]}, schema=_WHOSE)
        return self.learned_from.join(of, on=[POOL, IDS], how="semi")["subject_id"]

    def pretraining(self) -> tuple[PretrainSettings, Featuriser]:
        """Settings and inputs of a pretraining. Raises `RunError` where this is none."""
        settings = self.plan.settings
        if not isinstance(settings, PretrainSettings) or not isinstance(self.featuriser, Featuriser):
            raise RunError(
                f"{self.folder} is a {self.plan.method} run, not a pretraining. Give one made by `wardround pretrain`."
            )
        return settings, self.featuriser

    def embedder(self) -> ModalityEmbedder:
        """The pretrained encoders and tokens. Raises `RunError` where this is no pretraining run or the weights do not
        fit."""
        settings, featuriser = self.pretraining()
        model = Alignment(build_embedder(row_shapes(featuriser), settings.encoder), settings.alignment)
        self.load_into(model)
        return model.embedder

    def model(self) -> nn.Module:
        """The trained model, ready to predict. Raises `RunError` where the weights do not fit."""
        settings, featuriser = self.training()
        shapes, method = row_shapes(featuriser), _method_of(self.plan.method, Method)
        embedder = build_embedder(shapes, settings.model.encoder) if method.encodes else None
        model = method.build(shapes, embedder, find_task(self.plan.task or "").learned, settings.model, 0.0)
        self.load_into(model)
        return model

    def training(self) -> tuple[TrainSettings, Featuriser]:
        """Settings and inputs of a trained model. Raises `RunError` where this is none."""
        settings = self.plan.settings
        if not isinstance(settings, TrainSettings) or not isinstance(self.featuriser, Featuriser):
            raise RunError(
                f"{self.folder} is a {self.plan.method} run: it holds no model that predicts and was trained."
            )
        return settings, self.featuriser

    def fitted_model(self) -> tuple[TableModel, TableFeaturiser]:
        """The model that was fitted whole, and its inputs. Raises `RunError` where this is none or the weights do not
        fit."""
        settings, featuriser = self.plan.settings, self.featuriser
        if not isinstance(settings, FitSettings) or not isinstance(featuriser, TableFeaturiser):
            raise RunError(f"{self.folder} is a {self.plan.method} run: it holds no model that was fitted whole.")
        tensors = read_weights(self.folder / WEIGHTS, None)
        task, columns = find_task(self.plan.task or ""), len(featuriser.columns)
        load = _method_of(self.plan.method, FittedMethod).load
        if task.labels:
            return PerLabel.load(load, tensors, settings.model, columns, len(task.labels)), featuriser
        return load(tensors, task.kind, settings.model, columns), featuriser

    def load_into(self, model: nn.Module) -> None:
        """Give a model this run's weights, and put it into eval mode. Raises `RunError` where they do not fit."""
        state = model.state_dict()
        state.update(read_weights(self.folder / WEIGHTS, layouts_of(state)))
        model.load_state_dict(state)
        model.eval()

    def refuse_test_patients(self, splits: pl.DataFrame, patients: PatientPool) -> None:
        """Refuse encoders that saw a test patient.

        Args:
            splits: the split of the training that wants these encoders.
            patients: whose patients its data holds.

        Raises:
            LeakageError: counting the patients.
        """
        used = [TRAIN] if self.plan.split.pretrain_on == "disjoint" else [TRAIN, VAL]
        seen = self.splits.filter(pl.col("pretrain_split").is_in(used))["subject_id"].unique()
        test = splits.filter(pl.col("split") == TEST)["subject_id"].unique()
        alike = any(pool.numbers_as(patients) for pool in self.learned_pools())  # a pretraining has but one
        overlap = test.is_in(seen.implode()).sum() if alike else 0
        if overlap:
            raise LeakageError(
                f"{overlap} of {len(test)} test patients were used to pretrain {self.folder}. "
                "Use the same --split-seed, --fold and --pretrain-on for both."
            )

    def refuse_learned_patients(self, splits: pl.DataFrame, patients: PatientPool) -> None:
        """Refuse first weights that learned from a test patient, at whatever stage.

        Stricter than `refuse_test_patients`: the validation patients of a disjoint pretraining count too, for what
        started from them goes on here as one training.

        Args:
            splits: the split of the training that wants to start from this run.
            patients: whose patients its data holds.

        Raises:
            LeakageError: counting the patients.
        """
        test = splits.filter(pl.col("split") == TEST)["subject_id"].unique()
        overlap = self.n_seen(test, patients)
        if overlap:
            raise LeakageError(
                f"{overlap} of {len(test)} test patients were on the training or validation side of {self.folder}, of "
                "its encoders' pretraining or of a run that it started from. Use the same --split-seed and --fold; "
                "after a disjoint pretraining, other data."
            )


_WHOSE: Final = {POOL: pl.String(), IDS: pl.String()}
_LEARNED: Final = {"subject_id": pl.Int64(), **_WHOSE}
"""Columns of `learned_from.parquet`; runs of earlier versions do not say whose."""


def open_run(folder: Path) -> Run:
    """Open a finished run, every file verified.

    Raises:
        RunError: where it is unfinished, changed, of another version, or made with a package that is not installed.
        ExtensionError: where such a package cannot be used.
    """
    manifest = files.verify_folder(folder, "run", RunError)
    values = files.read_json(folder / "settings.json", RunError)
    check_packages(values, folder)
    plan = Plan.from_json(values, _reader(values, folder))
    reads = plan.method not in ROWS
    featuriser = _FEATURISERS[type(plan.settings)].load(folder, plan.settings.inputs) if reads else None
    splits = files.read_table(folder / "splits.parquet", RunError)
    learned_from = files.read_columns(folder / "learned_from.parquet", _LEARNED, RunError, _WHOSE)
    learned_from = learned_from.with_columns(pl.col(POOL, IDS).fill_null(""))
    fitted = files.read_json(folder / "fitted.json", RunError)
    if plan.method in ROWS:
        fitted |= {name: numbers.tolist() for name, numbers in read_weights(folder / WEIGHTS, None).items()}
    data_hash, lineage = manifest["inputs"]["data"], lineage_of(folder)
    return Run(folder, manifest["hash"], data_hash, plan, splits, learned_from, fitted, featuriser, lineage)


_FEATURISERS: Final[dict[type, type[Featuriser] | type[TableFeaturiser]]] = {
    PretrainSettings: Featuriser,
    TrainSettings: Featuriser,
    FitSettings: TableFeaturiser,
}
"""The inputs of each kind of run, by its settings."""


def _reader(values: Any, folder: Path) -> Callable[[Any], Any] | None:
    """What reads a run's settings from their JSON; None for rows that have none."""
    command, method = (values.get(name) for name in ("command", "method")) if is_object(values) else (None, None)
    if (command, method) == ("pretrain", "alignment"):
        return partial(from_json, PretrainSettings)
    if command == "train" and method == "score" and values.get("settings") is not None:
        return partial(from_json, ScoreSettings)
    if command == "train" and method in ROWS:
        return None
    if command == "train" and method in KNOWN_METHODS.names():
        found = find_method(method)
        return partial(TrainSettings.from_json if isinstance(found, Method) else FitSettings.from_json, found)
    raise RunError(f"{folder} holds a {command} run of {method}, which this version does not know. Update wardround.")


Kind = TypeVar("Kind", Method, FittedMethod)


def _method_of(name: str, kind: type[Kind]) -> Kind:
    """The method of a run, of the kind that its settings are. Raises `RunError` where a package has changed that."""
    found = find_method(name)
    if not isinstance(found, kind):
        raise RunError(f"{name} is another kind of method than when the run was made. Train again.")
    return found


@dataclass
class NewRun:
    """A run folder under construction.

    Attributes:
        folder: where to.
        plan: what it is.
        inputs: hashes of what it is made from.
        patients: whose patients its data holds.
        before: the runs whose weights it takes up: `--encoders` or `--init`.
        notes: sentences for the person.
    """

    folder: Path
    plan: Plan
    inputs: dict[str, str]
    patients: PatientPool = NOT_KNOWN
    before: tuple[Run, ...] = ()
    notes: list[str] = field(default_factory=list[str])

    def is_complete(self) -> bool:
        """Whether this very run is already there. Raises `RunError` where another is."""
        return files.is_complete(self.folder, "run", self.plan.as_json(), self.inputs)

    def close(
        self,
        splits: pl.DataFrame,
        fitted: dict[str, Any],
        metrics: dict[str, Any],
        diagnostics: list[dict[str, Any]],
        featuriser: Featuriser | TableFeaturiser = _NOTHING_READ,
        model: nn.Module | TableModel | None = None,
        result: FitResult | None = None,
    ) -> None:
        """Write everything, the manifest last; of several processes the first alone writes.

        A row has the files of a model; what `elapsed` fits lies with the weights.

        Raises:
            StorageError: if the disk refuses.
        """
        if not is_first_process():
            return
        weights = {} if model is None else model.state_dict()
        if self.plan.method == "elapsed":
            weights = {name: torch.tensor(fitted[name], dtype=torch.float64) for name in ELAPSED}
            fitted = {name: value for name, value in fitted.items() if name not in ELAPSED}
        write_weights(self.folder / WEIGHTS, weights)
        files.write_json(self.folder / "settings.json", self.plan.as_json())
        files.write_table(self.folder / "splits.parquet", splits)
        files.write_table(self.folder / "learned_from.parquet", self._learned_from(splits))
        if self.before:
            files.write_json(self.folder / BEFORE, {run.hash: run.lineage.as_json() for run in self.before})
        files.write_json(self.folder / "fitted.json", fitted)
        files.write_json(self.folder / "metrics.json", metrics)
        files.write_json(self.folder / "diagnostics.json", diagnostics)
        featuriser.save(self.folder)
        history = (
            pl.DataFrame({"epoch": []}) if result is None else pl.DataFrame(result.history, infer_schema_length=None)
        )
        files.write_table(self.folder / "history.parquet", history)
        files.write_manifest(self.folder, "run", self.inputs, self.plan.as_json(), wardround.__version__)

    def _learned_from(self, splits: pl.DataFrame) -> pl.DataFrame:
        """Everybody behind the weights, in order."""
        side = "pretrain_split" if self.plan.command == "pretrain" else "split"
        whose = [pl.lit(self.patients.name).alias(POOL), pl.lit(self.patients.ids).alias(IDS)]
        own = splits.filter(pl.col(side).is_in([TRAIN, VAL])).select("subject_id", *whose)
        return pl.concat([own, *(run.learned_from for run in self.before)]).unique().sort(own.columns)
