"""The MIMIC-III demo as `prepare mimic3` reads it, beside counts that DuckDB makes of the raw files by themselves."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

import raw_mimic3
from raw_eicu import Data, demo_folder
from wardround.concepts.known import CONCEPTS
from wardround.export import write_concepts

pytestmark = [pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return raw_mimic3.prepare(demo_folder("mimic-iii-demo"), tmp_path_factory.mktemp("demo") / "data")


def counted(sql: str) -> int:
    """The number that a query over the raw tables gives; `{TABLE}` stands for one."""
    raw = demo_folder("mimic-iii-demo")
    tables = {path.name[:-7]: f"read_csv('{path}', all_varchar=true, quote='\"')" for path in raw.glob("*.csv.gz")}
    return duckdb.sql(sql.format(**tables)).fetchall()[0][0]


def test_stays_and_deaths(demo: Data):
    stays = demo.stays
    assert stays.height == counted("SELECT count(*) FROM {ICUSTAYS}") == 136
    died = "SELECT count(*) FROM {ICUSTAYS} JOIN {ADMISSIONS} USING (hadm_id) WHERE hospital_expire_flag = '1'"
    assert stays["died_in_hospital"].sum() == counted(died)
    in_unit = died + " AND deathtime::timestamp BETWEEN intime::timestamp AND outtime::timestamp"
    assert stays["died_in_unit"].sum() == counted(in_unit)
    hidden = "SELECT count(*) FROM {ICUSTAYS} JOIN {PATIENTS} USING (subject_id) WHERE "
    assert stays.filter(pl.col("age") == 90).height == counted(hidden + "year(intime::date) - year(dob::date) > 200")


@pytest.mark.parametrize(
    ("table", "reason", "where"),
    [
        ("chartevents", "charted in error", "error = '1' AND icustay_id IS NOT NULL"),
        ("chartevents", "blank stay id", "icustay_id IS NULL"),
        ("inputevents_mv", "rewritten order", "statusdescription = 'Rewritten'"),
        ("procedureevents_mv", "rewritten order", "statusdescription = 'Rewritten'"),
    ],
)
def test_rows_that_are_not_true_are_counted(demo: Data, table: str, reason: str, where: str):
    rows = counted(f"SELECT count(*) FROM {{{table.upper()}}} WHERE {where}")
    assert demo.ledger[table]["set_aside"][reason] == rows > 0


@pytest.mark.parametrize(
    ("code", "items", "low", "high"),
    [
        ("VITAL//heartrate//bpm", (211, 220045), 1, 350),
        ("VITAL//gcs motor//", (454, 223901), 1, 6),
        ("VITAL//noninvasivesystolic//mmHg", (455, 442, 220179, 224167, 227243), 10, 350),
        ("VITAL//sao2//%", (646, 220277), 1, 100),
    ],
)
def test_vitals_are_all_there(demo: Data, code: str, items: tuple[int, ...], low: float, high: float):
    """Equal rows count once."""
    sql = (
        "SELECT count(*) FROM (SELECT DISTINCT icustay_id, itemid, charttime, storetime, value, valuenum, valueuom "
        f"FROM {{CHARTEVENTS}} WHERE itemid::int IN {items} AND coalesce(error, '0') <> '1' "
        f"AND icustay_id IS NOT NULL AND valuenum::double BETWEEN {low} AND {high})"
    )
    assert demo.events.filter(pl.col("code") == code).height == counted(sql)


def test_a_drip_of_carevue_has_an_event_a_rate(demo: Data):
    sql = "SELECT count(*) FROM {INPUTEVENTS_CV} WHERE itemid = '30120' AND "
    ends = demo.events.filter(pl.col("code") == "INFUSION_END//norepinephrine").height
    assert ends == counted(sql + """(rate IS NOT NULL OR stopped IN ('Stopped', 'D/C''d'))""")


def test_codes_of_the_hospital_stay_are_known_at_its_end(demo: Data):
    codes = demo.events.filter(pl.col("code").str.contains("^(DIAGNOSIS|PROCEDURE)//ICD//9//"))
    ends = codes.join(demo.stays.select("stay_id", "hospital_end", "end"), on="stay_id")
    assert codes.height > 1_000
    assert (ends["available_time"] >= ends["hospital_end"]).all()
    assert (demo.events["available_time"] >= demo.events["time"]).all()


def test_every_concept_is_made(demo: Data, tmp_path: Path):
    done = write_concepts(demo.folder, list(CONCEPTS), tmp_path / "out", quiet=True)
    assert all(account["rows"] > 0 for account in done.ledger["concepts"].values())
