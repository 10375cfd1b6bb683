"""The table of beginnings of codes, from tables of codes."""

from ccs_table import beginnings, icd9_table, icd10_table
from hypothesis import given
from hypothesis import strategies as st

TEXT = """Appendix A

Revised 03/24/2016

1    Tuberculosis
     01000 01001
     V1201

2    Septicemia (except in labor)
     0380
"""
CSV = """'ICD-10-CM CODE','CCS CATEGORY','ICD-10-CM CODE DESCRIPTION'
'A150','1',"Tuberculosis of lung, of the left"
'A419','2',"Sepsis, unspecified organism"
"""


def category(table: dict[str, int], code: str) -> int:
    return next((table[code[:n]] for n in range(len(code), 0, -1) if code[:n] in table), 0)


def test_the_tables_as_hcup_writes_them():
    assert icd9_table(TEXT.splitlines()) == {"01000": 1, "01001": 1, "V1201": 1, "0380": 2}
    assert icd10_table(CSV.splitlines()) == {"A150": 1, "A419": 2}


def test_the_fewest_beginnings():
    """A whole family; a family with an exception; one code of a family of others; a code with others under it."""
    table = {"4280": 108, "4281": 108, "7850": 1, "78551": 249, "78552": 249, "2766": 55, "27661": 238, "27669": 7}
    found = beginnings(table, [108, 249, 55, 238])
    assert found == {"2766": 55, "27661": 238, "27669": 0, "428": 108, "7855": 249}


@given(st.dictionaries(st.text("12", min_size=3, max_size=6), st.integers(1, 4)))
def test_every_code_of_the_table_keeps_its_category(table: dict[str, int]):
    found = beginnings(table, [1, 2])
    assert {code: category(found, code) for code in table} == {
        code: ccs if ccs in (1, 2) else 0 for code, ccs in table.items()
    }
