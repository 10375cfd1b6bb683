"""pretrain alignment: label-free, on the training patients of the split, early stopping on the validation patients'
loss."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from wardround.batches.static import StaticBatches, static_batch
from wardround.batches.store import EventStore, Featuriser, event_store, fit_featuriser
from wardround.errors import UsageError
from wardround.files import hash_of
from wardround.launcher import is_first_process
from wardround.methods.alignment import Alignment
from wardround.methods.registry import build_embedder
from wardround.metrics.bootstrap import DRAWS
from wardround.metrics.retrieval import recall_at_k, silhouette
from wardround.models.embedder import ModalityEmbedder
from wardround.tasks.cohort import Cohort, Window
from wardround.tasks.splits import TRAIN, VAL, SplitPlan
from wardround.train.checkpoint import remove_checkpoints
from wardround.train.data import OpenData, bin_edges, opened, row_shapes, sides_of, unread_modalities
from wardround.train.embedded import embedded, frozen_parts
from wardround.train.loop import FitResult, fit
from wardround.train.named_weights import hashes_of_weights, named_weights
from wardround.train.packages import packages_behind
from wardround.train.plan import Plan, PretrainSettings
from wardround.train.processes import first_process_first, first_where_documents
from wardround.train.run_folder import NewRun
from wardround.train.split_checks import split_checks

RECALL_AT = (1, 5, 10)


@dataclass(frozen=True)
class Finished:
    """What a training command did: where, whether it was already there, and what to tell."""

    folder: Path
    already: bool
    notes: list[str]


def pretrain(
    data_folder: Path | OpenData,
    to: Path,
    window: Window,
    split: SplitPlan,
    settings: PretrainSettings,
    seed: int = 0,
    quiet: bool = False,
) -> Finished:
    """Align the encoders of all modalities (arXiv 2604.18753, section 3.2).

    Args:
        data_folder: a DATA folder, or one that is open for this window.
        to: the RUN folder to write.
        window: protocol and prediction hour: encoders learn on stays as they stood then.
        split: who is on which side; only the pretraining side's training patients are learned from.
        settings: inputs, encoders, loss, loop.
        seed: of weights and batches.
        quiet: no progress on stderr.

    Returns:
        The folder and notes.

    Raises:
        DataError: where the data is unfinished or too small.
        RunError: where `to` holds another run.
        TrainingStopped: after SIGTERM; the same call goes on.
    """
    with first_process_first():
        data = opened(data_folder, window, quiet)
    inputs = {"data": data.hash} | hashes_of_weights(settings.inputs)
    run = NewRun(to, _plan(window, split, settings, seed), inputs, data.patients)
    if run.is_complete():
        return Finished(to, True, [])
    sides, table = sides_of(data, data.cohort(None), split, "pretrain_split")
    featuriser = fit_featuriser(data.lines, sides.part(TRAIN), settings.inputs, quiet)
    store = _store(data, sides.cohort, featuriser, quiet)
    settings = replace(settings, loop=replace(settings.loop, seed=seed))
    torch.manual_seed(seed)
    model = _model(store, sides.members(TRAIN), featuriser, settings)
    with first_process_first():
        store = embedded(store, frozen_parts(model), data.folder / "cache" / "embeddings", quiet=quiet)
    subject = sides.cohort.frame["subject_id"].to_numpy()
    label = np.full(len(subject), np.nan)

    def batches(side: str, epoch: int) -> StaticBatches:
        return StaticBatches(store, subject, label, sides.members(side), settings.batch_size, (seed, epoch))

    def validate(module: nn.Module) -> dict[str, float]:
        return {"alignment": alignment_loss(module, batches(VAL, 0))}

    if settings.alignment.loss == "none":
        result = None
    else:
        identity = hash_of([run.plan.as_json(), run.inputs])
        learned = partial(batches, TRAIN)
        result = fit(model, learned, validate, settings.loop, to, identity=identity, quiet=quiet, notes=run.notes)
    metrics = {
        "split": VAL,
        "n_stays": len(sides.members(VAL)),
        **alignment_metrics(model.embedder, store, sides.members(VAL), subject, seed=seed),
    }
    checks = split_checks(data.stays, table, split, "pretrain_split", run.notes)
    checks = [*_said(model, result), *checks, unread_modalities(data, featuriser, run.notes)]
    run.close(table, {}, metrics, checks, featuriser, model, result)
    if is_first_process():
        remove_checkpoints(to)
    return Finished(to, False, run.notes)


def _store(data: OpenData, cohort: Cohort, featuriser: Featuriser, quiet: bool) -> EventStore:
    """The stays as they stood. Raises `UsageError` where there is nothing to align."""
    with first_where_documents(featuriser.vocabulary.modalities):
        store = event_store(data.lines, cohort, featuriser, sequences=False, quiet=quiet)
    if len(store.modalities) < 2:
        raise UsageError(f"alignment needs two modalities or more; this data has {', '.join(store.modalities)}.")
    return store


def _model(store: EventStore, train: np.ndarray, featuriser: Featuriser, settings: PretrainSettings) -> Alignment:
    """Encoders as they start, and the loss."""
    shapes = row_shapes(featuriser)
    edges = bin_edges(store, train, shapes, settings.encoder)
    embedder = build_embedder(shapes, settings.encoder, edges)
    return Alignment(named_weights(embedder, settings.inputs), settings.alignment)


def _plan(window: Window, split: SplitPlan, settings: PretrainSettings, seed: int) -> Plan:
    packages = packages_behind("alignment", None, settings)
    return Plan("pretrain", "alignment", None, window, split, None, settings, seed, packages=packages)


def _said(model: Alignment, result: FitResult | None) -> list[dict[str, Any]]:
    """What the training and the model say of themselves."""
    warned = model.diagnostics().items()
    warnings = [{"check": name, "verdict": "warn", "value": None, "advice": advice} for name, advice in warned]
    return [*(result.diagnostics if result else []), *warnings]


def alignment_loss(model: Any, batches: StaticBatches) -> float:
    """The contrastive term alone, mean over the stays of all batches: what the paper stops on; the token term left
    out."""
    device = next(model.parameters()).device
    total = stays = 0.0
    for batch in batches:
        _, parts = model.loss(batch.to(device))
        total += float(parts["alignment"]) * len(batch.subject)
        stays += len(batch.subject)
    return total / max(stays, 1.0)


@torch.no_grad()
def embeddings(model: ModalityEmbedder, store: EventStore, members: np.ndarray, batch_size: int = 1024) -> np.ndarray:
    """Unit embeddings of some stays, "stay modality embed"; zeros where a modality is missing."""
    model.eval()
    device = model.tokens.device
    nothing = np.zeros(len(store.stay_ids))
    made: list[np.ndarray] = []
    for begin in range(0, len(members), batch_size):
        batch = static_batch(store, nothing.astype(np.int64), nothing, members[begin : begin + batch_size])
        batch = batch.to(device)
        z = torch.nn.functional.normalize(model.embed(batch.inputs, batch.observed), dim=-1)
        made.append((z * batch.observed.unsqueeze(-1)).cpu().numpy())
    return np.concatenate(made)


def alignment_metrics(
    model: ModalityEmbedder,
    store: EventStore,
    members: np.ndarray,
    subject: np.ndarray,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """Recall@1/5/10 against the random baseline, and silhouette by modality (arXiv 2604.18753, section 3.5).

    Args:
        model: the encoders.
        store: stays at their prediction times.
        members: places in the store.
        subject: the patient of each stay of the store.
        draws, seed: of the intervals over patients.
    """
    embedded, observed = embeddings(model, store, members), store.observed[members]
    names, patients = list(model.modalities), subject[members]
    return {
        "retrieval": recall_at_k(embedded, observed, RECALL_AT, names, patients, draws, seed),
        "silhouette": silhouette(embedded, observed, names, seed=seed, subject_ids=patients, draws=draws),
    }
