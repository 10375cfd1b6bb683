import numpy as np
import pytest

from wardround.metrics import cluster_weights, recall_at_k, retrieval, silhouette


def pair_of(queries, targets):
    embeddings = np.stack([np.asarray(queries, dtype=float), np.asarray(targets, dtype=float)], axis=1)
    return embeddings, np.ones(embeddings.shape[:2], dtype=bool)


def test_recall_by_hand():
    east, north, west = [1, 0], [0, 1], [-1, 0]
    # stay 0 finds itself; stay 1 (north) is nearest to stay 2's target; stay 2 (west) ranks north second
    found = recall_at_k(*pair_of([east, north, west], [[2, 0], [-1, 1], [0, 5]]), ks=(1, 2), modalities=["lab", "note"])
    row = found["pairs"]["lab->note"]
    assert row["n_candidates"] == 3
    assert row["recall@1"] == pytest.approx(1 / 3)
    assert row["recall@2"] == 1
    assert (row["baseline@1"], row["baseline@2"]) == (1 / 3, 2 / 3)
    assert row["improvement@2"] == pytest.approx(1.5)
    assert list(found["pairs"]) == ["lab->note", "note->lab"]
    mean = np.mean([pair["recall@1"] for pair in found["pairs"].values()])
    assert found["mean"]["recall@1"] == pytest.approx(mean)
    assert found["mean"]["improvement@1"] == pytest.approx(mean * 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_stays", [7, 300])
def test_embeddings_that_are_all_alike_score_as_chance(dtype, n_stays):
    same = np.random.default_rng(0).normal(size=64)
    scale = np.random.default_rng(1).uniform(
        0.1, 10, (n_stays, 2, 1)
    )  # one direction, other lengths: ties up to rounding
    found = recall_at_k((same * scale).astype(dtype), np.ones((n_stays, 2), dtype=bool))
    for k in (1, 5, 10):
        assert found["mean"][f"recall@{k}"] == pytest.approx(min(1, k / n_stays), rel=1e-12)
        assert found["mean"][f"improvement@{k}"] == pytest.approx(1, rel=1e-12)


def test_a_pair_has_the_stays_with_both_modalities():
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(40, 3, 4))
    observed = rng.random((40, 3)) < 0.6
    observed[:, 2] = ~observed[:, 0]  # 0 and 2 never meet
    embeddings[~observed] = np.nan
    found = recall_at_k(embeddings, observed)
    assert found["pairs"]["0->2"] == {
        "n_candidates": 0,
        **{f"{name}@{k}": None for k in (1, 5, 10) for name in ("recall", "baseline", "improvement")},
    }
    both = observed[:, 0] & observed[:, 1]
    alone = recall_at_k(embeddings[both][:, :2], observed[both][:, :2])
    assert found["pairs"]["0->1"] == alone["pairs"]["0->1"]
    counted = [row["recall@5"] for row in found["pairs"].values() if row["n_candidates"]]
    assert found["mean"]["recall@5"] == pytest.approx(np.mean(counted))


def test_no_pair_at_all_is_undefined():
    found = recall_at_k(np.ones((3, 2, 4)), np.array([[True, False]] * 3), ks=(1,))
    assert found["mean"] == {"recall@1": None, "baseline@1": None, "improvement@1": None}


def test_chunks_do_not_matter(monkeypatch):
    embeddings = np.random.default_rng(0).normal(size=(50, 3, 4)).round()
    observed = np.ones((50, 3), dtype=bool)
    whole = recall_at_k(embeddings, observed)
    monkeypatch.setattr(retrieval, "CHUNK_CELLS", 120)
    assert recall_at_k(embeddings, observed)["mean"] == pytest.approx(whole["mean"])


def test_silhouette_by_loops():
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(12, 3, 4)) + 0.5 * rng.normal(size=(3, 4))
    observed = rng.random((12, 3)) < 0.7
    unit = embeddings / np.linalg.norm(embeddings, axis=-1, keepdims=True)
    points = [(unit[s, m], m) for s in range(12) for m in range(3) if observed[s, m]]
    scores = []
    for i, (x, own) in enumerate(points):
        apart = [np.mean([1 - x @ y for j, (y, other) in enumerate(points) if other == m and j != i]) for m in range(3)]
        nearest = min(apart[m] for m in range(3) if m != own)
        scores.append((nearest - apart[own]) / max(nearest, apart[own]))
    found = silhouette(embeddings, observed, ["a", "b", "c"])
    assert found["n_points"] == len(points)
    assert found["overall"] == pytest.approx(np.mean(scores), abs=1e-12)
    for m, name in enumerate("abc"):
        expected = np.mean([score for score, (_, own) in zip(scores, points, strict=True) if own == m])
        assert found["by_modality"][name] == pytest.approx(expected, abs=1e-12)


def test_silhouette_tells_apart_from_mixed():
    rng = np.random.default_rng(0)
    observed = np.ones((200, 2), dtype=bool)
    mixed = rng.normal(size=(200, 2, 8))
    apart = rng.normal(size=(200, 2, 8)) + np.array([[[20.0]], [[-20.0]]]).reshape(1, 2, 1)
    assert abs(silhouette(mixed, observed)["overall"]) < 0.02
    assert silhouette(apart, observed)["overall"] > 0.95


