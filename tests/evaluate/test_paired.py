"""Two evaluations on the stays that both predict."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wardround import files
from wardround.errors import RunError
from wardround.evaluate.paired import paired
from wardround.metrics.discrimination import auroc
from wardround.metrics.regression import mae

RNG = np.random.default_rng(0)
DIED = RNG.random(60) < 0.4
GOOD = DIED + RNG.normal(0, 0.5, 60)
POOR = DIED + RNG.normal(0, 2.0, 60)


def predictions(folder: Path, stays: range, values: np.ndarray, hours: bool = False) -> Path:
    """An evaluation of some of 60 stays of 30 patients, in an order of its own."""
    label, predicted = ("float_value", "predicted_float_value") if hours else ("boolean_value", "p")
    rows = pl.DataFrame(
        {
            "subject_id": [stay // 2 for stay in stays],
            "stay_id": list(stays),
            label: DIED[stays].astype(float) if hours else DIED[stays],
            predicted: values[stays],
        }
    ).rename({} if hours else {"p": "predicted_boolean_probability"})
    files.write_table(folder / "predictions.parquet", rows.sample(fraction=1, shuffle=True, seed=len(stays)))
    return folder


def test_both_are_judged_on_the_stays_of_both(tmp_path: Path):
    some, everyone = predictions(tmp_path / "a", range(10, 50), POOR), predictions(tmp_path / "b", range(60), GOOD)
    found = paired(some, everyone, "mortality", {"area": auroc})
    assert found is not None
    assert found.n_stays == 40
    label = DIED[10:50].astype(float)
    poor, good = float(auroc(label, POOR[10:50])), float(auroc(label, GOOD[10:50]))
    assert found.reference["area"]["value"] == pytest.approx(poor)
    assert found.other["area"]["value"] == pytest.approx(good)
    difference = found.difference["area"]
    assert difference["value"] == pytest.approx(good - poor)
    assert difference["low"] < difference["value"] < difference["high"]


def test_the_difference_is_paired(tmp_path: Path):
    """A prediction beside itself differs by nothing in every draw, however wide its own interval is."""
    one = predictions(tmp_path / "a", range(60), POOR)
    found = paired(one, predictions(tmp_path / "b", range(60), POOR), "mortality", {"area": auroc})
    assert found is not None
    assert found.difference["area"] == {"value": 0.0, "low": 0.0, "high": 0.0, "dropped": 0}
    assert found.other["area"]["high"] - found.other["area"]["low"] > 0.1


def test_hours_too_and_the_seed_moves_the_intervals_alone(tmp_path: Path):
    folders = [predictions(tmp_path / name, range(60), values, True) for name, values in (("a", POOR), ("b", GOOD))]
    one, same, other = (paired(*folders, "los_remaining", {"error": mae}, seed) for seed in (0, 0, 1))
    assert one is not None
    assert other is not None
    assert one == same
    assert one.difference["error"]["value"] == other.difference["error"]["value"] < 0
    assert one.difference["error"] != other.difference["error"]


def test_nobody_in_common(tmp_path: Path):
    folders = predictions(tmp_path / "a", range(20), POOR), predictions(tmp_path / "b", range(30, 60), GOOD)
    assert paired(*folders, "mortality", {"area": auroc}) is None


def test_a_table_that_is_not_there_is_named(tmp_path: Path):
    one = predictions(tmp_path / "a", range(20), POOR)
    with pytest.raises(RunError, match=r"predictions\.parquet is missing"):
        paired(one, tmp_path / "b", "mortality", {"area": auroc})
