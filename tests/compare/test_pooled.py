"""Pooling and pairing, against a plain loop over draws, repeats and seeds."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.compare.pooled import holm, judge, two_sided_p, unfit
from wardround.errors import RunError
from wardround.metrics.bootstrap import cluster_weights
from wardround.metrics.discrimination import auroc, ppv
from wardround.metrics.regression import mae

RNG = np.random.default_rng(5)
STAYS = 60
SUBJECT = np.arange(STAYS) // 2
DIED = (RNG.random(STAYS) < 0.4).astype(float)
DRAWS = 40
AUROC = {"auroc": ("predicted", auroc)}


def table(values: np.ndarray, stays: np.ndarray | None = None, label: np.ndarray = DIED) -> pl.DataFrame:
    """What a row predicts for some stays, in an order of its own."""
    stays = np.arange(STAYS) if stays is None else stays
    columns = {"subject_id": SUBJECT[stays], "stay_id": stays, "label": label[stays], "predicted": values[stays]}
    return pl.DataFrame(columns).sample(fraction=1, shuffle=True, seed=int(values[0] * 1e6) % 1000)


def guess(noise: float) -> np.ndarray:
    return DIED + RNG.normal(0, noise, STAYS)


def by_loop(frames: dict[str, list[np.ndarray]], places: dict[str, np.ndarray], weight: np.ndarray) -> float:
    """The mean over repeats of the mean over seeds, every stay repeated as often as it was drawn."""
    repeats = []
    for repeat, seeds in frames.items():
        drawn = np.repeat(places[repeat], weight[places[repeat]].astype(int))
        repeats.append(np.mean([float(auroc(DIED[drawn], values[drawn])) for values in seeds]))
    return float(np.mean(repeats))


def test_value_difference_and_intervals_are_those_of_a_plain_loop():
    """Two repeats of other stays, seeds of other numbers: what is paired is the stays and the draws, not the seeds."""
    places = {"0": np.arange(0, 44), "1": np.arange(20, 60)}
    good = {"0": [guess(0.8), guess(0.8), guess(0.8)], "1": [guess(0.8), guess(0.8), guess(0.8)]}
    poor = {"0": [guess(2.0)], "1": [guess(2.0)]}
    rows = {
        name: {repeat: [table(one, places[repeat]) for one in seeds] for repeat, seeds in of.items()}
        for name, of in (("good", good), ("poor", poor))
    }
    found = judge(rows, AUROC, "poor", DRAWS, seed=3)
    weights = np.concatenate(list(cluster_weights(SUBJECT, DRAWS, 3)))
    values = [by_loop(good, places, weight) for weight in weights]
    less = [by_loop(good, places, weight) - by_loop(poor, places, weight) for weight in weights]
    everyone = np.ones(STAYS)
    interval = found["good"].values["auroc"]
    assert interval["value"] == pytest.approx(by_loop(good, places, everyone))
    assert [interval["low"], interval["high"]] == pytest.approx(list(np.quantile(values, [0.025, 0.975])))
    difference = found["good"].differences["auroc"]
    assert difference.interval["value"] == pytest.approx(
        by_loop(good, places, everyone) - by_loop(poor, places, everyone)
    )
    ends = [difference.interval["low"], difference.interval["high"]]
    assert ends == pytest.approx(list(np.quantile(less, [0.025, 0.975])))
    assert difference.p == pytest.approx(min(1, 2 * (1 + sum(np.array(less) <= 0)) / (1 + DRAWS)))
    assert difference.n_stays == STAYS
    assert found["poor"].differences == {}


def test_stays_that_one_row_lacks_are_left_out_of_the_difference_alone():
    """As for a published score. The row's own value stays on its own stays."""
    some, good, poor = np.arange(10, 50), guess(0.5), guess(2.0)
    rows = {"poor": {"0": [table(poor)]}, "score": {"0": [table(good, some)]}}
    found = judge(rows, AUROC, "poor", DRAWS)["score"]
    assert (found.n_stays, found.n_subjects, found.n_events) == (40, 20, int(DIED[some].sum()))
    assert found.values["auroc"]["value"] == pytest.approx(float(auroc(DIED[some], good[some])))
    less = float(auroc(DIED[some], good[some])) - float(auroc(DIED[some], poor[some]))
    assert found.differences["auroc"].interval["value"] == pytest.approx(less)
    assert found.differences["auroc"].n_stays == 40


