"""Every event table is found again by another process: by its name, or made from plain values."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from installed import install
from wardround.errors import ClusterError, UsageError
from wardround.sources.eicu import EICU
from wardround.sources.meds.own import OWN_EVENTS
from wardround.sources.registry import SOURCES
from wardround.sources.source import Source
from wardround.sources.table_address import TableAddress, address_of, found


def tables_of(source: Source):
    return (*source.paper_tables, *source.all_tables, *(table for each in source.beside for table in each.tables))


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_each_table_of_a_source_is_the_one_at_its_address(source: Source):
    assert tables_of(source)
    for table in tables_of(source):
        address = address_of(source, table)
        assert isinstance(address, TableAddress), "a name, and no function of ours, goes to other processes"
        assert found(address) is table


def test_a_table_that_is_made_of_a_mapping_is_made_again():
    from wardround.sources.meds.events import event_table
    from wardround.sources.meds.source import shipped_mapping

    made = event_table(shipped_mapping("MIMIC-IV"))
    again = found(address_of(replace(EICU, name="meds"), made))
    assert (again.raw, again.modalities) == (made.raw, made.modalities)
    assert isinstance(made.again, partial)
    assert found(address_of(replace(EICU, name="meds"), OWN_EVENTS)) is OWN_EVENTS


def test_a_source_of_a_package_has_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = (
        "from dataclasses import replace\nfrom wardround.sources.eicu import EICU\nUNIT = replace(EICU, name='unit')\n"
    )
    install(
        monkeypatch, tmp_path / "p", "wardround-unit", "wardround_unit", code, "sources: unit = wardround_unit:UNIT"
    )
    address = address_of(replace(EICU, name="unit"), EICU.all_tables[2])
    assert isinstance(address, TableAddress)
    assert address.source == "unit"
    assert found(address) is EICU.all_tables[2]


def test_a_source_of_this_process_alone_has_none():
    for source, table in (
        (replace(EICU, name="notebook"), EICU.all_tables[0]),
        (EICU, replace(EICU.all_tables[0])),
    ):
        with pytest.raises(UsageError, match="is of this process alone, and --engine ray asks others: offer it in a"):
            address_of(source, table)


def test_a_node_with_other_packages_says_so():
    for address in (TableAddress("nobody", 0, "lab"), TableAddress("eicu", 0, "lab"), TableAddress("eicu", 99, "lab")):
        with pytest.raises(ClusterError, match=r"a node has no table lab of source .*: install the same packages"):
            found(address)
