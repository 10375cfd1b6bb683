"""What a run says of its split."""

from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest

from small_runs import small_data, trained
from wardround import files
from wardround.tasks.splits import SplitPlan, split_stays
from wardround.train.split_checks import split_checks

STAYS = pl.DataFrame(
    {
        "subject_id": range(60),
        "stay_id": range(60),
        "start": range(60),
        "hospital_id": [None if n < 3 else n % 10 for n in range(60)],
        "year": [None if n < 2 else 2014 + (n > 20) for n in range(60)],
        "orphan": False,
        "modalities": [["lab"]] * 60,
    }
)


def checks(plan: SplitPlan, stays: pl.DataFrame = STAYS) -> tuple[dict[str, tuple[str, object]], list[str]]:
    """Check -> verdict and value, and the notes."""
    notes: list[str] = []
    made = split_checks(stays, split_stays(stays, plan), plan, "split", notes)
    assert [check["advice"] for check in made if check["verdict"] == "warn"] == notes
    return {check["check"]: (check["verdict"], check["value"]) for check in made}, notes


def test_by_patient_the_balance_alone():
    made, notes = checks(SplitPlan())
    assert list(made) == ["split_balance"]
    assert made["split_balance"][1][0]["patients"] == 60
    assert notes == []


def test_stays_without_a_hospital_are_counted_and_said():
    made, notes = checks(SplitPlan(by="hospital"))
    assert made["stays_on_no_side"] == ("warn", {"stays": 3})
    assert notes == [
        "Some stays are neither learned from nor tested: their hospital is not known, or lies on another side than "
        "that of the patient's first stay."
    ]


def test_patients_without_a_year_are_counted_and_a_divided_year_is_said():
    made, notes = checks(SplitPlan(by="time"))
    assert made["stays_on_no_side"] == ("warn", {"stays": 2})
    assert made["first_test_year"] == ("warn", 2015)
    assert notes == [
        "Some stays are neither learned from nor tested: no year of their patient is known.",
        "Too many patients are of 2015 to test on all: some of them test, others train.",
    ]


def test_whole_years_are_nothing_to_warn_of():
    made, notes = checks(SplitPlan(by="time"), STAYS.with_columns(year=pl.col("stay_id") // 20 + 2010))
    assert made["stays_on_no_side"] == ("pass", {"stays": 0})
    assert made["first_test_year"] == ("pass", 2012)
    assert notes == []


@pytest.mark.parametrize("method", ["mlp", "elapsed"])
@pytest.mark.parametrize(
    "plan", [SplitPlan(), SplitPlan(strata="exact"), SplitPlan(by="time"), SplitPlan(test=False)], ids=str
)
def test_a_training_reports_the_balance_it_reached(tmp_path: Path, method: str, plan: SplitPlan):
    data = small_data(tmp_path / "data", stays=200)
    year = (2012 + pl.col("subject_id") % 4).cast(pl.Int32)
    files.write_table(data / "stays.parquet", files.read_table(data / "stays.parquet").with_columns(year=year))
    files.write_manifest(data, "data", {}, {"source": "timelines"}, "0")
    run = trained(method, data, tmp_path / "run", split=plan)
    said = {check["check"]: check["value"] for check in files.read_json(tmp_path / "run" / "diagnostics.json")}
    assert (
        sum(row["patients"] for row in said["split_balance"])
        == pl.read_parquet(data / "stays.parquet")["subject_id"].n_unique()
    )
    assert ("first_test_year" in said) == (plan.by == "time")
    stored = files.read_json(tmp_path / "run" / "settings.json")["split"]
    assert stored == {name: value for name, value in asdict(plan).items() if name != "test" or not plan.test}
    assert not run.already
