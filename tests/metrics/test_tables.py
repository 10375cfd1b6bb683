import json

import numpy as np
import pytest

from wardround.metrics import (
    auroc,
    bootstrap,
    bootstrap_intervals,
    brier,
    bss,
    classification_metrics,
    classification_table,
    metric_draws,
    multilabel_table,
    regression_table,
    spearman,
)

CLASSIFICATION = [
    "auroc",
    "auprc",
    "brier",
    "bss",
    "bss_train",
    "ace",
    "calibration_slope",
    "calibration_intercept",
    "sensitivity",
    "specificity",
    "ppv",
    "f1",
    "accuracy",
    "event1",
]
RNG = np.random.default_rng(11)
IDS = RNG.integers(0, 80, 150)
PROBS = RNG.random((150, 3))
LABELS = (RNG.random((150, 3)) < PROBS).astype(int)
REFERENCES = {"bss": None, "bss_train": 0.3}


def leaves(table):
    for value in table.values():
        yield from leaves(value) if isinstance(value, dict) else [value]


def test_classification_table_has_the_frozen_names_and_plain_numbers():
    table = classification_table(LABELS[:, 0], PROBS[:, 0], IDS, 0.4, REFERENCES, draws=30, seed=3)
    assert list(table) == CLASSIFICATION
    assert {type(value) for value in leaves(table)} == {float, int}
    assert json.loads(json.dumps(table, allow_nan=False)) == table
    assert table["bss_train"]["value"] == bss(LABELS[:, 0], PROBS[:, 0], 0.3)
    assert table["auroc"] == bootstrap_intervals({"x": auroc}, IDS, LABELS[:, 0], PROBS[:, 0], draws=30, seed=3)["x"]
    for interval in table.values():
        assert interval["low"] <= interval["high"]


def test_one_class_writes_none_and_never_nan():
    table = classification_table(np.zeros(150), PROBS[:, 0], IDS, 0.4, REFERENCES, draws=10)
    undefined = [name for name, interval in table.items() if interval["value"] is None]
    assert undefined == ["auroc", "auprc", "bss", "calibration_slope", "calibration_intercept", "sensitivity", "event1"]
    json.dumps(table, allow_nan=False)


def test_regression_table_has_the_frozen_names():
    targets_h, predictions_h = 100 * PROBS[:, 0], 90 * PROBS[:, 0] + 10 * PROBS[:, 1]
    table = regression_table(targets_h, predictions_h, IDS, draws=30)
    assert list(table) == ["mae_h", "mse_h2", "r2", "pearson", "spearman"]
    assert table["spearman"]["value"] == spearman(targets_h, predictions_h)
    assert all(row["low"] <= row["value"] <= row["high"] for row in table.values())


def test_multilabel_table_is_each_table_and_their_mean():
    names, thresholds = ["sepsis", "stroke", "shock"], np.array([0.3, 0.4, 0.5])
    references = {"bss": None, "bss_train": [0.1, 0.2, 0.3]}
    table = multilabel_table(LABELS, PROBS, IDS, thresholds, names, references, draws=25, seed=2)
    assert list(table["metrics"]) == CLASSIFICATION
    assert list(table["by_label"]) == names
    for column, label in enumerate(names):
        own = {"bss": None, "bss_train": references["bss_train"][column]}
        alone = classification_table(
            LABELS[:, column], PROBS[:, column], IDS, thresholds[column], own, draws=25, seed=2
        )
        found = dict(table["by_label"][label])
        assert found.pop("n_pos") == int(LABELS[:, column].sum())
        assert list(found) == list(alone)
        for name, interval in alone.items():
            assert found[name] == pytest.approx(interval, abs=1e-12), name
    samples = [
        metric_draws({"auroc": auroc}, IDS, LABELS[:, column], PROBS[:, column], draws=25, seed=2)["auroc"]
        for column in range(3)
    ]
    macro = table["metrics"]["auroc"]
    assert macro["value"] == pytest.approx(np.mean([auroc(LABELS[:, c], PROBS[:, c]) for c in range(3)]), abs=1e-15)
    np.testing.assert_allclose(
        [macro["low"], macro["high"]], np.percentile(np.mean(samples, axis=0), [2.5, 97.5]), atol=1e-15
    )


