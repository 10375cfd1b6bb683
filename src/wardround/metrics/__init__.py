"""Metrics: pure functions on numpy arrays, unaware of files, cohorts and models.

    inputs.py          the dimensions, and what every metric refuses
    ranks.py           weighted mid-ranks: the one treatment of ties
    discrimination.py  AUROC, AUPRC, metrics at a threshold, the threshold, curves
    calibration.py     Brier, skill score, adaptive calibration error, slope, intercept, curve
    newton.py          the logistic fit behind slope and intercept
    regression.py      length of stay: errors and correlations
    retrieval.py       cross-modal recall@K and silhouette of embeddings
    bootstrap.py       draws over patients, intervals, paired differences
    tables.py          the tables that reports write

A metric takes its arrays and `weights`: None, one row "stay", or a block of bootstrap draws "draw stay".
"""

from wardround.metrics.bootstrap import (
    Interval,
    bootstrap_difference,
    bootstrap_intervals,
    cluster_weights,
    metric_draws,
    percentile_interval,
)
from wardround.metrics.calibration import (
    ace,
    brier,
    bss,
    calibration_curve,
    calibration_intercept,
    calibration_slope,
)
from wardround.metrics.discrimination import (
    accuracy,
    auprc,
    auroc,
    choose_threshold,
    event1,
    f1,
    ppv,
    pr_points,
    roc_points,
    sensitivity,
    specificity,
)
from wardround.metrics.regression import mae, mse, pearson, r2, spearman
from wardround.metrics.retrieval import recall_at_k, silhouette
from wardround.metrics.tables import (
    classification_metrics,
    classification_table,
    multilabel_table,
    regression_table,
)

__all__ = [
    "Interval",
    "accuracy",
    "ace",
    "auprc",
    "auroc",
    "bootstrap_difference",
    "bootstrap_intervals",
    "brier",
    "bss",
    "calibration_curve",
    "calibration_intercept",
    "calibration_slope",
    "choose_threshold",
    "classification_metrics",
    "classification_table",
    "cluster_weights",
    "event1",
    "f1",
    "mae",
    "metric_draws",
    "mse",
    "multilabel_table",
    "pearson",
    "percentile_interval",
    "ppv",
    "pr_points",
    "r2",
    "recall_at_k",
    "regression_table",
    "roc_points",
    "sensitivity",
    "silhouette",
    "spearman",
    "specificity",
]
