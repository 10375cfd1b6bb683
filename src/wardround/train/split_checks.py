"""What a run says of its split: how even it is, and whom hospitals or years left out."""

from typing import Any

import polars as pl

from wardround.tasks.latest_years import latest_years
from wardround.tasks.splits import SHARES, SplitPlan
from wardround.tasks.strata import balance


def split_checks(
    stays: pl.DataFrame, table: pl.DataFrame, plan: SplitPlan, column: str, notes: list[str]
) -> list[dict[str, Any]]:
    """Diagnostics entries on a split.

    Args:
        stays: `stays.parquet`.
        table: what `split_stays` made of it.
        plan: how.
        column: "split" or "pretrain_split".
        notes: sentences for the person; what is warned of is added.

    Returns:
        `split_balance`: a row a stratum; by hospital or time `stays_on_no_side`: how many; by time `first_test_year`.
    """
    checks = [_entry("split_balance", balance(stays, table, column).to_dicts())]
    if plan.by != "patient":
        left_out = table[column].null_count()
        why = "no year of their patient is known"
        if plan.by == "hospital":
            why = "their hospital is not known, or lies on another side than that of the patient's first stay"
        advice = f"Some stays are neither learned from nor tested: {why}."
        checks.append(_entry("stays_on_no_side", {"stays": left_out}, advice if left_out else ""))
    if plan.by == "time":
        latest = latest_years(stays, SHARES[2])
        advice = f"Too many patients are of {latest.first} to test on all: some of them test, others train."
        checks.append(_entry("first_test_year", latest.first, "" if latest.whole else advice))
    notes.extend(check["advice"] for check in checks if check["advice"])
    return checks


def _entry(check: str, value: Any, advice: str = "") -> dict[str, Any]:
    return {"check": check, "verdict": "warn" if advice else "pass", "value": value, "advice": advice}
