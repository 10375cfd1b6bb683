"""Every metric of a yes/no task with its interval: 1,000 bootstrap draws over the patients of 50,000 stays, in seconds.

    python benchmarks/evaluate_intervals.py [--stays 50000] [--to RESULTS]

The peer: scikit-learn's AUROC alone, in a plain loop over draws of patients (measured on 20 draws, scaled to 1,000).
"""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
from measuring import report
from sklearn.metrics import roc_auc_score

from wardround.evaluate.tables import probability_metrics

DRAWS, PEER_DRAWS = 1000, 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stays", type=int, default=50_000)
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    subject = rng.integers(0, int(options.stays * 0.8), options.stays)
    logit = rng.normal(-2.5, 1.2, options.stays)
    label = (rng.random(options.stays) < 1 / (1 + np.exp(-logit))).astype(np.float64)
    predicted = 1 / (1 + np.exp(-(0.8 * logit + rng.normal(0, 0.5, options.stays))))
    events = rng.integers(1, 500, options.stays)
    begin = perf_counter()
    made = probability_metrics(
        label, predicted, subject, events, {"threshold": 0.1, "train_prevalence": 0.1}, DRAWS, seed=0
    )
    ours = perf_counter() - begin
    begin = perf_counter()
    _plain_loop(label, predicted, subject, rng)
    peer = (perf_counter() - begin) * DRAWS / PEER_DRAWS
    report(
        "evaluate_intervals",
        {
            "stays": options.stays,
            "metrics": len(made["metrics"]),
            "ours_all_metrics_s": round(ours, 1),
            "scikit_learn_auroc_alone_s": round(peer, 1),
            "ratio": round(peer / ours, 2),
        },
        options.to,
    )


def _plain_loop(label: np.ndarray, predicted: np.ndarray, subject: np.ndarray, rng: np.random.Generator) -> None:
    patients = np.unique(subject)
    stays_of = dict(zip(patients, np.split(np.argsort(subject), np.unique(np.sort(subject), True)[1][1:]), strict=True))
    for _ in range(PEER_DRAWS):
        drawn = np.concatenate([stays_of[one] for one in rng.choice(patients, len(patients))])
        roc_auc_score(label[drawn], predicted[drawn])


if __name__ == "__main__":
    main()
