"""Checks of a finished training: a verdict, and advice where there is something to do."""

from collections.abc import Mapping

import pytest

from wardround.metrics.bootstrap import Interval
from wardround.train.failure_signatures import failure_signatures


def metrics(**values: float) -> Mapping[str, Interval]:
    return {name: {"value": value, "low": None, "high": None, "dropped": 0} for name, value in values.items()}


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        ("low_sensitivity", {"sensitivity": 0.8}, {"sensitivity": 0.4}),
        ("calibration", {"auroc": 0.9, "accuracy": 0.8}, {"auroc": 0.9, "accuracy": 0.6}),
        ("r2_not_positive", {"r2": 0.1}, {"r2": -0.1}),
    ],
)
def test_advice_is_given_where_a_check_warns_and_nowhere_else(
    check: str, good: dict[str, float], bad: dict[str, float]
):
    (passed,), (warned,) = failure_signatures(metrics(**good), []), failure_signatures(metrics(**bad), [])
    assert (passed["check"], passed["verdict"], passed["advice"]) == (check, "pass", "")
    assert (warned["check"], warned["verdict"]) == (check, "warn")
    assert warned["advice"]


@pytest.mark.parametrize(("last", "verdict"), [(0.5, "pass"), (0.9, "warn")])
def test_a_late_spike(last: float, verdict: str):
    (found,) = failure_signatures({}, [{"val_loss": 0.6}, {"val_loss": 0.5}, {"val_loss": last}])
    assert (found["verdict"], bool(found["advice"])) == (verdict, verdict == "warn")
