"""The 25 conditions of a stay, by hand and beside the benchmark's definitions."""

import re

import polars as pl
import pytest

from concept_timelines import events, stays
from raw_eicu import demo_folder
from wardround.concepts.ccs import ccs_of
from wardround.concepts.phenotypes import COLUMNS, PHENOTYPES, phenotypes

DX = "DIAGNOSIS//ICD//"


def had(made: pl.DataFrame, stay: int) -> set[str]:
    (row,) = made.filter(stay_id=stay).drop("stay_id").iter_rows(named=True)
    return {name for name, value in row.items() if value}


def test_conditions_by_hand():
    """Codes of both versions; one of none of them; one stay that was not coded, one that is not asked for."""
    coded = (
        (1, "9//0389"),
        (1, "9//78552"),
        (2, "10//N179"),
        (2, "10//E785"),
        (2, "10//E785"),
        (3, "9//V3000"),
        (5, "9//0389"),
    )
    made = phenotypes(events(*((stay, 60, DX + code, None) for stay, code in coded)), stays({1: 5, 2: 5, 3: 5, 4: 5}))
    assert made.schema == COLUMNS
    assert made["stay_id"].to_list() == [1, 2, 3]
    assert had(made, 1) == {"septicemia_except_in_labor", "shock"}
    assert had(made, 2) == {"acute_and_unspecified_renal_failure", "disorders_of_lipid_metabolism"}
    assert had(made, 3) == set()
    assert made.null_count().sum_horizontal().item() == 0


def test_there_are_25_in_the_order_of_their_names():
    assert len(set(PHENOTYPES.values())) == len(PHENOTYPES) == 25
    assert list(PHENOTYPES) == sorted(PHENOTYPES)


@pytest.mark.data
def test_the_benchmarks_definitions_code_for_code():
    path = demo_folder("codemaps") / "mimic3-benchmarks" / "hcup_ccs_2015_definitions.yaml"
    group = r'^"?([^"\n]+?)"?:\n  use_in_benchmark: True\n  type: "\w+"\n  id: (\d+)\n  codes: \[([^\]]*)\]'
    groups = re.findall(group, path.read_text(), re.MULTILINE)
    assert {re.sub(r"\W+", "_", name.lower()).strip("_"): int(number) for name, number, _ in groups} == PHENOTYPES
    for _, number, codes in groups:
        assert {ccs_of(9, icd) for icd in re.findall(r'"(\w+)"', codes)} == {int(number)}
