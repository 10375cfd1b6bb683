"""Cross-modal retrieval and mixing: did alignment bring the modalities of one stay together?

Recall@K for the ordered pair (a, b): a stay's embedding in modality a asks for its own embedding in modality b among
those of all N stays that have both; it counts when the right one is within the K most similar by cosine. Tied
candidates get the expected credit over random orders, (K - number above) / (number tied) cut to [0, 1]: identical
demographics do tie, and a stable sort would reward the diagonal. The random baseline is K / N, at most 1.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import sklearn.metrics
from jaxtyping import Bool, Float

from wardround.metrics.bootstrap import DRAWS, Interval, SubjectIds, cluster_weights, percentile_interval

CHUNK_CELLS = 2**22  # similarities at a time: 32 MiB in float64, however many candidates there are
DISTANCES_MIB = 64  # of pairwise distances at a time
MAX_POINTS = 10_000  # silhouette needs all pairwise distances; above this a seeded sample is scored


def recall_at_k(
    embeddings: Float[np.ndarray, "stay modality embed"],
    observed: Bool[np.ndarray, "stay modality"],
    ks: Sequence[int] = (1, 5, 10),
    modalities: Sequence[str] | None = None,
    subject_ids: SubjectIds | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """Recall@K, baseline and improvement factor (recall / baseline) for every ordered pair of modalities, and the
    means; with patients, an interval for each mean.

    Similarities are computed in the precision of `embeddings`; those nearer than 16 units of rounding count as tied.
    A vector of zeros has similarity 0 to all. Pairs without a candidate are None and left out of the means.

    Args:
        embeddings: any scale, normalised here; rows that are not observed may hold anything.
        observed: which modalities each stay has.
        ks: numbers of candidates to look at, 1 or more.
        modalities: names for the result; default "0", "1", ...
        subject_ids: "stay", the patient of each; None leaves the intervals out.
        draws, seed: of the bootstrap over patients. The queries are drawn, the pool of candidates stays as it is.

    Returns:
        {"mean": {"recall@1", "baseline@1", "improvement@1", ...}, "pairs": {"a->b": {"n_candidates", the same names}}};
        the mean improvement is mean recall / mean baseline. With patients, "intervals": the names of "mean" but the
        baselines, each with value, low, high. No unit.

    Raises:
        ValueError: shapes that do not match, observed values that are NaN or infinite, a K below 1.
    """
    unit, names = _unit_vectors(embeddings, observed, modalities)
    _check_patients(subject_ids, len(observed))
    if len(ks) == 0 or min(ks) < 1:
        raise ValueError(f"ks: {list(ks)}, expected numbers of 1 or more")
    pairs: dict[str, Any] = {}
    credits: list[tuple[np.ndarray, np.ndarray]] = []
    for query, target in permutations(range(len(names)), 2):
        both = observed[:, query] & observed[:, target]
        n_candidates = int(both.sum())
        row: dict[str, Any] = {"n_candidates": n_candidates}
        credit = _expected_credit(unit[both, query], unit[both, target], ks)
        if n_candidates:
            credits.append((np.flatnonzero(both), credit))
        for position, k in enumerate(ks):
            recall = float(credit[:, position].mean()) if n_candidates else None
            row |= _with_baseline(k, recall, min(1.0, k / n_candidates) if n_candidates else None)
        pairs[f"{names[query]}->{names[target]}"] = row
    mean: dict[str, Any] = {}
    for k in ks:
        mean |= _with_baseline(k, _mean_of(pairs, f"recall@{k}"), _mean_of(pairs, f"baseline@{k}"))
    result = {"mean": mean, "pairs": pairs}
    if subject_ids is None or not credits:
        return result
    samples = _mean_recall_draws(credits, subject_ids, draws, seed)
    return result | {"intervals": _recall_intervals(ks, mean, samples)}


def _mean_recall_draws(
    credits: list[tuple[np.ndarray, np.ndarray]], subject_ids: SubjectIds, draws: int, seed: int
) -> Float[np.ndarray, "draw k"]:
    """Mean recall over pairs in each draw of patients; a pair without a drawn query is left out of that draw."""
    blocks: list[np.ndarray] = []
    for weights in cluster_weights(subject_ids, draws, seed):
        drawn = np.stack([weights[:, stays] @ credit for stays, credit in credits])
        queries = np.stack([weights[:, stays].sum(axis=1) for stays, _ in credits])[:, :, None]
        recall = np.divide(drawn, queries, out=np.full(drawn.shape, np.nan), where=queries > 0)
        n_pairs = np.count_nonzero(queries > 0, axis=0)
        mean = np.full(recall.shape[1:], np.nan)
        blocks.append(np.divide(np.nansum(recall, axis=0), n_pairs, out=mean, where=n_pairs > 0))
    return np.concatenate(blocks)


def _recall_intervals(
    ks: Sequence[int], mean: dict[str, Any], samples: Float[np.ndarray, "draw k"]
) -> dict[str, Interval]:
    intervals: dict[str, Interval] = {}
    for position, k in enumerate(ks):
        baseline = mean[f"baseline@{k}"]
        for name, scale in ((f"recall@{k}", 1.0), (f"improvement@{k}", 1.0 / baseline)):
            intervals[name] = percentile_interval(float(mean[name]), samples[:, position] * scale)
    return intervals


def silhouette(
    embeddings: Float[np.ndarray, "stay modality embed"],
    observed: Bool[np.ndarray, "stay modality"],
    modalities: Sequence[str] | None = None,
    max_points: int = MAX_POINTS,
    seed: int = 0,
    subject_ids: SubjectIds | None = None,
    draws: int = DRAWS,
) -> dict[str, Any]:
    """Silhouette (Rousseeuw 1987) of the observed embeddings by modality, cosine distance; near 0: modalities well
    mixed.

    Args:
        embeddings: as for `recall_at_k`.
        observed: which modalities each stay has; every observed embedding is a point.
        modalities: names for the result; default "0", "1", ...
        max_points: with more points a sample of this size without replacement is scored.
        seed: of the sample and of the draws.
        subject_ids: "stay", the patient of each; None leaves the interval out.
        draws: of the bootstrap over patients; the points' own scores stay as they are.

    Returns:
        {"overall": mean over points, "by_modality": {name: mean over its points}, "n_points"}, in [-1, 1]; None for a
        modality without a point, and for all where fewer than two modalities or no two points of one modality are
        there. With patients, "interval" of the overall mean: value, low, high.

    Raises:
        ValueError: as `recall_at_k`.
    """
    unit, names = _unit_vectors(embeddings, observed, modalities)
    _check_patients(subject_ids, len(observed))
    stays, modality_of_point = np.nonzero(observed)
    if stays.size > max_points:
        sample = np.sort(np.random.default_rng(seed).choice(stays.size, max_points, replace=False))
        stays, modality_of_point = stays[sample], modality_of_point[sample]
    n_modalities = np.unique(modality_of_point).size
    if not 2 <= n_modalities < stays.size:
        return {"overall": None, "by_modality": dict.fromkeys(names), "n_points": int(stays.size)}
    with sklearn.config_context(working_memory=DISTANCES_MIB):
        points, of = unit[stays, modality_of_point], modality_of_point
        scores = np.asarray(sklearn.metrics.silhouette_samples(points, of, metric="cosine"))
    by_modality = {
        name: float(scores[modality_of_point == index].mean()) if (modality_of_point == index).any() else None
        for index, name in enumerate(names)
    }
    result = {"overall": float(scores.mean()), "by_modality": by_modality, "n_points": int(stays.size)}
    if subject_ids is None:
        return result
    blocks = (weights[:, stays] for weights in cluster_weights(subject_ids, draws, seed))
    samples = np.concatenate([block @ scores / np.maximum(block.sum(axis=1), 1) for block in blocks])
    return result | {"interval": percentile_interval(float(scores.mean()), samples)}


def _check_patients(subject_ids: SubjectIds | None, n_stays: int) -> None:
    if subject_ids is not None and len(subject_ids) != n_stays:
        raise ValueError(f"subject_ids: {len(subject_ids)} for {n_stays} stays, expected one a stay")


def _unit_vectors(
    embeddings: Float[np.ndarray, "stay modality embed"],
    observed: Bool[np.ndarray, "stay modality"],
    modalities: Sequence[str] | None,
) -> tuple[Float[np.ndarray, "stay modality embed"], list[str]]:
    if embeddings.ndim != 3 or embeddings.shape[:2] != observed.shape or observed.dtype != np.bool_:
        raise ValueError(
            f"embeddings {embeddings.shape} and observed {observed.shape} {observed.dtype}: "
            "expected (stay, modality, embed) and boolean (stay, modality)"
        )
    names = [str(index) for index in range(observed.shape[1])] if modalities is None else list(modalities)
    if len(set(names)) != observed.shape[1] or len(names) != observed.shape[1]:
        raise ValueError(f"modalities: {len(set(names))} different names for {observed.shape[1]} modalities")
    filled = np.where(observed[:, :, None], embeddings, 0)
    n_bad = int((~np.isfinite(filled)).any(axis=-1).sum())
    if n_bad:
        raise ValueError(f"embeddings: {n_bad} of {int(observed.sum())} observed vectors hold NaN or infinity")
    norm = np.linalg.norm(filled, axis=-1, keepdims=True)
    return filled / np.where(norm > 0, norm, 1), names


def _expected_credit(
    queries: Float[np.ndarray, "candidate embed"], targets: Float[np.ndarray, "candidate embed"], ks: Sequence[int]
) -> Float[np.ndarray, "candidate k"]:
    """Of each query, the probability that the right target is among the first K under a random order of ties."""
    tolerance = 16 * np.finfo(queries.dtype).eps
    credit = np.zeros((len(queries), len(ks)))
    for chunk in _chunks(max(len(queries), 1)):
        similarity = queries[chunk] @ targets.T
        own = similarity[np.arange(len(similarity)), np.arange(chunk.start, chunk.start + len(similarity))][:, None]
        n_above = np.count_nonzero(similarity > own + tolerance, axis=1)
        n_tied = np.count_nonzero(similarity >= own - tolerance, axis=1) - n_above
        credit[chunk] = np.stack([np.clip((k - n_above) / n_tied, 0, 1) for k in ks], axis=1)
    return credit


def _chunks(n_candidates: int) -> Iterator[slice]:
    rows = max(1, CHUNK_CELLS // n_candidates)
    for start in range(0, n_candidates, rows):
        yield slice(start, min(start + rows, n_candidates))


def _with_baseline(k: int, recall: float | None, baseline: float | None) -> dict[str, float | None]:
    improvement = None if recall is None or baseline is None else recall / baseline
    return {f"recall@{k}": recall, f"baseline@{k}": baseline, f"improvement@{k}": improvement}


def _mean_of(pairs: dict[str, Any], name: str) -> float | None:
    found = [pair[name] for pair in pairs.values() if pair[name] is not None]
    return float(np.mean(found)) if found else None
