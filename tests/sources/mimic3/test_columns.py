"""What is declared of MIMIC-III's tables (`promises/test_04_every_column_says_when.py` has the rules)."""

import pytest

from raw_mimic3 import COLUMNS
from wardround.sources.mimic.named_tables import without_looked_up
from wardround.sources.mimic3 import MIMIC3
from wardround.sources.mimic3 import columns as raw
from wardround.sources.mimic3.layout import LOOKUPS, NAMED_BY
from wardround.sources.mimic3.unread import UNREAD_TABLES
from wardround.sources.raw_table import NEVER, UNREAD, RawTable

EVENTS = {table.raw.name: table.raw for table in MIMIC3.tables("all")}
SIDES = {side.raw.name: side.raw for side in MIMIC3.side_tables}
EVERY = {
    table.name: table for table in (MIMIC3.stay_table, *SIDES.values(), *EVENTS.values(), *LOOKUPS, *UNREAD_TABLES)
}


def test_the_26_tables_are_those_of_the_database_with_all_their_columns():
    assert len(COLUMNS) == 26
    assert sorted(EVERY) == sorted(COLUMNS)
    for name, table in EVERY.items():
        declared = set(without_looked_up(table, NAMED_BY).columns)
        assert declared | {"row_id"} == set(COLUMNS[name]), name


def test_three_tables_must_be_there():
    assert {name for name, table in EVERY.items() if not table.optional} == {"icustays", "patients", "admissions"}


@pytest.mark.parametrize(
    ("table", "column", "times"),
    [
        (raw.CHARTEVENTS, "valuenum", {"charttime", "storetime"}),
        (raw.LABEVENTS, "valuenum", {"charttime"}),
        (raw.MICROBIOLOGYEVENTS, "org_name", {"charttime"}),
        (raw.INPUTEVENTS_CV, "rate", {"charttime", "storetime"}),
        (raw.INPUTEVENTS_MV, "rate", {"starttime"}),
        (raw.INPUTEVENTS_MV, "amount", {"starttime", "endtime"}),
        (raw.PROCEDUREEVENTS_MV, "value", {"starttime", "endtime"}),
        (raw.OUTPUTEVENTS, "value", {"charttime", "storetime"}),
        (raw.SERVICES, "curr_service", {"transfertime"}),
    ],
)
def test_what_a_value_waits_for(table: RawTable, column: str, times: set[str]):
    assert set(table.known_at(column)) == times


def test_a_prescription_has_days_alone():
    assert raw.PRESCRIPTIONS.day_of("drug") == "startdate"
    assert raw.PRESCRIPTIONS.columns["enddate"][1] is UNREAD


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("callout", "callout_status callout_outcome createtime outcometime"),
        ("drgcodes", "drg_type drg_code description drg_severity drg_mortality"),
        ("admissions", "dischtime deathtime discharge_location hospital_expire_flag"),
        ("patients", "dod dod_hosp dod_ssn expire_flag"),
        ("icustays", "last_careunit last_wardid los outtime"),
        ("transfers", "outtime los"),
    ],
)
def test_the_leakage_map_is_what_is_declared(table: str, columns: str):
    """`AVAILABILITY.md`, MIMIC-III: what may never be an input."""
    assert {EVERY[table].columns[column][1] for column in columns.split()} <= {NEVER, UNREAD}
