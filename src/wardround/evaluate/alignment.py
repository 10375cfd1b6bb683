"""evaluate a pretraining: cross-modal retrieval, silhouette, and a picture of the latent space, on stays it never
learned from."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from sklearn.decomposition import PCA

from wardround.batches.store import event_store
from wardround.errors import UsageError
from wardround.evaluate.kinship import kinship
from wardround.evaluate.question import Question, no_stay_on
from wardround.progress import progress
from wardround.tasks.cohort import Window
from wardround.train.data import open_data
from wardround.train.embedded import embedded, frozen_parts
from wardround.train.pretrain import alignment_metrics, embeddings
from wardround.train.protocol_stamp import modalities_past_prediction
from wardround.train.readable import refuse_unreadable
from wardround.train.run_folder import Run

MAX_POINTS = 3_000


def evaluate_alignment(
    run: Run, data_folder: Path, question: Question, quiet: bool = False
) -> tuple[dict[str, Any], pl.DataFrame]:
    """Retrieval and silhouette of a pretraining run (arXiv 2604.18753, section 3.5), and the picture: `x, y, modality`
    of a point a record.

    Raises:
        DataError: where the data has nothing that the run reads.
        UsageError: where the data has no stay on the asked side, or a modality to leave out is none of the run's.
    """
    _, featuriser = run.pretraining()
    at_h = run.plan.window.at_h if question.at_h is None else question.at_h
    data = open_data(data_folder, Window(run.plan.window.protocol, at_h), quiet)
    refuse_unreadable(run, data)
    cohort = data.cohort(None)
    sides = run.splits.select("subject_id", "stay_id", "pretrain_split")
    side = cohort.frame.join(sides, on=["subject_id", "stay_id"], how="left", maintain_order="left")["pretrain_split"]
    everyone = np.arange(cohort.frame.height)
    members = (
        everyone if question.split == "all" else np.flatnonzero((side == question.split).fill_null(False).to_numpy())
    )
    if len(members) == 0:
        raise UsageError(no_stay_on(question.split, run))
    excluded = dict(cohort.excluded)
    if len(members) < cohort.frame.height:
        excluded["not on the asked side of the split"] = cohort.frame.height - len(members)
    cohort = replace(cohort, frame=cohort.frame[members], excluded=excluded)
    store = event_store(data.lines, cohort, featuriser, sequences=False, quiet=quiet, without=question.without)
    model, stays = run.embedder(), np.arange(cohort.frame.height)
    store = embedded(store, frozen_parts(model), data.folder / "cache" / "embeddings", quiet=quiet)
    subject = cohort.frame["subject_id"].to_numpy()
    with progress(1, f"measuring with {question.draws:,} draws of patients", quiet=quiet) as bar:
        found = alignment_metrics(model, store, stays, subject, question.draws, question.seed)
        bar.advance()
    metrics = {
        "method": "alignment",
        "task": None,
        "protocol": run.plan.window.protocol,
        "at_h": at_h,
        "split": question.split,
        "n_stays": cohort.frame.height,
        "n_subjects": cohort.frame["subject_id"].n_unique(),
        "n_excluded": excluded,
        "prevalence": None,
        "without": list(question.without),
        "sees_past_prediction": modalities_past_prediction(data, cohort, store.modalities),
        "patients": kinship(run, data, cohort.frame["subject_id"]).value,
        "n_seen_in_training": run.n_seen(cohort.frame["subject_id"], data.patients),
        "unknown_items": store.unknown_items,
        **found,
    }
    points, modality = _points(embeddings(model, store, stays), store.observed, question.seed)
    axes = cast(Any, PCA(2, random_state=question.seed))
    picture: np.ndarray = axes.fit_transform(points) if len(points) > 2 else np.zeros((len(points), 2))
    names = pl.Series(store.modalities).gather(pl.Series(modality))
    return metrics, pl.DataFrame({"x": picture[:, 0], "y": picture[:, 1], "modality": names})


def _points(embedded: np.ndarray, observed: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most 3,000 observed embeddings and their modalities."""
    stay, modality = np.nonzero(observed)
    if len(stay) > MAX_POINTS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(stay), MAX_POINTS, replace=False))
        stay, modality = stay[chosen], modality[chosen]
    return embedded[stay, modality], modality
