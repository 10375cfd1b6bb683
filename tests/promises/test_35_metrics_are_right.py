"""Promise 35: metrics are right.

Each case is a cohort of few stays with many ties, saturated probabilities and integer weights that may be 0. A metric
under weights must equal its reference on rows repeated as often: scikit-learn, SciPy, or a loop in exact arithmetic.
References are called only where a metric is defined; elsewhere ours must be NaN. Planted faults go through the same
checker and must be caught.
"""

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from itertools import permutations

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import pearsonr, spearmanr

import wardround.metrics as metrics

SCALE = float(os.environ.get("WARDROUND_PROMISE_SCALE", "0.1"))
DRAWS = 4  # rows of weights a cohort; each is a case
COHORTS = max(25, round(10_000 * SCALE / DRAWS))
TOLERANCE = 1e-12
ROOT_TOLERANCE = (
    1e-8  # relative: a root of the score equations; brentq stops at 1e-13 and the likelihood is flat near separation
)
CUT = 0.4

Cohort = tuple[np.ndarray, np.ndarray, np.ndarray]  # truth "stay", prediction "stay", weights "draw stay"


def binary_cohorts(count: int, seed: int = 35) -> Iterator[Cohort]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n_stays = int(rng.integers(1, 40))
        probs = rng.beta(0.7, 1.2, n_stays)
        probs = probs.round(int(rng.integers(0, 3))) if rng.random() < 0.6 else probs
        labels = (rng.random(n_stays) < rng.choice([0.0, 0.1, 0.5, 0.5, 1.0])).astype(float)
        yield labels, probs, weight_rows(rng, n_stays)


def regression_cohorts(count: int, seed: int = 36) -> Iterator[Cohort]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n_stays = int(rng.integers(1, 40))
        targets_h = rng.exponential(80, n_stays)
        predictions_h = 0.5 * targets_h + rng.exponential(40, n_stays)
        if rng.random() < 0.6:
            targets_h, predictions_h = (targets_h / 24).round() * 24, (predictions_h / 24).round() * 24
        yield targets_h, predictions_h, weight_rows(rng, n_stays)


def weight_rows(rng: np.random.Generator, n_stays: int) -> np.ndarray:
    rows = rng.poisson(1.2, (DRAWS, n_stays)).astype(float)
    rows[0] = 1
    return rows


def largest_gap(metric: Callable, reference: Callable, cohorts: Iterator[Cohort], relative: bool = False) -> float:
    """Largest difference between the metric under weights and the reference on repeated rows.

    Infinite where one of the two is undefined and the other is not.
    """
    worst = 0.0
    for truth, prediction, weights in cohorts:
        found = metric(truth, prediction, weights=weights)
        for row, ours in zip(weights.astype(int), found, strict=True):
            theirs = reference(np.repeat(truth, row), np.repeat(prediction, row))
            if np.isnan(ours) or np.isnan(theirs):
                worst = worst if np.isnan(ours) and np.isnan(theirs) else np.inf
            else:
                worst = max(worst, abs(ours - theirs) / (max(1.0, abs(theirs)) if relative else 1.0))
    return worst


def where(defined: Callable, reference: Callable) -> Callable:
    return lambda truth, prediction: reference(truth, prediction) if defined(truth, prediction) else np.nan


def both_classes(labels: np.ndarray, _probs: np.ndarray) -> bool:
    return len(set(labels)) == 2


def any_positive(labels: np.ndarray, _probs: np.ndarray) -> bool:
    return labels.sum() > 0


def any_row(truth: np.ndarray, _prediction: np.ndarray) -> bool:
    return truth.size > 0


def varies(*sides: np.ndarray) -> bool:
    return all(len(set(side)) > 1 for side in sides)


def auroc_by_pairs(labels: np.ndarray, probs: np.ndarray) -> float:
    pairs = [(p, q) for p in probs[labels == 1] for q in probs[labels == 0]]
    return float(Fraction(sum(2 * (p > q) + (p == q) for p, q in pairs), 2 * len(pairs)))


