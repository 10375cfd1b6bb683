"""AIDS, haematological malignancy and metastatic cancer from billing codes, at the edges of their ranges."""

import pytest

from concept_timelines import at, events
from wardround.concepts.chronic_disease import chronic_diseases


@pytest.mark.parametrize(
    ("code", "disease"),
    [
        ("9//042", "aids"),
        ("9//0440", "aids"),
        ("9//0450", None),
        ("10//B20", "aids"),
        ("10//B23", None),
        ("10//B24", "aids"),
        ("9//20000", "haematological"),
        ("9//20239", None),
        ("9//20240", "haematological"),
        ("9//20382", "haematological"),
        ("9//20383", None),
        ("9//2733", "haematological"),
        ("9//27331", "haematological"),
        ("10//C810", "haematological"),
        ("10//C969", "haematological"),
        ("10//C97", None),
        ("9//1960", "metastatic"),
        ("9//1991", "metastatic"),
        ("9//1992", None),
        ("9//78951", "metastatic"),
        ("10//C787", "metastatic"),
        ("10//C801", None),
        ("10//C800", "metastatic"),
        ("10//042", None),
        ("10//C78.7", "metastatic"),
        ("10//c80.0", "metastatic"),
    ],
)
def test_ranges(code: str, disease: str | None):
    found = chronic_diseases(events((1, 900, f"DIAGNOSIS//ICD//{code}", None))).to_dicts()[0]
    told = [name for name in ("aids", "haematological", "metastatic") if found[name]]
    assert told == ([] if disease is None else [disease])


def test_several_codes_of_a_stay_are_known_when_the_last_is():
    made = events((1, 1, "DIAGNOSIS//ICD//9//4019", None, 800), (1, 1, "DIAGNOSIS//ICD//10//C787", None, 900))
    found = chronic_diseases(made).to_dicts()
    assert [(one["metastatic"], one["aids"], one["chronic_known"]) for one in found] == [(True, False, at(900))]
