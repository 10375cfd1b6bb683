"""What is declared of eICU's tables (`promises/test_04_every_column_says_when.py` has the rules)."""

import pytest

from raw_eicu import COLUMNS, UNREAD_COLUMNS
from wardround.sources.eicu import EICU
from wardround.sources.eicu import columns as raw
from wardround.sources.eicu.unread import UNREAD_TABLES
from wardround.sources.raw_table import ID, INTEGER, RawTable

READ = {table.name: table for table in (EICU.stay_table, *(each.raw for each in EICU.tables("all")))}


def test_the_tables_are_those_of_the_database():
    assert set(READ) == set(COLUMNS)
    assert {table.name for table in UNREAD_TABLES} == set(UNREAD_COLUMNS)


@pytest.mark.parametrize(
    "table", [table for table in READ.values() if table is not raw.PATIENT], ids=lambda table: table.name
)
def test_a_row_has_an_id_and_a_stay(table: RawTable):
    first, second = list(table.columns)[:2]
    assert table.columns[first] == (INTEGER, ID)
    assert second == EICU.stay_id
    assert table.read[:2] == (first, second), "the row's own id is read: it tells equal values from the same row twice"


def test_only_the_patient_table_must_be_there():
    assert [name for name, table in READ.items() if not table.optional] == ["patient"]


@pytest.mark.parametrize(
    ("table", "column", "offsets"),
    [
        (raw.LAB, "labresult", {"labresultrevisedoffset", "labresultoffset"}),
        (raw.MEDICATION, "drugname", {"drugorderoffset", "drugstartoffset"}),
        (raw.INTAKE_OUTPUT, "cellvaluenumeric", {"intakeoutputentryoffset", "intakeoutputoffset"}),
        (raw.NURSE_CHARTING, "nursingchartvalue", {"nursingchartentryoffset", "nursingchartoffset"}),
        (raw.PAST_HISTORY, "pasthistorypath", {"pasthistoryenteredoffset", "pasthistoryoffset"}),
        (raw.DIAGNOSIS, "diagnosisstring", {"diagnosisoffset"}),
        (raw.VITAL_PERIODIC, "heartrate", {"observationoffset"}),
    ],
)
def test_what_a_value_waits_for(table: RawTable, column: str, offsets: set[str]):
    assert set(table.known_at(column)) == offsets


def test_columns_are_of_one_kind_and_rule():
    assert raw.columns("a b", INTEGER, ID) == {"a": (INTEGER, ID), "b": (INTEGER, ID)}
