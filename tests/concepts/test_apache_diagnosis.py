"""Admission diagnoses to the groups of the mortality equation, by hand."""

import re

import pytest

from wardround.concepts.apache_diagnosis import GENERAL, GROUPS, INFARCTION, diagnosis_group


@pytest.mark.parametrize(
    ("diagnosis", "coefficient", "surgical"),
    [
        ("Sepsis, pulmonary", -0.258766455, False),
        ("Sepsis, renal/UTI (including bladder)", -0.732788506, False),
        ("Sepsis, gynecologic", -0.04233671, False),
        ("CABG with double valve repair/replacement", -0.155141644, True),
        ("CABG alone, redo", -2.3, True),
        ("CABG with aortic valve replacement", -1.199434806, True),
        ("Infarction, acute myocardial (MI)", 0.0, False),
        ("Head only trauma", 0.595869416, False),
        ("Head only trauma, surgery for", 1.088819324, True),
        ("Chest/multiple trauma, surgery for", -0.377807998, True),
        ("Chest/multiple trauma", -0.678110274, False),
        ("Pneumonia, aspiration", -0.37223658, False),
        ("Pneumonia, bacterial", -0.043365914, False),
        ("Hepatic failure, acute", -0.119675791, False),
        ("Encephalopathies (excluding hepatic)", -0.92, False),
        ("CVA, cerebrovascular accident/stroke", 0.519453035, False),
        ("Hemorrhage/hematoma, intracranial", 0.945056155, False),
        ("Hematoma subdural, surgery for", 0.715682622, True),
        ("Bleeding, upper GI", -0.551832894, False),
        ("Bleeding-upper GI, surgery for", -0.329679773, True),
        ("Diabetic ketoacidosis", -1.775702142, False),
        ("Renal failure, acute", -0.54158014, False),
        ("Embolus, pulmonary", -0.051527401, False),
    ],
)
def test_a_diagnosis_by_hand(diagnosis: str, coefficient: float, surgical: bool):
    group = diagnosis_group(diagnosis)
    assert (group.coefficient, group.surgical) == (coefficient, surgical)
    assert diagnosis_group(diagnosis.upper()) == group


def test_what_no_line_names_is_general():
    assert diagnosis_group("Something nobody has heard of") is diagnosis_group("") is GENERAL
    assert not GENERAL.surgical


def test_the_first_line_that_fits_counts():
    """Of two lines that fit, the special one stands first: sepsis of a place before sepsis, surgery for before the
    organ."""
    sepsis = [group for group in GROUPS if "sepsis" in group.words[0]]
    assert sepsis[-1].words == ("sepsis",)
    assert diagnosis_group("sepsis, pulmonary") is sepsis[1]
    thoracotomy = diagnosis_group("Thoracotomy for lung cancer")
    assert (thoracotomy.coefficient, thoracotomy.surgical) == (0.086933576, True)


def test_no_line_is_hidden_by_one_above():
    """Each word reaches its own line: a group that could never be found would be a slip of the order."""
    for group in GROUPS:
        found = [diagnosis_group(word) for word in group.words]
        assert group in found, group.words


def test_thrombolysis_counts_for_the_infarctions():
    assert diagnosis_group("Infarction, acute myocardial (MI)").words == INFARCTION
    assert sum(group.words == INFARCTION for group in GROUPS) == 1


def test_words_are_in_lower_case():
    assert all(re.fullmatch(r"[^A-Z]+", word) for group in GROUPS for word in group.words)
