"""The numbers of `metrics.json`, worked by hand."""

import numpy as np
import pytest

from wardround.evaluate.tables import hours_metrics, probability_metrics

FITTED = {"threshold": 0.5, "train_prevalence": 0.25}
NOTE = "fewer than 50 events of the rarer outcome"
WIDE = "interval too wide to conclude"


def judged(n: int, n_events: np.ndarray | None = None, label: np.ndarray | None = None, draws: int = 20) -> dict:
    """Yes-or-no metrics of n stays of n patients; every third has the event; the prediction is the place."""
    label = (np.arange(n) % 3 == 0).astype(float) if label is None else label
    n_events = np.arange(n) if n_events is None else n_events
    predicted = np.linspace(0.1, 0.9, n)
    return probability_metrics(label, predicted, np.arange(n), n_events, FITTED, draws, 0)


def bins(n_events: np.ndarray) -> list[tuple[int, int, int]]:
    return [(row["low"], row["high"], row["n_stays"]) for row in judged(len(n_events), n_events)["by_n_events"]]


def test_four_stays_by_hand():
    label, predicted = np.asarray([0.0, 1, 0, 1]), np.asarray([0.2, 0.4, 0.6, 0.9])
    made = probability_metrics(label, predicted, np.arange(4), np.arange(4), FITTED, 20, 0)
    values = {name: entry["value"] for name, entry in made["metrics"].items()}
    assert (made["prevalence"], made["threshold"]) == (0.5, 0.5)
    assert values["auroc"] == 0.75
    assert values["brier"] == pytest.approx((0.04 + 0.36 + 0.36 + 0.01) / 4)
    assert values["bss"] == pytest.approx(1 - 0.1925 / 0.25)
    assert values["bss_train"] == pytest.approx(1 - 0.1925 / ((2 * 0.0625 + 2 * 0.5625) / 4))
    assert (values["sensitivity"], values["specificity"], values["ppv"], values["event1"]) == (0.5, 0.5, 0.5, 0.5)
    assert made["by_n_events"] == [], "bins of one stay are nobody's to see"


def test_the_threshold_is_the_run_s():
    strict = probability_metrics(
        np.asarray([0.0, 1, 0, 1]), np.asarray([0.2, 0.4, 0.6, 0.9]), np.arange(4), np.arange(4),
        FITTED | {"threshold": 0.9}, 20, 0,
    )  # fmt: skip
    assert strict["metrics"]["ppv"]["value"] == 1
    assert strict["metrics"]["accuracy"]["value"] == 0.75


def test_few_deaths_are_said_to_be_few():
    assert judged(30)["note"].startswith(NOTE)
    few_survivors = (np.arange(100) % 5 >= 2).astype(float)
    assert judged(100, label=few_survivors)["note"].startswith(NOTE), "the rarer of the two"


def one_outcome(label: float, share: float, n_data: int) -> str:
    arrays = np.full(20, float(label)), np.linspace(0.1, 0.9, 20), np.arange(20), np.arange(20)
    return probability_metrics(*arrays, {"threshold": 0.5, "train_prevalence": share}, 20, 0, n_data)["note"]


def test_one_outcome_alone_is_said_with_how_many_stays_would_have_both():
    """Of 150 stays 20 are asked, of whom 4 % should have it: 5 of 937, and a person is told no more digits than two."""
    nobody = "none of these 20 stays have the outcome, so that AUROC and all that compares is undefined (-): "
    split = "or train on another split (--split-seed, --fold)."
    expected = "of some 940 stays (these data have 150; synth --stays N) about 5 here would be with it; "
    assert one_outcome(0, 0.04, 150) == nobody + expected + split
    assert ": of some 940 stays" in one_outcome(1, 0.96, 150)
    assert one_outcome(1, 0.96, 150).startswith("all of these 20 ")
    assert one_outcome(0, 0.0, 150) == f"{nobody}bring more stays, {split}", "nobody had it in training either"
    assert judged(30, label=np.zeros(30))["note"].endswith(f"bring more stays, {split}"), "nobody says of how many"
    assert "of some 200 stays" in one_outcome(0, 0.9, 200), "never fewer than there are"


