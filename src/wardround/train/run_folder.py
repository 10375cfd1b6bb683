"""The RUN folder: written at the end of a training, read by everything after it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from torch import nn

import wardround
from wardround import files
from wardround.batches.store import Featuriser
from wardround.errors import LeakageError, RunError
from wardround.methods.alignment import Alignment
from wardround.methods.registry import METHODS, build_embedder, find_method
from wardround.methods.scores import ROWS
from wardround.tasks.splits import TRAIN, VAL
from wardround.tasks.task import find_task
from wardround.train.data import row_shapes
from wardround.train.loop import FitResult
from wardround.train.plan import Plan, PretrainSettings, TrainSettings
from wardround.train.weights import layouts_of, read_weights, write_weights


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: where it lies.
        hash: of its manifest.
        data_hash: of the data it was made with.
        plan: what it is.
        splits: `splits.parquet`.
        fitted: what was fitted beside the weights: decision threshold, training prevalence, bins of `elapsed`.
        featuriser: fitted inputs; None for rows that read none.
    """

    folder: Path
    hash: str
    data_hash: str
    plan: Plan
    splits: pl.DataFrame
    fitted: dict[str, Any]
    featuriser: Featuriser | None

    def n_seen(self, subjects: pl.Series) -> int:
        """How many of these stays are of patients that the run learned from, was stopped or given its threshold by, or
        whose encoders were pretrained on."""
        used = pl.col("split").is_in([TRAIN, VAL])
        if self.plan.command == "pretrain" or self.plan.encoders is not None:
            used |= pl.col("pretrain_split").is_in([TRAIN, VAL])
        known = self.splits.filter(used.fill_null(False))["subject_id"].unique()
        return int(subjects.is_in(known.implode()).sum())

    def pretraining(self) -> tuple[PretrainSettings, Featuriser]:
        """Settings and inputs of a pretraining. Raises `RunError` where this is none."""
        settings = self.plan.settings
        if not isinstance(settings, PretrainSettings) or self.featuriser is None:
            raise RunError(
                f"{self.folder} is a {self.plan.method} run, not a pretraining. Give one made by `wardround pretrain`."
            )
        return settings, self.featuriser

    def embedder(self) -> Alignment:
        """The pretrained encoders and tokens. Raises `RunError` where this is no pretraining run or the weights do not
        fit."""
        settings, featuriser = self.pretraining()
        model = build_embedder(row_shapes(featuriser), settings.encoder, settings.alignment)
        self._load(model)
        return model

    def model(self) -> nn.Module:
        """The trained model, ready to predict. Raises `RunError` where the weights do not fit."""
        settings = self.plan.settings
        if not isinstance(settings, TrainSettings) or self.featuriser is None:
            raise RunError(f"{self.folder} is a {self.plan.method} run: it holds no model that predicts.")
        embedder = build_embedder(row_shapes(self.featuriser), settings.model.encoder, settings.alignment)
        method = find_method(self.plan.method)
        model = method.build(embedder, find_task(self.plan.task or ""), settings.model, 0.0)
        self._load(model)
        return model

    def _load(self, model: nn.Module) -> None:
        state = model.state_dict()
        state.update(read_weights(self.folder / "weights.safetensors", layouts_of(state)))
        model.load_state_dict(state)
        model.eval()

    def refuse_test_patients(self, splits: pl.DataFrame, test_side: str = "test") -> None:
        """Refuse encoders that saw a test patient.

        Args:
            splits: the split of the training that wants these encoders.

        Raises:
            LeakageError: counting the patients.
        """
        used = [TRAIN] if self.plan.split.pretrain_on == "disjoint" else [TRAIN, VAL]
        seen = self.splits.filter(pl.col("pretrain_split").is_in(used))["subject_id"].unique()
        test = splits.filter(pl.col("split") == test_side)["subject_id"].unique()
        overlap = test.is_in(seen.implode()).sum()
        if overlap:
            raise LeakageError(
                f"{overlap} of {len(test)} test patients were used to pretrain {self.folder}. "
                "Use the same --split-seed, --fold and --pretrain-on for both."
            )


def open_run(folder: Path) -> Run:
    """Open a finished run, every file verified.

    Raises:
        RunError: where it is unfinished, changed, or of another version.
    """
    manifest = files.verify_folder(folder, "run", RunError)
    values = files.read_json(folder / "settings.json", RunError)
    plan = Plan.from_json(values, _settings_class(values, folder))
    featuriser = None if plan.settings is None else Featuriser.load(folder, plan.settings.inputs)
    splits = files.read_table(folder / "splits.parquet", RunError)
    fitted = files.read_json(folder / "fitted.json", RunError)
    return Run(folder, manifest["hash"], manifest["inputs"]["data"], plan, splits, fitted, featuriser)


def _settings_class(values: Any, folder: Path) -> type | None:
    """The class of a run's settings; None for rows that have none."""
    command, method = (values.get(name) for name in ("command", "method")) if isinstance(values, dict) else (None, None)
    if (command, method) == ("pretrain", "alignment"):
        return PretrainSettings
    if command == "train" and method in METHODS:
        return TrainSettings.of(METHODS[method])
    if command == "train" and method in ROWS:
        return None
    raise RunError(f"{folder} holds a {command} run of {method}, which this version does not know. Update wardround.")


@dataclass
class NewRun:
    """A run folder under construction.

    Attributes:
        folder: where to.
        plan: what it is.
        inputs: hashes of what it is made from.
        notes: sentences for the person.
    """

    folder: Path
    plan: Plan
    inputs: dict[str, str]
    notes: list[str] = field(default_factory=list)

    def is_complete(self) -> bool:
        """Whether this very run is already there. Raises `RunError` where another is."""
        return files.is_complete(self.folder, "run", self.plan.as_json(), self.inputs)

    def close(
        self,
        splits: pl.DataFrame,
        fitted: dict[str, Any],
        metrics: dict[str, Any],
        diagnostics: list[dict[str, Any]],
        featuriser: Featuriser | None = None,
        model: nn.Module | None = None,
        result: FitResult | None = None,
    ) -> None:
        """Write everything, the manifest last. Raises `StorageError`."""
        files.write_json(self.folder / "settings.json", self.plan.as_json())
        files.write_table(self.folder / "splits.parquet", splits)
        files.write_json(self.folder / "fitted.json", fitted)
        files.write_json(self.folder / "metrics.json", metrics)
        files.write_json(self.folder / "diagnostics.json", diagnostics)
        if featuriser is not None:
            featuriser.save(self.folder)
        if model is not None:
            write_weights(self.folder / "weights.safetensors", model.state_dict())
        history = (
            pl.DataFrame(result.history, infer_schema_length=None)
            if result is not None
            else pl.DataFrame({"epoch": []})
        )
        files.write_table(self.folder / "history.parquet", history)
        files.write_manifest(self.folder, "run", self.inputs, self.plan.as_json(), wardround.__version__)
