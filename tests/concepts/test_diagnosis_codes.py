"""Codes of billed diagnoses out of events."""

import pytest

from concept_timelines import at, events
from wardround.concepts.diagnosis_codes import billed_diagnoses


@pytest.mark.parametrize(
    ("code", "version", "icd"),
    [
        ("9//0389", 9, "0389"),  # its leading zero kept
        ("9//038.9", 9, "0389"),
        ("9//v45.81", 9, "V4581"),
        ("9//E8785", 9, "E8785"),
        ("9//4019   ", 9, "4019"),
        ("10//N18.30", 10, "N1830"),
        ("10//t8082xa", 10, "T8082XA"),
    ],
)
def test_a_code_in_capitals_without_dots_and_blanks(code: str, version: int, icd: str):
    found = billed_diagnoses(events((1, 60, f"DIAGNOSIS//ICD//{code}", None, 90)))
    assert found.rows() == [(1, at(90), version, icd)]


@pytest.mark.parametrize(
    "code", ["DIAGNOSIS//ICD//11//BA41", "DIAGNOSIS//ICD//9//", "DIAGNOSIS//cardio|shock", "9//0389"]
)
def test_what_is_no_such_code_is_left_out(code: str):
    assert billed_diagnoses(events((1, 60, code, None))).is_empty()


def test_a_code_of_no_stay_is_left_out():
    assert billed_diagnoses(events((None, 60, "DIAGNOSIS//ICD//9//0389", None))).is_empty()
