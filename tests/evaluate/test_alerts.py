"""What would be seen if it were switched on: the time that an alert leaves, in hours or in days."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from wardround.evaluate.alerts import alerts_section
from wardround.evaluate.evidence import Evidence
from wardround.evaluate.page import Table

N = 60
START = datetime(2001, 1, 1, 12)


def evidence(last_h: list[float]) -> Evidence:
    """Stays that begin at one hour, all flagged rightly at hour 24 but for some who live, and end after so long."""
    stays = pl.DataFrame(
        {
            "subject_id": range(N),
            "stay_id": range(N),
            "start": [START] * N,
            "hospital_end": [START + timedelta(hours=h) for h in last_h],
            "age": [60.0] * N,
            "sex": ["Female"] * N,
        }
    )
    dies = [stay < 40 for stay in range(N)]
    predictions = stays.select(
        "subject_id", "stay_id", prediction_time=pl.col("start") + timedelta(hours=24), boolean_value=pl.Series(dies)
    ).with_columns(predicted_boolean_probability=pl.when("boolean_value").then(0.8).otherwise(0.1))
    nothing: dict[str, Any] = {}
    empty = pl.DataFrame()
    return Evidence(
        metrics={"task": "mortality", "threshold": 0.5, "at_h": 24.0, "protocol": "causal"},
        by_hour={}, internal=nothing, predictions=predictions, beliefs=None, observed=None, embedding=None,
        settings=nothing, history=empty, diagnostics=[], splits=empty, stays=stays, ledger=nothing,
        run_manifest={"inputs": {"data": "a"}}, data_manifest={"hash": "a"},
    )  # fmt: skip


def time_to_act(made: Evidence) -> str:
    (table,) = [
        block for block in alerts_section(made).blocks if isinstance(block, Table) and block.title == "Still to ask"
    ]
    (answer,) = [row["answer"] for row in table.rows if row["question"] == "Time to act"]
    return answer


def test_hours_where_the_hour_of_death_is_known():
    made = evidence([48.0 + stay % 5 for stay in range(N)])
    assert time_to_act(made).startswith("26 h from the first alert to death (median; quartiles 25 to 27 h)")
    assert "whole days" not in time_to_act(made)


def test_days_where_ends_are_whole_days_after_admission():
    """As the outcomes of Challenge 2012: hours would be those of the hour at which they are put."""
    said = time_to_act(evidence([24.0 * (3 + stay % 5) for stay in range(N)]))
    assert said.startswith("about 4 days from the first alert to death (median; quartiles 3 to 5 days)")
    assert "ends in whole days alone" in said
    assert " h " not in said


def test_an_end_that_is_not_known_does_not_make_hours_of_days():
    made = evidence([24.0 * (3 + stay % 5) for stay in range(N)])
    unknown = made.stays.with_columns(hospital_end=pl.when(pl.col("stay_id") < N - 5).then("hospital_end"))
    assert "whole days alone" in time_to_act(replace(made, stays=unknown))
