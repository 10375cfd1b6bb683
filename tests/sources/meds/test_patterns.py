"""How a mapping names codes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.sources.meds.patterns import read_codes


@pytest.mark.parametrize(
    ("patterns", "inside", "outside"),
    [
        (["MEDS_DEATH"], ["MEDS_DEATH"], ["MEDS_DEATH//X", "meds_death", "", "XMEDS_DEATH"]),
        (["ICU//*"], ["ICU//", "ICU//MICU", "ICU//*"], ["ICU", "ICU/", "XICU//MICU"]),
        (["re:LAB//5[0-9]{2}"], ["LAB//501"], ["LAB//5011", "LAB//x", "ALAB//501", "re:LAB//5[0-9]{2}"]),
        (["re:A.*"], ["A", "A\nB"], ["BA"]),
        (["A", "B*", "re:C+"], ["A", "B", "BX", "CCC"], ["AX", "CB"]),
        ([], [], ["", "A"]),
    ],
)
def test_a_code_is_one_as_it_stands_a_begin_or_an_expression(
    patterns: list[str], inside: list[str], outside: list[str]
):
    codes = read_codes(patterns)
    assert [code for code in (*inside, *outside) if codes.has(code)] == inside


@pytest.mark.parametrize("pattern", ["", "  ", "*", "re:", "re:("])
def test_what_names_nothing_is_refused(pattern: str):
    with pytest.raises(ValueError, match=r"names no codes|is no regular expression"):
        read_codes(["A", pattern])


@settings(deadline=None)
@given(st.text(min_size=1), st.text())
def test_a_begin_has_every_code_that_begins_so(begin: str, rest: str):
    if not begin.strip() or begin.startswith("re:"):
        return
    assert read_codes([begin + "*"]).has(begin + rest)
    assert not read_codes([begin + "x*"]).has(begin)
