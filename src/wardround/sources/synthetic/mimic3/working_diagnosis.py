"""What is written at admission, before anybody knows: the words of `ADMISSIONS.DIAGNOSIS` and of requests for X-rays.

Several causes share them, and no condition that is billed is certain for all of these. So whoever reads them learns
something of what will be billed, as at a bedside, and can look nothing up.
"""

from typing import Final

WORKING: Final = {
    "pulmonary sepsis": "fever",
    "urinary sepsis": "fever",
    "pneumonia": "fever",
    "heart failure": "dyspnea",
    "copd": "dyspnea",
    "acute renal failure": "dyspnea",
    "atrial arrhythmia": "chest pain",
    "myocardial infarction": "chest pain",
    "bypass surgery": "chest pain",
    "stroke": "altered mental status",
    "intracranial haemorrhage": "altered mental status",
    "overdose": "altered mental status",
    "alcohol withdrawal": "altered mental status",
    "ketoacidosis": "altered mental status",
    "cardiac arrest": "hypotension",
    "upper gi bleed": "hypotension",
}
"""By the names of `population.CAUSES`."""