def count_at_cut(labels: np.ndarray, probs: np.ndarray) -> tuple[int, int, int, int]:
    cells = {(said, is_so): 0 for said in (True, False) for is_so in (True, False)}
    for label, prob in zip(labels, probs, strict=True):
        cells[bool(prob >= CUT), bool(label)] += 1
    return cells[True, True], cells[True, False], cells[False, True], cells[False, False]


def of_counts(share: Callable) -> Callable:
    def reference(labels, probs):
        part, whole = share(*count_at_cut(labels, probs))
        return part / whole if whole else np.nan

    return reference


def ace_by_loops(labels: np.ndarray, probs: np.ndarray, bins: int = 15) -> float:
    gap = [0.0] * bins
    for prob in sorted(set(probs)):
        below, tied = int((probs < prob).sum()), int((probs == prob).sum())
        gap[bins * (2 * below + tied) // (2 * labels.size)] += float(tied * prob - labels[probs == prob].sum())
    return sum(map(abs, gap)) / labels.size


def skill(labels: np.ndarray, probs: np.ndarray, reference: float | None = None) -> float:
    reference = labels.mean() if reference is None else reference
    return 1 - ((probs - labels) ** 2).sum() / ((reference - labels) ** 2).sum()


def logits(probs: np.ndarray) -> np.ndarray:
    cut = np.clip(probs, 1e-7, 1 - 1e-7)
    return np.log(cut / (1 - cut))


def intercept_at(slope: float, labels: np.ndarray, x: np.ndarray) -> float:
    bound = abs(slope) * np.abs(x).max() + 40
    return brentq(lambda a: (labels - expit(a + slope * x)).sum(), -bound, bound, xtol=1e-13, maxiter=500)


def slope_by_roots(labels: np.ndarray, probs: np.ndarray) -> float:
    x = logits(probs)

    def score(slope: float) -> float:
        return (x * (labels - expit(intercept_at(slope, labels, x) + slope * x))).sum()

    bound = 1.0
    while not score(-bound) > 0 > score(bound):
        bound *= 4
    return brentq(score, -bound, bound, xtol=1e-13, maxiter=500)


def overlap(labels: np.ndarray, probs: np.ndarray) -> bool:
    positive, negative = probs[labels == 1], probs[labels == 0]
    return bool(positive.size and negative.size and positive.min() < negative.max() and negative.min() < positive.max())


def at_cut(name: str) -> Callable:
    return partial(getattr(metrics, name), threshold=CUT)


BINARY = {
    "auroc, scikit-learn": (metrics.auroc, where(both_classes, sk.roc_auc_score)),
    "auroc, all pairs": (metrics.auroc, where(both_classes, auroc_by_pairs)),
    "auprc": (metrics.auprc, where(any_positive, sk.average_precision_score)),
    "brier": (metrics.brier, where(any_row, lambda y, p: sum((p - y) ** 2) / y.size)),
    "bss": (metrics.bss, where(both_classes, skill)),
    "bss_train": (partial(metrics.bss, reference_prevalence=0.2), where(any_row, partial(skill, reference=0.2))),
    "ace": (metrics.ace, where(any_row, ace_by_loops)),
    "sensitivity": (at_cut("sensitivity"), of_counts(lambda tp, fp, fn, tn: (tp, tp + fn))),
    "specificity": (at_cut("specificity"), of_counts(lambda tp, fp, fn, tn: (tn, tn + fp))),
    "ppv": (at_cut("ppv"), of_counts(lambda tp, fp, fn, tn: (tp, tp + fp))),
    "f1": (at_cut("f1"), of_counts(lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn))),
    "accuracy": (at_cut("accuracy"), of_counts(lambda tp, fp, fn, tn: (tp + tn, tp + fp + fn + tn))),
    "event1": (at_cut("event1"), of_counts(lambda tp, fp, fn, tn: (tp, max(tp + fn, tp + fp) if tp + fn else 0))),
}
REGRESSION = {
    "mae": (metrics.mae, where(any_row, sk.mean_absolute_error)),
    "mse": (metrics.mse, where(any_row, sk.mean_squared_error)),
    "r2": (metrics.r2, where(lambda y, _: varies(y), sk.r2_score)),
    "pearson": (metrics.pearson, where(varies, lambda y, p: pearsonr(y, p).statistic)),
    "spearman": (metrics.spearman, where(varies, lambda y, p: spearmanr(y, p).statistic)),
}
ROOTS = {
    "calibration_slope": (metrics.calibration_slope, where(overlap, slope_by_roots)),
    "calibration_intercept": (
        metrics.calibration_intercept,
        where(both_classes, lambda y, p: intercept_at(1.0, y, logits(p))),
    ),
}


