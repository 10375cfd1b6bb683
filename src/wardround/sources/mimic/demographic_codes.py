"""MIMIC: words of the patient and stay that eICU writes in other words, so that a model of one reads the other."""

from typing import Final

SEXES: Final = {"F": "Female", "M": "Male"}

ETHNICITIES: Final = {
    "WHITE": "Caucasian",
    "PORTUGUESE": "Caucasian",
    "BLACK": "African American",
    "HISPANIC": "Hispanic",
    "SOUTH AMERICAN": "Hispanic",
    "ASIAN": "Asian",
    "AMERICAN INDIAN": "Native American",
}
"""How a race or ethnicity begins -> eICU's group; the code keeps the words behind it: ETHNICITY//GROUP|WORDS."""

UNIT_TYPES: Final = {
    "Medical Intensive Care Unit (MICU)": "MICU",
    "Surgical Intensive Care Unit (SICU)": "SICU",
    "Medical/Surgical Intensive Care Unit (MICU/SICU)": "Med-Surg ICU",
    "Cardiac Vascular Intensive Care Unit (CVICU)": "CSICU",
    "Neuro Surgical Intensive Care Unit (Neuro SICU)": "Neuro ICU",
    "Coronary Care Unit (CCU)": "Cardiac ICU",
}
"""Unit -> eICU's type; units that eICU does not have (trauma, step-down) keep their own names."""
