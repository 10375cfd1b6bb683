"""The best possible: Bayes' rule by hand, and on a synthetic cohort."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from truth.held_out import judged_stays, told_by_pattern
from truth.plan import Condition

from wardround.errors import DataError
from wardround.metrics.discrimination import auroc
from wardround.sources.synthetic import MODALITIES, synthesise_eicu


def truth_of(missing: list[bool], died: list[bool], dies: float, lives: float) -> pl.DataFrame:
    """The first modality is missing as told; the others are there, which is as likely whoever dies."""
    prob = [dies if one else lives for one in died]
    columns = {"stay_id": range(len(died)), "died": died}
    for place, name in enumerate(MODALITIES):
        columns[f"missing_{name}"] = missing if place == 0 else [False] * len(died)
        columns[f"p_missing_{name}"] = prob if place == 0 else [0.3] * len(died)
    return pl.DataFrame(columns)


def test_what_is_missing_tells_by_bayes_rule():
    truth = truth_of([True, False, True, False], [True, True, False, False], dies=0.6, lives=0.2)
    found = told_by_pattern(np.full(4, 0.1), truth, truth)
    there = 0.1 * 0.6 / (0.1 * 0.6 + 0.9 * 0.2)
    gone = 0.1 * 0.4 / (0.1 * 0.4 + 0.9 * 0.8)
    assert found == pytest.approx([there, gone, there, gone])


@pytest.mark.parametrize("mechanism", ["severity", "outcome"])
def test_the_best_possible_is_calibrated_and_uses_the_pattern_where_that_tells(tmp_path: Path, mechanism: str):
    condition = Condition(0.4, mechanism)
    synthesise_eicu(tmp_path / "raw", 2000, 5, condition.settings, quiet=True)
    truth = pl.read_parquet(tmp_path / "raw" / "truth" / "stays.parquet")
    in_unit = truth.filter(pl.col("true_risk_at_24h").is_not_null())
    asked = in_unit.select("stay_id", subject_id="stay_id", label=pl.col("died").cast(pl.Float64))
    stays = judged_stays(asked, truth, condition)
    label, best, state = (stays[name].to_numpy() for name in ("label", "best_risk", "state_risk"))
    z = (label - best).sum() / np.sqrt((best * (1 - best)).sum())
    assert abs(z) < 3
    if mechanism == "outcome":
        assert float(auroc(label, best)) > float(auroc(label, state)) + 0.03
    else:
        assert np.array_equal(best, state)


def test_a_stay_without_a_true_risk_is_refused():
    truth = truth_of([False], [True], 0.5, 0.5).with_columns(true_risk_at_24h=pl.lit(None, pl.Float64))
    asked = pl.DataFrame({"subject_id": [1], "stay_id": [0], "label": [1.0]})
    with pytest.raises(DataError, match="no true risk"):
        judged_stays(asked, truth, Condition(0.4, "random"))