@pytest.mark.parametrize("name", BINARY)
def test_binary_metrics(name):
    gap = largest_gap(*BINARY[name], binary_cohorts(COHORTS), relative=True)
    print(f"{name}: {COHORTS * DRAWS} cases, largest gap {gap:.1e}")
    assert gap <= TOLERANCE


@pytest.mark.parametrize("name", REGRESSION)
def test_regression_metrics(name):
    gap = largest_gap(*REGRESSION[name], regression_cohorts(COHORTS), relative=True)
    print(f"{name}: {COHORTS * DRAWS} cases, largest gap {gap:.1e}")
    assert gap <= TOLERANCE


@pytest.mark.parametrize("name", ROOTS)
def test_fitted_metrics(name):
    cohorts = max(10, COHORTS // 10)  # nested root finding is slow
    assert largest_gap(*ROOTS[name], binary_cohorts(cohorts), relative=True) <= ROOT_TOLERANCE


def test_thresholds():
    for labels, probs, _ in binary_cohorts(COHORTS):
        if labels.sum():
            score = {cut: metrics.event1(labels, probs, cut) for cut in probs}
            assert metrics.choose_threshold(labels, probs) == min(
                cut for cut in probs if score[cut] == max(score.values())
            )


def expected_recall(embeddings: np.ndarray, observed: np.ndarray, k: int) -> float:
    """Mean over ordered pairs, by loops; whole-number embeddings make every comparison of cosines exact."""
    recalls = []
    for a, b in permutations(range(observed.shape[1]), 2):
        both = [stay for stay in range(len(observed)) if observed[stay, a] and observed[stay, b]]
        credits = []
        for stay in both:
            cosine = {other: signed_square(embeddings[stay, a], embeddings[other, b]) for other in both}
            above = sum(value > cosine[stay] for value in cosine.values())
            tied = sum(value == cosine[stay] for value in cosine.values())
            credits.append(Fraction(sum(above + place < k for place in range(tied)), tied))
        if credits:
            recalls.append(sum(credits) / len(credits))
    return float(sum(recalls) / len(recalls)) if recalls else np.nan


def signed_square(query: np.ndarray, target: np.ndarray) -> Fraction:
    """sign(cosine) cosine^2, but for the query's length, which is the same for all its candidates."""
    dot, norm = int(query @ target), int(target @ target)
    return Fraction(dot * abs(dot), norm) if norm else Fraction(0)


def largest_recall_gap(recall: Callable, count: int) -> float:
    rng = np.random.default_rng(37)
    worst = 0.0
    for _ in range(count):
        shape = int(rng.integers(1, 12)), int(rng.integers(2, 4))
        embeddings, observed = rng.integers(-2, 3, (*shape, 3)), rng.random(shape) < 0.8
        k = int(rng.integers(1, 6))
        ours, theirs = recall(embeddings.astype(float), observed, k), expected_recall(embeddings, observed, k)
        worst = max(worst, 0.0 if ours is None and np.isnan(theirs) else abs(ours - theirs))
    return worst


def our_recall(embeddings: np.ndarray, observed: np.ndarray, k: int) -> float | None:
    return metrics.recall_at_k(embeddings, observed, (k,))["mean"][f"recall@{k}"]


def test_recall_with_ties():
    assert largest_recall_gap(our_recall, max(25, COHORTS // 5)) <= TOLERANCE


def auroc_ties_win(labels, probs, weights):
    return np.array([metrics.auroc(labels, probs + 1e-9 * labels, row) for row in weights])


def auprc_trapezoid(labels, probs, weights):
    found = []
    for row in weights.astype(int):
        y, p = np.repeat(labels, row), np.repeat(probs, row)
        points = metrics.pr_points(y, p) if y.sum() else None
        found.append(np.trapezoid(points.precision, points.recall) if points else np.nan)
    return np.array(found)


def ace_equal_width(labels, probs, weights):
    cell = np.minimum((probs * 15).astype(int), 14)
    gap = np.stack([(weights * (probs - labels) * (cell == bin_)).sum(axis=-1) for bin_ in range(15)])
    mass = weights.sum(axis=-1)
    return np.where(mass > 0, np.abs(gap).sum(axis=0) / np.maximum(mass, 1), np.nan)


def spearman_ranks_by_order(targets, predictions, weights):
    return metrics.pearson(*(np.argsort(np.argsort(side)).astype(float) for side in (targets, predictions)), weights)


def skill_of_all_rows(labels, probs, weights):
    return metrics.bss(labels, probs, float(labels.mean()), weights)


def forgets_weights(name):
    metric = getattr(metrics, name)
    return lambda truth, prediction, weights: np.full(DRAWS, metric(truth, prediction))


FAULTS = {
    "auroc that counts ties as wins": (auroc_ties_win, "auroc, scikit-learn"),
    "auprc by trapezoids": (auprc_trapezoid, "auprc"),
    "ace with bins of equal width": (ace_equal_width, "ace"),
    "bss against the prevalence outside the draw": (skill_of_all_rows, "bss"),
    "event1 above, not at, the threshold": (partial(metrics.event1, threshold=np.nextafter(CUT, 1)), "event1"),
    "spearman without mid-ranks": (spearman_ranks_by_order, "spearman"),
    **{
        f"{name} that forgets its weights": (forgets_weights(name), name)
        for name in ("auprc", "brier", "ace", "mae", "r2")
    },
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_caught(fault):
    wrong, name = FAULTS[fault]
    cohorts = binary_cohorts(100) if name in BINARY else regression_cohorts(100)
    assert largest_gap(wrong, (BINARY | REGRESSION)[name][1], cohorts, relative=True) > 1e-3


def recall_by_stable_sort(embeddings, observed, k):
    """The fault that rewards the diagonal: its own target first among the tied."""
    recalls = []
    for a, b in permutations(range(observed.shape[1]), 2):
        both = observed[:, a] & observed[:, b]
        unit = embeddings[both] / np.maximum(np.linalg.norm(embeddings[both], axis=-1, keepdims=True), 1e-9)
        similarity = unit[:, a] @ unit[:, b].T
        above = (similarity > np.diag(similarity)[:, None] + 1e-12).sum(axis=1)
        recalls += [(above < k).mean()] if both.any() else []
    return np.mean(recalls) if recalls else None


def test_the_planted_stable_sort_is_caught():
    assert largest_recall_gap(recall_by_stable_sort, 25) > 1e-2


@pytest.mark.parametrize("name", BINARY | REGRESSION | ROOTS)
def test_nan_is_refused(name):
    metric = (BINARY | REGRESSION | ROOTS)[name][0]
    arrays = [np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.1, 0.3, 0.5, 0.4]), np.ones(4)]
    for position in range(3):
        spoiled = [array.copy() for array in arrays]
        spoiled[position][2] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            metric(*spoiled[:2], weights=spoiled[2])


def test_the_cases_hold_what_they_should():
    """Ties, one class, rows of weight 0 and empty draws are all there, or the checks above would be empty."""
    seen = dict.fromkeys(["ties", "one class", "both classes", "no overlap", "weight 0", "saturated"], 0)
    for labels, probs, weights in binary_cohorts(300):
        seen["ties"] += len(set(probs)) < probs.size
        seen["one class"] += len(set(labels)) == 1
        seen["both classes"] += len(set(labels)) == 2
        seen["no overlap"] += len(set(labels)) == 2 and not overlap(labels, probs)
        seen["weight 0"] += bool((weights == 0).any())
        seen["saturated"] += bool(((probs == 0) | (probs == 1)).any())
    assert min(seen.values()) >= 10