def test_many_deaths_and_a_narrow_interval_need_no_word():
    n = 600
    label = (np.arange(n) >= n / 2).astype(float)
    assert judged(n, label=label)["note"] == ""
    half = (np.arange(100) % 2).astype(float)
    assert judged(100, label=half, draws=200)["note"] == WIDE, "50 deaths, yet an interval of no use"


def test_quarters_of_the_stays_by_number_of_events():
    assert bins(np.arange(1, 45)) == [(1, 11, 11), (12, 22, 11), (23, 33, 11), (34, 44, 11)]


def test_quarters_of_ten_stays_are_left_out():
    assert bins(np.arange(1, 41)) == []
    assert bins(np.r_[np.zeros(30, int), 1:11]) == [(0, 0, 30)]


def test_ties_stay_together_and_the_most_events_are_in_the_last_bin():
    assert bins(np.full(20, 7)) == [(7, 7, 20)]
    assert bins(np.repeat([1, 5], [24, 24])) == [(1, 1, 24), (5, 5, 24)]
    assert bins(np.repeat([0, 3, 9], [25, 15, 20])) == [(0, 0, 25), (3, 9, 35)]


def test_a_bin_has_the_metric_of_its_stays_with_an_interval():
    label = np.r_[np.zeros(12), np.ones(12), np.zeros(24)]
    predicted = np.r_[np.linspace(0.1, 0.2, 12), np.linspace(0.3, 0.4, 12), np.linspace(0.1, 0.9, 24)]
    n_events = np.repeat([3, 8, 20], [24, 12, 12])
    made = probability_metrics(label, predicted, np.arange(48), n_events, FITTED, 20, 0)["by_n_events"]
    first, *others = made
    assert first == {
        "low": 3, "high": 3, "n_stays": 24, "n_events": 12, "metric": "auroc",
        "value": 1.0, "ci_low": 1.0, "ci_high": 1.0,
    }  # fmt: skip
    assert [(row["value"], row["n_events"]) for row in others] == [(None, 0)] * len(others), "one class: no area"


HOURS = np.asarray([10.0, 20, 30, 40])
PREDICTED = np.asarray([12.0, 20, 26, 40])


def hours(died: list[bool], elapsed: float = 25.0) -> dict:
    return hours_metrics(
        HOURS, PREDICTED, np.arange(4), np.arange(4), np.full(4, elapsed), np.asarray(died), draws=20, seed=0
    )


def test_hours_by_hand():
    made = hours([False] * 4)
    values = {name: entry["value"] for name, entry in made["metrics"].items()}
    assert values["mae_h"] == 1.5
    assert values["mse_h2"] == 5
    assert values["r2"] == pytest.approx(1 - 20 / 500)
    assert made["elapsed_baseline"]["mae_h"]["value"] == 10
    assert made["elapsed_baseline"]["r2"]["value"] == pytest.approx(0)
    assert made["prevalence"] is None


def test_deaths_stand_apart_where_there_are_two():
    assert set(hours([True, False, False, False])["by_outcome"]) == {"survived"}
    apart = hours([True, True, False, False])["by_outcome"]
    assert {name: (part["n_stays"], part["metrics"]["mae_h"]["value"]) for name, part in apart.items()} == {
        "died": (2, 1.0),
        "survived": (2, 2.0),
    }


def test_hours_by_number_of_events():
    n = 24
    label, predicted = np.arange(n, dtype=float), np.arange(n) + np.repeat([1.0, 3.0], 12)
    n_events = np.repeat([2, 9], 12)
    made = hours_metrics(label, predicted, np.arange(n), n_events, predicted, np.zeros(n, bool), 20, 0)["by_n_events"]
    assert [
        (row["low"], row["high"], row["n_stays"], row["metric"], row["value"], row["n_events"]) for row in made
    ] == [
        (2, 2, 12, "mae_h", 1.0, None),
        (9, 9, 12, "mae_h", 3.0, None),
    ]
