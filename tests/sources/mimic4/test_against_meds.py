"""The MIMIC-IV demo as `prepare mimic4` reads it, beside the same demo as others made MEDS of it (`MIMIC_IV_MEDS`).

Counts by table, each difference with its cause (`docs/databases.md` prints them), and values: every event of ours that
a raw row gave is in theirs, and what of theirs is not in ours is outside the stays or no possible value.
"""

from pathlib import Path

import polars as pl
import pytest

import raw_mimic4
from raw_eicu import Data, demo_folder

pytestmark = [pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return raw_mimic4.prepare(demo_folder("mimic-iv-demo"), tmp_path_factory.mktemp("ours") / "data")


@pytest.fixture(scope="module")
def theirs() -> pl.DataFrame:
    shards = sorted(demo_folder("mimic-iv-demo-meds").glob("data/*/*.parquet"))
    columns = ("subject_id", "time", "code", "numeric_value")
    rows = pl.concat(pl.read_parquet(shard, columns=columns) for shard in shards)
    return rows.with_columns(item=pl.col("code").str.extract(r"^LAB//(\d+)//").cast(pl.Int64))


def raw_rows(table: str, *columns: str) -> int:
    """Different rows of a raw table, by some columns."""
    path: Path = demo_folder("mimic-iv-demo") / f"{table}.csv.gz"
    return pl.read_csv(path, infer_schema_length=0).select(columns).n_unique()


def test_counts_by_table(ours: Data, theirs: pl.DataFrame):
    """Theirs holds equal rows once: results told twice of one specimen, procedures told twice of one item and time."""
    rows_in = {name: account["rows_in"] for name, account in ours.ledger.items()}

    def count(pattern: str) -> int:
        return theirs.filter(pl.col("code").str.contains(pattern)).height

    charted = theirs.filter(pl.col("item") >= 220_000).height
    assert rows_in["chartevents"] == charted == 668_862
    told_of = ("subject_id", "hadm_id", "charttime", "itemid", "valueuom", "value", "valuenum", "priority")
    drawn = theirs.filter(pl.col("item") < 60_000).height
    assert rows_in["labevents"] - drawn == 178
    assert raw_rows("hosp/labevents", *told_of) == drawn
    assert rows_in["inputevents"] == count("^INFUSION_START//") == count("^INFUSION_END//")
    assert rows_in["outputevents"] == count("^SUBJECT_FLUID_OUTPUT//")
    assert rows_in["diagnoses_icd"] == count("^DIAGNOSIS//ICD//")
    assert rows_in["procedures_icd"] == count("^PROCEDURE//ICD//")
    assert raw_rows("icu/procedureevents", "subject_id", "starttime", "itemid") == count("^PROCEDURE//START//")
    assert rows_in["emar"] == count("^MEDICATION//") - count("^MEDICATION//(START|STOP)//")
    assert rows_in["icustays"] == count("^ICU_ADMISSION//") == ours.stays.height
    assert rows_in["admissions"] == count("^HOSPITAL_ADMISSION//")
    assert rows_in["patients"] == count("^GENDER//")
    for table in ("microbiologyevents", "services"):
        assert rows_in[table] > 0, "not in theirs at all"


def values(rows: pl.DataFrame, value: pl.Expr) -> pl.DataFrame:
    """`subject_id, time, value`, different ones, to a thousandth."""
    return rows.select("subject_id", "time", value=value.cast(pl.Float64).round(3)).drop_nulls().unique()


FAHRENHEIT = (pl.col("numeric_value").cast(pl.Float64) - 32) * 5 / 9


@pytest.mark.parametrize(
    ("code", "items", "value", "not_possible"),
    [
        ("VITAL//heartrate//bpm", (220045,), pl.col("numeric_value"), 3),
        ("VITAL//sao2//%", (220277,), pl.col("numeric_value"), 0),
        ("VITAL//systemicmean//mmHg", (220052, 225312, 224322), pl.col("numeric_value"), 19),
        ("VITAL//gcs eyes//", (220739,), pl.col("numeric_value"), 0),
        ("LAB//FiO2//%", (223835, 50816), pl.col("numeric_value"), 4),
        ("LAB//potassium//mmol/L", (50971, 50822, 227442, 227464), pl.col("numeric_value"), 0),
        ("LAB//creatinine//mg/dL", (50912, 220615), pl.col("numeric_value"), 0),
    ],
)
def test_values_are_theirs(
    ours: Data, theirs: pl.DataFrame, code: str, items: tuple[int, ...], value: pl.Expr, not_possible: int
):
    made = values(ours.events.filter(pl.col("code") == code), pl.col("numeric_value"))
    given = values(theirs.filter(pl.col("item").is_in(items)), value)
    keys = ["subject_id", "time", "value"]
    assert made.height > 1_000
    assert made.join(given, on=keys, how="anti").height == 0
    inside = given.join_where(
        ours.stays.select("start", "end", of="subject_id"),
        pl.col("subject_id") == pl.col("of"),
        pl.col("time") >= pl.col("start"),
        pl.col("time") <= pl.col("end"),
    )
    lacking = inside.join(made, on=keys, how="anti")
    assert lacking.height == not_possible, "only values that no living patient has are lacking"


def test_fahrenheit_is_celsius_here(ours: Data, theirs: pl.DataFrame):
    made = values(ours.events.filter(pl.col("code") == "VITAL//temperature//C"), pl.col("numeric_value"))
    given = values(theirs.filter(pl.col("item") == 223761), FAHRENHEIT)
    assert given.height > 3_000
    assert given.join(made, on=["subject_id", "time", "value"], how="anti").height == 0


def test_billing_codes_are_the_same_codes(ours: Data, theirs: pl.DataFrame):
    stays = ours.stays["subject_id"].implode()
    for prefix in ("DIAGNOSIS//ICD//", "PROCEDURE//ICD//"):
        made = ours.events.filter(pl.col("code").str.starts_with(prefix)).select("subject_id", "code").unique()
        given = theirs.filter(pl.col("code").str.starts_with(prefix), pl.col("subject_id").is_in(stays))
        assert made.join(given, on=["subject_id", "code"], how="anti").height == 0