def test_silhouette_samples_by_seed():
    embeddings, observed = np.random.default_rng(0).normal(size=(100, 2, 4)), np.ones((100, 2), dtype=bool)
    first = silhouette(embeddings, observed, max_points=50, seed=1)
    assert first["n_points"] == 50
    assert first == silhouette(embeddings, observed, max_points=50, seed=1)
    assert first["overall"] != silhouette(embeddings, observed, max_points=50, seed=2)["overall"]


@pytest.mark.parametrize("observed", [[[True, False]] * 3, [[False, False]] * 3, [[True, True], [False, False]]])
def test_silhouette_without_two_clusters_is_undefined(observed):
    observed = np.array(observed)
    found = silhouette(np.ones((*observed.shape, 4)), observed)
    assert found == {"overall": None, "by_modality": {"0": None, "1": None}, "n_points": int(observed.sum())}


def test_silhouette_of_an_absent_modality_is_none():
    observed = np.array([[True, True, False]] * 5)
    found = silhouette(np.random.default_rng(0).normal(size=(5, 3, 4)), observed)
    assert found["by_modality"]["2"] is None
    assert isinstance(found["overall"], float)


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize("function", [recall_at_k, silhouette])
def test_bad_input_is_refused(function):
    embeddings, observed = np.ones((3, 2, 4)), np.ones((3, 2), dtype=bool)
    with pytest.raises(ValueError, match="expected"):
        function(embeddings, observed[:2])
    with pytest.raises(ValueError, match="boolean"):
        function(embeddings, observed.astype(int))
    with pytest.raises(ValueError, match="expected"):
        function(embeddings[:, 0], observed)
    for names in (["a"], ["a", "a"], ["a", "b", "c"]):
        with pytest.raises(ValueError, match="modalities"):
            function(embeddings, observed, modalities=names)
    for bad in (np.nan, np.inf):
        embeddings[1, 1, 1] = bad
        with pytest.raises(ValueError, match="1 of 6 observed vectors"):
            function(embeddings, observed)


def test_bad_ks_are_refused():
    for ks in ((), (0, 1)):
        with pytest.raises(ValueError, match="ks"):
            recall_at_k(np.ones((3, 2, 4)), np.ones((3, 2), dtype=bool), ks)


def _pairs_of_stays(n: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings of two modalities that point the same way up to noise, one in five missing, three stays a patient."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 1, 6))
    embeddings = base + noise * rng.normal(size=(n, 2, 6))
    observed = rng.random((n, 2)) < 0.8
    return embeddings, observed, np.arange(n) // 3


def test_intervals_hold_the_means_and_come_from_drawn_patients() -> None:
    embeddings, observed, patient = _pairs_of_stays(90, 0.6, 1)
    found = recall_at_k(embeddings, observed, (1, 5), ["a", "b"], patient, draws=300, seed=4)
    assert set(found["intervals"]) == {"recall@1", "recall@5", "improvement@1", "improvement@5"}
    for name, entry in found["intervals"].items():
        assert entry["low"] < found["mean"][name] == entry["value"] < entry["high"]


def test_an_interval_equals_the_brute_force_over_the_same_draws() -> None:
    embeddings, observed, patient = _pairs_of_stays(30, 0.8, 2)
    found = recall_at_k(embeddings, observed, (1,), ["a", "b"], patient, draws=60, seed=7)["intervals"]["recall@1"]
    unit = embeddings / np.linalg.norm(embeddings, axis=-1, keepdims=True)
    both = np.flatnonzero(observed.all(axis=1))
    samples = []
    for weights in np.concatenate(list(cluster_weights(patient, 60, 7))):
        recalls = []
        for query, target in ((0, 1), (1, 0)):
            similarity = unit[both, query] @ unit[both, target].T
            hits = similarity.argmax(axis=1) == np.arange(len(both))
            recalls.append((hits * weights[both]).sum() / weights[both].sum())
        samples.append(np.mean(recalls))
    low, high = np.quantile(samples, [0.025, 0.975])
    assert found["low"] == pytest.approx(low, abs=1e-12)
    assert found["high"] == pytest.approx(high, abs=1e-12)


def test_a_draw_without_any_query_is_dropped_not_averaged() -> None:
    embeddings = np.random.default_rng(3).normal(size=(4, 2, 3))
    observed = np.array([[True, True], [True, False], [True, False], [False, True]])
    found = recall_at_k(embeddings, observed, (1,), ["a", "b"], np.arange(4), draws=200, seed=0)
    assert found["intervals"]["recall@1"]["dropped"] > 0
    assert found["intervals"]["recall@1"]["value"] == 1.0


def test_silhouette_interval_holds_the_mean() -> None:
    embeddings, observed, patient = _pairs_of_stays(60, 0.5, 5)
    found = silhouette(embeddings, observed, ["a", "b"], subject_ids=patient, draws=200)
    assert found["interval"]["low"] < found["overall"] == found["interval"]["value"] < found["interval"]["high"]


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize("ask", [recall_at_k, silhouette])
def test_patients_must_be_one_a_stay(ask) -> None:
    embeddings, observed, patient = _pairs_of_stays(12, 0.5, 6)
    with pytest.raises(ValueError, match="expected one a stay"):
        ask(embeddings, observed, subject_ids=patient[:-1])
