"""LightGBM's text: what is kept of it, and that nothing else is parsed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.errors import RunError
from wardround.methods.tree_text import check_tree_text, kept_part

lightgbm = pytest.importorskip("lightgbm")
COLUMNS = 4


def booster(rounds: int = 3, stays: int = 300, **parameters):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(stays, COLUMNS)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[7, 2] = 123.4375
    label = (np.nan_to_num(values[:, 0]) + rng.normal(size=stays) > 0).astype(float)
    chosen = {"objective": "binary", "num_leaves": 4, "verbosity": -1, "num_threads": 1, **parameters}
    return values, lightgbm.train(chosen, lightgbm.Dataset(values, label), rounds)


@pytest.fixture(scope="module")
def text() -> str:
    return kept_part(booster()[1].model_to_string())


def test_what_is_kept_predicts_the_same(text: str):
    values, whole = booster()
    kept = lightgbm.Booster(model_str=text).predict(values, raw_score=True)
    assert (kept == whole.predict(values, raw_score=True)).all()


def test_no_value_of_a_single_patient_and_no_parameter_is_kept(text: str):
    """LightGBM notes the largest value of each column: 123.4375 is one stay's."""
    whole = booster()[1].model_to_string()
    assert "123.4375" in whole
    assert "123.4375" not in text
    assert "num_threads" in whole
    assert "parameters" not in text
    assert "feature_infos=none none none none\n" in text


@pytest.mark.parametrize("given_", [{}, {"objective": "regression"}, {"min_child_samples": 1000}, {"num_leaves": 2}])
def test_what_is_written_is_read(given_: dict):
    check_tree_text(kept_part(booster(**given_)[1].model_to_string()), COLUMNS)


FAULTS = {
    "another table": lambda text: (text, COLUMNS + 1),
    "a column beyond the table": lambda text: (first(text, "split_feature", "9"), COLUMNS),
    "a column below 0": lambda text: (first(text, "split_feature", "-1"), COLUMNS),
    "a child beyond the splits": lambda text: (first(text, "left_child", "77"), COLUMNS),
    "a leaf beyond the leaves": lambda text: (first(text, "right_child", "-99"), COLUMNS),
    "a split below itself": lambda text: (first(text, "left_child", "0"), COLUMNS),
    "a split on categories": lambda text: (first(text, "decision_type", "1"), COLUMNS),
    "categories": lambda text: (text.replace("num_cat=0", "num_cat=1", 1), COLUMNS),
    "regressions": lambda text: (text.replace("is_linear=0", "is_linear=1", 1), COLUMNS),
    "a word": lambda text: (first(text, "threshold", "nonsense"), COLUMNS),
    "more leaves than values": lambda text: (text.replace("num_leaves=4", "num_leaves=5", 1), COLUMNS),
    "a shorter size": lambda text: (text.replace("tree_sizes=", "tree_sizes=1 ", 1), COLUMNS),
    "a tree less": lambda text: (text[: text.index("Tree=2")] + "end of trees\n", COLUMNS),
    "a line more": lambda text: (text.replace("num_cat=0\n", "num_cat=0\ncat_threshold=1\n", 1), COLUMNS),
    "parameters": lambda text: (text + "parameters:\n", COLUMNS),
    "nothing": lambda text: ("", COLUMNS),
}


def first(text: str, name: str, value: str) -> str:
    """The first number of a line replaced by another of the same length where that is possible."""
    begin = text.index(f"\n{name}=") + len(name) + 2
    end = min(text.index(" ", begin), text.index("\n", begin))
    changed = text[:begin] + value + text[end:]
    size = text.split("tree_sizes=")[1].split(" ")[0]
    return changed.replace(f"tree_sizes={size} ", f"tree_sizes={int(size) + len(changed) - len(text)} ", 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_another_text_is_refused(text: str, fault: str):
    changed, columns = FAULTS[fault](text)
    with pytest.raises(RunError, match=r"the trees in the run's weights are not LightGBM's: .*\. Train again\."):
        check_tree_text(changed, columns)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_byte_is_refused_or_harmless(text: str, data: st.DataObject):
    """Whatever passes is parsed and gives numbers."""
    place = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.sampled_from("0123456789-. =\nenTx"))
    changed = text[:place] + new + text[place + 1 :]
    try:
        check_tree_text(changed, COLUMNS)
    except RunError:
        return
    made = lightgbm.Booster(model_str=changed).predict(np.zeros((2, COLUMNS), np.float32), raw_score=True)
    assert made.shape == (2,)
