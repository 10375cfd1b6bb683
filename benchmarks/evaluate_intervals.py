"""Every metric of a yes/no task with its interval: 1,000 bootstrap draws over the patients of 50,000 stays, in seconds.

    python benchmarks/evaluate_intervals.py [--stays 50000] [--to RESULTS]

The peer: scikit-learn's AUROC alone, in a plain loop over draws of patients (measured on 20 draws, scaled to
1,000; what is done once before the loop is not timed). Above 1 the peer is slower.
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
    patients = np.unique(subject)
    rows = np.split(np.argsort(subject), np.unique(np.sort(subject), return_index=True)[1][1:])
    stays_of = dict(zip(patients, rows, strict=True))
    begin = perf_counter()
    for _ in range(PEER_DRAWS):
        drawn = np.concatenate([stays_of[one] for one in rng.choice(patients, len(patients))])
        roc_auc_score(label[drawn], predicted[drawn])
    peer = (perf_counter() - begin) * DRAWS / PEER_DRAWS
    report(
        "evaluate_intervals",
        {
            "stays": options.stays,
            "metrics": len(made["metrics"]),
            "ours_all_metrics_s": round(ours, 1),
            "scikit_learn_auroc_alone_s": round(peer, 1),
            "ratio_scikit_learn_to_ours": round(peer / ours, 2),
        },
        options.to,
    )


if __name__ == "__main__":
    main()