def test_a_row_beside_itself_differs_by_nothing_in_every_draw():
    values = guess(1.0)
    rows = {"a": {"0": [table(values)]}, "b": {"0": [table(values), table(values)]}}
    difference = judge(rows, AUROC, "a", DRAWS)["b"].differences["auroc"]
    assert difference.interval == {"value": 0.0, "low": 0.0, "high": 0.0, "dropped": 0}
    assert difference.p == 1.0


def test_all_stays_seeds_and_repeats_of_a_patient_move_together():
    """One patient with all the variation: a draw either has all of it or none, so the interval is that wide."""
    hours = np.zeros(STAYS)
    error = np.where(SUBJECT == 0, 60.0, 0.0)
    frames = [table(error, label=hours)] * 3
    measures = {"mae_h": ("predicted", mae)}
    one = judge({"a": {"0": frames[:1]}}, measures, draws=400)["a"].values["mae_h"]
    many = judge({"a": {"0": frames, "1": frames}}, measures, draws=400)["a"].values["mae_h"]
    assert many == one
    assert one["value"] == pytest.approx(60 * 2 / STAYS)


def test_flags_are_judged_as_each_run_chose_them():
    values = np.where(DIED == 1, 0.3, 0.1)
    flagged = table(values).with_columns(flagged=(pl.col("predicted") >= 0.2).cast(pl.Float64))
    measure = {"ppv": ("flagged", lambda *arrays, weights=None: ppv(*arrays, threshold=0.5, weights=weights))}
    assert judge({"a": {"0": [flagged]}}, measure, draws=5)["a"].values["ppv"]["value"] == 1.0


def test_rows_that_do_not_predict_the_same_are_refused():
    rows = {"a": {"0": [table(guess(1))]}, "b": {"0": [table(guess(1), label=1 - DIED)]}}
    with pytest.raises(RunError, match="60 stays have another label"):
        judge(rows, AUROC, "a", DRAWS)
    apart = {"a": {"0": [table(guess(1), np.arange(30))]}, "b": {"0": [table(guess(1), np.arange(30, 60))]}}
    with pytest.raises(RunError, match="no stay is predicted by both"):
        judge(apart, AUROC, "a", DRAWS)
    with pytest.raises(RunError, match="its seeds predict other stays"):
        judge({"a": {"0": [table(guess(1)), table(guess(1), np.arange(30))]}}, AUROC, draws=DRAWS)


def test_what_cannot_be_judged_is_named_and_the_rest_can_be():
    """Each fault beside two good rows; the reference counts as right, wherever it stands."""
    good, half = {"0": [table(guess(1))]}, np.arange(30)
    nan = np.where(np.arange(STAYS) < 4, np.nan, guess(1))
    faults = {
        "label": ({"0": [table(guess(1), label=1 - DIED)]}, "60 stays have another label"),
        "seeds": ({"0": [table(guess(1)), table(guess(1), half)]}, "its seeds predict other stays"),
        "nan": ({"0": [table(nan[::-1])]}, "4 of 60 values are NaN"),
        "repeat": ({"another": [table(guess(1))]}, "no stay is predicted by both"),
    }
    rows = {name: row for name, (row, _) in faults.items()} | {"a": good, "b": {"0": [table(guess(1), half)]}}
    why = unfit(rows, AUROC, "a")
    assert list(why) == list(faults)
    assert all(said in why[name] for name, (_, said) in faults.items())
    assert set(judge({name: row for name, row in rows.items() if name not in why}, AUROC, "a", DRAWS)) == {"a", "b"}
    without = unfit({"nan": rows["nan"], "repeat": rows["repeat"], "a": good}, AUROC, "nan")
    assert list(without) == ["nan"], "without the reference nothing has to be paired"
    assert unfit({"a": good}, AUROC, None) == {}


def test_p_is_the_level_at_which_the_interval_leaves_0_out():
    draws = np.arange(-3.0, 97.0)  # 4 of 100 draws are 0 or below
    assert two_sided_p(draws) == pytest.approx(2 * 5 / 101)
    assert two_sided_p(np.full(999, 1.0)) == pytest.approx(2 / 1000)
    assert two_sided_p(np.full(3, np.nan)) is None
    assert two_sided_p(np.array([0.0, 0.0])) == 1.0


def test_holm_as_in_the_paper():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([None, 0.5, 0.9]) == [None, 1.0, 1.0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_and_keeps_their_order(p_values: list[float]):
    adjusted = holm(p_values)
    assert all(a is not None and p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert all(adjusted[i] <= adjusted[j] for i, j in pairwise(order))
    assert min(adjusted) == pytest.approx(min(1.0, min(p_values) * len(p_values)))