def test_the_draws_are_those_of_the_metrics_one_by_one_and_are_counted(monkeypatch: pytest.MonkeyPatch):
    """Ties, stays in any order, blocks of any size, several threads: to rounding, whatever is shared."""
    monkeypatch.setattr(bootstrap, "LEAST_DRAWS", 1)
    monkeypatch.setattr(bootstrap, "BLOCK_CELLS", 150 * 7)
    probs = np.round(PROBS, 1) * 0.9 + 0.05
    probs[:, 1] = np.sort(PROBS[:, 1])
    done: list[int] = []
    names = ["a", "b", "c"]
    found = multilabel_table(
        LABELS, probs, IDS, np.full(3, 0.4), names, {"bss": None, "bss_train": [0.3] * 3}, 30, 2, advance=done.append
    )
    assert done == [7, 7, 7, 7, 2]
    for column, name in enumerate(names):
        metrics = classification_metrics(0.4, {"bss": None, "bss_train": 0.3})
        alone = bootstrap_intervals(metrics, IDS, LABELS[:, column], probs[:, column], draws=30, seed=2)
        for metric, interval in alone.items():
            assert found["by_label"][name][metric] == pytest.approx(interval, abs=1e-9), metric
            if metric in ("auroc", "auprc", "f1"):
                assert found["by_label"][name][metric] == interval, "counts are whole numbers"


def test_a_label_of_one_class_is_left_out_of_the_macro_mean():
    labels = LABELS.copy()
    labels[:, 1] = 0
    table = multilabel_table(labels, PROBS, IDS, np.full(3, 0.5), ["a", "b", "c"], draws=10)
    expected = np.mean([brier(labels[:, column], PROBS[:, column]) for column in (0, 2)])
    assert table["metrics"]["brier"]["value"] == pytest.approx(expected, abs=1e-15)
    assert table["by_label"]["b"]["auroc"]["value"] is None
    assert table["by_label"]["b"]["brier"]["value"] == brier(labels[:, 1], PROBS[:, 1])
    assert table["by_label"]["b"]["n_pos"] == 0
    json.dumps(table, allow_nan=False)


def test_no_label_with_both_classes_is_undefined():
    table = multilabel_table(np.zeros((150, 2)), PROBS[:, :2], IDS, np.full(2, 0.5), ["a", "b"], draws=5)
    assert {row["value"] for row in table["metrics"].values()} == {None}
    assert {row["dropped"] for row in table["metrics"].values()} == {5}


def test_a_draw_counts_the_labels_that_have_both_classes_in_it():
    labels, ids = LABELS[:20, :2].copy(), np.arange(20)
    labels[:, 1] = np.arange(20) == 4  # a single positive, absent from a third of the draws
    probs, names = PROBS[:20, :2], ["common", "rare"]
    table = multilabel_table(labels, probs, ids, np.full(2, 0.5), names, draws=200)
    assert table["by_label"]["rare"]["auroc"]["dropped"] > 40
    assert table["metrics"]["auroc"]["dropped"] == table["metrics"]["brier"]["dropped"] == 0
    samples = [
        metric_draws({"auroc": auroc, "brier": brier}, ids, labels[:, c], probs[:, c], draws=200) for c in range(2)
    ]
    rare_counts = ~np.isnan(samples[1]["auroc"])
    common, rare = samples[0]["brier"], samples[1]["brier"]
    expected = np.percentile(np.where(rare_counts, (common + rare) / 2, common), [2.5, 97.5])
    macro = table["metrics"]["brier"]
    np.testing.assert_allclose([macro["low"], macro["high"]], expected, atol=1e-15)


@pytest.mark.usefixtures("unchecked_signatures")
def test_bad_shapes_and_names_are_refused():
    thresholds, names = np.full(3, 0.5), ["a", "b", "c"]
    for labels, probs, ids in [(LABELS[:9], PROBS, IDS), (LABELS, PROBS[:, :2], IDS), (LABELS, PROBS, IDS[:9])]:
        with pytest.raises(ValueError, match="expected"):
            multilabel_table(labels, probs, ids, thresholds, names, draws=2)
    for cuts, labels_named, references in [
        (thresholds[:2], names, {"bss": None}),
        (thresholds, ["a", "a", "b"], {"bss": None}),
        (thresholds, names, {"bss_train": [0.1]}),
    ]:
        with pytest.raises(ValueError, match="one a label"):
            multilabel_table(LABELS, PROBS, IDS, cuts, labels_named, references, draws=2)


def test_metrics_come_in_the_order_of_the_table():
    assert list(classification_metrics(0.5, REFERENCES)) == CLASSIFICATION
