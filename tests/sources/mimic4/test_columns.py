"""What is declared of MIMIC-IV's tables (`promises/test_04_every_column_says_when.py` has the rules)."""

import pytest

from raw_mimic4 import COLUMNS
from wardround.sources.mimic.named_tables import without_looked_up
from wardround.sources.mimic4 import MIMIC4
from wardround.sources.mimic4 import columns as raw
from wardround.sources.mimic4.layout import LOOKUPS, NAMED_BY
from wardround.sources.mimic4.unread import UNREAD_TABLES
from wardround.sources.raw_table import RawTable

EVENTS = {table.raw.name: table.raw for table in MIMIC4.tables("all")}
SIDES = {side.raw.name for side in MIMIC4.side_tables}


def test_the_tables_are_those_of_the_database():
    declared = [*EVENTS, *SIDES, MIMIC4.stay_table.name, *(table.name for table in (*LOOKUPS, *UNREAD_TABLES))]
    assert sorted(declared) == sorted(name.split("/")[1] for name in COLUMNS)


@pytest.mark.parametrize("table", EVENTS.values(), ids=lambda table: table.name)
def test_a_row_has_a_patient(table: RawTable):
    assert "subject_id" in table.read


def test_three_tables_must_be_there():
    every = (MIMIC4.stay_table, *(side.raw for side in MIMIC4.side_tables), *EVENTS.values(), *LOOKUPS)
    assert {table.name for table in every if not table.optional} == {"icustays", "patients", "admissions"}


@pytest.mark.parametrize(
    ("table", "column", "times"),
    [
        (raw.CHARTEVENTS, "valuenum", {"charttime", "storetime"}),
        (raw.LABEVENTS, "valuenum", {"charttime", "storetime"}),
        (raw.MICROBIOLOGYEVENTS, "org_name", {"charttime", "storetime"}),
        (raw.OUTPUTEVENTS, "value", {"charttime", "storetime"}),
        (raw.EMAR, "event_txt", {"charttime", "storetime"}),
        (raw.INPUTEVENTS, "rate", {"starttime"}),
        (raw.INPUTEVENTS, "amount", {"starttime", "endtime"}),
        (raw.PROCEDUREEVENTS, "itemid", None),
        (raw.PROCEDUREEVENTS, "value", {"starttime", "endtime"}),
        (raw.PRESCRIPTIONS, "drug", {"starttime"}),
        (raw.SERVICES, "curr_service", {"transfertime"}),
    ],
)
def test_what_a_value_waits_for(table: RawTable, column: str, times: set[str] | None):
    if times is None:
        with pytest.raises(ValueError, match="is known: id"):
            table.known_at(column)
        return
    assert set(table.known_at(column)) == times


def test_names_of_items_are_no_columns_of_the_files():
    for name, table in EVENTS.items():
        (published,) = (columns for key, columns in COLUMNS.items() if key.endswith(f"/{name}"))
        assert set(without_looked_up(table, NAMED_BY).read) <= {column.lower() for column in published}
