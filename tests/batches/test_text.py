"""Notes before they are cut into tokens: what goes, and what stays."""

import pytest

from wardround.batches.text import HEADERS, cleaned

NOTE = """Name:  ___                     Unit No:   ___

Admission Date:  ___              Discharge Date:   ___

Date of Birth:  ___             Sex:   M

Service:
MEDICINE

Chief Complaint:
He said: "my name is not told". Not in pain; T 38.5, no fever before ___.
"""


def test_headers_go_and_the_rest_is_lower_case_with_its_marks():
    assert cleaned(NOTE) == (
        'service: medicine chief complaint: he said: "my name is not told". not in pain; t 38.5, no fever before .'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pt of Dr. [**Last Name (NamePattern1) 12**], [**Hospital1 18**].", "pt of dr. , ."),
        ("seen on [**2151-7-\n16**] at 3", "seen on at 3"),
        ("[** **][**Age over 90 **]old", "old"),
        ("[**First Name8 (NamePattern2) **] [**2118**]: stable", ": stable"),
        ("pain [** not closed, [1] and ** or [x]", "pain [** not closed, [1] and ** or [x]"),
    ],
)
def test_blanks_of_mimic3_go_and_nothing_beside_them(text: str, expected: str):
    assert cleaned(text) == expected


@pytest.mark.parametrize("header", HEADERS)
def test_a_line_of_the_header_goes_whole(header: str):
    assert cleaned(f"before\n  {header.title()}:  Doe, John   (7)\nafter") == "before after"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("caf\u00e9 \u00b5g", "caf\u00e9 \u03bcg"),
        ("a\ufffdb\u200bc\x00d\u202ee\ue000f", "abcdef"),
        ("a\u00a0\n\tb", "a b"),
        ("\ud83d broken", "broken"),
        ("", ""),
        ("___ ____", ""),
        ("\ufb01t \u2460", "fit 1"),
    ],
)
def test_broken_unicode_is_stripped(text: str, expected: str):
    assert cleaned(text) == expected


def test_a_blank_that_is_not_closed_takes_no_words_with_it():
    open_ = "Dose [** unclosed. BP 80/40, family [**Last Name (un)**] called"
    assert cleaned(open_) == "dose [** unclosed. bp 80/40, family called"
